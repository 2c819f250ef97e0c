"""Whether texts repeat over a whole file of any length: their hashes go to a temporary file, not into memory.

In: columns of texts, batch by batch. Out: yes or no. Two different texts have the same 64-bit hash once in a million
files of ten million rows; the answer is then no, which is the safe one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

PART = 2_000_000
"""Hashes that are compared at a time."""
_CHUNK = 1 << 18


class Unique:
    """The hashes of one column or combination."""

    def __init__(self, path: Path) -> None:
        self.is_broken = False
        self._path = path
        self._count = 0

    def add(self, hashes: Hashes) -> None:
        """The next rows. What repeats within them is known at once."""
        if self.is_broken:
            return
        if _repeats(hashes):
            self.break_off()
            return
        self._count += len(hashes)
        with self._path.open("ab") as file:
            hashes.tofile(file)

    def break_off(self) -> None:
        """A blank or a repeated value: no more is needed."""
        self.is_broken = True
        self._path.unlink(missing_ok=True)

    def is_unique(self) -> bool:
        """Compares the hashes in parts that fit into memory, told apart by their last bits."""
        parts = np.uint64(self._count // PART + 1)
        return not self.is_broken and all(self._part_is_unique(np.uint64(part), parts) for part in range(int(parts)))

    def _part_is_unique(self, part: np.uint64, parts: np.uint64) -> bool:
        found: list[Hashes] = []
        if not self._count:
            return True
        with self._path.open("rb") as file:
            while len(chunk := np.fromfile(file, np.uint64, _CHUNK)):
                found.append(chunk[chunk % parts == part])
        return not _repeats(np.concatenate(found))


def _repeats(hashes: Hashes) -> bool:
    ordered = np.sort(hashes)
    return bool((ordered[1:] == ordered[:-1]).any())


def hashes(column: pa.Array, fold: Callable[[str], str | None] | None = None) -> Hashes:
    """One hash for each text of a column without nulls, folded first where `fold` is given."""
    texts = column.to_numpy(zero_copy_only=False)
    if fold is not None:
        texts = np.array([fold(text) for text in texts], dtype=object)
    return pd.util.hash_array(texts, categorize=False)


def together(columns: Sequence[Hashes]) -> Hashes:
    """One hash for each row of several columns."""
    combined = columns[0]
    for column in columns[1:]:
        combined = combined * np.uint64(0x9E3779B97F4A7C15) + column
    return combined
