"""Every workbook of the corpora as openpyxl reads it, which takes no dimension at its word: the same, or flagged."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from importer.errors import FileRefused
from importer.reading.workbook.cells import CellForm
from reading.whole import Whole, read_whole

DATA = Path(__file__).parents[3] / "shared" / "data"
WORKBOOKS = sorted(path for kind in ("xlsx", "xlsm") for path in DATA.rglob(f"*.{kind}"))
FORM = CellForm("%Y-%m-%d", ".")
REFUSED = {
    ("errors.xlsx", "Feuil1"),
    ("picture_richdata.xlsx", "Sheet1"),
    ("pictures_in_cell_and_over_cell.xlsx", "Sheet1"),
}
"""Sheets that have nothing but error cells: no row can be a header."""
Cells = dict[tuple[int, int], str]

pytestmark = [
    pytest.mark.skipif(not WORKBOOKS, reason="shared/data is not here"),
    pytest.mark.filterwarnings("ignore"),
]


def sheets(path: Path) -> dict[str, tuple[Cells, int]]:
    """Cells with content by row and column, both from 1, of each sheet that has any; and its first column."""
    book = openpyxl.load_workbook(path, data_only=True)
    found = {}
    for sheet in book.worksheets:
        # only the cells that are there: going through a sheet's rows would make all up to its last corner
        values = {place: cell.value for place, cell in sheet._cells.items() if cell.value is not None}
        cells = {place: text for place, value in values.items() if (text := _text(value)).strip()}
        if cells:
            found[sheet.title] = cells, min(column for _, column in values)
    return found


def _text(value: Any) -> str:
    known = (bool, int, float, str, dt.datetime, dt.date, dt.time, dt.timedelta)
    return FORM.text(value) if isinstance(value, known) else str(value)


@pytest.mark.parametrize("path", WORKBOOKS, ids=lambda path: str(path.relative_to(DATA)))
def test_every_cell_is_the_same_or_flagged(path: Path) -> None:
    try:
        expected = sheets(path)
    except Exception as error:  # noqa: BLE001  openpyxl fails in many ways on damaged workbooks
        pytest.skip(f"openpyxl can't read it: {type(error).__name__}")
    for name, (cells, left) in expected.items():
        try:
            found = read_whole(path, sheet=name)
        except FileRefused:
            assert (path.name, name) in REFUSED
        else:
            assert differences(found, cells, left) == []


def differences(found: Whole, cells: Cells, left: int) -> list[str]:
    unreadable = {row.row for row in found.unreadable}
    below = {place: text for place, text in cells.items() if place[0] > found.dialect.header_row}
    ours = {
        (row, left + index): text
        for row, texts in found.rows.items()
        for index, text in enumerate(texts)
        if text.strip()
    }
    flagged = {(row, left + column) for row, column in found.flags}
    places = {place for place in below.keys() | ours.keys() if place not in flagged and place[0] not in unreadable}
    return [
        f"{place}: {ours.get(place)!r}, openpyxl {below.get(place)!r}"
        for place in sorted(places)
        if ours.get(place, "").strip() != below.get(place, "").strip()  # Excel drops blanks not marked to be kept
    ]
