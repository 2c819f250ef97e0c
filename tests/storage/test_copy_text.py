"""Rows in the text form of COPY come back as they were."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.storage.copy_text import copy_text, without_empty

TEXTS = st.one_of(st.none(), st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8))
TABLE = {
    "number": (pa.int64(), st.integers(-(2**62), 2**62)),
    "text": (pa.string(), TEXTS),
    "amount": (pa.decimal128(18, 2), st.none() | st.decimals(-(10**9), 10**9, places=2)),
    "flag": (pa.bool_(), st.none() | st.booleans()),
    "day": (pa.date32(), st.none() | st.dates(date(1800, 1, 1), date(9999, 12, 31))),
    "last": (pa.string(), TEXTS),
}
ROWS = st.lists(st.tuples(*(values for _, values in TABLE.values())), min_size=1, max_size=20)


def table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table(
        {name: pa.array(column, kind) for (name, (kind, _)), column in zip(TABLE.items(), columns, strict=True)}
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_what_the_server_reads_is_what_was_written(postgres_server: str, rows: list[tuple[Any, ...]]) -> None:
    options, body = copy_text(table(rows))
    with psycopg.connect(postgres_server.replace("+psycopg", "")) as connection:
        connection.execute(
            "CREATE TEMP TABLE t (number bigint, text text, amount numeric, flag bool, day date, last text) "
            "ON COMMIT DROP"
        )
        with connection.cursor().copy(f"COPY t FROM STDIN {options}".encode()) as copy:
            copy.write(body)
        assert connection.execute("SELECT * FROM t").fetchall() == rows


@pytest.mark.parametrize("text", ['"', "a,b", "\\N", "\\", "\t", "\n", "\r", "\u2028", "\x0b", "\\.", "22"])
def test_null_is_an_empty_cell_where_no_text_is_empty(text: str) -> None:
    options, body = copy_text(pa.table({"a": [text, None]}))
    assert options == "(NULL '')"
    assert bytes(body).endswith(b"\n\n")


def test_where_a_text_is_empty_null_is_marked() -> None:
    options, body = copy_text(pa.table({"a": ["", None], "b": [None, "x"]}))
    assert options == ""
    assert bytes(body) == b"\t\\N\n\\N\tx\n"


def test_columns_in_which_nothing_stands_take_no_part() -> None:
    data = pa.table(
        {"a": ["x", None], "b": pa.nulls(2, pa.string()), "c": pa.nulls(2, pa.int64()), "d": [Decimal(1), None]}
    )
    assert without_empty(data, ["c"]).column_names == ["a", "c", "d"]


def test_a_part_of_a_column_gives_only_its_own_rows() -> None:
    data = pa.table({"a": ["one", "two", "three"], "b": [1, 2, 3]}).slice(1, 1)
    assert bytes(copy_text(data)[1]) == b"two\t2\n"
