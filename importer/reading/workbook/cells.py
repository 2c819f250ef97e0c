"""A cell's value becomes text, in the form that the source declares; what can't be trusted is flagged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from importer.vocabulary import RejectionCode

EXACT_DIGITS = 15
"""Significant digits that a spreadsheet program keeps of a number."""
IMPRECISE = "The number has more than 15 digits: a spreadsheet program does not keep them. Format the cell as text."

CellValue = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


@dataclass(frozen=True)
class CellForm:
    """The declared form of typed cells: strftime format, decimal mark."""

    date_format: str
    decimal: str

    def text(self, value: CellValue) -> str:
        """Text as it is; whole numbers without `.0`, no exponents; dates without a time of midnight."""
        match value:
            case str():
                return value
            case bool():
                return "true" if value else "false"
            case int() | float():
                return plain_number(value).replace(".", self.decimal)
            case dt.datetime():
                time = "" if value.time() == dt.time() else _time(value.time())
                return f"{self._date(value.date())} {time}".rstrip()
            case dt.date():
                return self._date(value)
            case dt.time():
                return _time(value)
            case dt.timedelta():
                return _duration(value)

    def _date(self, value: dt.date) -> str:
        # strftime leaves the zeros of early years out
        return value.strftime(self.date_format.replace("%Y", f"{value.year:04d}"))


def flaw(value: CellValue) -> RejectionCode | None:
    """Why the text of the cell can't be trusted."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    digits = plain_number(value).replace(".", "").strip("-0")
    return RejectionCode.IMPRECISE_NUMBER if len(digits) > EXACT_DIGITS else None


def plain_number(value: float) -> str:
    """The shortest text that gives the same number again, without exponent."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _time(value: dt.time) -> str:
    return value.strftime("%H:%M:%S") + (f".{value.microsecond:06d}".rstrip("0") if value.microsecond else "")


def _duration(value: dt.timedelta) -> str:
    """Hours may pass 24, as in the format [h]:mm:ss."""
    seconds = abs(value) // dt.timedelta(seconds=1)
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
