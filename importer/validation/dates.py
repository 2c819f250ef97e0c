"""Text becomes dates by the declared formats, strictly: impossible dates and two readings are refused.

A format of fixed numeric places ('%Y-%m-%d') is read from the bytes of the whole column; cells that need more than
that ('1/5/2025', month names) are read once per distinct text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from importer.entity import Field
from importer.validation.failures import Failures, Mask, Positions, failed_by_fact, joined, shown_column
from importer.validation.formats import Formats
from importer.validation.text import layout
from importer.vocabulary import RejectionCode

_WIDTHS = {"Y": 4, "m": 2, "d": 2, "y": 2}
_EPOCH = date(1970, 1, 1).toordinal()
_EXAMPLE = date(2025, 12, 31)


@dataclass(frozen=True)
class Reading:
    """What one format reads: days since 1970 where `read` is set. One element per cell."""

    days: NDArray[np.int32]
    read: Mask


def parse_dates(texts: pa.Array, field: Field, formats: Formats) -> tuple[pa.Array, Failures]:
    """A date32 column (null where blank or failed) and the failures."""
    readings = [read_format(texts, date_format) for date_format in formats.date_formats]
    days, read = readings[0].days.copy(), readings[0].read.copy()
    torn = np.zeros(len(texts), dtype=np.bool_)
    for reading in readings[1:]:
        torn |= read & reading.read & (days != reading.days)
        np.copyto(days, reading.days, where=reading.read & ~read)
        read |= reading.read
    filled = texts.is_valid().to_numpy(zero_copy_only=False)
    values = pa.array(days, pa.int32(), mask=~(read & ~torn)).cast(pa.date32())
    unread = np.flatnonzero(filled & ~read).astype(np.int64)
    return values, joined([_unread(texts, unread, field, formats), _torn(texts, torn, readings, field, formats)])


def read_format(texts: pa.Array, date_format: str) -> Reading:
    """Reads every cell that one format can read."""
    days = np.zeros(len(texts), dtype=np.int32)
    read = np.zeros(len(texts), dtype=np.bool_)
    places = _places(date_format)
    if places is not None:
        _read_places(texts, places, days, read)
    if places is None or places.separated:
        _read_distinct(texts, date_format, days, read)
    return Reading(days, read)


def is_date_format(date_format: str) -> bool:
    """Whether what the format writes can be read back as the same day."""
    try:
        written = _EXAMPLE.strftime(date_format)
        return written.isprintable() and datetime.strptime(written, date_format).date() == _EXAMPLE
    except (ValueError, re.error):
        return False


def described(formats: Formats) -> str:
    """'a day of the calendar, written such as 2025-12-31 or 31.12.2025, is expected'."""
    examples = " or ".join(_EXAMPLE.strftime(date_format) for date_format in formats.date_formats)
    return f"a day of the calendar, written such as {examples}, is expected"


@dataclass(frozen=True)
class _Places:
    """A format of fixed width: where its numbers stand, and which bytes must stand between them."""

    width: int
    numbers: dict[str, tuple[int, int]]
    literals: dict[int, int]
    separated: bool


def _places(date_format: str) -> _Places | None:
    tokens = re.findall(r"%.|[^%]", date_format)
    numbers: dict[str, tuple[int, int]] = {}
    literals: dict[int, int] = {}
    at = 0
    for token in tokens:
        if token.startswith("%"):
            if token[1] not in _WIDTHS or token[1] in numbers:
                return None
            numbers[token[1]] = (at, at + _WIDTHS[token[1]])
            at += _WIDTHS[token[1]]
        elif token.isascii() and not token.isdigit():
            literals[at] = ord(token)
            at += 1
        else:
            return None
    complete = {"m", "d"} < set(numbers) and len(numbers) == 3
    separated = re.search(r"%.%", date_format) is None
    return _Places(at, numbers, literals, separated) if complete else None


def _read_places(texts: pa.Array, places: _Places, days: NDArray[np.int32], read: Mask) -> None:
    """Fills `days` and `read` for the cells that have exactly the width of the format."""
    offsets, data = layout(texts)
    fitting = (offsets[1:] - offsets[:-1]) == places.width
    if texts.null_count:
        fitting &= texts.is_valid().to_numpy(zero_copy_only=False)
    cells = np.flatnonzero(fitting)
    if not len(cells):
        return
    table = _rows(data, offsets[cells], places.width)
    good = np.ones(len(cells), dtype=np.bool_)
    for at, byte in places.literals.items():
        good &= table[:, at] == byte
    parts = {name: _number(table[:, start:end], good) for name, (start, end) in places.numbers.items()}
    year = parts["Y"] if "Y" in parts else parts["y"] + np.where(parts["y"] >= 69, 1900, 2000)
    days[cells], good = _days(year, parts["m"], parts["d"], good)
    read[cells] = good


def _rows(data: NDArray[np.uint8], starts: NDArray[np.int32], width: int) -> NDArray[np.uint8]:
    """The texts of one width that begin at `starts`, one a row. Mostly they stand one behind the other already."""
    first, last = int(starts[0]), int(starts[-1])
    if last - first == width * (len(starts) - 1):
        return data[first : last + width].reshape(-1, width)
    rows: NDArray[np.uint8] = data[starts[:, None] + np.arange(width)]
    return rows


def _number(digits: NDArray[np.uint8], good: Mask) -> NDArray[np.int32]:
    number = np.zeros(len(digits), dtype=np.int32)
    for place in range(digits.shape[1]):
        digit = digits[:, place] - np.uint8(ord("0"))  # what stands before the digits gets a large number
        good &= digit <= 9
        number = number * 10 + digit
    return number


def _days(
    year: NDArray[np.int32], month: NDArray[np.int32], day: NDArray[np.int32], good: Mask
) -> tuple[NDArray[np.int32], Mask]:
    """Days since 1970, and which of them exist in the calendar."""
    good = good & (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0)
    # The calendar of all months between the first and the last: far fewer than cells.
    calendar = np.arange(months.min(), months.max() + 2).astype("datetime64[M]").astype("datetime64[D]")
    begins = calendar.astype(np.int64).astype(np.int32)
    first, following = begins[months - months.min()], begins[months - months.min() + 1]
    good &= day <= following - first
    return np.where(good, first + day - 1, 0), good


def _read_distinct(texts: pa.Array, date_format: str, days: NDArray[np.int32], read: Mask) -> None:
    """Fills in what is left with Python's strptime, once per distinct text."""
    left = np.flatnonzero(~read & texts.is_valid().to_numpy(zero_copy_only=False))
    if not len(left):
        return
    encoded = texts.take(pa.array(left)).dictionary_encode()
    known = [_strptime(text, date_format) for text in encoded.dictionary.to_pylist()]
    codes = encoded.indices.to_numpy()
    found = np.array([day is not None for day in known], dtype=np.bool_)[codes]
    values = np.array([day or 0 for day in known], dtype=np.int32)[codes]
    read[left] = found
    days[left] = values


def _strptime(text: str, date_format: str) -> int | None:
    if date_format.isascii() and not text.isascii():
        return None
    try:
        return datetime.strptime(text, date_format).toordinal() - _EPOCH
    except ValueError:
        return None


def _unread(texts: pa.Array, positions: Positions, field: Field, formats: Formats) -> Failures:
    values = shown_column(texts.take(pa.array(positions)))
    return failed_by_fact(
        positions, RejectionCode.INVALID_DATE, title=field.title, value=values, limit=described(formats)
    )


def _torn(texts: pa.Array, torn: Mask, readings: list[Reading], field: Field, formats: Formats) -> Failures:
    positions = np.flatnonzero(torn).astype(np.int64)
    limits = [" and as ".join(_named(readings, formats, int(position))) for position in positions]
    return failed_by_fact(
        positions,
        RejectionCode.INVALID_DATE,
        title=field.title,
        value=shown_column(texts.take(pa.array(positions))),
        limit=pa.array([f"it can be read as {limit}" for limit in limits], pa.string()),
    )


def _named(readings: list[Reading], formats: Formats, position: int) -> Iterator[str]:
    for reading, date_format in zip(readings, formats.date_formats, strict=True):
        if reading.read[position]:
            day = date.fromordinal(int(reading.days[position]) + _EPOCH)
            yield f"{day.isoformat()} ({date_format})"
