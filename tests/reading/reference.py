"""A slow, plain CSV reader to compare with: one byte at a time, the whole file in memory, no code of ours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from importer.reading.csv.lexer import CsvDialect


@dataclass
class Reading:
    """Cells by row number, codes of the unreadable rows by row number; `refused` if a quote never closes."""

    rows: dict[int, tuple[str, ...]] = field(default_factory=dict)
    bad: dict[int, str] = field(default_factory=dict)
    refused: bool = False


@dataclass
class _Record:
    fields: list[bytes]
    raw: bytes
    end: int
    is_bad: bool
    unclosed: int | None


def read(data: bytes, headers: tuple[str, ...], dialect: CsvDialect) -> Reading:
    """Everything after the header, from row 2 on."""
    reading = Reading()
    at, row = 0, 2
    while at < len(data):
        record = _record(data, at, dialect)
        if record.unclosed is not None:
            record = _contained(data, at, record, headers, dialect)
            if record is None:
                reading.refused = True
                return reading
            dialect = replace(dialect, quote=None)
        code = _code(record, headers)
        if code is not None:
            reading.bad[row] = code
        elif record.raw:
            reading.rows[row] = tuple(value.decode() for value in record.fields)
        at, row = record.end, row + 1
    return reading


def _code(record: _Record, headers: tuple[str, ...]) -> str | None:
    if record.is_bad:
        return "bad_quoting"
    try:
        record.raw.decode()
    except UnicodeDecodeError:
        return "undecodable_text"
    if b"\0" in record.raw:
        return "control_character"
    if not record.raw:
        return None
    if len(record.fields) != len(headers):
        return "row_too_short" if len(record.fields) < len(headers) else "row_too_long"
    return "repeated_header" if tuple(value.decode() for value in record.fields) == headers else None


def _contained(
    data: bytes, start: int, record: _Record, headers: tuple[str, ...], dialect: CsvDialect
) -> _Record | None:
    assert record.unclosed is not None
    assert dialect.quote is not None
    stop = record.unclosed
    while stop < len(data) and data[stop : stop + 1] not in (b"\n", b"\r"):
        stop += 1
    end = _line_end(data, stop)
    if dialect.escape is not None or dialect.quote.encode() in data[end:]:
        return None
    at = end
    while at < len(data):
        line = _record(data, at, replace(dialect, quote=None))
        if line.raw and (len(line.fields) != len(headers) or len(headers) < 2):
            return None
        at = line.end
    return _Record([], data[start:stop], end, True, None)


def _line_end(data: bytes, stop: int) -> int:
    return stop + (2 if data[stop : stop + 2] == b"\r\n" else 1 if stop < len(data) else 0)


def _record(data: bytes, start: int, dialect: CsvDialect) -> _Record:
    delimiter, quote, escape = (sign and sign.encode() for sign in (dialect.delimiter, dialect.quote, dialect.escape))
    state, fields, value, is_bad, opened, at = "start", [], bytearray(), False, None, start
    while at < len(data):
        byte = data[at : at + 1]
        is_quote = byte == quote
        if byte == escape and at + 1 < len(data):
            is_bad = is_bad or state == "closed"
            value += data[at + 1 : at + 2]
            at += 1
            state = "quoted" if state == "quoted" else "plain"
        elif state == "quoted":
            if is_quote and data[at + 1 : at + 2] == byte:
                value += byte
                at += 1
            elif is_quote:
                state = "closed"
            else:
                value += byte
        elif byte == delimiter:
            fields.append(bytes(value))
            value, state = bytearray(), "start"
        elif byte in (b"\n", b"\r"):
            break
        elif state == "start" and is_quote:
            state, opened = "quoted", at
        else:
            is_bad = is_bad or is_quote or state == "closed"
            value += byte
            state = "bad" if state == "closed" else "plain" if state == "start" else state
        at += 1
    fields.append(bytes(value))
    unclosed = opened if state == "quoted" else None
    return _Record(fields, data[start:at], _line_end(data, at), is_bad, unclosed)
