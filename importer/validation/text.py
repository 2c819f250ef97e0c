"""Raw text becomes clean text: NFC, trimmed, blank as null, no invisible characters.

In: a string column as it was in the file. Out: the clean column and the cells that hold what nobody can see.
The bytes of the whole column are looked at first; only cells with something unusual are touched one by one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from importer.validation.failures import NONE, Failures, Positions, failed_by_fact, mask_of, where
from importer.vocabulary import RejectionCode

_SPACES = "\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_MARKS = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_CONTROLS = "\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029"
_BREAKS = "\t\n\r"


def _spelt_out(ranges: str) -> str:
    """Every character of ranges as patterns have them."""
    return re.sub("(.)-(.)", lambda ends: "".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1))), ranges, flags=re.S)


_TRIMMED = _spelt_out(_SPACES + _MARKS)
_INVISIBLE = {False: f"[{_BREAKS}{_CONTROLS}{_MARKS}]", True: f"[{_CONTROLS}{_MARKS}]"}
"""What nobody can see, by `multiline`; the patterns are read by RE2 and by Python alike."""
_RARE = re.compile(f"[\\x00-\\x1f\\x7f-\\xa0{_MARKS}\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]")
"""All that can't be seen and all blanks but the space: text without it needs no closer look."""


def _suspect_bytes() -> bytes:
    """A table that marks control characters, and lead bytes of characters that may be invisible or composed with
    others.
    """
    suspect = np.zeros(256, dtype=np.bool_)
    suspect[:0x20] = True
    suspect[0x7F] = True
    suspect[0xC0:] = True
    suspect[0xC3:0xCA] = False  # U+00C0 to U+027F: visible letters that NFC leaves alone
    suspect[0xE4:0xEA] = False  # U+4000 to U+9FFF: ideographs
    suspect[0xEB:0xED] = False  # U+B000 to U+CFFF: Hangul syllables
    return suspect.tobytes()


_SUSPECT = _suspect_bytes()


@dataclass(frozen=True)
class CleanText:
    """`values`: NFC, trimmed, null where blank or failed. `failures`: cells with a `control_character`."""

    values: pa.Array
    failures: Failures


def clean(texts: pa.Array, title: str, multiline: bool) -> CleanText:
    """Cleans a column; `multiline` allows tabs and line breaks inside the text."""
    values = trimmed(plain_array(texts))
    suspects = _suspects(values)
    failures = NONE
    if len(suspects) and _needs_a_look(values.take(pa.array(suspects))):
        values = _composed(values, suspects)
        unusual = _unusual(values, suspects, multiline)
        values, failures = _repaired(values, unusual, title, multiline)
    return CleanText(_blank_as_null(values), failures)


def clean_text(text: str) -> str:
    """NFC and trimmed, for a single text."""
    return unicodedata.normalize("NFC", text).strip(_TRIMMED)


def plain_array(texts: pa.Array) -> pa.Array:
    """One string array without nulls, whatever the reader handed on."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.type != pa.string():
        texts = texts.cast(pa.string())
    return texts.fill_null("") if texts.null_count else texts


def layout(values: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Offsets (one more than cells) and bytes of a string array; the offsets count from the start of the bytes."""
    _, offset_buffer, data_buffer = values.buffers()
    if offset_buffer is None or not len(values):
        return np.zeros(1, dtype=np.int32), np.empty(0, dtype=np.uint8)
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)
    return offsets, data


def used_bytes(values: pa.Array) -> NDArray[np.uint8]:
    """The bytes of all texts, one behind the other."""
    offsets, data = layout(values)
    return data[offsets[0] : offsets[-1]]


def has_byte(values: pa.Array, character: str) -> bool:
    """Whether an ASCII character may be in any of the texts: where it isn't, hardly anything needs to be looked for."""
    return bool((used_bytes(values) == ord(character)).any())


def longest(values: pa.Array) -> int:
    """Bytes of the longest text; 0 where there is none."""
    return int(np.diff(layout(values)[0]).max(initial=0))


def equal_to(values: pa.Array, text: str) -> NDArray[np.bool_]:
    """Which cells are exactly this text. Mostly none is, and the bytes of the whole column tell it at once."""
    sought = text.encode()
    if not sought or not (used_bytes(values) == sought[0]).any() or used_bytes(values).tobytes().find(sought) < 0:
        return np.zeros(len(values), dtype=np.bool_)
    mask: NDArray[np.bool_] = pc.equal(values, text).fill_null(False).to_numpy(zero_copy_only=False)
    return mask


def trimmed(values: pa.Array) -> pa.Array:
    """Without spaces at the ends; rarer white space is looked at cell by cell."""
    offsets, data = layout(values)
    if not has_byte(values, " "):
        return values
    starts, ends = offsets[:-1], offsets[1:]
    filled = ends > starts
    if not filled.all():
        starts, ends = starts[filled], ends[filled]
    spaced = (data[starts] == 0x20).any() or (data[ends - 1] == 0x20).any()
    return pc.utf8_trim(values, characters=" ") if spaced else values


def _suspects(values: pa.Array) -> Positions:
    """Cells with a suspect byte."""
    offsets, data = layout(values)
    used = data[offsets[0] : offsets[-1]]
    if not len(used) or (used.min() >= 0x20 and used.max() <= 0x7E):  # printable ASCII only
        return np.empty(0, dtype=np.int64)
    marks = np.frombuffer(used.tobytes().translate(_SUSPECT), np.bool_)
    if not marks.any():
        return np.empty(0, dtype=np.int64)
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    return filled[np.logical_or.reduceat(marks, offsets[filled] - offsets[0])]


def _needs_a_look(suspects: pa.Array) -> bool:
    """Whether any of the texts may be changed or refused; texts without anything rare are done with here."""
    text = used_bytes(suspects).tobytes().decode()
    return not unicodedata.is_normalized("NFC", text) or _RARE.search(text) is not None


def _composed(values: pa.Array, suspects: Positions) -> pa.Array:
    """The values in NFC."""
    texts = values.take(pa.array(suspects))
    composed = pc.utf8_normalize(texts, form="NFC")
    if composed.equals(texts):
        return values
    return pc.replace_with_mask(values, pa.array(mask_of(suspects, len(values))), composed)


def _unusual(values: pa.Array, suspects: Positions, multiline: bool) -> Positions:
    """Cells with invisible characters, or with rare white space at the ends."""
    texts = values.take(pa.array(suspects))
    pattern = f"{_INVISIBLE[multiline]}|^[{_SPACES}]|[{_SPACES}]$"
    return suspects[where(pc.match_substring_regex(texts, pattern))]


def _repaired(values: pa.Array, positions: Positions, title: str, multiline: bool) -> tuple[pa.Array, Failures]:
    texts = [clean_text(text) for text in values.take(pa.array(positions)).to_pylist()]
    found = [re.search(_INVISIBLE[multiline], text) for text in texts]
    kept = [None if match else text for text, match in zip(texts, found, strict=True)]
    mask = pa.array(mask_of(positions, len(values)))
    values = pc.replace_with_mask(values, mask, pa.array(kept, pa.string()))
    named = [_named(match) for match in found if match]
    bad = positions[np.array([match is not None for match in found], dtype=np.bool_)]
    if not named:
        return values, NONE
    return values, failed_by_fact(bad, RejectionCode.CONTROL_CHARACTER, title=title, limit=pa.array(named, pa.string()))


def _named(match: re.Match[str]) -> str:
    """'the invisible character U+200B (zero width space) as character 4'."""
    character = match.group()
    known = {"\t": "tab", "\n": "line break", "\r": "line break"}
    name = known.get(character) or unicodedata.name(character, "control character").lower()
    return f"the invisible character U+{ord(character):04X} ({name}) as character {match.start() + 1}"


def _blank_as_null(values: pa.Array) -> pa.Array:
    """The same texts, not copied, with a mark for every cell that is one."""
    offsets, _ = layout(values)
    filled = offsets[1:] > offsets[:-1]
    if filled.all():
        return values
    if values.null_count:
        filled &= values.is_valid().to_numpy(zero_copy_only=False)
    marks = pa.py_buffer(np.packbits(filled, bitorder="little"))
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), values.buffers()[2], marks)
