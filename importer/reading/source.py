"""A file becomes batches of raw text: what every format has in common. In comes a path, out goes a `SourceFile`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from importer.errors import FileRefused
from importer.reading.blank_headers import set_apart_unnamed_text
from importer.reading.corrections import is_correction_header, unguard_piece, unguarded
from importer.reading.csv.source import open_csv
from importer.reading.formats import Format, sniff
from importer.reading.model import Dialect, RawBatch, ReadOptions
from importer.reading.pieces import Piece, batches
from importer.reading.tracking import TrackedFile

HEAD_BYTES = 1 << 20
"""What format, encoding and layout are told from."""
BATCH_ROWS = 50_000


class Content(Protocol):
    """What a format brings: a dialect, headers, and the rows after the header in pieces."""

    @property
    def dialect(self) -> Dialect: ...
    @property
    def headers(self) -> tuple[str, ...]: ...
    @property
    def progress(self) -> float: ...
    def pieces(self) -> Iterator[Piece]: ...
    def close(self) -> None: ...


class SourceFile:
    """An open file of customers. `batches` may be called once; then `sha256` and `bytes` are those of what was read."""

    def __init__(self, file: TrackedFile, content: Content) -> None:
        self._file = file
        self._content = content
        self._used = False
        self.path = file.path
        self.name = file.path.name
        self.dialect = content.dialect
        self.is_correction = is_correction_header(content.headers)
        self.headers = tuple(map(unguarded, content.headers)) if self.is_correction else content.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._content.close()
        self._file.close()

    def batches(self, size: int = BATCH_ROWS) -> Iterator[RawBatch]:
        """All rows after the header, `size` at a time. Raises FileRefused if the rest can't be read."""
        if self._used:
            raise RuntimeError("batches() reads the file once; open it again to read it again")
        self._used = True
        return batches(self._pieces(), size)

    def _pieces(self) -> Iterator[Piece]:
        for piece in self._content.pieces():
            named = set_apart_unnamed_text(piece, self.headers, self.dialect.delimiter)
            yield unguard_piece(named, self._content.headers) if self.is_correction else named

    @property
    def sha256(self) -> str:
        return self._file.sha256

    @property
    def bytes(self) -> int:
        return self._file.bytes

    @property
    def most_rows(self) -> int | None:
        """The file certainly has no more rows; None where its size doesn't tell, because it is compressed."""
        return self._file.size if self.dialect.format == "csv" else None

    @property
    def progress(self) -> float:
        """Share of the file that was read so far, 0 to 1."""
        return self._content.progress


def open_source(path: Path, options: ReadOptions) -> SourceFile:
    """Opens a CSV file or workbook, whichever its content is.

    Raises FileRefused if it is no table or if it can't be told how to read it, SetupError for senseless options.
    """
    file = TrackedFile(path)
    try:
        return SourceFile(file, _content(file, options))
    except BaseException:
        file.close()
        raise


def _content(file: TrackedFile, options: ReadOptions) -> Content:
    if file.size == 0:
        raise FileRefused("The file is empty.", file=str(file.path), hint="Was the export complete?")
    head = file.peek(HEAD_BYTES)
    kind = sniff(head, str(file.path))
    if kind is Format.CSV:
        return open_csv(file, file.read(HEAD_BYTES), options)
    from importer.reading.workbook.source import open_workbook

    return open_workbook(file, kind, options)
