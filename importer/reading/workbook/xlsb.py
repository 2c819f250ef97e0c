"""Error cells and hidden rows of an xlsb sheet, read from its binary records: row → column → what is shown."""

from __future__ import annotations

import posixpath
import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from importer.reading.workbook.error_codes import error_text
from importer.reading.workbook.look import notes_on
from importer.reading.workbook.package import real_name, relation_target

ROW_HEADER, CELL_ERROR, FORMULA_ERROR, BUNDLE_SHEET, FILTER = 0, 3, 11, 156, 161
ROW_IS_HIDDEN = 0x10


def errors_in_xlsb(file: BinaryIO, sheet: str) -> tuple[dict[int, dict[int, str]], tuple[str, ...]]:
    """Row → column → text, counted from 0, and notes on the sheet. KeyError where it has no part."""
    with zipfile.ZipFile(file) as archive:
        data = archive.read(real_name(archive, _sheet_part(archive, sheet)))
    found: dict[int, dict[int, str]] = {}
    row = 0
    hidden = filtered = False
    for kind, at, size in _records(data):
        if kind == ROW_HEADER and size >= 4:
            row = struct.unpack_from("<I", data, at)[0]
            hidden = hidden or (size >= 12 and bool(data[at + 11] & ROW_IS_HIDDEN))
        elif kind == FILTER:
            filtered = True
        elif kind in (CELL_ERROR, FORMULA_ERROR) and size >= 9:
            column = struct.unpack_from("<I", data, at)[0]
            found.setdefault(row, {})[column] = error_text(data[at + 8])
    return found, notes_on(hidden, filtered)


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    workbook = relation_target(archive, "", type_="/officeDocument")
    data = archive.read(real_name(archive, workbook))
    for kind, at, _ in _records(data):
        if kind == BUNDLE_SHEET:
            relation, end = _text(data, at + 8)
            if _text(data, end)[0] == sheet:
                return relation_target(archive, workbook, id_=relation)
    raise KeyError(posixpath.basename(workbook))


def _text(data: bytes, at: int) -> tuple[str, int]:
    length = struct.unpack_from("<I", data, at)[0]
    end = at + 4 + 2 * length
    return data[at + 4 : end].decode("utf-16-le"), end


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, position and size of each record; both numbers are stored seven bits a byte."""
    at = 0
    while at < len(data):
        kind, at = _packed(data, at, 2)
        size, at = _packed(data, at, 4)
        yield kind, at, size
        at += size


def _packed(data: bytes, at: int, limit: int) -> tuple[int, int]:
    value = 0
    for count in range(limit):
        byte = data[at + count] if at + count < len(data) else 0
        # the kind keeps its marker bits, sizes don't
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    return value, at + limit
