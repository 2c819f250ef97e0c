"""Rows whose key may have stood in the file before: a Bloom filter over all keys, batch by batch, in constant memory.

It never misses a repeated key, and if asked to none that is nearly repeated (`1-product.md`, rule 2); a few rows it
names for nothing. The database then looks at those alone, where it would have to group the whole file.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from importer.validation.failures import Mask
from importer.validation.key_hashes import Hashes, key_hashes, overlooked

_BITS = 28
"""32 MB: of a million rows none is named for nothing."""
_MOST_BITS = 29
_LARGE = 1 << 29
"""Rows (at most as many as bytes) from which a file gets twice the places and a further word: of ten million rows
hardly one is named for nothing then, and for a single one the database would have to look at all keys.
"""
_FEWEST_BITS = 16
_BITS_OF_A_ROW = 256
"""What a short file gets: touching 32 MB takes longer than reading a hundred rows."""
_WORD_BITS = 6
"""The filter consists of 64-bit words; a key sets four bits of each of its words."""
_WORDS = (1, 0x9E3779B97F4A7C15)
_FURTHER_WORDS = (0xD6E8FEB86659FD93,)
"""For each of a key's words: what its hash is multiplied by before its place and bits are taken from it."""
_SHIFTS = (17, 23, 29, 35)
"""Bits to the right of those that tell a bit of a word. The place comes from the highest ones, at most 23."""
_MOST_NAMED = 1_000_000
"""A file full of repeated keys is grouped as a whole: a list of its rows would grow with it."""


class KeysSeen:
    """`add` batch after batch; `repeated` are the rows named, or None where they are too many to be named.

    `similar`: keys count as repeated also where they differ in case, blanks and leading zeros only.
    """

    def __init__(self, *, similar: bool = False, most_rows: int | None = None) -> None:
        """`most_rows`: the file certainly has no more."""
        self._overlooks = similar
        self._knows_letters = True
        large = most_rows is not None and most_rows >= _LARGE
        wanted = _BITS if most_rows is None else (most_rows * _BITS_OF_A_ROW).bit_length()
        bits = min(_MOST_BITS if large else _BITS, max(_FEWEST_BITS, wanted))
        self._factors = (*_WORDS, *_FURTHER_WORDS) if large else _WORDS
        self._words = np.zeros(1 << (bits - _WORD_BITS), np.uint64)
        self._unused = np.uint64(64 + _WORD_BITS - bits)
        self._named: list[NDArray[np.int64]] = []
        self._count = 0

    def add(self, rows: NDArray[np.int64], keys: Sequence[pa.Array]) -> None:
        """`keys`: the parts of the rows' keys as texts; a row that lacks one (null) has no key."""
        whole = functools.reduce(np.logical_and, [part.is_valid().to_numpy(zero_copy_only=False) for part in keys])
        if not whole.all():
            rows, keys = rows[whole], [part.filter(pa.array(whole)) for part in keys]
        if self._overlooks:
            self._knows_letters &= all(pc.all(pc.string_is_ascii(part)).as_py() is not False for part in keys)
            keys = [overlooked(part) for part in keys]
        repeated = self._note(key_hashes(keys))
        self._count += int(repeated.sum())
        if self._count <= _MOST_NAMED:
            self._named.append(rows[repeated])

    @property
    def repeated(self) -> NDArray[np.int64] | None:
        if self._count > _MOST_NAMED:
            return None
        return np.concatenate([np.zeros(0, np.int64), *self._named])

    @property
    def similar(self) -> NDArray[np.int64] | None:
        """Rows among which is one of all whose keys are similar. None where that was not asked for, where they are too
        many, and where a key has letters beyond ASCII: their small and capital forms are the database's business.
        """
        return self.repeated if self._overlooks and self._knows_letters else None

    def _note(self, hashes: Hashes) -> Mask:
        """Whether each hash was there before, in an earlier batch or in this one."""
        seen = _repeats(hashes)
        known = np.ones(len(hashes), np.bool_)
        for factor in self._factors:
            values = hashes * np.uint64(factor)
            places, bits = (values >> self._unused).astype(np.int64), _bits(values)
            known &= (self._words[places] & bits) == bits
            _set(self._words, places, bits)
        return seen | known


def _bits(values: Hashes) -> Hashes:
    """A word with four bits set for each value, or fewer where two of them happen to be the same."""
    parts = [np.uint64(1) << ((values >> np.uint64(shift)) & np.uint64(63)) for shift in _SHIFTS]
    return functools.reduce(np.bitwise_or, parts)


def _set(words: Hashes, places: NDArray[np.int64], bits: Hashes) -> None:
    """Of several keys that share a word only the last one's bits get into it at once: the others' are set again.

    Every round leaves each word of them with more bits than before, so that it comes to an end.
    """
    while len(places):
        words[places] |= bits
        lost = np.flatnonzero((words[places] & bits) != bits)
        places, bits = places[lost], bits[lost]


def _repeats(hashes: Hashes) -> Mask:
    """All but one of the hashes that are equal. Mostly none are, and sorting tells it without the order of rows."""
    repeats = np.zeros(len(hashes), np.bool_)
    ordered = np.sort(hashes)
    if (ordered[1:] == ordered[:-1]).any():
        order = np.argsort(hashes)
        repeats[order[1:]] = hashes[order[1:]] == hashes[order[:-1]]
    return repeats
