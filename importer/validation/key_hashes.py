"""Keys as 64-bit hashes, read from the bytes of whole columns: no key becomes a Python object on the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from importer.validation.failures import Mask
from importer.validation.text import layout

Hashes = NDArray[np.uint64]

_WORD = 8
_KEPT = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], np.uint64)
"""The bits of a word of which so many bytes belong to the text; the others belong to the next one."""
_LENGTH = 0xA0761D6478BD642F
"""Lengths times this differ in many bits."""
_BLANK = r"[ \t\n\r\x0b\x0c]"


def key_hashes(parts: Sequence[pa.Array]) -> Hashes:
    """Equal for equal keys, and for different ones as good as never. `parts` are texts without nulls, at least one."""
    hashes = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        hashes = _with_texts(hashes, *_texts(part))
    return hashes


def overlooked(texts: pa.Array) -> pa.Array:
    """Equal for texts that `storage.expressions.fold` makes equal, as far as they are ASCII; without nulls, in and out.

    Done on the bytes of the whole column: regular expressions for all keys take a fifth of the time of all checks.
    """
    if _texts(texts)[1].min(initial=0xFF) <= ord(" "):
        texts = pc.replace_substring_regex(texts, _BLANK, "")
    bounds, data = _texts(pc.ascii_lower(texts))
    kept = ~_leading_zeros(data, bounds[:-1])
    kept_before = np.append(np.int32(0), np.cumsum(kept, dtype=np.int32))
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(kept_before[bounds]), pa.py_buffer(data[kept]))


def _texts(texts: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Where each text begins and the last one ends, and the bytes of all of them."""
    offsets, data = layout(texts)
    return offsets - offsets[0], data[offsets[0] : offsets[-1]]


def _with_texts(hashes: Hashes, bounds: NDArray[np.int32], data: NDArray[np.uint8]) -> Hashes:
    """Mixes in eight bytes of every text at a time, and with the first ones its length: no text is another's start."""
    padded = np.append(data, np.zeros(_WORD, np.uint8))
    words: NDArray[np.uint64] = np.ndarray(len(data) + 1, "<u8", padded, strides=(1,))
    starts, lengths = bounds[:-1], np.diff(bounds)
    hashes = hashes ^ (lengths.astype(np.uint64) * np.uint64(_LENGTH))
    hashes = _mixed(hashes ^ (words[starts] & _KEPT[np.minimum(lengths, _WORD)]))
    for begin in range(_WORD, int(lengths.max(initial=0)), _WORD):
        longer = np.flatnonzero(lengths > begin)
        word = words[starts[longer] + begin] & _KEPT[np.minimum(lengths[longer] - begin, _WORD)]
        hashes[longer] = _mixed(hashes[longer] ^ word)
    return hashes


def _mixed(values: Hashes) -> Hashes:
    """Each bit of a value changes about half of all bits, and no two values become one (the end of MurmurHash3)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values >> np.uint64(33))) * np.uint64(factor)
    return values ^ (values >> np.uint64(33))


def _leading_zeros(data: NDArray[np.uint8], starts: NDArray[np.int32]) -> Mask:
    """The zeros with which a run of digits begins, but for its last digit. No run goes beyond a text."""
    digit = (data >= ord("0")) & (data <= ord("9"))
    first = digit.copy()
    first[1:] &= ~digit[:-1]
    first[starts[starts < len(data)]] = True
    further = digit & ~first
    zero = (data == ord("0")) & np.append(further[1:], False)
    edges = np.flatnonzero(np.diff(zero.view(np.int8), prepend=np.int8(0), append=np.int8(0)))
    begins, ends = edges[::2], edges[1::2]
    leading = first[begins]
    steps = np.zeros(len(data) + 1, np.int8)
    steps[begins[leading]], steps[ends[leading]] = 1, -1
    return np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_)
