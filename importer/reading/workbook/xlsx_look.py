"""A quick look at the XML of an xlsx sheet: whether an exact pass is worth its time, and what is hidden."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO

from importer.reading.workbook.look import notes_on

CHUNK = 1 << 20
OVERLAP = 4096
# t="e", or a formula that is followed by no value: cheap to search for, and rarely there
SUSPICIOUS = re.compile(
    rb"""\bt\s*=\s*["']e["']|(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^>]*/>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
ERROR = b'"e"', b"'e'"
FORMULA = b"f>", b"<f", b":f"
"""Without any of these nothing is suspicious; to look for them takes a hundredth of the time."""
HIDDEN_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*\bhidden\s*=\s*["'](?:1|true)""")
FILTER = re.compile(rb"<(?:\w+:)?autoFilter\b")


@dataclass(frozen=True)
class SheetLook:
    """What the XML has somewhere."""

    suspicious: bool = False
    hidden_rows: bool = False
    filtered: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_on(self.hidden_rows, self.filtered)


def look(xml: IO[bytes]) -> SheetLook:
    tail = b""
    suspicious = hidden = filtered = False
    while chunk := xml.read(CHUNK):
        data = tail + chunk
        suspicious = suspicious or (_has(data, *ERROR, *FORMULA) and SUSPICIOUS.search(data) is not None)
        hidden = hidden or (_has(data, b"hidden") and HIDDEN_ROW.search(data) is not None)
        filtered = filtered or (_has(data, b"autoFilter") and FILTER.search(data) is not None)
        tail = chunk[-OVERLAP:]
    return SheetLook(suspicious, hidden, filtered)


def _has(data: bytes, *words: bytes) -> bool:
    return any(word in data for word in words)
