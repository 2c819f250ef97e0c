"""Workbooks lose nothing: true row numbers, text as text, error cells and lost digits flagged, no sheet guessed."""

from __future__ import annotations

import datetime as dt
import io
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import FileRefused
from importer.reading.model import ReadOptions
from importer.reading.workbook import child, sheets, xlsx_look
from importer.reading.workbook.errors import SheetPlace, find_error_cells
from importer.reading.workbook.xls import errors_in_xls
from reading.whole import Whole, read_whole

CALAMINE = Path(__file__).parents[3] / "shared" / "data" / "calamine"
needs_calamine = pytest.mark.skipif(not CALAMINE.is_dir(), reason="shared/data/calamine is not here")
Rows = list[list[Any]]


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    def write(**sheets: Rows) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for name, rows in sheets.items():
            sheet = book.create_sheet(name.replace("_", " "))
            for row in rows:
                sheet.append(row)
        path = tmp_path / "customers.xlsx"
        book.save(path)
        return path

    return write


def test_cells_become_text_in_the_declared_form(workbook: Callable[..., Path]) -> None:
    values = ["00123", 42, 1234.5, 1e-7, True, dt.date(2026, 3, 1), dt.datetime(2026, 3, 1, 14, 30), "=x", None, " y "]
    path = workbook(Customers=[[f"h{i}" for i in range(len(values))], values])
    path.write_bytes(_without_formulas(path.read_bytes()))
    found = read_whole(path)
    expected = ("00123", "42", "1234.5", "0.0000001", "true", "2026-03-01", "2026-03-01 14:30:00", "=x", "", " y ")
    assert found.rows == {2: expected}
    assert (found.dialect.format, found.dialect.sheet, found.dialect.encoding) == ("xlsx", "Customers", None)
    german = read_whole(path, date_format="%d.%m.%Y", decimal=",").rows[2]
    assert (german[2], german[5], german[6]) == ("1234,5", "01.03.2026", "01.03.2026 14:30:00")


def _without_formulas(content: bytes) -> bytes:
    """openpyxl writes `=x` as a formula; here it is text."""
    return _patched(
        content,
        "xl/worksheets/sheet1.xml",
        rb"<c r=\"(\w+)\"><f>x</f><v ?/?>(?:</v>)?</c>",
        rb'<c r="\1" t="str"><v>=x</v></c>',
    )


def _patched(content: bytes, part: str, pattern: bytes, replacement: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == part:
                changed = re.sub(pattern, replacement, data)
                assert changed != data, data
                data = changed
            new.writestr(name, data)
    return buffer.getvalue()


def test_row_numbers_are_those_of_the_sheet(workbook: Callable[..., Path]) -> None:
    path = workbook(S=[[], ["Customers"], [], ["id", "name"], ["1", "a"], [], [None, None], ["2", "b"]])
    found = read_whole(path)
    assert found.dialect.header_row == 4
    assert found.rows == {5: ("1", "a"), 8: ("2", "b")}


def test_short_rows_are_padded_and_text_beyond_the_header_is_too_long(workbook: Callable[..., Path]) -> None:
    found = read_whole(workbook(S=[["id", "name", "city"], ["1"], ["2", "b", "c", "d"], ["id", "name", "city"]]))
    assert found.rows == {2: ("1", "", "")}
    assert found.codes == {3: "row_too_long", 4: "repeated_header"}


def test_numbers_that_lost_digits_are_flagged(workbook: Callable[..., Path]) -> None:
    found = read_whole(workbook(S=[["id", "account"], ["1", 12345678901234567890], ["2", 123456789012345]]))
    assert found.flags == {(2, 1): ("imprecise_number", "12345678901234570000")}
    assert found.rows[3] == ("2", "123456789012345")


def test_error_cells_and_formulas_without_value_are_flagged(workbook: Callable[..., Path]) -> None:
    path = workbook(S=[["id", "a", "b"], ["1", "#N/A", "=1+1"], ["2", "x", "y"]])
    found = read_whole(path)
    assert found.flags == {
        (2, 1): ("error_cell", "#N/A"),
        (2, 2): ("error_cell", "formula without a stored value"),
    }
    assert list(found.rows) == [2, 3]


@needs_calamine
def test_error_cells_of_xls() -> None:
    with (CALAMINE / "gh548_incorrect_sst_unique_count.xls").open("rb") as file:
        errors = find_error_cells(file, SheetPlace("xls", "Acute Trust Mapping", 6)).errors
    assert errors[12] == dict.fromkeys(range(10, 14), "#VALUE!")


def test_a_table_in_the_middle_of_a_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for place, value in {"C3": "id", "D3": "name", "C4": "1", "D4": "#N/A", "C6": "2"}.items():
        book.worksheets[0][place] = value
    book.save(tmp_path / "middle.xlsx")
    found = read_whole(tmp_path / "middle.xlsx")
    assert found.headers == ("id", "name")
    assert found.rows == {4: ("1", "#N/A"), 6: ("2", "")}
    assert found.flags == {(4, 1): ("error_cell", "#N/A")}


@needs_calamine
def test_error_cells_of_xlsb(tmp_path: Path) -> None:
    """A number cell is turned into an error cell in the binary part: kind 2 or 5 becomes 3, its value an error code."""
    content = (CALAMINE / "date.xlsb").read_bytes()
    number = bytes([2, 12]) + (1).to_bytes(4, "little")
    real = bytes([5, 16]) + (1).to_bytes(4, "little")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data = archive.read("xl/worksheets/sheet1.bin")
    kind = number if number in data else real
    at = data.index(kind, data.index(kind) + 1)
    changed = data[:at] + b"\x03\x09" + data[at + 2 : at + 10] + b"\x2a" + data[at + 2 + kind[1] :]
    path = tmp_path / "errors.xlsb"
    path.write_bytes(_patched(content, "xl/worksheets/sheet1.bin", re.escape(data), changed.replace(b"\\", rb"\\")))
    with path.open("rb") as file:
        assert find_error_cells(file, SheetPlace("xlsb", "Sheet1", 0)).errors == {1: {1: "#N/A"}}


HIDDEN = "some rows are hidden; they are read like the others"
NOTES = {HIDDEN, "the sheet has a filter; all rows are read"}
ODS_ROWS = (
    "<table:table-row><table:table-cell office:value-type='string'><text:p>id</text:p></table:table-cell>"
    "<table:table-cell office:value-type='string'><text:p>n</text:p></table:table-cell></table:table-row>"
    "<table:table-row table:number-rows-repeated='2'><table:table-cell/><table:table-cell table:formula='of:=1/0'"
    " office:value-type='float' office:value='0'><text:p>#DIV/0!</text:p></table:table-cell></table:table-row>"
)


def test_error_cells_of_ods(tmp_path: Path) -> None:
    path = tmp_path / "errors.ods"
    path.write_bytes(_ods(ODS_ROWS))
    error = ("error_cell", "#DIV/0!")
    assert read_whole(path).flags == {(2, 1): error, (3, 1): error}


def test_hidden_rows_and_formulas_without_value_of_ods(tmp_path: Path) -> None:
    path = tmp_path / "hidden.ods"
    row = "<table:table-row%s><table:table-cell office:value-type='string'><text:p>1</text:p></table:table-cell>%s"
    formula = "<table:table-cell table:formula='of:=A1'/></table:table-row>"
    blank = "<table:table-cell table:formula='of:=A1' office:value-type='string'><text:p/></table:table-cell>"
    path.write_bytes(
        _ods(ODS_ROWS + row % (" table:visibility='filter'", formula) + row % ("", blank + "</table:table-row>"))
    )
    found = read_whole(path)
    assert found.flags[4, 1] == ("error_cell", "formula without a stored value")
    assert (5, 1) not in found.flags
    assert set(found.dialect.notes) >= NOTES
    path.write_bytes(_ods(ODS_ROWS))
    assert not NOTES & set(read_whole(path).dialect.notes)


def test_hidden_rows_of_xls(tmp_path: Path) -> None:
    """An old workbook is one stream of records: kind, size, content."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def sheet(flags: int, *more: bytes) -> bytes:
        row = struct.pack("<6HI", 1, 0, 1, 255, 0, 0, flags)
        return b"".join((record(0x0809, bytes(16)), record(0x0208, row), *more, record(0x000A, b"")))

    assert errors_in_xls(sheet(0x100), 0) == ({}, ())
    errors, notes = errors_in_xls(sheet(0x120, record(0x009D, b"\1\0")), 0)
    assert (errors, set(notes)) == ({}, NOTES)


@needs_calamine
def test_hidden_rows_of_xlsb(tmp_path: Path) -> None:
    """The flag of a row is set in its binary header: kind 0, then its size, its number and its style."""
    content = (CALAMINE / "date.xlsb").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data = archive.read("xl/worksheets/sheet1.bin")
    at = re.search(rb"\x00[\x11-\x40]\x01\x00\x00\x00", data).end() - 4  # type: ignore[union-attr]
    changed = data[: at + 11] + bytes([data[at + 11] | 0x10]) + data[at + 12 :]
    patched = _patched(content, "xl/worksheets/sheet1.bin", re.escape(data), changed.replace(b"\\", rb"\\"))
    for book, expected in ((content, set()), (patched, {HIDDEN})):
        notes = find_error_cells(io.BytesIO(book), SheetPlace("xlsb", "Sheet1", 0)).notes
        assert set(notes) & NOTES == expected


def _ods(rows: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:x"/>')
    return buffer.getvalue()


def test_several_sheets_need_a_choice(workbook: Callable[..., Path]) -> None:
    path = workbook(One=[["id"], ["1"]], Two=[["id"], ["2"]], Empty=[])
    with pytest.raises(FileRefused, match="'One', 'Two'") as refused:
        read_whole(path)
    assert "--sheet" in (refused.value.hint or "")
    assert read_whole(path, sheet="Two").rows == {2: ("2",)}
    with pytest.raises(FileRefused, match="no sheet 'Three'"):
        read_whole(path, sheet="Three")


def test_a_correction_workbook_shows_its_own_sheet(workbook: Callable[..., Path]) -> None:
    rows = [["id", "'=name", "_row", "_codes", "_reasons", "_run", "_text"], ["'-1", "x", "2", "c", "r", "run", None]]
    found = read_whole(workbook(Summary=[["Rows"], ["1"]], Rejected_rows=rows, Reasons=[["row"], ["2"]]), sheet="Data")
    assert found.is_correction
    assert found.dialect.sheet == "Rejected rows"
    assert found.headers[:2] == ("id", "=name")
    assert found.rows[2][0] == "-1"


def test_hidden_rows_and_filters_are_said(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["id", "name"], ["1", "a"], ["2", "b"]):
        sheet.append(row)
    sheet.row_dimensions[2].hidden = True
    sheet.auto_filter.ref = "A1:B3"
    book.save(tmp_path / "hidden.xlsx")
    found = read_whole(tmp_path / "hidden.xlsx")
    assert len(found.rows) == 2
    assert set(found.dialect.notes) >= NOTES


MARKS = (
    *('t="e"', "t = 'e'", "<v>1</v>"),
    *("<f>1</f></c>", "<x:f/></x:c>", "<x:f a=''/>\n<v/></c>", "<f>1</f><v></v></c>", "<f>1</f><v>1</v></c>"),
    *('<row r="1" hidden="1">', "<x:row hidden = 'true'>", '<col hidden="1"/>', "<autoFilter/>", "<x:autoFilter a=''>"),
)


SUSPICIOUS = rb"""t ?= ?["']e["']|(</(x:)?f>|<(x:)?f[^>]*/>)\s*(<v/>|<v></v>)?</(x:)?c>"""


@given(st.lists(st.sampled_from(MARKS)).map("".join))
def test_a_quick_look_sees_what_its_patterns_find(xml: str) -> None:
    """What is searched for first, because it is rarely there, leaves nothing out."""
    text = xml.encode()
    seen = xlsx_look.look(io.BytesIO(text))
    assert seen.suspicious == (re.search(SUSPICIOUS, text) is not None)
    assert seen.hidden_rows == (
        re.search(rb"""row\b[^>]*hidden = ?["'](?:1|true)|row\b[^>]*hidden="1""", text) is not None
    )
    assert seen.filtered == (b"autoFilter" in text)


@pytest.mark.parametrize(
    ("others", "most", "loaded"),
    [({}, 0, ["Data"]), ({"Empty": []}, 4, ["Data", "Empty"]), ({"Empty": []}, 0, ["Data", "Empty", "Data"])],
)
def test_a_sheet_is_loaded_once(
    workbook: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    others: dict[str, Rows],
    most: int,
    loaded: list[str],
) -> None:
    """Loading is all that takes time in a large workbook; beside others a very large sheet would fill the memory."""
    path = workbook(Data=[["id", "name"], ["1", "a"]], **others)
    monkeypatch.setattr(sheets, "KEPT_CELLS", most)
    book, sent = CountingBook(path), list[str]()
    monkeypatch.setattr(sheets, "_open", lambda *_: book)
    monkeypatch.setattr(child, "send", lambda kind, **_: sent.append(kind))
    with path.open("rb") as file:
        sheets.send_sheet(file, str(path), "xlsx", ReadOptions())
    assert sent == ["opened", "rows"]
    assert book.loaded == loaded


class CountingBook:
    """A workbook of calamine that notes what is asked of it."""

    def __init__(self, path: Path) -> None:
        self._book = python_calamine.CalamineWorkbook.from_path(path)
        self.loaded: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def get_sheet_by_name(self, name: str) -> python_calamine.CalamineSheet:
        self.loaded.append(name)
        return self._book.get_sheet_by_name(name)


def hostile(name: str, content: bytes) -> bytes:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["id", "name"])
    buffer = io.BytesIO()
    book.save(buffer)
    return _patched(buffer.getvalue(), name, rb"(?s).*\Z", content.replace(b"\\", b"\\\\"))


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
CORNERS = SHEET % (b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
BOMB = SHEET % (b"<row><c><v>1</v></c></row>" + b" " * (64 << 20))
LAUGHS = (
    b'<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b"]>"
    + SHEET % b'<row><c t="str"><f>1</f><v>&j;</v></c></row>'
)


@pytest.mark.parametrize(
    "sheet",
    [CORNERS, BOMB, LAUGHS, b"<worksheet><sheetData><row", b"\0\xff" * 100],
    ids=["corners", "bomb", "laughs", "cut", "noise"],
)
def test_hostile_sheets_end_as_a_refusal(tmp_path: Path, sheet: bytes) -> None:
    path = tmp_path / "hostile.xlsx"
    path.write_bytes(hostile("xl/worksheets/sheet1.xml", sheet))
    with pytest.raises(FileRefused, match=r"workbook|sheet"):
        read_whole(path)


def test_a_cut_off_workbook_is_refused(workbook: Callable[..., Path], tmp_path: Path) -> None:
    content = workbook(S=[["id"], ["1"]]).read_bytes()
    for size in range(100, len(content), 997):
        path = tmp_path / "cut.xlsx"
        path.write_bytes(content[:size])
        with pytest.raises(FileRefused, match="workbook"):
            read_whole(path)


XLSX = sorted(CALAMINE.glob("*.xlsx"))


@needs_calamine
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "path",
    [p for p in XLSX if p.stem in ("inventory-table", "issue_174", "readings")],
    ids=lambda p: p.stem,
)
def test_every_cell_is_that_of_openpyxl(path: Path) -> None:
    found: Whole = read_whole(path)
    book = openpyxl.load_workbook(path, data_only=True)
    sheet = book[found.dialect.sheet or ""]
    for row, cells in found.rows.items():
        for column, text in enumerate(cells):
            value = sheet.cell(row, column + 1).value
            if (row, column) not in found.flags:
                assert text == _text(value)


def _text(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d" if value.time() == dt.time() else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
