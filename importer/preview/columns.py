"""Which field each column of a file brings, or why none: asked one column at a time, so that nothing is hidden.

In: headers and what the entity says about them. Out: a `Column` each, and why an import would refuse the file.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from importer.errors import FileRefused
from importer.reading import HeaderRules, match_headers
from importer.reading.headers import CORRECTION_COLUMNS

if TYPE_CHECKING:
    from importer.reading import SourceFile

_BESIDE = "\x00"
"""A header that no file has: it stands beside a single header, so that this one may be unknown."""


class Fate(StrEnum):
    """What becomes of a column of the file."""

    MATCHED = "matched"
    IGNORED = "ignored"
    UNKNOWN = "unknown"
    REPEATED = "repeated"
    UNNAMED = "unnamed"
    READ = "read"
    """No entity is known that could match it."""


@dataclass(frozen=True)
class Column:
    """One column of the file; `position` counts from 1, `note` says why it has no field of its own."""

    position: int
    header: str
    fate: Fate
    field: str | None = None
    note: str | None = None


def match_columns(file: SourceFile, rules: HeaderRules) -> tuple[Column, ...]:
    columns = [_column(position, header, file, rules) for position, header in enumerate(file.headers, 1)]
    counts = Counter(column.field for column in columns if column.field is not None)
    return tuple(_once(column, counts) for column in columns)


def _once(column: Column, counts: Counter[str]) -> Column:
    if column.field is None or counts[column.field] == 1:
        return column
    return replace(column, fate=Fate.REPEATED, note=f"{counts[column.field]} columns are the field {column.field}")


def _column(position: int, header: str, file: SourceFile, rules: HeaderRules) -> Column:
    if not header.strip():
        return Column(position, header, Fate.UNNAMED, note="a row with text here can't be read")
    if is_ours(file, header):
        return Column(position, header, Fate.IGNORED, note="the importer's own column of a rejection report")
    alone = replace(rules, columns={**rules.columns, _BESIDE: _BESIDE}, key=(), required=(), ignore_unknown=False)
    try:
        name = match_headers((header, _BESIDE), alone).columns[0]
    except FileRefused:
        return Column(position, header, Fate.UNKNOWN, note=_nearest(header, rules))
    if name is None:
        return Column(position, header, Fate.IGNORED, note="listed in ignore_columns")
    return Column(position, header, Fate.MATCHED, name)


def is_ours(file: SourceFile, header: str) -> bool:
    return file.is_correction and header.strip() in CORRECTION_COLUMNS


def _nearest(header: str, rules: HeaderRules) -> str:
    names = [*rules.fields, *rules.titles.values()]
    found = difflib.get_close_matches(header, names, n=1, cutoff=0.6)
    return f"the entity has no such field (nearest: {found[0]})" if found else "the entity has no such field"


def refusal(file: SourceFile, rules: HeaderRules) -> dict[str, Any] | None:
    """Why an import would refuse the file for its headers."""
    try:
        match_headers(file.headers, rules, is_correction=file.is_correction)
    except FileRefused as error:
        return {"message": error.message, "hint": error.hint}
    return None
