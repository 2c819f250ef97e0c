"""What is packed comes back as it was."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.storage.blocks import block_row, pack, unpack

ROWS = st.lists(st.tuples(st.integers(0, 2**62), st.text(max_size=12), st.none() | st.text(max_size=5)), max_size=30)


def table(rows: list[tuple[int, str, str | None]]) -> pa.Table:
    numbers, texts, gaps = ([row[place] for row in rows] for place in range(3))
    columns = {
        "row": pa.array(numbers, pa.int64()),
        "c0": pa.array(texts, pa.string()),
        "text": pa.array(gaps, pa.string()),
    }
    return pa.table(columns)


@settings(deadline=None)
@given(rows=ROWS, start=st.integers(0, 5))
def test_every_table_comes_back(rows: list[tuple[int, str, str | None]], start: int) -> None:
    whole = table(rows)
    assert unpack(pack(whole)).equals(whole.combine_chunks())
    part = whole.slice(start)
    assert unpack(pack(part)).equals(part.combine_chunks())


def test_several_chunks_are_one_block() -> None:
    chunks = [table([(1, "a", None)]), table([]), table([(2, "ä\n", "x")])]
    assert unpack(pack(pa.concat_tables(chunks))).to_pylist() == [
        {"row": 1, "c0": "a", "text": None},
        {"row": 2, "c0": "ä\n", "text": "x"},
    ]


def test_a_block_knows_its_rows() -> None:
    rows = table([(4, "", None), (9, "", None)])["row"]
    assert block_row(3, rows, "keys", b"x").to_pylist() == [{"number": 3, "first_row": 4, "last_row": 9, "keys": b"x"}]


def test_no_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="schema message"):
        unpack(None)
