"""Clean CSV files, damage done to them by program, and the judgement what a reader may still accept."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

Row = tuple[str, ...]


@dataclass(frozen=True)
class Clean:
    """A clean file: its bytes, its rows after the header, and where each row starts."""

    data: bytes
    rows: tuple[Row, ...]
    delimiter: str
    starts: tuple[int, ...]

    def row_at(self, position: int) -> int:
        """Index of the row that a position belongs to; -1 for the header."""
        return bisect_right(self.starts, position) - 1

    @cached_property
    def known(self) -> frozenset[Row]:
        return frozenset(self.rows)


@dataclass(frozen=True)
class Damaged:
    data: bytes
    what: str
    position: int


def clean_file(rows: tuple[Row, ...], header: Row, delimiter: str, line_end: str, quoting: str) -> Clean:
    lines = [_line(row, delimiter, quoting) + line_end for row in (header, *rows)]
    starts, at = [], len(lines[0].encode())
    for line in lines[1:]:
        starts.append(at)
        at += len(line.encode())
    return Clean("".join(lines).encode(), rows, delimiter, tuple(starts))


def _line(row: Row, delimiter: str, quoting: str) -> str:
    return delimiter.join(_field(cell, delimiter, quoting) for cell in row)


def _field(cell: str, delimiter: str, quoting: str) -> str:
    if quoting == "all" or any(sign in cell for sign in (delimiter, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def damages(clean: Clean, positions: Iterator[int]) -> Iterator[Damaged]:
    """Every way to delete a sign or to add one at each of the positions after the header."""
    signs = (clean.delimiter.encode(), b'"', b"\n", b"\xff", b"x")
    for position in positions:
        here = clean.data[position : position + 1]
        if here in (clean.delimiter.encode(), b'"', b"\n", b"\r"):
            yield Damaged(clean.data[:position] + clean.data[position + 1 :], f"delete {here!r}", position)
        for sign in signs:
            yield Damaged(clean.data[:position] + sign + clean.data[position:], f"add {sign!r}", position)


def wrong_rows(clean: Clean, accepted: list[Row], position: int) -> list[Row]:
    """Accepted rows that are neither in the clean file nor the damaged row with one sign more or less in one cell.

    The latter is what a valid file with another text would have: no reader can know.
    """
    near = {clean.row_at(position), clean.row_at(position - 1)}
    originals = [clean.rows[index] for index in near if index >= 0]
    strange = [row for row in accepted if row not in clean.known]
    return [row for row in strange if not any(_is_near(row, original) for original in originals)]


def _is_near(row: Row, original: Row) -> bool:
    changed = [(a, b) for a, b in zip(row, original, strict=False) if a != b]
    return len(row) == len(original) and len(changed) == 1 and _one_sign_apart(*changed[0])


def _one_sign_apart(one: str, other: str) -> bool:
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return len(longer) == len(shorter) + 1 and any(
        longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer))
    )


def sample_rows(count: int, seed: int, texts: tuple[str, ...]) -> tuple[Row, ...]:
    chance = random.Random(seed)
    return tuple(
        (f"C-{number:05d}", chance.choice(texts), chance.choice(texts), str(number * 7)) for number in range(count)
    )


def rows_of_texts(count: int, seed: int, texts: tuple[str, ...]) -> tuple[Row, ...]:
    """Any text in the first and last field too."""
    chance = random.Random(seed)
    return tuple(
        (chance.choice(texts), f"C-{number:05d}", chance.choice(texts), chance.choice(texts)) for number in range(count)
    )
