"""rejections.xlsx, for people: a summary, the rejected rows with the offending cells marked and explained, the reasons.

In: the summary and what was kept of the streams. Out: a workbook of strings, whose sheet "Rejected rows" imports like
`rejections.csv`. A row that a workbook can't hold unaltered is left out of it and named on the summary sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from importer.reports.delimited import plain_texts
from importer.reports.guard import keep_apostrophes
from importer.reports.kept import FirstRows, Kept
from importer.reports.model import RunReport
from importer.reports.visible import shortened, visible
from importer.reports.workbook_formats import Formats
from importer.reports.workbook_marks import Marks, Reasons
from importer.reports.workbook_summary import LeftOut, write_summary

LONGEST_CELL = 32_767
MOST_COLUMNS = 16_384
NOT_FIT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
BEYOND_16_BITS = r"[\x{10000}-\x{10ffff}]"
REASON_COLUMNS = ("row", "column", "field", "value", "code", "message", "repeated")


class Workbook:
    """Rejected rows and reasons first, the summary once it is known; the file is complete after `finish`.

    Rows are written through temporary files in `scratch`, which is the caller's to remove; `go_on` raises OSError where
    nobody wants them any more. OSError too where they can't be written.
    """

    def __init__(self, file: BinaryIO, scratch: Path, report: RunReport) -> None:
        self._book = xlsxwriter.Workbook(file, _options(scratch))
        self._book.set_properties({"title": "Rejected rows", "created": _started(report)})
        self._formats = Formats(self._book)
        self._summary = self._book.add_worksheet("Summary")

    def write_rows(self, kept: Kept, go_on: Callable[[], None]) -> None:
        reasons = kept.reasons.by_row()
        rows = self._book.add_worksheet("Rejected rows")
        self._left_out = _write_rows(rows, self._formats, kept, reasons, go_on)
        _write_reasons(self._book.add_worksheet("Reasons"), self._formats, reasons, go_on)

    def finish(self, report: RunReport) -> None:
        write_summary(self._summary, self._formats, report, self._left_out)
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


def _started(report: RunReport) -> datetime:
    """The time of the run, not of the writing, so that the same run gives the same bytes."""
    try:
        started = datetime.fromisoformat(str(report.summary.get("started_at")))
    except ValueError:
        return datetime(2000, 1, 1)
    return started.astimezone(UTC).replace(tzinfo=None) if started.tzinfo else started


def _write_rows(sheet: Any, formats: Formats, kept: Kept, reasons: Reasons, go_on: Callable[[], None]) -> LeftOut:
    """The sheet that is corrected and loaded again: texts only, and what is typed there stays text."""
    columns, total = kept.columns, kept.for_workbook.total
    headers = keep_apostrophes(pa.array(columns, pa.string()))
    if len(columns) > MOST_COLUMNS or not all(_fits([headers])):
        return LeftOut(beyond=total, why="the headers of the file don't fit into a workbook")
    _lay_out(sheet, formats, headers.to_pylist(), _widths(kept))
    marks = Marks(sheet, formats, columns)
    written, unfit = 0, []
    for texts, fits in _rows(kept.for_workbook, go_on):
        source_row = texts[-5]
        if not fits:
            unfit.append(source_row)
            continue
        written += 1
        _write_cells(sheet, written, texts)
        marks.explain(written, texts, reasons.get(source_row, []))
    sheet.autofilter(0, 0, written, len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{written + 1}"})
    return LeftOut(beyond=total - written - len(unfit), unfit=tuple(unfit))


def _write_cells(sheet: Any, row: int, texts: tuple[str, ...]) -> None:
    for column, text in enumerate(texts):
        if text:
            sheet.write_string(row, column, text)


def _rows(rows: FirstRows, go_on: Callable[[], None]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The texts of each row as the sheet shows them, and whether a workbook holds all of them unaltered."""
    for table in rows.tables():
        go_on()
        texts = [plain_texts(column) for column in table.columns]
        columns = [*map(keep_apostrophes, texts[:-5]), *texts[-5:]]
        yield from zip(zip(*(column.to_pylist() for column in columns), strict=True), _fits(columns), strict=True)


def _fits(columns: list[pa.Array]) -> list[bool]:
    """Excel counts UTF-16 units, and `_x000D_` and the like are its own way to write control characters."""
    unfit = pa.scalar(False)
    for texts in columns:
        length = pc.add(pc.utf8_length(texts), pc.count_substring_regex(texts, BEYOND_16_BITS))
        unfit = pc.or_(unfit, pc.or_(pc.greater(length, LONGEST_CELL), pc.match_substring_regex(texts, NOT_FIT)))
    return [bool(fits) for fits in pc.invert(unfit).to_pylist()]


def _lay_out(sheet: Any, formats: Formats, headers: list[str], widths: list[int]) -> None:
    ours = len(headers) - 5
    for number, (header, width) in enumerate(zip(headers, widths, strict=True)):
        sheet.set_column(number, number, width, formats.own if number >= ours else formats.text)
        sheet.write_string(0, number, header, formats.own_header if number >= ours else formats.header)
    sheet.freeze_panes(1, 0)


def _widths(kept: Kept) -> list[int]:
    """As wide as the longest text, between 9 and 44 characters."""
    longest = [len(header) + 3 for header in kept.columns]
    for table in kept.for_workbook.tables():
        for number, column in enumerate(table.columns):
            found = pc.max(pc.utf8_length(plain_texts(column))).as_py() or 0
            longest[number] = max(longest[number], int(found) + 1)
    return [min(max(width, 9), 44) for width in longest]


def _write_reasons(sheet: Any, formats: Formats, reasons: Reasons, go_on: Callable[[], None]) -> None:
    """To be read only, so texts are shown rather than kept: control characters as pictures, long ones shortened."""
    for number, (header, width) in enumerate(zip(REASON_COLUMNS, (9, 24, 26, 28, 24, 70, 10), strict=True)):
        sheet.set_column(number, number, width, formats.text)
        sheet.write_string(0, number, header, formats.header)
    written = 0
    for found in reasons.values():
        go_on()
        for reason in found:
            written += 1
            shown = [shortened(visible(reason.get(name, "")), 2_000) for name in REASON_COLUMNS]
            _write_cells(sheet, written, tuple(shown))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, written, len(REASON_COLUMNS) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{written + 1}"})
