"""The slow, exact lexer: in go UTF-8 bytes and where a record starts, out go its fields and what is wrong with it.

RFC 4180, strictly: a quote opens a field only at its start; after the closing quote comes a delimiter or the end.
The end of a record with bad quoting is where spreadsheet programs put it: after text behind a closing quote the rest
of the field is plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class CsvDialect:
    """The characters of a CSV file, each one ASCII character; None: the file has no such thing."""

    delimiter: str | None
    quote: str | None = '"'
    escape: str | None = None

    @cached_property
    def plain(self) -> re.Pattern[bytes]:
        """Text outside quotes up to a delimiter or line end."""
        stop = re.escape((self.delimiter or "").encode()) + rb"\r\n"
        if self.escape is None:
            return re.compile(rb"[^" + stop + rb"]*")
        escape = re.escape(self.escape.encode())
        return re.compile(rb"(?:[^" + stop + escape + rb"]|" + escape + rb"(?:.|\Z))*", re.DOTALL)

    @cached_property
    def stops_in_quotes(self) -> re.Pattern[bytes]:
        return re.compile(b"[" + re.escape(f"{self.quote}{self.escape or ''}".encode()) + b"]")

    @cached_property
    def escaped(self) -> re.Pattern[bytes]:
        return re.compile(re.escape((self.escape or "").encode()) + rb"(.)", re.DOTALL)


@dataclass(frozen=True)
class Record:
    """`data[start:stop]` is its text, the next record starts at `end`. `flaw`: what is wrong with its quoting."""

    start: int
    stop: int
    end: int
    fields: tuple[bytes, ...]
    flaw: str | None = None
    unclosed: int | None = None
    """Where a quote opened that never closes."""

    @property
    def is_blank(self) -> bool:
        return self.start == self.stop


@dataclass(frozen=True)
class _Field:
    value: bytes
    stop: int
    flaw: str | None = None
    unclosed: bool = False


def lex_record(data: bytes, start: int, dialect: CsvDialect, final: bool) -> Record | None:
    """The record at `start`; None if `data` ends before it does and is not `final`."""
    fields: list[bytes] = []
    flaw = None
    at = start
    while True:
        field = _field(data, at, dialect)
        if field.unclosed:
            return Record(start, len(data), len(data), (*fields, field.value), _UNCLOSED, at) if final else None
        fields.append(field.value)
        flaw = flaw or (field.flaw and f"{field.flaw} (field {len(fields)})")
        if not _is_delimiter(data, field.stop, dialect):
            break
        at = field.stop + 1
    end = line_end(data, field.stop, final)
    return None if end is None else Record(start, field.stop, end, tuple(fields), flaw)


_UNCLOSED = "a quote opens and never closes"
_STRAY = "a quote stands inside a field that does not start with one"
_AFTER = "text follows the closing quote"


def line_end(data: bytes, stop: int, final: bool) -> int | None:
    """Where the next record starts; None while the data at hand doesn't tell (a CR at its end may be half a CRLF)."""
    if stop >= len(data):
        return len(data) if final else None
    if data[stop : stop + 2] == b"\r\n":
        return stop + 2
    if data[stop] == 0x0D and stop + 1 == len(data) and not final:
        return None
    return stop + 1


def _is_delimiter(data: bytes, at: int, dialect: CsvDialect) -> bool:
    return dialect.delimiter is not None and data[at : at + 1] == dialect.delimiter.encode()


def _field(data: bytes, at: int, dialect: CsvDialect) -> _Field:
    if dialect.quote is not None and data[at : at + 1] == dialect.quote.encode():
        return _quoted(data, at, dialect, dialect.quote.encode())
    stop = _plain_stop(data, at, dialect)
    text = data[at:stop]
    stray = dialect.quote is not None and dialect.quote.encode() in _without_escapes(text, dialect)
    return _Field(_unescape(text, dialect), stop, _STRAY if stray else None)


def _quoted(data: bytes, opening: int, dialect: CsvDialect, quote: bytes) -> _Field:
    closing = _closing_quote(data, opening + 1, dialect, quote)
    if closing is None:
        return _Field(data[opening + 1 :], len(data), unclosed=True)
    value = _unescape(data[opening + 1 : closing].replace(quote * 2, quote), dialect)
    stop = _plain_stop(data, closing + 1, dialect)
    if stop == closing + 1:
        return _Field(value, stop)
    return _Field(value + data[closing + 1 : stop], stop, _AFTER)


def _closing_quote(data: bytes, at: int, dialect: CsvDialect, quote: bytes) -> int | None:
    while found := dialect.stops_in_quotes.search(data, at):
        at = found.start()
        if found[0] != quote:
            at += 2  # the escape character and what it escapes
        elif data[at + 1 : at + 2] == quote:
            at += 2
        else:
            return at
    return None


def _plain_stop(data: bytes, at: int, dialect: CsvDialect) -> int:
    found = dialect.plain.match(data, at)
    return found.end() if found else at


def _unescape(text: bytes, dialect: CsvDialect) -> bytes:
    return text if dialect.escape is None else dialect.escaped.sub(rb"\1", text)


def _without_escapes(text: bytes, dialect: CsvDialect) -> bytes:
    return text if dialect.escape is None else dialect.escaped.sub(b"", text)
