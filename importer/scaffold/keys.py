"""Which columns identify a record: a guess with its evidence, or nothing rather than a coin that is flipped.

In: what was observed, and a way to read the file again where combinations have to be tried. Out: a `Key`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from importer.entity import nearest
from importer.errors import SetupError
from importer.reading.names import same_name
from importer.reading.source import SourceFile
from importer.scaffold.guess import Guess
from importer.scaffold.names import Named, words
from importer.scaffold.observe import Observed, clean_values
from importer.scaffold.unique import Unique, hashes, together
from importer.storage.expressions import folded
from importer.vocabulary import ValueKind

Reopen = Callable[[], AbstractContextManager[SourceFile]]

MOST_PARTS = 4
TRIED = 6
"""So many columns are combined, the likeliest ones."""
LONGEST_PART = 60
TELLING = 3
"""From this score on a name says that the field identifies a record by itself."""
HINTS = {
    **dict.fromkeys(("id", "identifier", "account", "kundennummer", "kontonummer"), 4),
    **dict.fromkeys(("no", "nr", "number", "num", "nummer", "code", "key", "sku", "reference", "ref"), 3),
    **dict.fromkeys(("company", "entity", "area", "branch", "organization", "mandant", "client"), 1),
}


@dataclass(frozen=True)
class Seen:
    """One field with all that is known of it."""

    column: Named
    observed: Observed
    guess: Guess

    @property
    def name(self) -> str:
        return self.column.field

    def score(self, entity: str) -> int:
        """How much the name says that the field identifies a record; 0: nothing."""
        parts = words(self.column.header) or self.name.split("_")
        score = sum(HINTS.get(part, 0) for part in parts)
        score += 3 * any(part not in HINTS and part.endswith(("nummer", "number", "code")) for part in parts)
        return score + 2 * (score > 0 and any(part in entity.split("_") for part in parts))

    @property
    def may_be_key(self) -> bool:
        is_code = self.guess.kind in (ValueKind.TEXT, ValueKind.INTEGER)
        short = self.observed.longest <= LONGEST_PART and not self.observed.multiline
        return is_code and short and self.observed.is_complete and self.observed.filled > 0


@dataclass(frozen=True)
class Key:
    """`is_unique`: over the whole file; `has_similar`: some differ only by case, blanks or leading zeros."""

    fields: tuple[str, ...]
    why: str
    is_unique: bool
    is_complete: bool
    has_similar: bool


def find_key(fields: Sequence[Seen], entity: str, given: Sequence[str], reopen: Reopen, folder: Path) -> Key:
    """As given, else as guessed. SetupError (exit 2) with the evidence where nothing identifies a record."""
    if given:
        chosen, why = _named(fields, given), "as given with --key"
    elif not any(seen.observed.filled or seen.observed.blank for seen in fields):
        chosen, why = _by_name(fields, entity)
    else:
        chosen, why = _guess(fields, entity, reopen, folder)
    is_complete = all(seen.observed.is_complete for seen in chosen)
    is_unique, is_distinct = _check(chosen, reopen, folder) if is_complete else (False, True)
    return Key(tuple(seen.name for seen in chosen), why, is_unique, is_complete, is_unique and not is_distinct)


def _named(fields: Sequence[Seen], given: Sequence[str]) -> list[Seen]:
    if len(given) > MOST_PARTS:
        raise SetupError(f"--key: at most {MOST_PARTS} fields make a key", hint="name the fewest that are unique")
    chosen = []
    for text in given:
        found = [seen for seen in fields if text == seen.name or same_name(text) == same_name(seen.column.header)]
        if not found:
            raise SetupError(f"--key: unknown field {text!r}{nearest(text, [seen.name for seen in fields])}")
        chosen.append(found[0])
    if len({seen.name for seen in chosen}) < len(chosen):
        raise SetupError("--key: a field is named twice")
    return chosen


def _by_name(fields: Sequence[Seen], entity: str) -> tuple[list[Seen], str]:
    best = max(fields, key=lambda seen: seen.score(entity))
    if not best.score(entity):
        raise _unknown(fields, "the file has no rows, and no header says what identifies a record")
    return [best], "by its name alone: the file has no rows"


def _guess(fields: Sequence[Seen], entity: str, reopen: Reopen, folder: Path) -> tuple[list[Seen], str]:
    """A unique column with a telling name, else a combination with one, else a unique column where no name tells."""
    candidates = sorted(
        (seen for seen in fields if seen.may_be_key),
        key=lambda seen: (-seen.score(entity), seen.guess.kind is not ValueKind.TEXT),
    )
    unique = [seen for seen in candidates if seen.observed.is_unique]
    if unique and unique[0].score(entity):
        return [unique[0]], "unique and never blank, and named like a key"
    told = [seen for seen in candidates[:TRIED] if seen.score(entity)]
    found_together = _together(candidates[:TRIED], reopen, folder) if told or not unique else []
    hinted = [found for found in found_together if any(seen in told for seen in found)]
    if hinted:
        return sorted(
            hinted[0], key=lambda seen: seen.column.index
        ), "unique together and never blank; no fewer columns are"
    if unique and not any(seen.score(entity) >= TELLING for seen in fields):
        return [unique[0]], "unique and never blank in this file, though nothing in its name says so: check it"
    raise _unknown(fields, f"{_evidence(unique, found_together)}{_likeliest(fields, entity)}")


def _evidence(unique: list[Seen], combined: list[list[Seen]]) -> str:
    if unique:
        names = ", ".join(seen.name for seen in unique[:5])
        return f"by chance or not, {names} is unique and never blank"
    if combined:
        names = " or ".join(",".join(seen.name for seen in found) for found in combined[:3])
        return f"no column is unique and never blank by itself; by chance or not, these are together: {names}"
    return "no column is unique and never blank, nor are up to four of them together"


def _likeliest(fields: Sequence[Seen], entity: str) -> str:
    """Why the field that is named like a key is none: real files have a few bad rows."""
    best = max(fields, key=lambda seen: seen.score(entity))
    if not best.score(entity):
        return ""
    blank = best.observed.blank + best.observed.refused
    why = f"is blank in {blank:,} of {best.observed.filled + blank:,} rows" if blank else "has values that repeat"
    return f" ({best.name} is named like a key, but {why})"


def _unknown(fields: Sequence[Seen], why: str) -> SetupError:
    names = ", ".join(seen.name for seen in fields[:30])
    return SetupError(
        f"What identifies a record can't be told: {why}",
        hint=f"say it with --key FIELD,FIELD; the fields are {names}",
    )


def _together(candidates: Sequence[Seen], reopen: Reopen, folder: Path) -> list[list[Seen]]:
    """The smallest combinations that are unique; the file is read once for each number of columns."""
    for size in range(2, MOST_PARTS + 1):
        combined = [list(found) for found in combinations(candidates, size)]
        found = _unique(combined, reopen, folder)
        if found:
            return found
    return []


def _unique(combined: list[list[Seen]], reopen: Reopen, folder: Path) -> list[list[Seen]]:
    watched = [(found, Unique(folder / f"k{number}")) for number, found in enumerate(combined)]
    with reopen() as file:
        for raw in file.batches():
            if all(unique.is_broken for _, unique in watched):
                break
            left = [(found, unique) for found, unique in watched if not unique.is_broken]
            used = {seen.column.index for found, _ in left for seen in found}
            hashed = {index: hashes(clean_values(raw, index)[0]) for index in used}
            for found, unique in left:
                unique.add(together([hashed[seen.column.index] for seen in found]))
    unique_ones = [found for found, unique in watched if unique.is_unique()]
    for _, unique in watched:
        unique.break_off()
    return unique_ones


def _check(chosen: Sequence[Seen], reopen: Reopen, folder: Path) -> tuple[bool, bool]:
    """Whether the key is unique, and whether it still is without case, blanks and leading zeros."""
    exact, alike = Unique(folder / "exact"), Unique(folder / "alike")
    with reopen() as file:
        for raw in file.batches():
            columns = [clean_values(raw, seen.column.index)[0] for seen in chosen]
            exact.add(together([hashes(column) for column in columns]))
            alike.add(together([hashes(column, folded) for column in columns]))
            if exact.is_broken:
                break
    return exact.is_unique(), alike.is_unique()
