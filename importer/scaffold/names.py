"""Headers become field names: plain identifiers that neither Python nor pandera nor a report uses for something else.

In: the headers of a file. Out: a `Named` for every column that can be a field, and why the others can't. Pure.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from importer.scaffold.quoting import fitted

MOST_FIELDS = 1_000
"""Databases hold tables of up to 1,600 columns or so."""
LONGEST_TITLE = 60
LONGEST_NAME = 50
"""Databases cut names at 63 characters."""

IMPORTED = frozenset({"annotated", "pa", "pd", "pyarrow", "l", "o", "i"})
"""Names that the written file uses itself, and those that look like digits."""
MODEL = frozenset(
    {
        *("config", "build_schema_", "empty", "example", "from_json", "from_yaml", "get_metadata", "strategy"),
        *("pydantic_validate", "to_json", "to_json_schema", "to_schema", "to_yaml", "validate"),
    }
)
"""What a pandera model defines itself."""
REPORTS = frozenset(
    {
        *("row", "outcome", "applied", "fields_updated", "fields_proposed", "fields_declined", "fields_rejected"),
        *("proposal_id", "proposal_effects", "codes", "origin_run", "origin_row"),
        *("field", "old", "new", "disposition", "rule"),
    }
)
"""Columns that reports write beside the key."""
RESERVED = IMPORTED | MODEL | REPORTS

_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


@dataclass(frozen=True)
class Named:
    """A column of the file that becomes a field; `index` counts from 0, `renamed` says why the name is not plain."""

    index: int
    header: str
    field: str
    renamed: str | None = None

    @property
    def title(self) -> str:
        """The header on one line, as the field's title."""
        line = " ".join("".join(char if char.isprintable() else " " for char in self.header).split())
        return fitted(line, LONGEST_TITLE) or self.field


@dataclass(frozen=True)
class LeftOut:
    """A column that can't be a field."""

    header: str
    why: str


def name_fields(headers: Iterable[str]) -> tuple[tuple[Named, ...], tuple[LeftOut, ...]]:
    """Every header once; no two fields have the same name."""
    texts = [header.strip() for header in headers]
    counts = Counter(texts)
    named: list[Named] = []
    left: dict[str, LeftOut] = {}
    taken: set[str] = set()
    for index, text in enumerate(texts):
        if not text:
            left.setdefault(text, LeftOut(text, "a column without a header is no data"))
        elif counts[text] > 1:
            left.setdefault(text, LeftOut(text, f"{counts[text]} columns have this header: they can't be told apart"))
        else:
            named.append(_named(index, text, taken))
            taken.add(named[-1].field)
    return tuple(named), tuple(left.values())


def words(text: str) -> list[str]:
    """'CustomerAccount No.' as ['customer', 'account', 'no']; letters that have no plain form are left out."""
    plain = unicodedata.normalize("NFKD", text.casefold() if text.isupper() else text).translate(_LETTERS)
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return re.findall(r"[a-z0-9]+", re.sub("[\u0300-\u036f'’]", "", split).casefold().translate(_LETTERS))


def _named(index: int, header: str, taken: set[str]) -> Named:
    plain = "_".join(words(header))
    is_foreign = sum(char.isalpha() for char in header) > 2 * sum(char.isalpha() for char in plain)
    name, why = plain[:LONGEST_NAME].rstrip("_"), None
    if not name or is_foreign:
        name, why = f"column_{index + 1}", "the header has no letters that a column name could have everywhere"
    elif name[0].isdigit():
        name, why = f"column_{name}", "a name begins with a letter"
    elif keyword.iskeyword(name) or name in RESERVED:
        name, why = f"{name}_", f"{name} is taken: Python, pandera or a report uses it"
    unique = _unique(name, taken)
    if unique != name:
        why = f"another column is {name} already"
    return Named(index, header, unique, why)


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name.rstrip('_')}_{number}"
    return unique
