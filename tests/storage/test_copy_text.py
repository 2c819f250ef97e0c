"""Rows in the text form of COPY come back as they were, or are left to CSV."""

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
    body = copy_text(table(rows))
    said = [text for row in rows for text in (row[1], row[5]) if text is not None]
    assert (body is None) == any(mark in text for text in said for mark in "\\\t\n\r")
    if body is None:
        return
    with psycopg.connect(postgres_server.replace("+psycopg", "")) as connection:
        connection.execute(
            "CREATE TEMP TABLE t (number bigint, text text, amount numeric, flag bool, day date, last text) "
            "ON COMMIT DROP"
        )
        with connection.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write(body)
        assert connection.execute("SELECT * FROM t").fetchall() == rows


@pytest.mark.parametrize("text", ["", '"', "a,b", '"quoted"', "NULL", "N", "\u2028", "ä", "\x0b", "\x1f"])
def test_only_four_characters_are_left_to_csv(text: str) -> None:
    assert copy_text(pa.table({"a": [text, None], "b": ["x", text]})) is not None


def test_columns_in_which_nothing_stands_take_no_part() -> None:
    data = pa.table(
        {"a": ["x", None], "b": pa.nulls(2, pa.string()), "c": pa.nulls(2, pa.int64()), "d": [Decimal(1), None]}
    )
    assert without_empty(data, ["c"]).column_names == ["a", "c", "d"]


def test_a_part_of_a_column_gives_only_its_own_rows() -> None:
    data = pa.table({"a": ["one", "two", "three"], "b": [1, 2, 3]}).slice(1, 1)
    body = copy_text(data)
    assert body is not None
    assert bytes(body) == b"two\t2\n"
