"""rejections.xlsx: what people correct there is text, marked and explained, and nothing in it is alive."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from importer.reports.columns import CORRECTION_COLUMNS
from importer.reports.write import write_reports

from .in_memory import RUN, InMemory, run_report
from .naughty import naughty_strings
from .test_guard import unguarded

OWN = {"_codes": "too_long", "_reasons": "r", "_run": RUN}


def rejected(*texts: str) -> InMemory:
    """One rejected row for each text, source rows 2, 3, …"""
    rows = [((text, "x"), {"_row": str(row), **OWN}) for row, text in enumerate(texts, start=2)]
    return InMemory(headers=("Name", "Other"), rejected_rows=rows)


def written(data: InMemory, folder: Path, **changed: Any) -> Path:
    write_reports(run_report(data, **changed), folder)
    return folder / "rejections.xlsx"


def as_read(path: Path, sheet: str = "Rejected rows") -> list[list[str]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python()


def summary_text(path: Path) -> str:
    return "\n".join(" ".join(line) for line in as_read(path, "Summary"))


def test_the_header_is_row_one_and_the_rows_follow_as_they_were(tmp_path: Path) -> None:
    texts = ("=1+1", "00012", "1e5", "'quoted", " padded ", "http://example.com", "two\nlines", "🙂" * 10, "2024-01-05")
    path = written(rejected(*texts), tmp_path)
    header, *rows = as_read(path)
    assert header == ["Name", "Other", *CORRECTION_COLUMNS]
    assert [(row[0], row[2]) for row in rows] == [(text, str(n)) for n, text in enumerate(texts, start=2)]
    assert {type(cell) for row in rows for cell in row} == {str}


def test_naughty_strings_come_back_or_are_said_to_be_left_out(tmp_path: Path) -> None:
    texts = [text for text in naughty_strings() if text]
    path = written(rejected(*texts), tmp_path)
    expected = {str(n): text for n, text in enumerate(texts, start=2)}
    found = {row[2]: row[0] for row in as_read(path)[1:]}
    assert all(expected[row] == unguarded(text) for row, text in found.items())
    left_out = [row for row in expected if row not in found]
    assert len(left_out) < 10
    assert all(row in summary_text(path) for row in left_out)


def test_no_cell_is_a_formula_or_a_link(tmp_path: Path) -> None:
    path = written(rejected('=HYPERLINK("http://x")', "+1+1", "@SUM(A1)", "http://example.com"), tmp_path)
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            assert all(cell.data_type in ("s", "inlineStr", "n") and cell.hyperlink is None for cell in row)
            assert all(cell.value is None for cell in row if cell.data_type == "n")
    with zipfile.ZipFile(path) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist() if "sheets/sheet" in name)


@pytest.mark.parametrize(
    "text",
    ["a" * 32_768, "🙂" * 16_384, "'=" + "a" * 32_765, "bell \x07", "nul \x00", "literal _x000D_", "\ufffe"],
    ids=["long", "long in UTF-16", "long with an apostrophe", "bell", "nul", "escape of Excel", "no character"],
)
def test_a_row_that_a_workbook_cannot_hold_is_left_out_and_named(tmp_path: Path, text: str) -> None:
    path = written(rejected("good", text, "good too"), tmp_path)
    assert [row[0] for row in as_read(path)[1:]] == ["good", "good too"]
    assert "Source rows 3" in summary_text(path)
    assert (tmp_path / "rejections.csv").read_text("utf-8-sig").count(RUN) == 3


@pytest.mark.parametrize("text", ["a" * 32_767, "🙂" * 16_383, "tab\tand\r\nlines"])
def test_what_just_fits_comes_back(tmp_path: Path, text: str) -> None:
    assert as_read(written(rejected(text), tmp_path))[1][0] == text


def test_rows_past_the_limit_are_counted_on_the_summary(tmp_path: Path) -> None:
    path = written(rejected(*"abcde"), tmp_path, workbook_rows=3)
    assert [row[0] for row in as_read(path)[1:]] == ["a", "b", "c"]
    assert "2 more rows" in summary_text(path)


def test_without_workbook_rows_all_are_only_in_the_csv(tmp_path: Path) -> None:
    path = written(rejected("a", "b"), tmp_path, workbook_rows=0)
    assert len(as_read(path)) == 1
    assert "2 more rows" in summary_text(path)


def test_headers_that_do_not_fit_leave_the_sheet_empty_and_say_so(tmp_path: Path) -> None:
    data = InMemory(headers=("a\x07",), rejected_rows=[(("x",), {"_row": "2", **OWN})])
    path = written(data, tmp_path)
    assert as_read(path) == []
    assert "the headers of the file don't fit" in summary_text(path)


def test_offending_cells_are_marked_and_explained(tmp_path: Path) -> None:
    data = rejected("first", "second")
    data.reason_rows = [
        {"row": "2", "column": "Other", "code": "too_long", "message": "12 characters; at most 10"},
        {"row": "2", "column": "Other", "code": "not_in_list", "message": "no such code"},
        {"row": "3", "column": "", "code": "duplicate_key", "message": "rows 3, 9 have the same key"},
    ]
    sheet = openpyxl.load_workbook(written(data, tmp_path))["Rejected rows"]
    notes = {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
    assert notes == {
        "B2": "12 characters; at most 10 (too_long)\nno such code (not_in_list)",
        "C3": "rows 3, 9 have the same key (duplicate_key)",
    }
    assert sheet["B2"].value == "x"
    marked = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.fill.fgColor.rgb == "FFFDE2E0"}
    assert marked == {"B2", "C3"}


def test_an_empty_offending_cell_is_marked_too(tmp_path: Path) -> None:
    data = InMemory(
        headers=("Name",),
        rejected_rows=[(("",), {"_row": "2", **OWN})],
        reason_rows=[{"row": "2", "column": "Name", "code": "missing_required", "message": "must not be empty"}],
    )
    sheet = openpyxl.load_workbook(written(data, tmp_path))["Rejected rows"]
    assert sheet["A2"].value is None
    assert sheet["A2"].comment.text == "must not be empty (missing_required)"


def test_typed_corrections_stay_text_and_the_header_stays_in_sight(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(written(rejected("a"), tmp_path))["Rejected rows"]
    assert sheet.column_dimensions["A"].number_format == "@"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G2"


def test_the_reasons_stand_on_their_sheet(tmp_path: Path) -> None:
    data = rejected("a")
    data.reason_rows = [
        {"row": "2", "column": "Name", "field": "name", "value": "\x07", "code": "too_long", "message": "m"}
    ]
    header, row = as_read(written(data, tmp_path), "Reasons")
    assert dict(zip(header, row, strict=True)) == {
        "row": "2",
        "column": "Name",
        "field": "name",
        "value": "␇",
        "code": "too_long",
        "message": "m",
        "repeated": "",
    }


def test_nothing_of_the_writing_is_left_in_the_folder(tmp_path: Path) -> None:
    written(rejected("a"), tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
