"""What the workbook shows of the rejected rows and their reasons: texts, given to a `Book` part by part.

In: the first of them as columns. A row that a workbook can't hold unaltered is left out; the sheet "Rejected rows"
imports like `rejections.csv`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import compress

import pyarrow as pa
import pyarrow.compute as pc

from importer.reports.columns import OWN
from importer.reports.delimited import plain_texts
from importer.reports.guard import keep_apostrophes
from importer.reports.kept import Kept
from importer.reports.workbook.model import Book, Outline, Texts
from importer.reports.workbook.summary import LeftOut

LONGEST_CELL = 32_767
MOST_COLUMNS = 16_384
NOT_FIT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
BEYOND_16_BITS = r"[\x{10000}-\x{10ffff}]"
PART = 250


def outline(started: str, kept: Kept) -> Outline:
    headers = keep_apostrophes(pa.array(kept.columns, pa.string()))
    fits = len(kept.columns) <= MOST_COLUMNS and all(_fits([headers]))
    return Outline(started, kept.columns, headers.to_pylist() if fits else (), _widths(kept) if fits else ())


@dataclass(frozen=True)
class Given:
    """How many rows the workbook holds, and the numbers of those that it can't."""

    written: int
    unfit: tuple[str, ...] = ()


def give(book: Book, kept: Kept, headers: Texts, go_on: Callable[[], None]) -> Given:
    """All reasons, then the rows. `go_on` raises OSError where nobody wants them any more."""
    for reasons in _parts(kept.reasons.tables()):
        go_on()
        book.add_reasons(_texts([plain_texts(column) for column in reasons.columns]))
    if not headers:
        return Given(0)
    written, unfit = 0, list[str]()
    for table in _parts(kept.for_workbook.tables()):
        go_on()
        texts = [plain_texts(column) for column in table.columns]
        columns = [*map(keep_apostrophes, texts[:-OWN]), *texts[-OWN:]]
        rows, fits = _texts(columns), _fits(columns)
        fitting = list(compress(rows, fits))
        book.add_rows(fitting)
        written += len(fitting)
        unfit += [row[-OWN] for row, does in zip(rows, fits, strict=True) if not does]
    return Given(written, tuple(unfit))


def left_out(given: Given, rejected: int, headers: Texts) -> LeftOut:
    """`rejected`: how many rows are rejected in all."""
    if not headers:
        return LeftOut(beyond=rejected, why="the headers of the file don't fit into a workbook")
    return LeftOut(beyond=rejected - given.written - len(given.unfit), unfit=given.unfit)


def _parts(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    for table in tables:
        for first in range(0, len(table), PART):
            yield table.slice(first, PART)


def _texts(columns: list[pa.Array]) -> list[Texts]:
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _fits(columns: list[pa.Array]) -> list[bool]:
    """Excel counts UTF-16 units, and `_x000D_` and the like are its own way to write control characters."""
    unfit = pa.scalar(False)
    for texts in columns:
        length = pc.add(pc.utf8_length(texts), pc.count_substring_regex(texts, BEYOND_16_BITS))
        unfit = pc.or_(unfit, pc.or_(pc.greater(length, LONGEST_CELL), pc.match_substring_regex(texts, NOT_FIT)))
    return [bool(fits) for fits in pc.invert(unfit).to_pylist()]


def _widths(kept: Kept) -> list[int]:
    """As wide as the longest text, between 9 and 44 characters."""
    longest = [len(header) + 3 for header in kept.columns]
    for table in kept.for_workbook.tables():
        for number, column in enumerate(table.columns):
            found = pc.max(pc.utf8_length(plain_texts(column))).as_py() or 0
            longest[number] = max(longest[number], int(found) + 1)
    return [min(max(width, 9), 44) for width in longest]
