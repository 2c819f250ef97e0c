"""All that a scaffold decided about a file, before anything is written: two writers and the answer read it."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import Any

from importer.reading import Dialect, HeaderRules, ReadOptions
from importer.reading.names import same_name
from importer.scaffold.guess import FileForms
from importer.scaffold.keys import Key, Seen
from importer.scaffold.names import LeftOut
from importer.scaffold.observe import Rows


@dataclass(frozen=True)
class Decided:
    """An entity made from a file. `given`: what the command line said about reading; it has to be written down."""

    name: str
    file: str
    headers: tuple[str, ...]
    dialect: Dialect
    given: ReadOptions
    rows: Rows
    fields: tuple[Seen, ...]
    left_out: tuple[LeftOut, ...]
    forms: FileForms
    key: Key
    is_pinned: bool = False

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def model(self) -> str:
        """The name of the model's class; it must not hide what the file itself imports or defines."""
        name = "".join(part[:1].upper() + part[1:] for part in self.name.split("_"))
        return (
            f"{name}Record" if len(name) == 1 or name in ("Text", "Whole", "Flag", "Day") or _is_number(name) else name
        )

    @property
    def pattern(self) -> str:
        """Tomorrow's file too: what stands at the end of a name is often a date or a number."""
        stem, dot, suffix = self.file.rpartition(".")
        if not dot:
            stem, suffix = self.file, ""
        start = stem.rstrip("0123456789-_. ") or stem
        return f"{glob.escape(start)}*{dot}{glob.escape(suffix)}"

    @property
    def mapping(self) -> dict[str, str]:
        """Headers that would not find their field by name."""
        fields = tuple(seen.name for seen in self.fields)
        titles = {seen.name: seen.column.title for seen in self.fields}
        names = HeaderRules(fields, (), titles=titles).names()
        found = {seen.column.header: seen.name for seen in self.fields}
        is_plain = not self.ignored
        return {
            header: name
            for header, name in found.items()
            if not is_plain or names.get(same_name(header) or header) != name
        }

    @property
    def ignored(self) -> tuple[str, ...]:
        """Patterns for headers that are no data."""
        return tuple(glob.escape(column.header) for column in self.left_out if column.header)

    @property
    def reading(self) -> dict[str, Any]:
        """What a source has to declare to read the file in the same way; the rest is detected."""
        detected = {
            "delimiter": self.dialect.delimiter,
            "encoding": self.dialect.encoding,
            "header_row": self.dialect.header_row,
            "sheet": self.dialect.sheet,
        }
        return {
            name: value
            for name, value in detected.items()
            if value is not None and (self.is_pinned or getattr(self.given, name) is not None)
        }

    @property
    def has_clear_token(self) -> bool:
        return any(seen.observed.clear_token for seen in self.fields)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before the first run."""
        return tuple(text for text, holds in self._warnings() if holds)

    def _warnings(self) -> tuple[tuple[str, bool], ...]:
        key, rows = self.key, self.rows
        names = " and ".join(key.fields)
        refused = sum(seen.observed.refused for seen in self.fields)
        return (
            (f"the key {names} is blank in some rows: a run rejects them", not key.is_complete),
            (
                f"the key {names} is not unique: a run rejects the rows that share one",
                key.is_complete and not key.is_unique,
            ),
            (
                f"some keys ({names}) differ only by case, blanks or leading zeros: similar_keys is set to allow",
                key.has_similar,
            ),
            (
                f"{rows.unreadable:,} of {rows.read:,} rows can't be read (importer preview names them)",
                bool(rows.unreadable),
            ),
            (f"{refused:,} cells can't be trusted or hold invisible characters: a run rejects them", bool(refused)),
            ("the file has no rows: every field is text of any length", rows.read == rows.unreadable),
            *((f"the column {column.header!r} is left out: {column.why}", True) for column in self.left_out),
        )


def _is_number(name: str) -> bool:
    return name.startswith("Number") and name[6:].isdigit()
