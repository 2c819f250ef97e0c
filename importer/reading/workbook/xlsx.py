"""Error cells of an xlsx sheet, read from its XML: in goes the workbook, out go row → column → what is shown."""

from __future__ import annotations

import zipfile
from typing import IO, BinaryIO
from xml.parsers import expat

from importer.reading.workbook.look import NO_VALUE
from importer.reading.workbook.package import elements, real_name, relation_target
from importer.reading.workbook.xlsx_look import look

CHUNK = 1 << 20


def errors_in_xlsx(file: BinaryIO, sheet: str) -> tuple[dict[int, dict[int, str]], tuple[str, ...]]:
    """Row → column → text, counted from 0, and notes on the sheet. A sheet that can't be found raises KeyError."""
    with zipfile.ZipFile(file) as archive:
        part = real_name(archive, _sheet_part(archive, sheet))
        with archive.open(part) as xml:
            seen = look(xml)
        if not seen.suspicious:
            return {}, seen.notes
        with archive.open(part) as xml:
            return _ErrorScan().scan(xml), seen.notes


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Where the XML of a sheet is: package → workbook → relation → part."""
    workbook = relation_target(archive, "", type_="/officeDocument")
    for element in elements(archive, workbook, "sheet"):
        if element.get("name") == sheet:
            relation = next(value for key, value in element.items() if key.endswith("}id"))
            return relation_target(archive, workbook, id_=relation)
    raise KeyError(sheet)


class _ErrorScan:
    """One pass of expat over the sheet. References are optional in XML: without one, a cell follows the last."""

    def __init__(self) -> None:
        self.found: dict[int, dict[int, str]] = {}
        self.row, self.column = -1, -1
        self.kind = ""
        self.has_formula = False
        self.value: list[str] | None = None
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
        match tag.rpartition(":")[2]:
            case "row":
                self.row = int(attributes["r"]) - 1 if "r" in attributes else self.row + 1
                self.column = -1
            case "c":
                self._start_cell(attributes)
            case "f":
                self.has_formula = True
            case "v" | "is":
                self.value = []

    def _start_cell(self, attributes: dict[str, str]) -> None:
        if "r" in attributes:
            self.row, self.column = cell_position(attributes["r"])
        else:
            self.column += 1
        self.kind = attributes.get("t", "n")
        self.has_formula, self.text, self.value = False, "", None

    def _characters(self, text: str) -> None:
        if self.value is not None:
            self.value.append(text)

    def _end(self, tag: str) -> None:
        match tag.rpartition(":")[2]:
            case "v" | "is":
                self.text, self.value = "".join(self.value or ()), None
            case "c":
                self._end_cell()

    def _end_cell(self) -> None:
        # a formula that gives an empty text is stored as t="str" with an empty value
        no_value = self.has_formula and not self.text and self.kind not in ("str", "inlineStr")
        if self.kind == "e" or no_value:
            shown = self.text if self.kind == "e" and self.text else NO_VALUE
            self.found.setdefault(self.row, {})[self.column] = shown


def cell_position(reference: str) -> tuple[int, int]:
    """`B5` → row 4, column 1."""
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters.replace("$", "").upper():
        column = column * 26 + ord(letter) - 64
    return int(reference[len(letters) :]) - 1, column - 1
