"""One sheet of a workbook becomes messages: which sheet and header it is, then its rows as text. Runs in the child."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import python_calamine

from importer.errors import FileRefused
from importer.reading.header_row import HeaderChoice, HeadRow, choose_header
from importer.reading.model import ReadOptions
from importer.reading.workbook.cells import CellForm, CellValue
from importer.reading.workbook.errors import ErrorCells, SheetPlace, find_error_cells
from importer.reading.workbook.limits import check_cells
from importer.reading.workbook.rows import Row, RowReader, trimmed

SAMPLE_ROWS = 200
MESSAGE_ROWS = 5_000
KEPT_CELLS = 5_000_000
"""So many cells of a sheet may stay while another one is loaded: a quarter of the memory that the child has."""
CORRECTION = frozenset({"_row", "_run"})


def send_sheet(file: BinaryIO, path: str, format_: str, options: ReadOptions) -> None:
    """Messages `opened`, then `rows` as often as it takes. Raises FileRefused where sheet or header can't be told."""
    from importer.reading.workbook.child import send

    book = _open(file, path)
    name, sheet = choose_sheet(book, options)
    form = CellForm(options.date_format, options.decimal)
    choice, head = _header(sheet, form, options)
    headers = trimmed(head[choice.index].cells)
    findings = find_error_cells(file, SheetPlace(format_, name, book.sheet_names.index(name)))
    send(
        "opened",
        format=format_,
        sheet=name,
        headers=headers,
        header_row=head[choice.index].row,
        notes=[choice.note, *_notes(book, sheet, name), *findings.notes],
    )
    reader = RowReader(form, headers, _shifted(findings.errors, sheet))
    rows = islice(enumerate(sheet.iter_rows(), 1), head[choice.index].row, None)
    total = max(1, sheet.total_height)
    for group in _groups(reader.read(rows)):
        send("rows", **_message(group, len(headers)), progress=group[-1].row / total)


def _shifted(errors: ErrorCells, sheet: python_calamine.CalamineSheet) -> ErrorCells:
    """calamine keeps the empty rows above a table, but drops the empty columns to the left of it."""
    left = sheet.start[1] if sheet.start else 0
    return {row: {column - left: text for column, text in cells.items()} for row, cells in errors.items()}


def _open(file: BinaryIO, path: str) -> python_calamine.CalamineWorkbook:
    file.seek(0)
    try:
        return python_calamine.CalamineWorkbook.from_filelike(file)
    except python_calamine.CalamineError:
        # by its name calamine tries one format only, and says more exactly what is wrong with it
        python_calamine.CalamineWorkbook.from_path(path)
        raise


def _sheet(book: python_calamine.CalamineWorkbook, name: str) -> python_calamine.CalamineSheet:
    sheet = book.get_sheet_by_name(name)
    check_cells(sheet.total_height, sheet.total_width)
    return sheet


def choose_sheet(
    book: python_calamine.CalamineWorkbook, options: ReadOptions
) -> tuple[str, python_calamine.CalamineSheet]:
    """The sheet that was asked for, else that of a correction, else the only one with content: its name and content.

    Each is loaded once, which takes as long as reading it, but for a large one that has others beside it.
    """
    if options.sheet in book.sheet_names:
        return options.sheet, _sheet(book, options.sheet)
    filled: list[str] = []
    ours: list[str] = []
    kept: dict[str, python_calamine.CalamineSheet] = {}
    names = _data_sheets(book)
    for name in names:
        sheet = _sheet(book, name)
        if sheet.start is None:
            continue
        filled.append(name)
        if _is_correction(sheet):
            ours.append(name)
        fits = len(names) == 1 or sheet.total_height * sheet.total_width <= KEPT_CELLS
        if fits and (len(filled) == 1 or ours == [name]):
            kept[name] = sheet
    if len(ours) == 1:
        return ours[0], _loaded(book, ours[0], kept)
    if options.sheet is not None:
        raise _which(f"The workbook has no sheet {options.sheet!r}.", book)
    if not filled:
        raise FileRefused("The workbook has no cells with content.", hint="Was the export complete?")
    if len(filled) > 1:
        raise _which("The workbook has several sheets with content.", book)
    return filled[0], _loaded(book, filled[0], kept)


def _loaded(
    book: python_calamine.CalamineWorkbook, name: str, kept: dict[str, python_calamine.CalamineSheet]
) -> python_calamine.CalamineSheet:
    return kept[name] if name in kept else _sheet(book, name)


def _data_sheets(book: python_calamine.CalamineWorkbook) -> list[str]:
    kind = python_calamine.SheetTypeEnum.WorkSheet
    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == kind]


def _which(message: str, book: python_calamine.CalamineWorkbook) -> FileRefused:
    names = ", ".join(repr(name) for name in _data_sheets(book))
    return FileRefused(f"{message} It has {names}.", hint="Say which with --sheet NAME.")


def _is_correction(sheet: python_calamine.CalamineSheet) -> bool:
    return any(set(row) >= CORRECTION for row in islice(sheet.iter_rows(), SAMPLE_ROWS) if row)


def _header(
    sheet: python_calamine.CalamineSheet, form: CellForm, options: ReadOptions
) -> tuple[HeaderChoice, list[HeadRow]]:
    count = max(SAMPLE_ROWS, options.header_row or 0)
    head = [_head_row(number, row, form) for number, row in enumerate(islice(sheet.iter_rows(), count), 1)]
    choice = choose_header(head, options.known_headers | CORRECTION, options.header_row, "")
    if choice is None:
        raise FileRefused("The sheet has no rows, not even a header.", hint="Was the export complete?")
    return choice, head


def _head_row(number: int, row: list[CellValue], form: CellForm) -> HeadRow:
    return HeadRow(number, trimmed(tuple(form.text(value) for value in row)))


def _notes(book: python_calamine.CalamineWorkbook, sheet: python_calamine.CalamineSheet, name: str) -> Iterator[str]:
    """What a person should know who sees the sheet in a spreadsheet program."""
    hidden = [str(data.name) for data in book.sheets_metadata if not str(data.visible).endswith(".Visible")]
    if name in hidden:
        yield f"sheet {name!r} is hidden"
    if merged := sheet.merged_cell_ranges:
        yield f"{len(merged)} merged ranges: the value stands in the first cell, the others are blank"


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(rows, MESSAGE_ROWS)):
        yield group


def _message(group: list[Row], width: int) -> dict[str, Any]:
    good = [row for row in group if row.unreadable is None]
    return {
        "rows": [row.row for row in good],
        "columns": list(zip(*(row.cells for row in good), strict=True)) if good else [()] * width,
        "unreadable": [(row.row, *row.unreadable) for row in group if row.unreadable is not None],
        "flagged": [(row.row, *flag) for row in good for flag in row.flagged],
    }
