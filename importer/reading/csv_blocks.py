"""A stream of UTF-8 blocks, from the record after the header on, becomes pieces with true row numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from importer.errors import FileRefused
from importer.reading.csv_escapes import read_escaped
from importer.reading.csv_records import Shape, Span, read_span
from importer.reading.csv_split import MAX_RECORD, Split, split_block
from importer.reading.csv_structure import map_records
from importer.reading.pieces import Piece


@dataclass
class CsvBlocks:
    """`next_row` is the number of the row to come, as a spreadsheet program counts."""

    shape: Shape
    next_row: int
    path: str
    unclosed_row: int | None = None
    """Row of a quote that never closed; from then on any further quote proves that the guess was wrong."""

    def pieces(self, blocks: Iterator[bytes]) -> Iterator[Piece]:
        rest = b""
        for block in blocks:
            data = rest + block
            end, span = self._read(data, final=False)
            rest = data[end:]
            yield self._counted(span)
        if rest:
            yield self._counted(self._read(rest, final=True)[1])

    def _counted(self, span: Span) -> Piece:
        self.next_row += span.count
        return span.piece

    def _read(self, data: bytes, final: bool) -> tuple[int, Span]:
        """The whole records of `data`, and where the first incomplete one starts."""
        if self.shape.dialect.escape is not None:
            end, span = read_escaped(data, self.next_row, self.shape, final)
            self._refuse_endless(data, end, self.next_row + span.count, final)
            return end, span
        self._refuse_quote_after_unclosed(data)
        split = split_block(data, self.shape.dialect, self.shape.width, final)
        if split.hopeless:
            raise self._unclosed(self._row_at_end(split))
        self._refuse_endless(data, split.end, self.next_row, final)
        span = read_span(split.kept, split.cuts, self.next_row, self.shape)
        if any(cut.unclosed for cut in split.cuts):
            self.unclosed_row = span.piece.unreadable[-1].row
        return split.end, span

    def _row_at_end(self, split: Split) -> int:
        return self.next_row + len(map_records(split.kept, self.shape.dialect).starts) + len(split.cuts)

    def _refuse_quote_after_unclosed(self, data: bytes) -> None:
        quote = self.shape.dialect.quote
        if self.unclosed_row is not None and quote is not None and quote.encode() in data:
            raise self._unclosed(self.unclosed_row)

    def _refuse_endless(self, data: bytes, end: int, row: int, final: bool) -> None:
        if final and end == len(data):
            return
        if final or (end == 0 and len(data) > 2 * MAX_RECORD):
            raise self._unclosed(row) if final else self._too_long(row)

    def _unclosed(self, row: int) -> FileRefused:
        return FileRefused(
            f"A quote opens in row {row} and never closes, so it can't be told where the rows after it end.",
            file=self.path,
            hint=f'Correct row {row}; if quotes are plain text in this file, say so in the source: quote = "".',
        )

    def _too_long(self, row: int) -> FileRefused:
        return FileRefused(
            f"Row {row} or a later one is longer than {MAX_RECORD} bytes: this is no table of text.",
            file=self.path,
            hint="Check that the file is complete and that every record stands on a line of its own.",
        )
