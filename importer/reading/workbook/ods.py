"""Error cells and hidden rows of an ods sheet, read from its XML: row → column → what is shown, and notes."""

from __future__ import annotations

import re
import zipfile
from typing import IO, BinaryIO
from xml.parsers import expat

from importer.reading.workbook.look import NO_VALUE, notes_on

CHUNK = 1 << 20
SUSPICIOUS = re.compile(
    rb"""value-type\s*=\s*["']error|>\s*(?:#[A-Z]|Err:)|visibility\s*=\s*["'](?:collapse|filter)"""
    rb"""|<table:table-cell\b(?=[^>]*\bformula\s*=)(?![^>]*\bvalue-type)"""
)
SHOWN = re.compile(r"#(?:N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!)|Err:\d+")
MOST_REPEATED = 1_000
"""Rows of the same errors that are told one by one; a repeated row beyond that is filler."""


def errors_in_ods(file: BinaryIO, sheet: str) -> tuple[dict[int, dict[int, str]], tuple[str, ...]]:
    """Row → column → text, counted from 0, and notes on the sheet."""
    with zipfile.ZipFile(file) as archive:
        with archive.open("content.xml") as xml:
            if not _is_suspicious(xml):
                return {}, ()
        with archive.open("content.xml") as xml:
            scan = _ErrorScan(sheet)
            return scan.scan(xml), notes_on(scan.hidden, scan.filtered)


def _is_suspicious(xml: IO[bytes]) -> bool:
    tail = b""
    while chunk := xml.read(CHUNK):
        if SUSPICIOUS.search(tail + chunk):
            return True
        tail = chunk[-2000:]
    return False


class _ErrorScan:
    """One pass of expat. Rows and cells say how often they are repeated."""

    def __init__(self, sheet: str) -> None:
        self.sheet = sheet
        self.found: dict[int, dict[int, str]] = {}
        self.is_here = self.hidden = self.filtered = False
        self.row = self.row_count = self.column = 0
        self.errors: dict[int, str] = {}
        self.cell: dict[str, str] | None = None
        self.text = ""

    def scan(self, xml: IO[bytes]) -> dict[int, dict[int, str]]:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        while chunk := xml.read(CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
        return self.found

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        match tag:
            case "table:table":
                self.is_here = attributes.get("table:name") == self.sheet
                self.row = 0
            case "table:table-row":
                self.row_count = int(attributes.get("table:number-rows-repeated", "1"))
                self.column, self.errors = 0, {}
                shown = attributes.get("table:visibility", "visible")
                self.hidden = self.hidden or (self.is_here and shown != "visible")
                self.filtered = self.filtered or (self.is_here and shown == "filter")
            case "table:table-cell" | "table:covered-table-cell":
                self.cell, self.text = attributes, ""

    def _characters(self, text: str) -> None:
        if self.cell is not None:
            self.text += text

    def _end(self, tag: str) -> None:
        match tag:
            case "table:table":
                self.is_here = False
            case "table:table-cell" | "table:covered-table-cell":
                self._end_cell()
            case "table:table-row":
                if self.is_here and self.errors:
                    for row in range(self.row, self.row + min(self.row_count, MOST_REPEATED)):
                        self.found[row] = dict(self.errors)
                self.row += self.row_count

    def _end_cell(self) -> None:
        cell, self.cell = self.cell or {}, None
        count = int(cell.get("table:number-columns-repeated", "1"))
        text = self.text.strip()
        if "table:formula" in cell and not text and not any(name.endswith(":value-type") for name in cell):
            self.errors |= dict.fromkeys(range(self.column, self.column + min(count, MOST_REPEATED)), NO_VALUE)
        is_error = cell.get("calcext:value-type") == "error"
        if is_error or ("table:formula" in cell and SHOWN.fullmatch(text)):
            self.errors |= dict.fromkeys(range(self.column, self.column + min(count, MOST_REPEATED)), text or "error")
        self.column += count
