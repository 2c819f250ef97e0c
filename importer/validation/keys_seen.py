"""Rows whose key may have stood in the file before: a Bloom filter over all keys, batch by batch, in constant memory.

It never misses a repeated key, and if asked to none that is nearly repeated (`1-product.md`, rule 2); a few rows it
names for nothing. The database then looks at those alone, where it would have to group the whole file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_BITS = 28
"""32 MB: of a million rows none is named for nothing."""
_MOST_BITS = 29
_LARGE = 1 << 29
"""Rows (at most as many as bytes) from which a file gets twice the places and twice the probes: of ten million rows
hardly one is named for nothing then, and for a single one the database would have to look at all keys.
"""
_FEWEST_BITS = 16
_BITS_OF_A_ROW = 256
"""What a short file gets: touching 32 MB takes longer than reading a hundred rows."""
_PROBES = ((1, 0), (1, 18), (1, 35), (0x9E3779B97F4A7C15, 35))
_FURTHER_PROBES = tuple(
    (factor, 35) for factor in (0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3)
)
"""For each of a key's places in the filter: what its hash is multiplied by, and the bits to the right of the place."""
_MOST_NAMED = 1_000_000
"""A file full of repeated keys is grouped as a whole: a list of its rows would grow with it."""


_BLANK = r"[ \t\n\r\x0b\x0c]"
_LEADING_ZEROS = r"(^|[^0-9])0+([0-9])"


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
        self._places = 1 << min(_MOST_BITS if large else _BITS, max(_FEWEST_BITS, wanted))
        self._probes = (*_PROBES, *_FURTHER_PROBES) if large else _PROBES
        self._bits = np.zeros(self._places >> 3, np.uint8)
        self._named: list[NDArray[np.int64]] = []
        self._count = 0

    def add(self, rows: NDArray[np.int64], keys: Sequence[pa.Array]) -> None:
        """`keys`: the parts of the rows' keys as texts; a row that lacks one (null) has no key."""
        joined = pc.call_function("binary_join_element_wise", [*keys, pa.scalar("\x1f")])
        if self._overlooks:
            self._knows_letters &= pc.all(pc.string_is_ascii(joined)).as_py() is not False
            joined = _overlooked(joined)
        whole = joined.is_valid().to_numpy(zero_copy_only=False)
        texts = joined.drop_null().to_numpy(zero_copy_only=False)
        repeated = self._note(pd.util.hash_array(texts, categorize=False))
        self._count += int(repeated.sum())
        if self._count <= _MOST_NAMED:
            self._named.append(rows[whole][repeated])

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

    def _note(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each hash was there before, in an earlier batch or in this one."""
        seen = np.ones(len(hashes), bool)
        for factor, shift in self._probes:
            place = ((hashes * np.uint64(factor)) >> np.uint64(shift)) & np.uint64(self._places - 1)
            byte, bit = (place >> np.uint64(3)).astype(np.int64), np.uint8(1) << (place & np.uint64(7)).astype(np.uint8)
            seen &= (self._bits[byte] & bit) != 0
            np.bitwise_or.at(self._bits, byte, bit)
        order = np.argsort(hashes)
        seen[order[1:]] |= hashes[order[1:]] == hashes[order[:-1]]
        return seen


def _overlooked(keys: pa.Array) -> pa.Array:
    """Equal for keys that `storage.expressions.fold` makes equal, as far as they are ASCII."""
    if pc.any(pc.match_substring_regex(keys, _BLANK)).as_py():
        keys = pc.replace_substring_regex(keys, _BLANK, "")
    return pc.replace_substring_regex(pc.ascii_lower(keys), _LEADING_ZEROS, r"\1\2")
