"""Rows that look right but may not be, because of a bad quote near them, are set apart like the bad row itself.

One quote too many or too few turns inside and outside of quotes round, until a quote stands where none may. Lines in
between can be halves of rows, or lines of a quoted text, that look like rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from importer.reading.csv.lexer import CsvDialect
from importer.reading.csv.split import Cut
from importer.reading.csv.structure import Positions, RecordMap
from importer.reading.model import UnreadableRow
from importer.reading.pieces import Piece
from importer.vocabulary import RejectionCode

MOST_ROWS = 20
"""How far a bad quote makes rows doubtful: a quoted text with more lines that look like rows is not to be expected."""
MESSAGE = "A quote is wrong nearby ({}), and this may be half of a row or a line of a quoted text."
RowRange = tuple[int, int]


def doubtful_rows(cuts: Iterable[Cut], records: RecordMap, has_long_texts: bool, first_row: int) -> Iterator[RowRange]:
    """First and last number of rows in doubt, where `first_row` is the first of the `records` and `cuts`.

    Where the bad row has as many fields as the header and no quoted text goes over several lines (is long), its quote
    is taken for a sign in the text, which harms no other row.
    """
    for before, cut in enumerate(cuts):
        index = _record_at(cut.at, records)
        row = first_row + index + before
        if cut.unclosed and has_long_texts:
            yield row + 1, row + MOST_ROWS
        if cut.in_doubt is None or (cut.fits and not has_long_texts):
            continue
        if cut.reaches_back:
            yield row - MOST_ROWS, row - 1
        else:
            rows = index - _record_at(cut.at - cut.in_doubt, records)
            yield row - min(rows, MOST_ROWS), row - 1


def _record_at(position: int, records: RecordMap) -> int:
    return int(records.index_at(np.array([position]))[0])


def has_long_texts(data: bytes, records: RecordMap) -> bool:
    """Whether there is a line end in quotes."""
    lines = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    ended = len(records.ends) - (data[-1:] not in (b"\n", b"\r", b""))
    return lines > ended


def set_apart_doubtful(pieces: Iterator[Piece], dialect: CsvDialect) -> Iterator[Piece]:
    """The same pieces without their doubtful rows. One is held back: the next may tell of doubt about its last rows."""
    held: Piece | None = None
    for piece in pieces:
        if held is not None:
            yield _without(held, (*held.doubtful, *piece.doubtful), dialect)
        held = piece
    if held is not None:
        yield _without(held, held.doubtful, dialect)


def _without(piece: Piece, ranges: Iterable[RowRange], dialect: CsvDialect) -> Piece:
    rows = piece.rows.to_numpy()
    doubtful = np.zeros(len(rows), np.bool_)
    for first, last in ranges:
        doubtful |= (rows >= first) & (rows <= last)
    if not doubtful.any():
        return piece
    unreadable = [
        UnreadableRow(row, RejectionCode.BAD_QUOTING, _message(row, ranges), _line(cells, dialect))
        for row, cells in _rows(piece, np.flatnonzero(doubtful))
    ]
    kept = pa.array(~doubtful)
    return replace(
        piece,
        rows=piece.rows.filter(kept),
        cells=piece.cells.filter(kept),
        unreadable=tuple(sorted((*piece.unreadable, *unreadable), key=lambda row: row.row)),
    )


def _rows(piece: Piece, indexes: Positions) -> Iterator[tuple[int, tuple[str, ...]]]:
    columns = [column.take(pa.array(indexes)).to_pylist() for column in piece.cells.columns]
    return zip(piece.rows.take(pa.array(indexes)).to_pylist(), zip(*columns, strict=True), strict=True)


def _message(row: int, ranges: Iterable[RowRange]) -> str:
    last = min((last for first, last in ranges if first <= row <= last), default=row)
    return MESSAGE.format(f"row {last + 1}")


def _line(cells: tuple[str, ...], dialect: CsvDialect) -> str:
    quote, delimiter = dialect.quote or "", dialect.delimiter or ""
    special = [sign for sign in (quote, delimiter, "\n", "\r") if sign]
    return delimiter.join(
        quote + cell.replace(quote, quote * 2) + quote if quote and any(sign in cell for sign in special) else cell
        for cell in cells
    )
