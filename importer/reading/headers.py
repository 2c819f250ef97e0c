"""Headers become fields: which column of a file brings which field of the entity. Pure: names in, names out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from importer.errors import FileRefused
from importer.reading.names import same_name

CORRECTION_COLUMNS = frozenset({"_row", "_codes", "_reasons", "_run", "_text"})
"""Columns of a rejection report; no data when it comes back."""


@dataclass(frozen=True)
class HeaderRules:
    """What the entity and the source say about headers."""

    fields: tuple[str, ...]
    key: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    """`[sources.columns]`: header in the file → field; wins over matching by name."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Field → title of the schema; matches like the field's name."""
    ignore: tuple[str, ...] = ()
    """`ignore_columns`: headers or patterns that are no data."""
    provided: frozenset[str] = frozenset()
    """Fields that `[sources.defaults]` or `--set` bring."""
    required: tuple[str, ...] = ()
    ignore_unknown: bool = False

    def names(self) -> dict[str, str]:
        """Every name a field goes by, in the form in which names are compared. Field names win over titles."""
        titles = {same_name(title): name for name, title in self.titles.items()}
        return titles | {same_name(name): name for name in self.fields}


@dataclass(frozen=True)
class HeaderMatch:
    """`columns`: the field of each header position, None for what is no data; `ignored`: those headers."""

    columns: tuple[str | None, ...]
    ignored: tuple[str, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that the file itself brings."""
        return frozenset(name for name in self.columns if name is not None)

    def position(self, name: str) -> int | None:
        return self.columns.index(name) if name in self.columns else None


def match_headers(
    headers: tuple[str, ...], rules: HeaderRules, *, is_correction: bool = False, file: str | None = None
) -> HeaderMatch:
    """Matches headers with fields, exactly or by name without case, blanks, underscores and punctuation.

    Raises FileRefused: no header that is known, two headers for one field, no key column, unknown or missing columns.
    """
    names = rules.names()
    fates = [_fate(header, rules, names, is_correction) for header in headers]
    columns = tuple(fate if isinstance(fate, str) else None for fate in fates)
    unknown = [header for header, fate in zip(headers, fates, strict=True) if fate is _UNKNOWN]
    _refuse_no_header(headers, columns, file)
    _refuse_two_for_one(headers, columns, file)
    _refuse_missing_key(headers, columns, unknown, rules, file)
    if unknown and not rules.ignore_unknown:
        raise _unknown_columns(unknown, rules, file)
    _refuse_missing_required(columns, rules, file)
    ignored = tuple(header for header, name in zip(headers, columns, strict=True) if name is None)
    return HeaderMatch(columns, ignored)


class _Fate:
    """Why a header has no field."""


_NO_DATA = _Fate()
_UNKNOWN = _Fate()


def _fate(header: str, rules: HeaderRules, names: Mapping[str, str], is_correction: bool) -> str | _Fate:
    text = header.strip()
    if not text:
        return _NO_DATA  # reading rejects rows that have text below a blank header
    if is_correction and text in CORRECTION_COLUMNS:
        return _NO_DATA
    mapped = next((name for source, name in rules.columns.items() if source.strip() == text), None)
    if mapped is not None:
        return mapped
    if any(fnmatchcase(text.casefold(), pattern.casefold()) for pattern in rules.ignore):
        return _NO_DATA
    return names.get(same_name(text) or text) or _UNKNOWN


def _refuse_no_header(headers: tuple[str, ...], columns: tuple[str | None, ...], file: str | None) -> None:
    if not any(columns):
        first = ", ".join(repr(header) for header in headers[:4])
        raise FileRefused(
            f"No header row was found: none of {first} is a field of the entity.",
            file=file,
            hint="Say where the header is with --header-row, or map headers to fields in [sources.columns].",
        )


def _refuse_two_for_one(headers: tuple[str, ...], columns: tuple[str | None, ...], file: str | None) -> None:
    seen: dict[str, str] = {}
    for header, name in zip(headers, columns, strict=True):
        if name is None:
            continue
        if name in seen:
            raise FileRefused(
                f"Two columns, {seen[name]!r} and {header!r}, are both the field {name}.",
                file=file,
                hint="Take one of them out of the file, or list its header in ignore_columns.",
            )
        seen[name] = header


def _refuse_missing_key(
    headers: tuple[str, ...],
    columns: tuple[str | None, ...],
    unknown: list[str],
    rules: HeaderRules,
    file: str | None,
) -> None:
    missing = [name for name in rules.key if name not in columns and name not in rules.provided]
    if missing:
        near = "".join(_nearest(name, unknown or list(headers)) for name in missing)
        raise FileRefused(
            f"The file has no column for the key field {' and '.join(missing)}{near}.",
            file=file,
            hint=f'Map the header in [sources.columns] ("Header" = "{missing[0]}"), or bring one value for all rows '
            f"with [sources.defaults] or --set {missing[0]}=VALUE.",
        )


def _nearest(name: str, headers: list[str]) -> str:
    plain = {same_name(header): header for header in headers}
    found = difflib.get_close_matches(same_name(name), list(plain), n=1, cutoff=0.5)
    return f" (nearest header: {plain[found[0]]!r})" if found else ""


def _unknown_columns(unknown: list[str], rules: HeaderRules, file: str | None) -> FileRefused:
    listed = ", ".join(f"{header!r}{_meant(header, rules)}" for header in unknown)
    columns = "a column" if len(unknown) == 1 else f"{len(unknown)} columns"
    return FileRefused(
        f"The file has {columns} that the entity does not know: {listed}.",
        file=file,
        hint="Leave them out with --ignore-unknown-columns or ignore_columns, or map them in [sources.columns].",
    )


def _meant(header: str, rules: HeaderRules) -> str:
    names = rules.names()
    found = difflib.get_close_matches(same_name(header), list(names), n=1, cutoff=0.8)
    return f" (meant: {names[found[0]]}?)" if found else ""


def _refuse_missing_required(columns: tuple[str | None, ...], rules: HeaderRules, file: str | None) -> None:
    missing = [name for name in rules.required if name not in columns and name not in rules.provided]
    if missing:
        raise FileRefused(
            f"The file does not have all required columns; missing: {', '.join(missing)}.",
            file=file,
            hint="The source's required_columns say which a file must bring; was the export complete?",
        )
