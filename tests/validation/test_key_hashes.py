"""Hashes tell keys apart wherever their parts differ, and what a hash overlooks is what the database overlooks."""

from __future__ import annotations

import re
import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from importer.validation.key_hashes import key_hashes, overlooked

KEYS = st.lists(st.tuples(st.text(max_size=20), st.text(max_size=3)), max_size=30)
ALIKE = st.text(st.sampled_from("0012aAbÄ9 \t\n\x0b-"), max_size=12)


def hashes(keys: list[tuple[str, ...]], start: int = 0) -> list[int]:
    parts = zip(*keys, strict=True)
    found: list[int] = key_hashes([pa.array(part, pa.string())[start:] for part in parts]).tolist()
    return found


@given(keys=KEYS.filter(bool), start=st.integers(0, 3))
@example(keys=[("a", ""), ("", "a"), ("", ""), ("a\x00", ""), ("a", "\x00")], start=0)
@example(keys=[("", ""), ("12345678", ""), ("1234567", "8"), ("12345678\x00", ""), ("123456789", "")], start=1)
def test_hashes_are_equal_where_keys_are_and_nowhere_else(keys: list[tuple[str, str]], start: int) -> None:
    found = hashes([*keys, *keys], start)
    assert found == hashes([*keys, *keys])[start:]
    assert len(set(hashes(keys))) == len(set(keys))


@pytest.mark.parametrize("form", ["{}", "C-{:07}", "{:0>16}", "{:0<17}", "{:08}usmf"])
def test_each_bit_of_the_hashes_of_numbered_keys_is_set_in_half_of_them(form: str) -> None:
    found = np.array(hashes([(form.format(number),) for number in range(10_000, 30_000)]), np.uint64)
    shares = [float(((found >> np.uint64(bit)) & np.uint64(1)).mean()) for bit in range(64)]
    assert 0.47 < min(shares) <= max(shares) < 0.53
    assert len(set(found.tolist())) == len(found)


def test_one_changed_bit_of_a_key_changes_half_of_its_hash() -> None:
    keys = [(struct.pack("<Q", 0x4141414141414141 ^ (1 << bit)).decode("latin-1"),) for bit in range(64)]
    changed = [hashes([("A" * 8,)])[0] ^ value for value in hashes([key for key in keys if key[0].isascii()])]
    assert all(12 < value.bit_count() < 52 for value in changed)


@given(texts=st.lists(ALIKE, max_size=10), start=st.integers(0, 3))
def test_letters_blanks_and_leading_zeros_are_overlooked(texts: list[str], start: int) -> None:
    """The regular expression by which the database folds them."""
    lowered = [re.sub("[A-Z]", lambda letter: letter[0].lower(), text) for text in texts[start:]]
    plain = [re.sub(r"[ \t\n\r\x0b\x0c]", "", text) for text in lowered]
    expected = [re.sub("(^|[^0-9])0+([0-9])", r"\1\2", text) for text in plain]
    assert overlooked(pa.array(texts, pa.string())[start:]).to_pylist() == expected
