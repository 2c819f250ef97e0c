"""Error cells of a sheet, which calamine shows as blanks: in goes the workbook, out go row → column → what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from importer.reading.sheet_xml import errors_in_xlsx

ErrorCells = Mapping[int, Mapping[int, str]]
"""Row and column are counted from 0."""


def find_error_cells(file: BinaryIO, format_: str, sheet: str) -> ErrorCells:
    """Cells with an error or with a formula that has no stored value."""
    match format_:
        case "xlsx" | "xlsm":
            return errors_in_xlsx(file, sheet)
        case _:
            return {}
