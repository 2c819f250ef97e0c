"""Where quotes, records and fields stand in a block of bytes, found column-wise with numpy.

A block starts at the start of a record. Quoting is legal where every odd quote opens a field (a delimiter, line end or
quote stands before it) and every even quote closes one (a delimiter, line end or quote follows): that is RFC 4180.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from importer.reading.csv.lexer import CsvDialect

Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
LF, CR = 0x0A, 0x0D


class QuoteMap:
    """The quotes of a block, and the illegal ones for either parity: a bad record shifts that of all that follow."""

    def __init__(self, data: bytes, dialect: CsvDialect) -> None:
        self.codes = np.frombuffer(data, np.uint8)
        quote = ord(dialect.quote or '"')
        self.positions: Positions = np.flatnonzero(self.codes == quote)
        self._edges = (LF, CR, quote) if dialect.delimiter is None else (ord(dialect.delimiter), LF, quote, CR)

    @cached_property
    def _illegal(self) -> tuple[Positions, Positions]:
        """Indexes of illegal quotes where quotes with an even index open, and where those with an odd one do."""
        return self._illegal_where_open(0), self._illegal_where_open(1)

    @cached_property
    def all_legal(self) -> bool:
        """The usual case, tested without looking at the other parity."""
        return not len(self._illegal_where_open(0))

    def _illegal_where_open(self, first: int) -> Positions:
        """Indexes of illegal quotes where `first` and every second quote after it open a field."""
        opening, closing = self.positions[first::2], self.positions[1 - first :: 2]
        before = self.codes[np.maximum(opening - 1, 0)]
        after = self.codes[np.minimum(closing + 1, len(self.codes) - 1)]
        cant_open = ~self._is_edge(before) & (opening > 0)
        cant_close = ~self._is_edge(after) & (closing < len(self.codes) - 1)
        illegal = np.concatenate((2 * np.flatnonzero(cant_open) + first, 2 * np.flatnonzero(cant_close) + 1 - first))
        illegal.sort()
        return illegal

    def _is_edge(self, codes: npt.NDArray[np.uint8]) -> Flags:
        """Which byte may stand before an opening and after a closing quote."""
        edge: Flags = codes == self._edges[0]
        for code in self._edges[1:]:
            edge |= codes == code
        return edge

    def index_at(self, position: int) -> int:
        """How many quotes stand before `position`."""
        return int(np.searchsorted(self.positions, position))

    def first_illegal(self, start: int) -> int | None:
        """Position of the first illegal quote at or after the record start `start`."""
        index = self.index_at(start)
        if index % 2 == 0 and self.all_legal:
            return None
        illegal = self._illegal[index % 2]
        at = int(np.searchsorted(illegal, index))
        return int(self.positions[illegal[at]]) if at < len(illegal) else None

    def doubt_begins(self, position: int, start: int) -> int | None:
        """From where on inside and outside may be turned round, up to the illegal quote at `position`.

        That is the last quote that could not stand there if they were: it may be the wrong one. None: the illegal one
        couldn't stand there either.
        """
        index = self.index_at(position)
        turned = self._illegal[1 - self.index_at(start) % 2]
        at = int(np.searchsorted(turned, index))
        if at < len(turned) and turned[at] == index:
            return None
        return int(self.positions[turned[at - 1]]) if at else 0

    def is_inside(self, position: int, start: int) -> bool:
        """Whether `position` is inside quotes, for legal quoting from the record start `start`."""
        return (self.index_at(position) - self.index_at(start)) % 2 == 1


def last_record_end(data: bytes, stop: int, final: bool) -> int:
    """Just behind the last line end before `stop`. A CR as the last byte may be half a CRLF: it ends nothing yet."""
    if not final and stop == len(data) and data[-1:] == b"\r":
        stop -= 1
    return max(data.rfind(b"\n", 0, stop), data.rfind(b"\r", 0, stop)) + 1


@dataclass(frozen=True)
class RecordMap:
    """The records of bytes with legal quoting. `stops` excludes line ends, `ends` is where the next one starts."""

    starts: Positions
    stops: Positions
    ends: Positions
    widths: Positions

    @property
    def blank(self) -> Flags:
        flags: Flags = self.starts == self.stops
        return flags

    def index_at(self, positions: Positions) -> Positions:
        """Which record each position belongs to."""
        return np.searchsorted(self.ends, positions, side="right")


def map_records(data: bytes, dialect: CsvDialect) -> RecordMap:
    """Boundaries and field counts of all records in `data`, which starts and ends with whole records."""
    codes = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(codes == ord(dialect.quote)) if dialect.quote else np.empty(0, np.int64)
    stops, ends = _line_ends(codes, quotes)
    if len(data) and (not len(ends) or ends[-1] < len(data)):  # the last line end is missing
        stops, ends = np.append(stops, len(data)), np.append(ends, len(data))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if len(ends) else ends
    delimiters = _outside(_where(codes, dialect.delimiter), quotes)
    widths = 1 + np.searchsorted(delimiters, stops) - np.searchsorted(delimiters, starts)
    return RecordMap(starts, stops, ends, widths)


def _line_ends(codes: npt.NDArray[np.uint8], quotes: Positions) -> tuple[Positions, Positions]:
    """LF, CR and CRLF outside quotes: where each begins, and where it is over."""
    feeds = np.flatnonzero(codes == LF)
    returns = np.flatnonzero(codes == CR)
    after_return = np.isin(feeds - 1, returns, assume_unique=True) if len(returns) else np.zeros(len(feeds), bool)
    stops = np.concatenate((feeds[~after_return], returns))
    stops.sort()
    stops = _outside(stops, quotes)
    following = np.minimum(stops + 1, len(codes) - 1)
    is_pair = (codes[stops] == CR) & (stops + 1 < len(codes)) & (codes[following] == LF)
    return stops, stops + 1 + is_pair


def _outside(positions: Positions, quotes: Positions) -> Positions:
    return positions[np.searchsorted(quotes, positions) % 2 == 0] if len(quotes) else positions


def _where(codes: npt.NDArray[np.uint8], char: str | None) -> Positions:
    return np.flatnonzero(codes == ord(char)) if char else np.empty(0, np.int64)
