"""What the readers of the formats hand on: pieces of a file in order; and pieces become batches of a stated size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from importer.reading.model import FlaggedCell, RawBatch, UnreadableRow


@dataclass(frozen=True)
class Piece:
    """Consecutive rows: `rows` (int64) numbers those in `cells`; the others are `unreadable`."""

    rows: pa.Array
    cells: pa.Table
    unreadable: tuple[UnreadableRow, ...] = ()
    flagged: tuple[FlaggedCell, ...] = ()
    doubtful: tuple[tuple[int, int], ...] = ()
    """First and last numbers of rows that something in this piece throws doubt on; they may be in an earlier one."""

    def __len__(self) -> int:
        return len(self.rows) + len(self.unreadable)


def column_names(width: int) -> list[str]:
    return [f"c{index}" for index in range(width)]


def text_table(columns: Sequence[Sequence[str]]) -> pa.Table:
    """Columns of Python strings as a table named like the batches."""
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.table(arrays, names=column_names(len(arrays)))


def batches(pieces: Iterator[Piece], size: int) -> Iterator[RawBatch]:
    """Batches of exactly `size` rows, readable or not; the last may be shorter. No rows, no batch."""
    held: list[Piece] = []
    count = number = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        while count >= size:
            first, rest = _split(_joined(held), size)
            yield _batch(number, first)
            number += 1
            count -= size
            held = [rest]
    last = _joined(held) if held else None
    if last is not None and len(last):
        yield _batch(number, last)


def _batch(number: int, piece: Piece) -> RawBatch:
    return RawBatch(number, piece.rows, piece.cells, piece.unreadable, piece.flagged)


def _joined(pieces: list[Piece]) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    return Piece(
        pa.concat_arrays([piece.rows for piece in pieces]),
        pa.concat_tables([piece.cells for piece in pieces]),
        tuple(row for piece in pieces for row in piece.unreadable),
        tuple(cell for piece in pieces for cell in piece.flagged),
    )


def _split(piece: Piece, size: int) -> tuple[Piece, Piece]:
    """The first `size` rows and the rest, both kinds of rows counted in file order."""
    if not piece.unreadable:
        last = piece.rows[size - 1].as_py()
    else:
        numbers = pa.concat_arrays([piece.rows, pa.array([row.row for row in piece.unreadable], pa.int64())])
        last = pc.array_sort_indices(numbers)[size - 1].as_py()
        last = numbers[last].as_py()
    readable = pc.sum(pc.less_equal(piece.rows, last)).as_py() or 0
    first = Piece(
        piece.rows.slice(0, readable),
        piece.cells.slice(0, readable),
        tuple(row for row in piece.unreadable if row.row <= last),
        tuple(cell for cell in piece.flagged if cell.row <= last),
    )
    rest = Piece(
        piece.rows.slice(readable),
        piece.cells.slice(readable),
        tuple(row for row in piece.unreadable if row.row > last),
        tuple(cell for cell in piece.flagged if cell.row > last),
    )
    return first, rest
