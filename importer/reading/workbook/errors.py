"""Error cells of a sheet, which calamine shows as blanks: in goes the workbook, out go row → column → what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from importer.reading.workbook.ods import errors_in_ods
from importer.reading.workbook.xls import errors_in_xls
from importer.reading.workbook.xlsb import errors_in_xlsb
from importer.reading.workbook.xlsx import errors_in_xlsx

ErrorCells = Mapping[int, Mapping[int, str]]
"""Row and column are counted from 0."""


@dataclass(frozen=True)
class SheetPlace:
    """Which sheet of which kind of workbook: its name, and its number among all sheets, counted from 0."""

    format: str
    name: str
    index: int


@dataclass(frozen=True)
class Findings:
    """What calamine doesn't tell about a sheet."""

    errors: ErrorCells
    notes: tuple[str, ...] = ()


def find_error_cells(file: BinaryIO, sheet: SheetPlace) -> Findings:
    """Cells with an error, formulas without a stored value (xls and xlsb always have one), notes on what is hidden."""
    file.seek(0)
    match sheet.format:
        case "xlsx" | "xlsm":
            return Findings(*errors_in_xlsx(file, sheet.name))
        case "xlsb":
            return Findings(*errors_in_xlsb(file, sheet.name))
        case "ods":
            return Findings(*errors_in_ods(file, sheet.name))
        case "xls":
            return Findings(*errors_in_xls(file.read(), sheet.index))
        case other:
            raise ValueError(other)
