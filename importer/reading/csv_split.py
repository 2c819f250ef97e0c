"""A block of bytes is split into what has legal quoting and records that have not; what is incomplete stays for later.

Damage is contained where that is safe: a record with bad quoting ends where a spreadsheet program ends it, and the next
one is trusted again because it starts at a line end. A quote that never closes would swallow the rest of the file: only
its own line is rejected if no quote follows and all lines after it are right; else the file can't be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from importer.reading.csv_lexer import CsvDialect, lex_record, line_end
from importer.reading.csv_structure import QuoteMap, last_record_end, map_records
from importer.reading.transcoding import shown

MAX_RECORD = 1 << 20
"""Bytes; a longer record is taken for an unclosed quote."""


@dataclass(frozen=True)
class Cut:
    """A record that was cut out in front of `kept[at]`."""

    at: int
    message: str
    text: str
    unclosed: bool = False


@dataclass(frozen=True)
class Split:
    """`kept` has whole records with legal quoting; `end` is how far the block was understood."""

    kept: bytes
    end: int
    cuts: tuple[Cut, ...] = ()
    hopeless: bool = False
    """A quote opens in the record at `end`, never closes, and can't be contained."""


def split_block(data: bytes, dialect: CsvDialect, width: int, final: bool) -> Split:
    """Splits `data`, which starts at the start of a record. Escapes are not for here."""
    if dialect.quote is None or dialect.quote.encode() not in data:
        end = len(data) if final else last_record_end(data, len(data), final)
        return Split(data[:end], end)
    return _Splitter(data, dialect, width, final).split()


class _Splitter:
    """Goes through one block, from clean span to bad record to clean span."""

    def __init__(self, data: bytes, dialect: CsvDialect, width: int, final: bool) -> None:
        self.data, self.dialect, self.width, self.final = data, dialect, width, final
        self.quotes = QuoteMap(data, dialect)
        self.clean: list[bytes] = []
        self.cuts: list[Cut] = []

    def split(self) -> Split:
        at = 0
        while True:
            start, at = at, self._clean_end(at)
            self.clean.append(self.data[start:at])
            if at == len(self.data) or self._waits(at):
                return self._result(at)
            cut_end = self._cut(at)
            if cut_end is None:
                return replace(self._result(at), hopeless=True)
            if cut_end == at:
                return self._result(at)
            at = cut_end

    def _result(self, end: int) -> Split:
        kept = self.clean[0] if len(self.clean) == 1 else b"".join(self.clean)
        return Split(kept, end, tuple(self.cuts))

    def _waits(self, at: int) -> bool:
        """The record at `at` has no illegal quote so far and may be completed by the next block."""
        return not self.final and self.quotes.first_illegal(at) is None and len(self.data) - at <= MAX_RECORD

    def _clean_end(self, start: int) -> int:
        """End of the last whole record before the first illegal quote, or before the block ends."""
        illegal = self.quotes.first_illegal(start)
        stop = len(self.data) if illegal is None else illegal
        if illegal is None and self.final and not self.quotes.is_inside(stop, start):
            return stop
        end = last_record_end(self.data, stop, self.final)
        while end > start and self.quotes.is_inside(end, start):
            end = last_record_end(self.data, end - 1, True)
        return max(end, start)

    def _cut(self, start: int) -> int | None:
        """Cuts the bad record at `start` out. Its end; `start` if it is incomplete yet, None if there is no way."""
        record = lex_record(self.data, start, self.dialect, self.final)
        if record is None and len(self.data) - start <= MAX_RECORD:
            return start
        if record is None or record.unclosed is not None:
            return self._contain(start)
        self._remember(start, record.stop, f"In the row, {record.flaw}.")
        return record.end

    def _contain(self, start: int) -> int | None:
        """Cuts out only the lines up to the one where the unclosed quote opens, if all that follows is regular."""
        record = lex_record(self.data, start, self.dialect, final=True)
        if record is None or record.unclosed is None:
            return None
        lines = _line_stop(self.data, record.unclosed)
        end = line_end(self.data, lines, True) or lines
        rest = self.data[end : len(self.data) if self.final else last_record_end(self.data, len(self.data), False)]
        if (self.dialect.quote or "").encode() in self.data[record.unclosed + 1 :] or not self._regular(rest):
            return None
        self._remember(start, lines, "A quote opens in the row and never closes.", unclosed=True)
        return end

    def _regular(self, lines: bytes) -> bool:
        if not lines:
            return True
        records = map_records(lines, self.dialect)
        return self.width > 1 and bool(np.all((records.widths == self.width) | records.blank))

    def _remember(self, start: int, stop: int, message: str, unclosed: bool = False) -> None:
        at = sum(map(len, self.clean))
        self.cuts.append(Cut(at, message, shown(self.data[start:stop]), unclosed))


def _line_stop(data: bytes, start: int) -> int:
    """Where the line that goes on at `start` ends, without its line end."""
    ends = [at for at in (data.find(b"\n", start), data.find(b"\r", start)) if at >= 0]
    return min(ends, default=len(data))
