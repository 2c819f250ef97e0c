"""The fast reader and the plain one agree on every file that hypothesis can think of, however it is cut into blocks."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer.reading.csv.lexer import CsvDialect
from reading.agreement import Case

HEADERS = ("a", "b", "c")
SIGNS = b'ab",;\n\r\0\xff'


def assert_agree(data: bytes, headers: tuple[str, ...], delimiter: str | None, quote: str | None, size: int) -> None:
    Case(data, headers, CsvDialect(delimiter, quote), size).check()


fields = st.one_of(
    st.sampled_from([b"", b"a", b"x y", "é".encode(), "日".encode(), b'""', b'"a"', b'"a,b"', b'"a\nb"', b'"a""b"']),
    st.sampled_from([b'"\r\n"', b'a"b', b'"a"b', b'"', b'""a"', b"\xff", b"\0", b",", b'","', b'"\n,"']),
)
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n"])


@st.composite
def files(draw: st.DrawFn, width: int) -> bytes:
    """Mostly regular records, some with fields that no record should have."""
    end = draw(line_ends)
    good = st.lists(fields, min_size=width, max_size=width)
    any_width = st.lists(fields, min_size=1, max_size=width + 1)
    records = draw(st.lists(st.one_of(good, good, any_width), max_size=8))
    data = end.join(b",".join(record) for record in records)
    return data + draw(st.sampled_from([b"", end]))


@settings(max_examples=600, deadline=None)
@given(files(3), st.integers(1, 40))
@example(b'a,b,c\n"a,b,c\n1,2,3\n', 100)
@example(b'"a\nb",c,"d\n', 100)
@example(b"a,b,c\r\n1,2,3\r\n", 7)
def test_records_of_three_fields(data: bytes, size: int) -> None:
    assert_agree(data, HEADERS, ",", '"', size)


@settings(max_examples=300, deadline=None)
@given(files(1), st.integers(1, 20))
@example(b'""\n\nx', 3)
def test_one_column(data: bytes, size: int) -> None:
    assert_agree(data, ("a",), None, '"', size)


@settings(max_examples=600, deadline=None)
@example(b'\ra"\n\n', 5, ",")
@example(b'\ra"\na"\n\n', 8, ",")
@example(b'a;b\r"\n"a\n\n\n\xff', 29, ";")
@given(st.lists(st.sampled_from(SIGNS), max_size=30).map(bytes), st.integers(1, 31), st.sampled_from([",", ";"]))
def test_any_bytes(data: bytes, size: int, delimiter: str) -> None:
    assert_agree(data, ("a", "b"), delimiter, '"', size)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(b"ab',\n\r\""), max_size=30).map(bytes), st.integers(1, 31), st.sampled_from(["'", None])
)
def test_other_quotes_and_none(data: bytes, size: int, quote: str | None) -> None:
    assert_agree(data, ("a", "b"), ",", quote, size)
