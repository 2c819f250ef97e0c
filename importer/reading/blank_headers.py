"""Columns without a header: empty ones are harmless, a row that has text in one has more cells than headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from importer.reading.model import UnreadableRow
from importer.reading.pieces import Piece
from importer.vocabulary import RejectionCode


def set_apart_unnamed_text(piece: Piece, headers: Sequence[str], delimiter: str | None) -> Piece:
    """The piece without the rows that have text below a blank header; they are unreadable."""
    unnamed = [index for index, header in enumerate(headers) if not header.strip()]
    if not unnamed or not len(piece.rows):
        return piece
    is_bad = pc.not_equal(piece.cells.column(unnamed[0]), "")
    for index in unnamed[1:]:
        is_bad = pc.or_(is_bad, pc.not_equal(piece.cells.column(index), ""))
    if not pc.any(is_bad).as_py():
        return piece
    is_bad = is_bad.combine_chunks()
    wrong = [
        _unreadable(row.as_py(), cells, unnamed, delimiter)
        for row, cells in zip(piece.rows.filter(is_bad), _cells(piece.cells.filter(is_bad)), strict=True)
    ]
    numbers = {row.row for row in wrong}
    return replace(
        piece,
        rows=piece.rows.filter(pc.invert(is_bad)),
        cells=piece.cells.filter(pc.invert(is_bad)),
        unreadable=tuple(sorted((*piece.unreadable, *wrong), key=lambda row: row.row)),
        flagged=tuple(cell for cell in piece.flagged if cell.row not in numbers),
    )


def _cells(table: pa.Table) -> list[tuple[str, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _unreadable(row: int, cells: tuple[str, ...], unnamed: list[int], delimiter: str | None) -> UnreadableRow:
    column = next(index for index in unnamed if cells[index] != "")
    message = f"The row has text in column {column + 1}, which has no header."
    return UnreadableRow(row, RejectionCode.ROW_TOO_LONG, message, as_line(cells, delimiter or " | "))


def as_line(cells: Sequence[str], delimiter: str) -> str:
    """Cells as one line of text, quoted where they have to be."""
    return delimiter.join(
        _quoted(cell) if any(sign in cell for sign in (*delimiter, *'"\r\n')) else cell for cell in cells
    )


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
