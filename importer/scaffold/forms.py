"""Which ways to write numbers and dates all cells of a column fit: each cell that doesn't fit takes ways away.

In: clean texts (null = blank), batch by batch. Out: what is left at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from importer.validation.dates import read_format


@dataclass(frozen=True)
class Style:
    """How numbers are written: decimal mark and grouping ('' for none), as a source declares them."""

    decimal: str
    grouping: str = ""

    @property
    def pattern(self) -> str:
        mark, point = GROUP_PATTERNS.get(self.grouping, re.escape(self.grouping)), re.escape(self.decimal)
        grouped = rf"|[1-9]\d{{0,2}}(?:{mark}\d{{3}})+" if self.grouping else ""
        return rf"^-?(?:0|[1-9]\d*{grouped})(?:{point}\d+)?$"


GROUP_PATTERNS = {" ": "[ \u00a0\u202f]"}
STYLES = (
    Style("."),
    Style(","),
    Style(".", ","),
    Style(",", "."),
    Style(".", "'"),
    Style(".", " "),
    Style(",", " "),
)
"""The plainest first."""

DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
)
_LIKE_A_NUMBER = r"^[+-]?\d+(?:[., '\x{a0}\x{202f}]\d+)*$"
_LIKE_A_DATE = r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}$"


@dataclass
class Forms:
    """What all filled cells so far have in common. `whole`, `scale`: most digits before and after a style's mark."""

    styles: dict[Style, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(STYLES, (0, 0)))
    dates: list[str] = field(default_factory=lambda: list(DATE_FORMATS))
    signs: set[str] = field(default_factory=set)
    digits_only: bool = True
    like_numbers: int = 0
    like_dates: int = 0
    leading_zero: bool = False
    widths: set[int] = field(default_factory=set)

    def add(self, texts: pa.Array) -> None:
        """The next filled cells (no nulls)."""
        if not len(texts):
            return
        self._add_digits(texts)
        self._add_numbers(texts)
        self.like_numbers += _count(texts, _LIKE_A_NUMBER)
        like_dates = _count(texts, _LIKE_A_DATE)
        self.like_dates += like_dates
        if like_dates < len(texts):
            self.dates = []
        self.dates = [form for form in self.dates if read_format(texts, form).read.all()]

    @property
    def is_torn(self) -> bool:
        """Whether the same sign could be the decimal mark as well as the grouping: `1,234`."""
        marks, groups = ({getattr(style, sign) for style in self.styles} for sign in ("decimal", "grouping"))
        return bool(marks & groups & self.signs)

    def _add_digits(self, texts: pa.Array) -> None:
        if not self.digits_only:
            return
        self.digits_only = _all(texts, r"^\d+$")
        self.leading_zero = self.leading_zero or _any(texts, r"^0\d")
        if len(self.widths) < 2:
            self.widths |= set(pc.unique(pc.utf8_length(texts)).to_pylist()[:2])

    def _add_numbers(self, texts: pa.Array) -> None:
        if not self.styles:
            return
        if _any(texts, "^-0[.,]?0*$"):  # a minus that a number would lose
            self.styles = {}
        alive = {style: seen for style, seen in self.styles.items() if _all(texts, style.pattern)}
        self.styles = {style: _larger(seen, _digits(texts, style)) for style, seen in alive.items()}
        if self.styles:
            self.signs |= {sign for sign in ".,' \u00a0\u202f" if pc.any(pc.match_substring(texts, sign)).as_py()}


def _digits(texts: pa.Array, style: Style) -> tuple[int, int]:
    mark = GROUP_PATTERNS.get(style.grouping, re.escape(style.grouping))
    plain = pc.replace_substring_regex(texts, f"-|{mark}" if mark else "-", "")
    whole = pc.replace_substring_regex(plain, f"{re.escape(style.decimal)}.*$", "")
    longest = pc.max(pc.utf8_length(whole)).as_py()
    scale = pc.max(pc.subtract(pc.utf8_length(plain), pc.utf8_length(whole))).as_py() - 1
    return longest, max(0, scale)


def _larger(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return max(first[0], second[0]), max(first[1], second[1])


def _all(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _count(texts: pa.Array, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py())


def _any(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())
