"""Types, lengths and lists: each a decision with its reason, and text when in doubt. Pure.

In: what was observed. Out: a `Guess` for each column, and the one way in which the file writes numbers and dates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from importer.scaffold.forms import STYLES, Style
from importer.scaffold.names import Named, words
from importer.scaffold.observe import Observed
from importer.vocabulary import ValueKind

MOST_DIGITS = 9
"""Longer numbers without decimals are codes, phone or account numbers."""
EXACT_DIGITS = 15
"""Digits that every database keeps of a decimal."""
PRECISION = 18
CODE_WIDTH = 4
"""Digit strings that all have the same length from here on look like codes."""
MOSTLY = 0.5
"""From this share on it is worth telling that only a few cells keep a column from being something else."""
LENGTHS = (10, 20, 40, 60, 100, 250, 500, 1000, 2000, 4000)
MOST_LISTED, LISTED_TIMES, LISTED_WIDTH = 10, 20, 70
"""A list has at most so many values, stands for so many cells a value, and has room in a line."""

IDENTIFIERS = frozenset(
    {
        *("id", "ids", "no", "nr", "num", "number", "nummer", "numero", "code", "key", "account", "acct", "konto"),
        *("ref", "reference", "sku", "ean", "gtin", "upc", "iban", "bic", "swift", "vat", "tax"),
        *("zip", "zipcode", "postal", "postcode", "postleitzahl", "plz"),
        *("phone", "telephone", "tel", "fax", "mobile"),
    }
)
"""Words in a name that say: digits here are no amount."""
_BOOLEANS = (
    {"yes", "no"},
    {"true", "false"},
    {"oui", "non"},
    {"sì", "no"},
    {"ja", "nej"},
    {"ja", "nee"},
    {"예", "아니요"},
)
_TORN_DATES = ({"%d/%m/%Y", "%m/%d/%Y"}, {"%d-%m-%Y", "%m-%d-%Y"})


@dataclass(frozen=True)
class Guess:
    """What a field is. `values`: the list it is held to; `seen`: few values that are only told; `why`: the reason."""

    kind: ValueKind
    why: str
    precision: int = 0
    scale: int = 0
    max_length: int | None = None
    multiline: bool = False
    values: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileForms:
    """One way for the whole file: a source declares one decimal mark, one grouping, and formats that never disagree."""

    style: Style
    date_formats: tuple[str, ...]


def is_identifier(name: str) -> bool:
    """Whether a name says that digits are a code."""
    parts = words(name.replace("_", " "))
    return any(part in IDENTIFIERS or part.endswith(("nummer", "number", "code", "konto")) for part in parts)


def file_forms(named: Sequence[Named], observed: Sequence[Observed], is_workbook: bool) -> FileForms:
    """What most columns need; typed cells of workbooks are written the plain way, so these have no choice."""
    columns = list(zip(named, observed, strict=True))
    votes = Counter(style for name, seen in columns for style in _number_styles(name, seen))
    style = STYLES[0] if is_workbook else max(STYLES, key=lambda style: votes[style])
    found = Counter(seen.forms.dates[0] for seen in observed if seen.filled and len(seen.forms.dates) == 1)
    formats = [form for form, _ in found.most_common()]
    for torn in _TORN_DATES:
        rare = [form for form in formats if form in torn][1:]
        formats = [form for form in formats if form not in rare]
    if is_workbook or not formats:
        formats = ["%Y-%m-%d", *(form for form in formats if form != "%Y-%m-%d")]
    return FileForms(style, tuple(formats))


def guess(column: Named, seen: Observed, forms: FileForms) -> Guess:
    """The type of one column."""
    return (
        _no_type(seen)
        or _boolean(seen)
        or _date(seen, forms)
        or _number(column, seen, forms)
        or _text(seen, _why(seen))
    )


def _number_styles(column: Named, seen: Observed) -> list[Style]:
    """The ways in which a column reads as numbers, where it has a mark that tells them apart."""
    if not seen.filled or not seen.forms.signs or seen.forms.is_torn:
        return []
    return [style for style in seen.forms.styles if _fits(column, seen, style) is None]


def _no_type(seen: Observed) -> Guess | None:
    return None if seen.filled else Guess(ValueKind.TEXT, "no value in it: text")


def _boolean(seen: Observed) -> Guess | None:
    if not seen.words or {word.casefold() for word in seen.words} not in _BOOLEANS:
        return None
    return Guess(ValueKind.BOOLEAN, f"only {' and '.join(sorted(seen.words))}: a boolean")


def _date(seen: Observed, forms: FileForms) -> Guess | None:
    found = seen.forms.dates
    if len(found) > 1:
        return _text(seen, f"dates that read as {' and as '.join(found)}: text, until you say which")
    if not found:
        return None
    if found[0] not in forms.date_formats:
        return _text(seen, f"dates as {found[0]}, which other columns contradict: text")
    return Guess(ValueKind.DATE, f"every value is a date as {found[0]}")


def _number(column: Named, seen: Observed, forms: FileForms) -> Guess | None:
    if not seen.forms.styles or seen.forms.leading_zero:
        return None
    if seen.forms.is_torn:
        return _text(seen, "numbers such as 1,234 or 1.234 that read in two ways: text, until you say which")
    if forms.style not in seen.forms.styles:
        return _text(seen, "numbers written in another way than in the other columns: text")
    why_not = _fits(column, seen, forms.style)
    if why_not is not None:
        return _text(seen, why_not)
    whole, scale = seen.forms.styles[forms.style]
    if not scale:
        return Guess(ValueKind.INTEGER, f"whole numbers of up to {whole} digit{'s' * (whole != 1)}")
    return Guess(ValueKind.DECIMAL, f"numbers with up to {scale} decimals", precision=PRECISION, scale=scale)


def _fits(column: Named, seen: Observed, style: Style) -> str | None:
    """Why the numbers of a column had better be text; None where nothing speaks against numbers."""
    whole, scale = seen.forms.styles[style]
    if is_identifier(column.field) or is_identifier(column.header):
        return "numbers, but the name is that of a code: text"
    if whole + scale > (EXACT_DIGITS if scale else MOST_DIGITS):
        return f"numbers of up to {whole + scale} digits: text, so that none is lost"
    width = min(seen.forms.widths, default=0)
    if seen.forms.digits_only and len(seen.forms.widths) == 1 and width >= CODE_WIDTH and seen.filled > 1:
        return f"all have {width} digits, as codes do: text"
    return None


def _why(seen: Observed) -> str:
    if seen.forms.digits_only and seen.forms.leading_zero:
        return "digits with leading zeros: text"
    for like, what in ((seen.forms.like_dates, "dates"), (seen.forms.like_numbers, "numbers")):
        if MOSTLY * seen.filled <= like < seen.filled:
            return f"{like:,} of {seen.filled:,} values look like {what}, the others don't: text"
    return "text"


def _text(seen: Observed, why: str) -> Guess:
    listed = _list(seen)
    return Guess(
        ValueKind.TEXT,
        f"{why}, at most {seen.longest} character{'s' * (seen.longest != 1)}",
        max_length=None if listed else next((step for step in LENGTHS if step >= _roomy(seen.longest)), None),
        multiline=seen.multiline,
        values=listed,
        seen=() if listed else _few(seen),
    )


def _roomy(longest: int) -> int:
    """Half as much again, and five characters."""
    return longest + longest // 2 + 5


def _list(seen: Observed) -> tuple[str, ...]:
    """Few values that all occur often: tomorrow's file will hardly bring another one."""
    few = _few(seen)
    is_often = seen.filled >= LISTED_TIMES * len(few) and min((seen.words or {}).values(), default=0) > 2
    return few if len(few) > 1 and is_often and not seen.multiline else ()


def _few(seen: Observed) -> tuple[str, ...]:
    found = tuple(sorted(seen.words or ()))
    return found if len(found) <= MOST_LISTED and len(", ".join(found)) <= LISTED_WIDTH else ()
