"""Whatever the texts are, a strict reader gets them back cell for cell."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.reports.delimited import header_line, lines

from .naughty import naughty_strings
from .test_guard import texts, unguarded

rows = st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[texts] * width), min_size=1))


def table(records: list[tuple[str, ...]]) -> pa.Table:
    columns = [pa.array(column, pa.string()) for column in zip(*records, strict=True)]
    return pa.Table.from_arrays(columns, names=[f"c{n}" for n in range(len(columns))])


def read(content: bytes, delimiter: str = ",") -> list[tuple[str, ...]]:
    reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=delimiter, strict=True)
    return [tuple(unguarded(text) for text in record) for record in reader]


@settings(deadline=None)
@given(rows, st.sampled_from([",", ";", "\t", "|", "§"]))
def test_every_cell_comes_back(records: list[tuple[str, ...]], delimiter: str) -> None:
    numbered = [(str(number), *record) for number, record in enumerate(records)]
    assert read(lines(table(numbered), delimiter), delimiter) == numbered


def test_naughty_strings_come_back() -> None:
    records = [(str(number), text, "x") for number, text in enumerate(naughty_strings())]
    assert read(lines(table(records))) == records


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (("1", "plain"), b"1,plain\n"),
        (("1", "Smith, Inc."), b'1,"Smith, Inc."\n'),
        (("1", 'the "old" one'), b'1,"the ""old"" one"\n'),
        (("1", "two\nlines"), b'1,"two\nlines"\n'),
        (("1", '=A1&","'), b'1,"\'=A1&"","""\n'),
        (("1", ""), b"1,\n"),
    ],
)
def test_quotes_stand_only_where_they_are_needed(record: tuple[str, ...], line: bytes) -> None:
    assert lines(table([record])) == line


def test_null_is_an_empty_cell_and_numbers_are_written_as_texts() -> None:
    assert lines(pa.table({"a": pa.array([1, None]), "b": pa.array(["x", None])})) == b"1,x\n,\n"


def test_a_chunked_table_is_written_whole() -> None:
    chunked = pa.concat_tables([table([("1", "a")]), table([("2", 'b"')]), table([("3", "c")]).slice(1)])
    assert lines(chunked) == b'1,a\n2,"b"""\n'


def test_an_empty_table_has_no_lines() -> None:
    assert lines(table([("1", "a")]).slice(1)) == b""


def test_headers_are_guarded_and_quoted_too() -> None:
    assert header_line(("=cmd", "a;b", "-5", ""), ";") == b'\'=cmd;"a;b";-5;\n'
