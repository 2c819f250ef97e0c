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


@settings(deadline=None)
@given(
    keys=st.lists(st.integers(0, 2**40), unique=True, min_size=1, max_size=3000),
    batch=st.integers(1, 3000),
    large=st.booleans(),
)
def test_no_repeated_key_is_missed_where_many_share_a_word(keys: list[int], batch: int, large: bool) -> None:
    """16 words for thousands of keys of a batch, each of which comes once more."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_BITS", 10), ("_MOST_BITS", 10), ("_FEWEST_BITS", 10), ("_LARGE", 0 if large else 99)):
            patch.setattr(keys_seen, name, value)
        found = KeysSeen(most_rows=1)
    texts = pa.array(map(str, keys), pa.string())
    for start in range(0, len(keys), batch):
        part = texts[start : start + batch]
        found.add(np.arange(len(part)), [part])
    found.add(np.arange(10_000, 10_000 + len(keys)), [texts])
    assert found.repeated is not None
    assert set(range(10_000, 10_000 + len(keys))) <= set(found.repeated.tolist())


def named_for_nothing(rows: int, filter_bits: int, words: int) -> float:
    """How many rows are to be expected. A word has been chosen by so many keys (Poisson), who set four bits each."""
    chosen = np.arange(400)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(chosen[1:]))])
    taken = (1 - (1 - 1 / 64) ** (4 * chosen)) ** 4
    parts = (np.arange(200) + 0.5) / 200 * rows * words / 2 ** (filter_bits - 6)
    each = [(np.exp(-load + chosen * np.log(load) - log_factorials) * taken).sum() ** words for load in parts]
    return float(np.mean(each)) * rows


@pytest.mark.parametrize(
    ("rows", "filter_bits", "words", "most"),
    [
        pytest.param(10**6, keys_seen._BITS, len(keys_seen._WORDS), 0.001, id="a million"),
        pytest.param(10**7, keys_seen._MOST_BITS, len(keys_seen._WORDS + keys_seen._FURTHER_WORDS), 0.1, id="ten"),
        pytest.param(256, keys_seen._FEWEST_BITS, len(keys_seen._WORDS), 0.0001, id="a short file"),
    ],
)
def test_hardly_any_row_is_to_be_named_for_nothing(rows: int, filter_bits: int, words: int, most: float) -> None:
    assert named_for_nothing(rows, filter_bits, words) < most


@pytest.mark.parametrize("form", ["C-{:07}", "{}", "{:x}-usmf-customer-of-the-north", "{:0>24}"])
@pytest.mark.parametrize("large", [False, True])
def test_no_more_rows_are_named_than_are_to_be_expected(
    form: str, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a filter that is small enough for them to be counted; keys in a row are the least random ones."""
    for name, value in (("_BITS", 20), ("_MOST_BITS", 20), ("_LARGE", 0 if large else 1 << 40)):
        monkeypatch.setattr(keys_seen, name, value)
    found, rows, batch = KeysSeen(most_rows=1 << 30), 200_000, 500
    for start in range(0, rows, batch):
        numbers = range(start, start + batch)
        found.add(np.array(numbers), [pa.array([form.format(number) for number in numbers])])
    assert found.repeated is not None
    expected = named_for_nothing(rows, 20, 3 if large else 2)
    assert 0.95 * expected < len(found.repeated) < 1.05 * expected


def test_too_many_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_seen, "_MOST_NAMED", 3)
    assert seen([("a",)] * 4, 2).repeated is not None
    assert seen([("a",)] * 5, 2).repeated is None
