"""How a CSV file is to be read: in go its first bytes as UTF-8, out goes its dialect and header. In doubt: refused."""

from __future__ import annotations

from dataclasses import dataclass

from importer.errors import FileRefused, SetupError
from importer.reading.csv.lexer import CsvDialect, Record, lex_record
from importer.reading.header_row import HeaderChoice, HeadRow, choose_header
from importer.reading.model import ReadOptions
from importer.reading.transcoding import shown

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", None: "no delimiter"}
SAMPLE_RECORDS = 200
ENOUGH_REGULAR = 0.8


@dataclass(frozen=True)
class CsvLayout:
    """`offset`: where in the UTF-8 text the record after the header starts; it is row `next_row`."""

    dialect: CsvDialect
    headers: tuple[str, ...]
    header_row: int
    next_row: int
    offset: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Reading:
    """The head of the file, read with one delimiter."""

    dialect: CsvDialect
    records: tuple[Record, ...]
    header: HeaderChoice

    @property
    def headers(self) -> tuple[str, ...]:
        return tuple(shown(field) for field in self.records[self.header.index].fields)

    @property
    def regular(self) -> float:
        """Share of the records after the header that have its width."""
        rows = [record for record in self.records[self.header.index + 1 :] if not record.is_blank]
        good = sum(record.flaw is None and len(record.fields) == len(self.headers) for record in rows)
        return good / len(rows) if rows else 1.0

    def __str__(self) -> str:
        name = NAMES.get(self.dialect.delimiter, repr(self.dialect.delimiter))
        return f"{name}: {len(self.headers)} columns, {' | '.join(self.headers[:4])}"


def detect_layout(head: bytes, final: bool, options: ReadOptions, path: str) -> CsvLayout:
    """The layout of a file that starts with `head` (all of it, if `final`)."""
    given = _given_delimiter(options, path)
    delimiters = (given,) if given is not None else (*DELIMITERS, None)
    dialects = [_dialect(delimiter, options, path) for delimiter in delimiters]
    readings = [reading for dialect in dialects if (reading := _read_head(head, final, dialect, options, path))]
    if not readings:
        raise FileRefused("The file has no rows, not even a header.", file=path, hint="Was the export complete?")
    chosen = readings[0] if given is not None else _choose(readings, path)
    return _layout(chosen, head, path)


def _layout(chosen: _Reading, head: bytes, path: str) -> CsvLayout:
    record = chosen.records[chosen.header.index]
    header_row = chosen.header.index + 1
    if record.flaw is not None:
        raise FileRefused(
            f"The header in row {header_row} can't be split into columns: {record.flaw}.", file=path, hint=_HEADER_HINT
        )
    if _is_unreadable(head[record.start : record.stop]):
        raise FileRefused(
            f"The header in row {header_row} has bytes that are no text in the file's encoding.",
            file=path,
            hint="Name the encoding with --encoding, e.g. --encoding windows-1252.",
        )
    name = NAMES.get(chosen.dialect.delimiter, repr(chosen.dialect.delimiter))
    share = f"{chosen.regular:.0%} of the first rows have the width of the header"
    notes = (f"delimiter: {name}, {share}", chosen.header.note)
    return CsvLayout(chosen.dialect, chosen.headers, header_row, header_row + 1, record.end, notes)


_HEADER_HINT = "Correct the header, or say where it is with --header-row."


def _is_unreadable(raw: bytes) -> bool:
    try:
        return "\0" in raw.decode()
    except UnicodeDecodeError:
        return True


def _given_delimiter(options: ReadOptions, path: str) -> str | None:
    words = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t"}
    if options.header_row is not None and options.header_row < 1:
        raise SetupError("The header row is counted from 1.", file=path, hint="--header-row 1 is the first row.")
    return words.get(options.delimiter or "", options.delimiter)


def _dialect(delimiter: str | None, options: ReadOptions, path: str) -> CsvDialect:
    quote = '"' if options.quote is None else options.quote or None
    dialect = CsvDialect(delimiter, quote, options.escape or None)
    chars = [char for char in (dialect.delimiter, dialect.quote, dialect.escape) if char is not None]
    if any(len(char) != 1 or not char.isascii() or char.isalnum() or char in "\r\n\0" for char in chars):
        raise SetupError(
            f"Delimiter, quote and escape are one ASCII sign each, not {' '.join(map(repr, chars))}.",
            file=path,
            hint="E.g. --delimiter ';'.",
        )
    if len(set(chars)) < len(chars):
        raise SetupError("Delimiter, quote and escape have to differ.", file=path, hint="E.g. --delimiter ';'.")
    return dialect


def _read_head(head: bytes, final: bool, dialect: CsvDialect, options: ReadOptions, path: str) -> _Reading | None:
    records = _first_records(head, final, dialect, max(SAMPLE_RECORDS, options.header_row or 0))
    rows = [
        HeadRow(i + 1, () if record.is_blank else tuple(map(shown, record.fields))) for i, record in enumerate(records)
    ]
    choice = choose_header(rows, options.known_headers, options.header_row, path)
    return None if choice is None else _Reading(dialect, records, choice)


def _first_records(head: bytes, final: bool, dialect: CsvDialect, count: int) -> tuple[Record, ...]:
    records: list[Record] = []
    at = 0
    while at < len(head) and len(records) < count:
        record = lex_record(head, at, dialect, final)
        if record is None:
            break
        records.append(record)
        at = record.end
    return tuple(records)


def _choose(readings: list[_Reading], path: str) -> _Reading:
    """Known names in the header settle it, else the regularity of the rows; a tie is refused."""
    most = max(reading.header.matches for reading in readings)
    if most:
        return _only([reading for reading in readings if reading.header.matches == most], path)
    split = [reading for reading in readings if len(reading.headers) > 1]
    regular = [reading for reading in split if reading.regular >= ENOUGH_REGULAR]
    if not split:
        return readings[-1]
    # a header in the first row needs no story about the lines above it
    first = min(reading.header.index for reading in regular or split)
    return _only([reading for reading in regular or split if reading.header.index == first], path)


def _only(readings: list[_Reading], path: str) -> _Reading:
    """One reading; readings that split into columns go before the one that doesn't."""
    split = [reading for reading in readings if len(reading.headers) > 1]
    if len(split) > 1:
        raise FileRefused(
            f"The delimiter can't be told for sure; the file reads with {'; or with '.join(map(str, split))}.",
            file=path,
            hint=f"Say which with --delimiter, e.g. --delimiter '{split[0].dialect.delimiter}'.",
        )
    return split[0] if split else readings[-1]
