"""A stream of UTF-8 blocks, from the record after the header on, becomes pieces with true row numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from importer.errors import FileRefused
from importer.reading.csv.escapes import read_escaped
from importer.reading.csv.records import Shape, Span, read_split
from importer.reading.csv.split import MAX_RECORD, Dead, splits
from importer.reading.pieces import Piece
from importer.reading.read_ahead import read_ahead


@dataclass
class CsvBlocks:
    """`next_row` is the number of the row to come, as a spreadsheet program counts."""

    shape: Shape
    next_row: int
    path: str
    unclosed_row: int = 0
    """Row of a quote that never closed, but was contained."""

    def pieces(self, blocks: Iterator[bytes]) -> Iterator[Piece]:
        """Raises FileRefused where the rest of the file can't be told apart into rows."""
        if self.shape.dialect.escape is not None:
            return self._escaped(blocks)
        return self._split(blocks)

    def _split(self, blocks: Iterator[bytes]) -> Iterator[Piece]:
        earlier = None
        for split in read_ahead(splits(blocks, self.shape.dialect, self.shape.width)):
            if split.dead is Dead.MISTAKEN:
                raise self._refused(split.dead, self.unclosed_row)
            span = read_split(split, self.next_row, self.shape, earlier)
            earlier = split if split.kept else earlier
            self.next_row += span.count
            if any(cut.unclosed for cut in split.cuts):
                self.unclosed_row = max(row.row for row in span.piece.unreadable if row.code == "bad_quoting")
            yield span.piece
            if split.dead is not None:
                raise self._refused(split.dead, self.next_row)

    def _escaped(self, blocks: Iterator[bytes]) -> Iterator[Piece]:
        rest = b""
        for block in blocks:
            data = rest + block
            end, span = read_escaped(data, self.next_row, self.shape, final=False)
            yield self._counted(span)
            rest = data[end:]
            if len(rest) > 2 * MAX_RECORD:
                raise self._refused(Dead.ENDLESS, self.next_row)
        end, span = read_escaped(rest, self.next_row, self.shape, final=True)
        yield self._counted(span)
        if end < len(rest):
            raise self._refused(Dead.UNCLOSED, self.next_row)

    def _counted(self, span: Span) -> Piece:
        self.next_row += span.count
        return span.piece

    def _refused(self, why: Dead, row: int) -> FileRefused:
        if why is Dead.ENDLESS:
            return FileRefused(
                f"Row {row} is longer than {MAX_RECORD} bytes: this is no table of text.",
                file=self.path,
                hint="Check that the file is complete and that every record stands on a line of its own.",
            )
        return FileRefused(
            f"A quote opens in row {row} and never closes, so it can't be told where the rows after it end.",
            file=self.path,
            hint=f'Correct row {row}; if quotes are plain text in this file, say so in the source: quote = "".',
        )
