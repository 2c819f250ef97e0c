"""Records of a file with an escape character: the exact lexer reads them all, pyarrow has rules of its own."""

from __future__ import annotations

import pyarrow as pa

from importer.reading.csv.lexer import Record, lex_record
from importer.reading.csv.records import REPEATED, Reason, Shape, Span, is_text, undecodable, wrong_width
from importer.reading.model import UnreadableRow
from importer.reading.pieces import Piece, text_table
from importer.reading.transcoding import shown
from importer.vocabulary import RejectionCode


def read_escaped(data: bytes, first_row: int, shape: Shape, final: bool) -> tuple[int, Span]:
    """All whole records of `data`, and how far that is; an unclosed quote stays unread."""
    rows: list[int] = []
    cells: list[tuple[str, ...]] = []
    unreadable: list[UnreadableRow] = []
    at, row = 0, first_row
    while at < len(data):
        record = lex_record(data, at, shape.dialect, final)
        if record is None or record.unclosed is not None:
            break
        reason = _reason(data, record, shape)
        if reason is not None:
            text = shown(data[record.start : record.stop])
            unreadable.append(UnreadableRow(row, *reason, text, len(record.fields) if record.flaw is None else None))
        elif not record.is_blank:
            rows.append(row)
            cells.append(tuple(field.decode() for field in record.fields))
        at, row = record.end, row + 1
    table = text_table(list(zip(*cells, strict=True)) if cells else [()] * shape.width)
    return at, Span(Piece(pa.array(rows, pa.int64()), table, tuple(unreadable)), row - first_row)


def _reason(data: bytes, record: Record, shape: Shape) -> Reason | None:
    """Why the record can't be split into the columns; None: it can, or is blank."""
    raw = data[record.start : record.stop]
    if record.flaw is not None:
        return RejectionCode.BAD_QUOTING, f"In the row, {record.flaw}."
    if not is_text(raw):
        return undecodable(raw)
    if b"\0" in raw:
        return RejectionCode.CONTROL_CHARACTER, "The row has a NUL character."
    if len(record.fields) != shape.width and not record.is_blank:
        return wrong_width(len(record.fields), shape.width)
    if tuple(field.decode() for field in record.fields) == shape.headers:
        return REPEATED
    return None
