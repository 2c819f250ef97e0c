"""What is packed comes back as it was."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.storage.blocks import KEPT, PASSING, Compression, block_row, pack, unpack, whole_column

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
@given(rows=ROWS, start=st.integers(0, 5), compression=st.sampled_from([KEPT, PASSING]))
def test_every_table_comes_back(rows: list[tuple[int, str, str | None]], start: int, compression: Compression) -> None:
    whole = table(rows)
    assert unpack(pack(whole, compression)).equals(whole.combine_chunks())
    part = whole.slice(start)
    assert unpack(pack(part, compression)).equals(part.combine_chunks())


def test_what_is_kept_is_smaller() -> None:
    rows = table([(number, f"customer {number:x} of the north", None) for number in range(10_000)])
    assert len(pack(rows)) < 0.8 * len(pack(rows, PASSING))


def test_a_column_in_one_piece_is_not_copied() -> None:
    column = table([(1, "a", None), (2, "b", "x")])["c0"]
    assert whole_column(column).buffers()[2].address == column.chunk(0).buffers()[2].address
    assert whole_column(pa.chunked_array([column.chunk(0), column.chunk(0)])).to_pylist() == ["a", "b"] * 2
    assert whole_column(pa.chunked_array([], pa.string())).to_pylist() == []


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
