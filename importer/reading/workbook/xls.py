"""Error cells and hidden rows of an xls sheet, read from its BIFF records: row → column → what is shown, and notes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from importer.reading.workbook.compound_file import MAGIC, CompoundFile
from importer.reading.workbook.error_codes import error_text
from importer.reading.workbook.look import notes_on

BOUND_SHEET, END, BOOL_OR_ERROR, FORMULA = 0x0085, 0x000A, 0x0205, 0x0006
ROW, FILTER = 0x0208, 0x009D
ROW_IS_HIDDEN = 0x20
BEGIN = (0x0809, 0x0409, 0x0209, 0x0009)
OLD_FORMULAS = (0x0206, 0x0406)


def errors_in_xls(data: bytes, index: int) -> tuple[dict[int, dict[int, str]], tuple[str, ...]]:
    """Error cells of the sheet number `index`, counted from 0 like rows and columns; and notes on the sheet."""
    stream = CompoundFile(data).stream("Workbook", "Book") if data.startswith(MAGIC) else data
    if stream is None:
        raise ValueError("no workbook stream")
    sheets = [struct.unpack_from("<I", body)[0] for kind, body in _records(stream, 0) if kind == BOUND_SHEET]
    found: dict[int, dict[int, str]] = {}
    hidden = filtered = False
    for kind, body in _records(stream, sheets[index] if sheets else 0):
        hidden = hidden or (kind == ROW and len(body) >= 14 and bool(body[12] & ROW_IS_HIDDEN))
        filtered = filtered or kind == FILTER
        code = _error(kind, body)
        if code is not None:
            row, column = struct.unpack_from("<HH", body)
            found.setdefault(row, {})[column] = error_text(code)
    return found, notes_on(hidden, filtered)


def _error(kind: int, body: bytes) -> int | None:
    if kind == BOOL_OR_ERROR and len(body) >= 8 and body[7] == 1:
        return body[6]
    # a result that is no number is marked by FFFF at its end, and 2 at its start says: an error
    if (kind == FORMULA or kind in OLD_FORMULAS) and len(body) >= 14 and body[12:14] == b"\xff\xff" and body[6] == 2:
        return body[8]
    return None


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records of one substream; charts inside it have a beginning and an end of their own."""
    depth = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        depth += (kind in BEGIN) - (kind == END)
        if depth <= 0 and kind == END:
            return
        if depth == 1:
            yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size
