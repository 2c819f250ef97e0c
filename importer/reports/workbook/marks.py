"""Marks the offending cells of a rejected row and says why in a note on the cell.

In: the texts of a row as they stand on the sheet, its reasons. Out: coloured cells with notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importer.reports.columns import OWN
from importer.reports.visible import shortened, visible
from importer.reports.workbook.formats import Formats
from importer.reports.workbook.model import Texts

MOST_NOTES = 5_000
"""Notes make a workbook slow to open; past this many, cells are marked and `_reasons` explains them."""
LONGEST_NOTE = 1_000

Reasons = Mapping[str, list[dict[str, str]]]


class Marks:
    """`columns`: the headers of the sheet, the last five our own. A reason without a column stands at `_row`."""

    def __init__(self, sheet: Any, formats: Formats, columns: tuple[str, ...]) -> None:
        self._sheet = sheet
        self._formats = formats
        self._whole_row = len(columns) - OWN
        self._places = {header: number for number, header in reversed(list(enumerate(columns[: self._whole_row])))}
        self._notes = 0

    def explain(self, row: int, texts: Texts, reasons: list[dict[str, str]]) -> None:
        for column, messages in self._by_column(reasons).items():
            self._mark(row, column, texts[column])
            if self._notes < MOST_NOTES:
                self._notes += 1
                self._note(row, column, "\n".join(messages))

    def _by_column(self, reasons: list[dict[str, str]]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for reason in reasons:
            column = self._places.get(reason["column"], self._whole_row)
            found.setdefault(column, []).append(f"{visible(reason['message'])} ({visible(reason['code'])})")
        return found

    def _mark(self, row: int, column: int, text: str) -> None:
        if text:
            self._sheet.write_string(row, column, text, self._formats.wrong)
        else:
            self._sheet.write_blank(row, column, None, self._formats.wrong)

    def _note(self, row: int, column: int, text: str) -> None:
        height = 40 + 16 * (len(text) // 40 + text.count("\n"))
        options = {"author": "importer", "width": 280, "height": min(height, 400), "color": "#FFF7E6", "font_size": 9}
        self._sheet.write_comment(row, column, shortened(text, LONGEST_NOTE), options)
