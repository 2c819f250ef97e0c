"""Which row is the header: in go the first rows as text and the names that the entity knows, out goes one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from importer.errors import FileRefused
from importer.reading.names import same_name


@dataclass(frozen=True)
class HeadRow:
    """One of the first rows: its number in a spreadsheet program and its cells; () for an empty row."""

    row: int
    cells: tuple[str, ...]

    @property
    def filled(self) -> int:
        return sum(bool(cell.strip()) for cell in self.cells)


@dataclass(frozen=True)
class HeaderChoice:
    """`index` into the rows; `matches`: how many cells are names that the entity knows."""

    index: int
    matches: int
    note: str


def choose_header(rows: Sequence[HeadRow], known: frozenset[str], given: int | None, path: str) -> HeaderChoice | None:
    """The header among `rows`; None where no row has text. Raises FileRefused if two rows could be it."""
    names = frozenset(map(same_name, known)) - {""}
    if given is not None:
        return _given(rows, names, given, path)
    first = _by_shape(rows)
    if first is None:
        return None
    matches = [_matches(row, names) for row in rows]
    best = max(matches)
    if best < 2 or matches[first] == best:
        return HeaderChoice(first, matches[first], f"header in row {rows[first].row}")
    found = matches.index(best)
    _refuse_second(rows, matches, found, path)
    return HeaderChoice(found, best, f"header in row {rows[found].row}: {best} known names")


def _given(rows: Sequence[HeadRow], names: frozenset[str], given: int, path: str) -> HeaderChoice:
    index = next((i for i, row in enumerate(rows) if row.row == given and row.filled), None)
    if index is None:
        raise FileRefused(
            f"Row {given} has no header: it is empty or too far down.",
            file=path,
            hint="Give the row that a spreadsheet program shows: --header-row N.",
        )
    return HeaderChoice(index, _matches(rows[index], names), f"header in row {given}: as given")


def _by_shape(rows: Sequence[HeadRow]) -> int | None:
    """The first row that fills at least half of the usual width; lines above it are a preamble."""
    filled = [(i, row) for i, row in enumerate(rows) if row.filled]
    if not filled:
        return None
    widths = Counter(len(row.cells) for _, row in filled if len(row.cells) > 1)
    if not widths:
        return filled[0][0]
    usual = max(widths, key=lambda width: (widths[width], width))
    return next((i for i, row in filled if row.filled >= max(2, usual / 2)), filled[0][0])


def _matches(row: HeadRow, names: frozenset[str]) -> int:
    return len({same_name(cell) for cell in row.cells} & names)


def _refuse_second(rows: Sequence[HeadRow], matches: list[int], found: int, path: str) -> None:
    """Two different rows that know equally many names: titles over technical names, or two tables in one file."""
    here = [same_name(cell) for cell in rows[found].cells]
    others = [i for i, count in enumerate(matches) if count == matches[found] and i != found]
    other = next((i for i in others if [same_name(cell) for cell in rows[i].cells] != here), None)
    if other is not None:
        raise FileRefused(
            f"Row {rows[found].row} and row {rows[other].row} could both be the header.",
            file=path,
            hint=f"Say which: --header-row {rows[found].row} or --header-row {rows[other].row}.",
        )
