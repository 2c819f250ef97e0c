"""Bytes with legal quoting become a table: clean ones by pyarrow at once, else the bad records are set apart first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from importer.reading.csv.doubtful import doubtful_rows, has_long_texts
from importer.reading.csv.lexer import CsvDialect, lex_record
from importer.reading.csv.split import Cut, Split
from importer.reading.csv.structure import Flags, Positions, RecordMap, map_records
from importer.reading.model import UnreadableRow
from importer.reading.pieces import Piece, column_names, text_table
from importer.reading.transcoding import shown
from importer.vocabulary import RejectionCode

Reason = tuple[RejectionCode, str]
NO_DELIMITER = "\x1f"
"""pyarrow wants a delimiter. A file of one column gets this one; where it occurs, the block is read carefully."""
REPEATED: Reason = (RejectionCode.REPEATED_HEADER, "The row is the header again.")
GROUP = 512
"""Records that are decoded together in search of bad bytes."""


@dataclass(frozen=True)
class Shape:
    """What every record has to be: as wide as the header, and not the header again."""

    dialect: CsvDialect
    headers: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.headers)

    @cached_property
    def names(self) -> list[str]:
        return column_names(self.width)

    @cached_property
    def conversion(self) -> pyarrow.csv.ConvertOptions:
        return pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(self.names, pa.string()), strings_can_be_null=False, check_utf8=True
        )


@dataclass(frozen=True)
class Span:
    """What became of some bytes: a piece, and how many rows a spreadsheet program counts in it."""

    piece: Piece
    count: int


def read_split(split: Split, first_row: int, shape: Shape, earlier: Split | None = None) -> Span:
    """All records of a split, kept and cut out; the first is row `first_row`. `earlier`: one before it in the file."""
    table = None if split.cuts or split.has_nul else _at_once(split, shape)
    if table is None:
        return _carefully(split, first_row, shape, earlier)
    rows = pa.array(np.arange(first_row, first_row + table.num_rows, dtype=np.int64))
    return Span(Piece(rows, table), table.num_rows)


def _at_once(split: Split, shape: Shape) -> pa.Table | None:
    """The table if nothing about the split is special: pyarrow then counts the fields and checks the text."""
    table = _parse(split.kept, shape, split.has_quotes)
    if table is None or not table.num_rows or _rows_equal(table, shape.headers).any():
        return None
    if _rows_equal(table, ("",) * shape.width).any():
        return None  # pyarrow makes a row of blank cells of an empty line
    return table


def _parse(data: bytes | memoryview, shape: Shape, has_quotes: bool) -> pa.Table | None:
    parsing = pyarrow.csv.ParseOptions(
        delimiter=shape.dialect.delimiter or NO_DELIMITER,
        quote_char=shape.dialect.quote if has_quotes else False,
        newlines_in_values=has_quotes,
        ignore_empty_lines=False,
    )
    # one thread: several take more processor time altogether, which checks and loading need meanwhile
    # one block: the places where pyarrow would cut the data itself can't come between a CR and its LF
    reading = pyarrow.csv.ReadOptions(block_size=max(1, len(data)), column_names=shape.names, use_threads=False)
    try:
        return pyarrow.csv.read_csv(pa.BufferReader(pa.py_buffer(data)), reading, parsing, shape.conversion)
    except pa.ArrowInvalid:
        return None


def _rows_equal(table: pa.Table, cells: tuple[str, ...]) -> Flags:
    """Rows that have exactly these cells; nearly always the first column settles it."""
    same = pc.equal(table.column(0), cells[0])
    for index in range(1, len(cells)):
        if not pc.any(same).as_py():
            break
        same = pc.and_(same, pc.equal(table.column(index), cells[index]))
    flags: Flags = same.to_numpy().astype(np.bool_)
    return flags


def _carefully(split: Split, first_row: int, shape: Shape, earlier: Split | None) -> Span:
    """Bad records are found by their bytes and set apart; what remains goes to pyarrow."""
    data, cuts = bytes(split.kept), split.cuts
    records = map_records(data, shape.dialect)
    numbers = _row_numbers(records, cuts, first_row)
    bad = _bad_records(data, records, shape)
    good = ~records.blank
    good[list(bad)] = False
    kept = np.flatnonzero(good)
    table = _parse_records(data, records, kept, shape)
    again = _rows_equal(table, shape.headers)
    bad |= dict.fromkeys(kept[again].tolist(), REPEATED)
    rejected = [
        _unreadable(int(numbers[index]), reason, _text(data, records, index), int(records.widths[index]))
        for index, reason in bad.items()
    ]
    rejected += _cut_rows(records, cuts, first_row)
    rejected.sort(key=lambda row: row.row)
    table = table.filter(pa.array(~again)) if again.any() else table
    has_long = bool(cuts) and (has_long_texts(data, records) or _has_long_texts(earlier, shape))
    doubtful = tuple(doubtful_rows(cuts, records, has_long, first_row))
    piece = Piece(pa.array(numbers[kept[~again]]), table, tuple(rejected), doubtful=doubtful)
    return Span(piece, len(numbers) + len(cuts))


def _has_long_texts(earlier: Split | None, shape: Shape) -> bool:
    data = b"" if earlier is None else bytes(earlier.kept)
    return has_long_texts(data, map_records(data, shape.dialect))


def _unreadable(row: int, reason: Reason, raw: bytes, fields: int) -> UnreadableRow:
    is_width = reason[0] in (RejectionCode.ROW_TOO_SHORT, RejectionCode.ROW_TOO_LONG)
    return UnreadableRow(row, *reason, shown(raw), fields if is_width else None)


def _row_numbers(records: RecordMap, cuts: tuple[Cut, ...], first_row: int) -> Positions:
    """Row numbers of the records, leaving out those of the records that were cut out between them."""
    gaps = np.array([cut.at for cut in cuts], np.int64)
    indexes = np.arange(len(records.starts), dtype=np.int64)
    return first_row + indexes + np.searchsorted(gaps, records.starts, side="right")


def _cut_rows(records: RecordMap, cuts: tuple[Cut, ...], first_row: int) -> list[UnreadableRow]:
    before = records.index_at(np.array([cut.at for cut in cuts], np.int64)).tolist()
    return [
        UnreadableRow(first_row + index + count, RejectionCode.BAD_QUOTING, cut.message, cut.text)
        for count, (index, cut) in enumerate(zip(before, cuts, strict=True))
    ]


def _text(data: bytes, records: RecordMap, index: int) -> bytes:
    return data[int(records.starts[index]) : int(records.stops[index])]


def _bad_records(data: bytes, records: RecordMap, shape: Shape) -> dict[int, Reason]:
    """Index and reason of every record that can't be split into the columns, the first reason that holds."""
    bad = {index: undecodable(_text(data, records, index)) for index in _undecodable_records(data, records)}
    zeros = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)
    for index in np.unique(records.index_at(zeros)).tolist():
        bad.setdefault(index, (RejectionCode.CONTROL_CHARACTER, "The row has a NUL character."))
    for index in np.flatnonzero((records.widths != shape.width) & ~records.blank).tolist():
        bad.setdefault(index, wrong_width(int(records.widths[index]), shape.width))
    return bad


def wrong_width(width: int, expected: int) -> Reason:
    code = RejectionCode.ROW_TOO_SHORT if width < expected else RejectionCode.ROW_TOO_LONG
    return code, f"The row has {width} fields, the header has {expected}."


def _undecodable_records(data: bytes, records: RecordMap) -> list[int]:
    """Records with bytes that are no UTF-8; only groups that don't decode are looked at record by record."""
    found: list[int] = []
    for first in range(0, len(records.starts), GROUP):
        last = min(first + GROUP, len(records.starts)) - 1
        if not is_text(data[int(records.starts[first]) : int(records.ends[last])]):
            group = range(first, last + 1)
            found += [index for index in group if not is_text(_text(data, records, index))]
    return found


def is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def undecodable(raw: bytes) -> Reason:
    try:
        raw.decode()
        place = "The row"
    except UnicodeDecodeError as error:
        place = f"The row, after {shown(raw[max(0, error.start - 20) : error.start])!r},"
    return RejectionCode.UNDECODABLE_TEXT, f"{place} has bytes that are no text in the file's encoding."


def _parse_records(data: bytes, records: RecordMap, kept: Positions, shape: Shape) -> pa.Table:
    if not len(kept):
        return text_table([()] * shape.width)
    if shape.width > 1:
        table = _parse(_gather(data, records, kept), shape, shape.dialect.quote is not None)
        if table is not None and table.num_rows == len(kept):
            return table
    return _lexed_table(data, records.starts[kept].tolist(), shape)


def _gather(data: bytes, records: RecordMap, kept: Positions) -> bytes:
    """The bytes of the kept records, runs of them at a time."""
    breaks = np.flatnonzero(np.diff(kept) != 1)
    firsts = kept[np.concatenate((np.zeros(1, np.int64), breaks + 1))]
    lasts = kept[np.append(breaks, len(kept) - 1)]
    runs = zip(records.starts[firsts].tolist(), records.ends[lasts].tolist(), strict=True)
    return b"".join(data[start:end] for start, end in runs)


def _lexed_table(data: bytes, starts: Iterable[int], shape: Shape) -> pa.Table:
    """The slow way where pyarrow can't be trusted: in one column an empty line is no record."""
    rows = []
    for start in starts:
        record = lex_record(data, start, shape.dialect, final=True)
        assert record is not None
        rows.append(tuple(field.decode() for field in record.fields))
    return text_table(list(zip(*rows, strict=True)))
