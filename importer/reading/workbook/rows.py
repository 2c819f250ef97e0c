"""Rows of cell values become rows of text, padded to the header; what can't be trusted is flagged or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from importer.reading.workbook.cells import IMPRECISE, CellForm, CellValue, flaw
from importer.reading.workbook.limits import TEXT
from importer.vocabulary import RejectionCode

Flag = tuple[int, RejectionCode, str, str]
"""Column, code, text, message."""
Reason = tuple[RejectionCode, str, str]
"""Code, message, text."""


@dataclass(frozen=True)
class Row:
    """One row of the sheet; `row` is its number in a spreadsheet program."""

    row: int
    cells: tuple[str, ...]
    flagged: tuple[Flag, ...] = ()
    unreadable: Reason | None = None


def trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    """The cells without the blank ones at the end."""
    width = max((index for index, cell in enumerate(cells, 1) if cell != ""), default=0)
    return tuple(cells[:width])


class RowReader:
    """Rows below a header. `errors` are the error cells by row and column of the table, counted from 0."""

    def __init__(self, form: CellForm, headers: tuple[str, ...], errors: Mapping[int, Mapping[int, str]]) -> None:
        self.form, self.width, self.headers, self.errors = form, len(headers), headers, errors

    def read(self, rows: Iterable[tuple[int, list[CellValue]]]) -> Iterator[Row]:
        """All rows that are not blank."""
        for number, values in rows:
            errors = self.errors.get(number - 1)
            if errors or any(value != "" for value in values):
                yield self._row(number, values, errors or {})

    def _row(self, number: int, values: list[CellValue], errors: Mapping[int, str]) -> Row:
        text = self.form.text
        cells = [value if type(value) is str else text(value) for value in values]
        cells += [""] * (max(self.width, *(column + 1 for column in errors), 0) - len(cells))
        for column, shown in errors.items():
            cells[column] = shown
        if len(cells) > self.width and any(cells[self.width :]):
            message = f"The row has text to the right of the last of the {self.width} headers."
            return Row(number, (), unreadable=(RejectionCode.ROW_TOO_LONG, message, " | ".join(cells)))
        if "\0" in "".join(cells):
            message = "The row has a NUL character."
            return Row(number, (), unreadable=(RejectionCode.CONTROL_CHARACTER, message, " | ".join(cells)))
        cut = tuple(cells[: self.width])
        if cut == self.headers:
            message = "The row is the header again."
            return Row(number, (), unreadable=(RejectionCode.REPEATED_HEADER, message, " | ".join(cut)))
        return Row(number, cut, tuple(self._flags(values, cut, errors)))

    def _flags(self, values: list[CellValue], cells: tuple[str, ...], errors: Mapping[int, str]) -> Iterator[Flag]:
        for column, shown in errors.items():
            yield column, RejectionCode.ERROR_CELL, shown, f"The cell is an error: {shown}."
        for column, value in enumerate(values[: self.width]):
            if type(value) is str:
                if len(value) > TEXT:
                    yield column, RejectionCode.TOO_LONG, cells[column], f"The cell has {len(value)} characters."
            elif (code := flaw(value)) is not None:
                yield column, code, cells[column], IMPRECISE
