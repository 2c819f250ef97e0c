"""No repeated key is missed, whatever the batches; keys that stand once are hardly ever named."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.validation import keys_seen
from importer.validation.keys_seen import KeysSeen

PART = st.none() | st.sampled_from(["a", "b", "", "ab", "\x1f", "ä"])


def seen(keys: list[tuple[str | None, ...]], batch: int) -> KeysSeen:
    found = KeysSeen()
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


def test_keys_that_stand_once_are_not_named() -> None:
    keys = [("usmf", f"C-{number:06}") for number in range(30_000)]
    repeated = seen([*keys, ("usmf", "C-000017")], 5_000).repeated
    assert repeated is not None
    assert repeated.tolist() == [30_000]


def test_too_many_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_seen, "_MOST_NAMED", 3)
    assert seen([("a",)] * 4, 2).repeated is not None
    assert seen([("a",)] * 5, 2).repeated is None
