"""Error cells of an xlsx sheet, read from its XML: in goes the workbook, out go row → column → what is shown."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, BinaryIO
from xml.etree import ElementTree
from xml.parsers import expat

CHUNK = 1 << 20
OVERLAP = 4096
NO_VALUE = "formula without a stored value"
# t="e", or a formula that is followed by no value: cheap to search for, and rarely there
SUSPICIOUS = re.compile(
    rb"""\bt\s*=\s*["']e["']|(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)


def errors_in_xlsx(file: BinaryIO, sheet: str) -> dict[int, dict[int, str]]:
    """Row → column → text, counted from 0. A sheet whose XML can't be found raises KeyError."""
    with zipfile.ZipFile(file) as archive:
        part = _real_name(archive, _sheet_part(archive, sheet))
        with archive.open(part) as xml:
            if not _is_suspicious(xml):
                return {}
        with archive.open(part) as xml:
            return _ErrorScan().scan(xml)


def _is_suspicious(xml: IO[bytes]) -> bool:
    tail = b""
    while chunk := xml.read(CHUNK):
        if SUSPICIOUS.search(tail + chunk):
            return True
        tail = chunk[-OVERLAP:]
    return False


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Where the XML of a sheet is: package → workbook → relation → part."""
    workbook = _target(archive, "_rels/.rels", "", partial(_has, "Type", "/officeDocument"))
    folder, name = posixpath.split(workbook)
    for element in _elements(archive, workbook, "sheet"):
        if element.get("name") == sheet:
            wanted = next(value for key, value in element.items() if key.endswith("}id"))
            rels = posixpath.join(folder, "_rels", f"{name}.rels")
            return _target(archive, rels, folder, partial(_has, "Id", wanted))
    raise KeyError(sheet)


def _has(attribute: str, end: str, relation: dict[str, str]) -> bool:
    return relation[attribute].endswith(end) if end.startswith("/") else relation[attribute] == end


def _target(archive: zipfile.ZipFile, rels: str, folder: str, wanted: Callable[[dict[str, str]], bool]) -> str:
    relation = next(item for item in _elements(archive, rels, "Relationship") if wanted(item))
    target = relation["Target"].replace("\\", "/")
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))


def _real_name(archive: zipfile.ZipFile, path: str) -> str:
    """Names in packages are compared without regard to case, and some writers use backslashes."""
    plain = {name.replace("\\", "/").lstrip("/").casefold(): name for name in archive.namelist()}
    return plain[path.casefold()]


def _elements(archive: zipfile.ZipFile, part: str, tag: str) -> Iterator[dict[str, str]]:
    root = ElementTree.fromstring(archive.read(_real_name(archive, part)))  # noqa: S314  contained in the child
    for element in root.iter():
        if element.tag.rsplit("}", 1)[-1] == tag:
            yield dict(element.attrib)


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
