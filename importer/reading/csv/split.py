"""A stream of blocks is split into whole records with legal quoting and records that have not.

Damage is contained where that is safe: a record with bad quoting ends where a spreadsheet program ends it, and the next
one is trusted again because it starts at a line end. A quote that never closes would swallow the rest of the file: only
its own line is rejected if no quote follows and all lines after it are right; else the file can't be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from importer.reading.csv.lexer import CsvDialect, Record, lex_record, line_end
from importer.reading.csv.structure import QuoteMap, last_record_end, map_records
from importer.reading.transcoding import shown

MAX_RECORD = 1 << 20
"""Bytes; a longer record is taken for an unclosed quote."""


class Dead(Enum):
    """Why nothing after a split can be read."""

    UNCLOSED = "a quote opens in the next record and never closes"
    ENDLESS = "the next record is too long to be one"
    MISTAKEN = "an unclosed quote was contained earlier, but another quote follows"


@dataclass(frozen=True)
class Cut:
    """A record that was cut out in front of `kept[at]`, and what that means for those before it.

    `in_doubt` bytes before `at` may be no rows, and rows before the block neither if it `reaches_back`; None: there is
    no such doubt. `fits`: the record has the right number of fields if its bad quote is taken for text.
    """

    at: int
    message: str
    text: str
    unclosed: bool = False
    in_doubt: int | None = None
    reaches_back: bool = False
    fits: bool = False


@dataclass(frozen=True)
class Split:
    """`kept` has whole records with legal quoting; `end` is how far the block was understood."""

    kept: bytes | memoryview
    end: int
    has_quotes: bool
    has_nul: bool
    cuts: tuple[Cut, ...] = ()
    dead: Dead | None = None


def splits(blocks: Iterator[bytes], dialect: CsvDialect, width: int) -> Iterator[Split]:
    """Splits all blocks, carrying incomplete records over; ends after a dead one. Escapes are not for here."""
    rest = b""
    trusting = True
    for block, final in _with_last(blocks):
        data = rest + block if rest else block
        split = split_block(data, dialect, width, final)
        if split.has_quotes and not trusting:
            split = replace(split, dead=Dead.MISTAKEN)
        elif split.end == 0 and len(data) > 2 * MAX_RECORD:
            split = replace(split, dead=split.dead or Dead.ENDLESS)
        yield split
        if split.dead is not None:
            return
        trusting = trusting and not any(cut.unclosed for cut in split.cuts)
        rest = data[split.end :]


def _with_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and an empty one at the end that is marked as the last."""
    for block in blocks:
        if block:
            yield block, False
    yield b"", True


def split_block(data: bytes, dialect: CsvDialect, width: int, final: bool) -> Split:
    """Splits `data`, which starts at the start of a record."""
    has_nul = b"\0" in data
    if dialect.quote is None or dialect.quote.encode() not in data:
        end = len(data) if final else last_record_end(data, len(data), final)
        return Split(memoryview(data)[:end], end, False, has_nul)
    return _Splitter(data, dialect, width, final, has_nul).split()


class _Splitter:
    """Goes through one block, from clean span to bad record to clean span."""

    def __init__(self, data: bytes, dialect: CsvDialect, width: int, final: bool, has_nul: bool) -> None:
        self.data, self.dialect, self.width, self.final, self.has_nul = data, dialect, width, final, has_nul
        self.quotes = QuoteMap(data, dialect)
        self.clean: list[bytes | memoryview] = []
        self.kept = 0
        self.ends_in_return = False
        self.trusted_from = 0
        """Where the last record that was cut out ends."""
        self.cuts: list[Cut] = []

    def split(self) -> Split:
        at = 0
        while True:
            start, at = at, self._clean_end(at)
            self._keep(start, at)
            if at == len(self.data) or self._waits(at):
                return self._result(at)
            cut_end = self._cut(at)
            if cut_end is None:
                return replace(self._result(at), dead=Dead.UNCLOSED)
            if cut_end == at:
                return self._result(at)
            at = cut_end

    def _keep(self, start: int, end: int) -> None:
        span: bytes | memoryview = memoryview(self.data)[start:end]
        if self.ends_in_return and span[:1] == b"\n":
            # empty lines; a CR and an LF that come together only here would be one line end
            lines = bytes(span).lstrip(b"\n")
            span = b"\r" * (len(span) - len(lines)) + lines
        if span:
            self.ends_in_return = span[-1:] == b"\r"
        self.clean.append(span)
        self.kept += end - start

    def _result(self, end: int) -> Split:
        kept = self.clean[0] if len(self.clean) == 1 else b"".join(self.clean)
        return Split(kept, end, True, self.has_nul, tuple(self.cuts))

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
        self._remember(record, record.stop, f"In the row, {record.flaw}.")
        self.trusted_from = record.end
        return record.end

    def _contain(self, start: int) -> int | None:
        """Cuts out only the lines up to the one where the unclosed quote opens, if all that follows is regular."""
        record = lex_record(self.data, start, self.dialect, final=True)
        if record is None or record.unclosed is None:
            return None
        stop = _line_stop(self.data, record.unclosed)
        end = line_end(self.data, stop, True) or stop
        rest = self.data[end : len(self.data) if self.final else last_record_end(self.data, len(self.data), False)]
        if (self.dialect.quote or "").encode() in self.data[end:] or not self._regular(rest):
            return None
        self._remember(record, stop, "A quote opens in the row and never closes.", unclosed=True)
        self.trusted_from = end
        return end

    def _regular(self, lines: bytes) -> bool:
        if not lines:
            return True
        records = map_records(lines, self.dialect)
        # in one column every line would be right, which proves nothing
        right = (records.widths == self.width) & (self.width > 1)
        return bool(np.all(right | records.blank))

    def _width(self, record: Record, stop: int) -> int:
        """How many fields the record has if its bad quote is text."""
        if record.unclosed is None:
            return len(record.fields)
        rest = self.data[record.unclosed : stop]
        return len(record.fields) + rest.count((self.dialect.delimiter or "").encode() or b"\n")

    def _remember(self, record: Record, stop: int, message: str, unclosed: bool = False) -> None:
        illegal = self.quotes.first_illegal(record.start) if record.unclosed is None else record.unclosed
        begins = None if illegal is None else self.quotes.doubt_begins(illegal, record.start)
        self.cuts.append(
            Cut(
                self.kept,
                message,
                shown(self.data[record.start : stop]),
                unclosed,
                None if begins is None else max(0, record.start - max(begins, self.trusted_from)),
                begins == self.trusted_from == 0,
                self._width(record, stop) == self.width,
            )
        )


def _line_stop(data: bytes, start: int) -> int:
    """Where the line that goes on at `start` ends, without its line end."""
    ends = [at for at in (data.find(b"\n", start), data.find(b"\r", start)) if at >= 0]
    return min(ends, default=len(data))
