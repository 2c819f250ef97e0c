"""What the columns of a file have in them: read once, batch by batch, in memory that doesn't grow with the file.

In: an open file and the columns that become fields. Out: an `Observed` for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.reading import RawBatch
from importer.reading.source import SourceFile
from importer.scaffold.forms import Forms
from importer.scaffold.names import Named
from importer.scaffold.unique import Unique, hashes
from importer.validation.failures import blanked, mask_of
from importer.validation.shortened import shortened_numbers
from importer.validation.text import clean

MOST_WORDS = 50
"""So many distinct values are counted one by one; a column with more has no list."""
CLEAR_TOKEN = "<clear>"  # noqa: S105  the default of a source


@dataclass
class Observed:
    """One column. `refused`: cells that an import refuses for what they are; they say nothing about the type."""

    unique: Unique
    filled: int = 0
    blank: int = 0
    refused: int = 0
    longest: int = 0
    multiline: bool = False
    clear_token: bool = False
    words: Counter[str] | None = field(default_factory=Counter)
    forms: Forms = field(default_factory=Forms)
    is_unique: bool = False

    @property
    def is_complete(self) -> bool:
        return not self.blank and not self.refused

    def add(self, values: pa.Array) -> None:
        """Clean texts, null where blank or refused."""
        texts = values.drop_null()
        self.filled += len(texts)
        if len(texts) == len(values):
            if not self.unique.is_broken:
                self.unique.add(hashes(texts))
        else:
            self.unique.break_off()
        if not len(texts):
            return
        self.longest = max(self.longest, pc.max(pc.utf8_length(texts)).as_py())
        self.multiline = self.multiline or pc.any(pc.match_substring_regex(texts, "[\t\n\r]")).as_py()
        self.clear_token = self.clear_token or pc.any(pc.equal(texts, CLEAR_TOKEN)).as_py()
        self._count_words(texts)
        self.forms.add(texts)

    def _count_words(self, texts: pa.Array) -> None:
        if self.words is None:
            return
        counted = pc.value_counts(texts)
        if len(counted) <= MOST_WORDS:
            self.words.update({item["values"]: item["counts"] for item in counted.to_pylist()})
        if len(counted) > MOST_WORDS or len(self.words) > MOST_WORDS:
            self.words = None


@dataclass
class Rows:
    """How many rows the file has, and how many of them can't be read."""

    read: int = 0
    unreadable: int = 0


def observe(file: SourceFile, named: Sequence[Named], folder: Path) -> tuple[list[Observed], Rows]:
    """Reads the file to its end; `folder` takes what is too much for memory."""
    observed = [Observed(Unique(folder / f"c{column.index}")) for column in named]
    rows = Rows()
    for raw in file.batches():
        rows.read += len(raw.rows) + len(raw.unreadable)
        rows.unreadable += len(raw.unreadable)
        for column, seen in zip(named, observed, strict=True):
            values, refused = clean_values(raw, column.index)
            seen.refused += refused
            seen.blank += values.null_count - refused
            seen.add(values)
    for seen in observed:
        seen.is_unique = seen.unique.is_unique()
    return observed, rows


def clean_values(raw: RawBatch, index: int) -> tuple[pa.Array, int]:
    """A column as it would be stored as text: null where blank or refused; and how many were refused."""
    texts = raw.cells.column(index).combine_chunks()
    flagged = [cell.row for cell in raw.flagged if cell.column == index]
    if flagged:
        is_flagged = np.isin(raw.rows.to_numpy(), flagged)
        texts = pc.if_else(pa.array(is_flagged), "", texts)
    cleaned = clean(texts, "", multiline=True)
    shortened = shortened_numbers(cleaned.values, "")
    values = blanked(cleaned.values, mask_of(shortened.positions, len(texts))) if len(shortened) else cleaned.values
    return values, len(cleaned.failures) + len(shortened) + len(set(flagged))
