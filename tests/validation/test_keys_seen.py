"""No repeated key is missed, whatever the batches; keys that stand once are hardly ever named."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.storage.expressions import folded
from importer.validation import keys_seen
from importer.validation.keys_seen import KeysSeen

PART = st.none() | st.sampled_from(["a", "b", "", "ab", "\x1f", "ä"])


def seen(keys: list[tuple[str | None, ...]], batch: int, *, similar: bool = False) -> KeysSeen:
    found = KeysSeen(similar=similar)
    for start in range(0, len(keys), batch):
        parts = zip(*keys[start : start + batch], strict=True)
        rows = np.arange(start, min(start + batch, len(keys)), dtype=np.int64)
        found.add(rows, [pa.array(part, pa.string()) for part in parts])
    return found


@settings(deadline=None)
@given(keys=st.lists(st.tuples(PART, PART), max_size=40), batch=st.integers(1, 7))
def test_every_shared_key_has_a_row_named(keys: list[tuple[str | None, ...]], batch: int) -> None:
    repeated = seen(keys, batch).repeated
    assert repeated is not None
    counted = Counter(key for key in keys if None not in key)
    assert {keys[row] for row in repeated} >= {key for key, count in counted.items() if count > 1}
    assert all(None not in keys[row] for row in repeated)


ALIKE = st.text(st.sampled_from("0012aAb \t\x0b-"), max_size=6)


@settings(deadline=None)
@given(keys=st.lists(st.tuples(st.just("usmf"), ALIKE), max_size=40), batch=st.integers(1, 7))
def test_every_similar_key_has_a_row_named(keys: list[tuple[str | None, ...]], batch: int) -> None:
    named = seen(keys, batch, similar=True).similar
    assert named is not None
    counted = Counter(folded(number) for _, number in keys)
    assert {folded(keys[row][1]) for row in named} >= {key for key, count in counted.items() if count > 1}


def test_similar_keys_are_left_to_the_database_where_letters_are_not_plain() -> None:
    assert seen([("a",), ("ä",)], 1, similar=True).similar is None
    assert seen([("a",), ("ä",), ("ä",)], 1, similar=True).repeated is not None
    assert seen([("a",), ("A",)], 1).similar is None


def test_plain_keys_that_stand_once_are_not_named_as_similar() -> None:
    named = seen([("usmf", f"C-{number:06}") for number in range(30_000)], 5_000, similar=True).similar
    assert named is not None
    assert not len(named)


def test_keys_that_stand_once_are_not_named() -> None:
    keys = [("usmf", f"C-{number:06}") for number in range(30_000)]
    repeated = seen([*keys, ("usmf", "C-000017")], 5_000).repeated
    assert repeated is not None
    assert repeated.tolist() == [30_000]


def test_a_large_file_gets_more_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few places that rows are named for nothing unless the file counts as large."""
    rows, places = np.arange(60_000, dtype=np.int64), 18
    keys = [pa.array([f"C-{number}" for number in rows])]
    named = {}
    for large in (1 << 40, 60_000):
        monkeypatch.setattr(keys_seen, "_BITS", places)
        monkeypatch.setattr(keys_seen, "_MOST_BITS", places + 3)
        monkeypatch.setattr(keys_seen, "_LARGE", large)
        found = KeysSeen(most_rows=60_000)
        found.add(rows[:30_000], [keys[0][:30_000]])
        found.add(rows[30_000:], [keys[0][30_000:]])
        found.add(rows[:1], [keys[0][:1]])
        assert found.repeated is not None
        assert found.repeated[-1] == 0
        named[large] = len(found.repeated)
    assert named[60_000] < 10 < named[1 << 40]


def test_too_many_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_seen, "_MOST_NAMED", 3)
    assert seen([("a",)] * 4, 2).repeated is not None
    assert seen([("a",)] * 5, 2).repeated is None
