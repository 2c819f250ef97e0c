"""What a file is, by its first bytes; the name only decides between kinds that share them."""

from __future__ import annotations

import re
from enum import StrEnum

from importer.errors import FileRefused


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    XLSM = "xlsm"
    XLS = "xls"
    XLSB = "xlsb"
    ODS = "ods"
    ZIP = "zip"
    """A ZIP archive whose entries have to tell which workbook it is, if any."""


OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "a program"),
)
MARKUP = ((b"<!doctype html", "a web page"), (b"<html", "a web page"), (b"<table", "a web page"), (b"<?xml", "XML"))
JSON = re.compile(rb'\s*(?:\[\s*)?\{\s*"')
OLD_EXCEL = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00\x04\x00")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TEXT_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x1a\x1b\x1c\x1d\x1e\x1f")


def sniff(head: bytes, path: str) -> Format:
    """The format of a file that starts with `head`. Raises FileRefused for what is no table."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return Format.ZIP
    if head.startswith(OLE) or (head.startswith(OLD_EXCEL) and path.lower().endswith(".xls")):
        return Format.XLS
    _refuse_other_kinds(head, path)
    return Format.CSV


def _refuse_other_kinds(head: bytes, path: str) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    kind = next((name for magic, name in OTHER_KINDS if head.startswith(magic)), None)
    kind = kind or next((name for magic, name in MARKUP if start.startswith(magic)), None)
    if kind is None and JSON.match(start):
        kind = "JSON"
    if kind is None and _is_binary(head):
        kind = "a binary file"
    if kind is not None:
        raise FileRefused(
            f"This is {kind}, whatever its name says, not a table of text.",
            file=path,
            hint="Unpack or export it as CSV or as an Excel workbook first.",
        )


def _is_binary(head: bytes) -> bool:
    """Many control characters that text never has. NULs are left to the encoding: UTF-16 is full of them."""
    sample = head[:65536]
    controls = sum(sample.count(bytes([code])) for code in range(1, 32) if code not in TEXT_CONTROLS)
    return controls * 20 > len(sample)
