"""A CSV file: in comes a tracked file, out go its layout and its rows in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from importer.errors import FileRefused
from importer.reading.corrections import is_correction_header
from importer.reading.csv.blocks import CsvBlocks
from importer.reading.csv.detect import CsvLayout, detect_layout
from importer.reading.csv.doubtful import set_apart_doubtful
from importer.reading.csv.records import Shape
from importer.reading.csv.torn import flag_torn
from importer.reading.encodings import Encoding, detect_encoding
from importer.reading.model import Dialect, ReadOptions
from importer.reading.pieces import Piece
from importer.reading.tracking import TrackedFile
from importer.reading.transcoding import to_utf8


@dataclass(frozen=True)
class CsvContent:
    """What was found out from the first bytes, and the way to the rest."""

    file: TrackedFile
    encoding: Encoding
    layout: CsvLayout
    blocks: Iterator[bytes]

    @property
    def headers(self) -> tuple[str, ...]:
        return self.layout.headers

    @property
    def dialect(self) -> Dialect:
        signs = self.layout.dialect
        return Dialect(
            format="csv",
            header_row=self.layout.header_row,
            encoding=self.encoding.name,
            delimiter=signs.delimiter,
            quote=signs.quote,
            escape=signs.escape,
            notes=(self.encoding.note, *self.layout.notes),
        )

    def pieces(self) -> Iterator[Piece]:
        shape = Shape(self.layout.dialect, self.headers)
        reader = CsvBlocks(shape, self.layout.next_row, str(self.file.path))
        sure = set_apart_doubtful(reader.pieces(self.blocks), shape.dialect)
        yield from flag_torn(sure, shape.width)

    @property
    def progress(self) -> float:
        return self.file.progress

    def close(self) -> None:
        """Nothing beyond the file itself."""


def open_csv(file: TrackedFile, head: bytes, options: ReadOptions) -> CsvContent:
    """`head` are the first bytes of `file`, already read from it."""
    if b"_row" in head.replace(b"\0", b"") and b"_run" in head.replace(b"\0", b""):
        correction = _as_correction(file, head, options)
        if correction is not None:
            return correction
    return _open(file, head, options)


def _as_correction(file: TrackedFile, head: bytes, options: ReadOptions) -> CsvContent | None:
    """A file of ours that comes back is read in the product's dialect, whatever the parameters say."""
    detected = replace(options, delimiter=None, encoding=None, quote=None, escape=None, header_row=None)
    try:
        content = _open(file, head, detected)
    except FileRefused:
        return None
    return content if is_correction_header(content.headers) else None


def _open(file: TrackedFile, head: bytes, options: ReadOptions) -> CsvContent:
    path = str(file.path)
    encoding = detect_encoding(head, options.encoding, path)
    text = to_utf8(chain((head[encoding.bom :],), file.blocks()), encoding.codec)
    first = next(text, b"")
    layout = detect_layout(first, len(head) == file.size, options, path)
    return CsvContent(file, encoding, layout, chain((first[layout.offset :],), text))
