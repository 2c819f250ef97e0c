"""A line with a single field may be half of a row that a line break tore: then its neighbour lost the end of a cell.

The torn halves of a row have k and width - k + 1 fields, so only for k = 1 or k = width does one half look whole. Its
cell at the tear is flagged: the row is rejected with all its cells, and nothing is read wrong in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from importer.reading.model import FlaggedCell
from importer.reading.pieces import Piece
from importer.vocabulary import RejectionCode

BEFORE = "The line above has only one field: a line break may have torn this cell off it."
AFTER = "The line below has only one field: a line break may have torn it off this cell."


def flag_torn(pieces: Iterator[Piece], width: int) -> Iterator[Piece]:
    """The same pieces with torn cells flagged. One is held back: the next may begin with the other half of a row."""
    held: Piece | None = None
    for piece in pieces:
        if held is not None:
            yield _flagged(held, (*_single(held), *_single(piece)), width)
            singles = _single(held)
            piece = _flagged(piece, singles[-1:], width)
        held = piece
    if held is not None:
        yield _flagged(held, _single(held), width)


def _single(piece: Piece) -> tuple[int, ...]:
    return tuple(row.row for row in piece.unreadable if row.fields == 1)


def _flagged(piece: Piece, singles: Iterable[int], width: int) -> Piece:
    """The piece with the neighbours of single fields flagged, as far as they are in it."""
    found = sorted({*_neighbours(piece, singles, 1, 0), *_neighbours(piece, singles, -1, width - 1)})
    if not found:
        return piece
    cells = [_cell(piece, index, column) for index, column in found]
    known = {(cell.row, cell.column) for cell in piece.flagged}
    new = [cell for cell in cells if (cell.row, cell.column) not in known]
    return replace(piece, flagged=tuple(sorted((*piece.flagged, *new), key=lambda cell: (cell.row, cell.column))))


def _neighbours(piece: Piece, singles: Iterable[int], distance: int, column: int) -> Iterator[tuple[int, int]]:
    """Index and column of the readable rows at a distance from the single fields."""
    rows = piece.rows.to_numpy()
    wanted = np.array(sorted(set(singles)), np.int64) + distance
    if not len(rows) or not len(wanted):
        return
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    for index in at[rows[at] == wanted].tolist():
        yield index, column


def _cell(piece: Piece, index: int, column: int) -> FlaggedCell:
    text = piece.cells.column(column)[index].as_py()
    row = piece.rows[index].as_py()
    return FlaggedCell(row, column, RejectionCode.ROW_TOO_SHORT, text, BEFORE if column == 0 else AFTER)
