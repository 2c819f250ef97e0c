"""The fast reader, fed with blocks of any size, beside the plain one: they read the same rows and refuse the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from importer.errors import FileRefused
from importer.reading.csv.blocks import CsvBlocks
from importer.reading.csv.lexer import CsvDialect
from importer.reading.csv.records import Shape
from reading import reference


@dataclass(frozen=True)
class Case:
    """The bytes after the header, how to read them, and the size of the blocks."""

    data: bytes
    headers: tuple[str, ...]
    dialect: CsvDialect
    size: int

    def check(self) -> None:
        expected = reference.read(self.data, self.headers, self.dialect)
        found = ours(self)
        assert found.refused == expected.refused
        if not expected.refused:
            assert found == expected


def ours(case: Case) -> reference.Reading:
    reading = reference.Reading()
    try:
        for piece in CsvBlocks(Shape(case.dialect, case.headers), 2, "file").pieces(_blocks(case)):
            cells = zip(*(column.to_pylist() for column in piece.cells.columns), strict=True)
            reading.rows |= dict(zip(piece.rows.to_pylist(), cells, strict=True))
            reading.bad |= {row.row: str(row.code) for row in piece.unreadable}
    except FileRefused:
        reading.refused = True
    return reading


def _blocks(case: Case) -> Iterator[bytes]:
    return (case.data[at : at + case.size] for at in range(0, len(case.data), case.size))


DELIMITERS = (",", ";", "\t", "|", None)
QUOTES = ('"', '"', "'", None)
ESCAPES = (None, None, "\\")
MOST_BLOCKS = 12
SIGNS = b"ab\",;\t|'\\\n\r\0\xff\xc3\xa9\x1f"
"""What the bytes of an input mean where it asks for few signs: they meet structure more often than any bytes do."""


def fuzzed(raw: bytes) -> Case:
    """What a fuzzer's input stands for: two bytes are the dialect, one the size of the blocks, the rest is the file."""
    first, second, size = (*raw[:3], 0, 0, 0)[:3]
    delimiter = DELIMITERS[first % 5]
    body = raw[3:] if first & 128 else bytes(SIGNS[byte % len(SIGNS)] for byte in raw[3:])
    dialect = CsvDialect(delimiter, QUOTES[second // 4 % 4], ESCAPES[second // 16 % 3])
    headers = ("a", "b", "c", "d")[: 1 if delimiter is None else 2 + second % 3]
    return Case(body, headers, dialect, max(1 + size, len(body) // MOST_BLOCKS))
