"""rejections.xlsx, for people: a summary, the rejected rows with the offending cells marked and explained, the reasons.

In: texts, all of which a workbook can hold. Out: a workbook of strings. It may be written in a child process, so
nothing here needs pyarrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from importer.reports.columns import OWN, REASON_COLUMNS
from importer.reports.visible import shortened, visible
from importer.reports.workbook.formats import Formats
from importer.reports.workbook.marks import Marks
from importer.reports.workbook.model import Line, Outline, Texts

REASON_WIDTHS = (9, 24, 26, 28, 24, 70, 10)
SUMMARY_WIDTHS = (30, 46, 60)


class LocalBook:
    """A `Book` that this process writes, through temporary files in `scratch`, which is the caller's to remove."""

    def __init__(self, file: BinaryIO, scratch: Path, outline: Outline) -> None:
        self._book = xlsxwriter.Workbook(file, _options(scratch))
        self._book.set_properties({"title": "Rejected rows", "created": _moment(outline.started)})
        self._formats = Formats(self._book)
        self._summary = self._book.add_worksheet("Summary")
        self._rows = Rows(self._book.add_worksheet("Rejected rows"), self._formats, outline)
        self._reasons = Reasons(self._book.add_worksheet("Reasons"), self._formats)

    def add_reasons(self, reasons: Sequence[Texts]) -> None:
        self._reasons.add(reasons)

    def add_rows(self, rows: Sequence[Texts]) -> None:
        self._rows.add(rows, self._reasons.by_row)

    def finish(self, summary: Sequence[Line]) -> None:
        self._rows.finish()
        self._reasons.finish()
        _write_summary(self._summary, self._formats, summary)
        try:
            self._book.close()
        except FileCreateError as error:
            raise OSError(str(error)) from error


def _options(scratch: Path) -> dict[str, Any]:
    return {
        "tmpdir": str(scratch),
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }


def _moment(started: str) -> datetime:
    """The time of the run, not of the writing, so that the same run gives the same bytes."""
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return datetime(2000, 1, 1)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


class Rows:
    """The sheet that is corrected and loaded again: texts only, and what is typed there stays text."""

    def __init__(self, sheet: Any, formats: Formats, outline: Outline) -> None:
        self._sheet = sheet
        self._width = len(outline.headers)
        self._written = 0
        self._marks = Marks(sheet, formats, tuple(outline.columns))
        ours = self._width - OWN
        for number, (header, width) in enumerate(zip(outline.headers, outline.widths, strict=True)):
            sheet.set_column(number, number, width, formats.own if number >= ours else formats.text)
            sheet.write_string(0, number, header, formats.own_header if number >= ours else formats.header)

    def add(self, rows: Sequence[Texts], reasons: dict[str, list[dict[str, str]]]) -> None:
        for texts in rows:
            self._written += 1
            _write_cells(self._sheet, self._written, texts)
            self._marks.explain(self._written, texts, reasons.get(texts[-OWN], []))

    def finish(self) -> None:
        if self._width:
            _below_header(self._sheet, self._written, self._width)


class Reasons:
    """To be read only, so texts are shown rather than kept: control characters as pictures, long ones shortened.

    `by_row` has those that were written, each with the columns of `errors.csv`."""

    def __init__(self, sheet: Any, formats: Formats) -> None:
        self.by_row: dict[str, list[dict[str, str]]] = {}
        self._sheet = sheet
        self._written = 0
        for number, (header, width) in enumerate(zip(REASON_COLUMNS, REASON_WIDTHS, strict=True)):
            sheet.set_column(number, number, width, formats.text)
            sheet.write_string(0, number, header, formats.header)

    def add(self, reasons: Sequence[Texts]) -> None:
        for texts in reasons:
            self._written += 1
            _write_cells(self._sheet, self._written, [shortened(visible(text), 2_000) for text in texts])
            self.by_row.setdefault(texts[0], []).append(dict(zip(REASON_COLUMNS, texts, strict=True)))

    def finish(self) -> None:
        _below_header(self._sheet, self._written, len(REASON_COLUMNS))


def _write_cells(sheet: Any, row: int, texts: Texts) -> None:
    for column, text in enumerate(texts):
        if text:
            sheet.write_string(row, column, text)


def _below_header(sheet: Any, rows: int, columns: int) -> None:
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, rows, columns - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{rows + 1}"})


def _write_summary(sheet: Any, formats: Formats, lines: Sequence[Line]) -> None:
    sheet.hide_gridlines(2)
    for number, width in enumerate(SUMMARY_WIDTHS):
        sheet.set_column(number, number, width)
    for row, line in enumerate(lines):
        _write_line(sheet, formats, row, line)
    sheet.ignore_errors({"number_stored_as_text": "A1:C1000"})
    sheet.activate()


def _write_line(sheet: Any, formats: Formats, row: int, line: Line) -> None:
    match line.style:
        case "fact":
            styles = (formats.label, formats.value, formats.subtitle)
        case "count":
            styles = (formats.value, formats.count, formats.subtitle)
        case single:
            style = getattr(formats, single)
            if single in ("advice", "alarm"):
                sheet.set_row(row, 32)
            styles = (style, style, style)
    for column, text in enumerate((line.label, line.value, line.note)):
        if text or line.style == "section":
            sheet.write_string(row, column, shortened(text, 2_000), styles[column])
