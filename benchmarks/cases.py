"""What is measured against what: the table of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .generate import FileSpec


class Contestant(StrEnum):
    PRODUCT = "product"
    FLOOR = "floor"
    NAIVE = "pandas to_sql"
    DLT = "dlt upsert"
    HELP = "importer --help"
    PANDAS = "import pandas"

    @property
    def slow(self) -> bool:
        """Measured in fewer rounds: its ratio is far from any line that has to be held."""
        return self in (Contestant.NAIVE, Contestant.DLT)


class Start(StrEnum):
    """How the target stands before the run."""

    EMPTY = "no target table"
    LOADED = "the initial load"
    APPLIED = "this file applied before, by the same contestant"


@dataclass(frozen=True)
class Entry:
    """One line of a case: who, with which file, on which table. Its label stands in the results."""

    contestant: Contestant
    file: FileSpec
    start: Start = Start.LOADED
    proposing: bool = False
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or self.contestant

    @property
    def state(self) -> str:
        """A name for the state of the database that it starts from."""
        match self.start:
            case Start.EMPTY:
                return "new" if self.file.rows <= TINY else "empty"
            case Start.LOADED:
                return f"{'dlt' if self.contestant is Contestant.DLT else 'loaded'}-{self.file.initial.name}"
            case Start.APPLIED:
                return f"applied-{self.contestant}-{self.file.name}"


@dataclass(frozen=True)
class Goal:
    """Ratios that have to hold, and that are aimed at."""

    must: float
    aim: float


@dataclass(frozen=True)
class Case:
    """The first entry is measured against each of the others. `goals`: (other's name, dialect) to goal."""

    name: str
    title: str
    entries: tuple[Entry, ...]
    goals: Mapping[tuple[str, str], Goal] = field(default_factory=dict)
    dialects: tuple[str, ...] = ("postgresql", "sqlite")
    usual: bool = True


TINY = 100
PLAIN, WITH_DEFECTS, PLAIN_FLOOR = "run without them", "run with them", "floor without them"


def _goals(other: str, postgresql: Goal | None, sqlite: Goal | None) -> dict[tuple[str, str], Goal]:
    both = {"postgresql": postgresql, "sqlite": sqlite}
    return {(other, dialect): goal for dialect, goal in both.items() if goal}


def _against(file: FileSpec, *others: Contestant, start: Start = Start.LOADED) -> tuple[Entry, ...]:
    return tuple(Entry(contestant, file, start) for contestant in (Contestant.PRODUCT, *others))


def _heavier(name: str, title: str, file: FileSpec, plain: FileSpec) -> Case:
    """The product against itself and the floor without what makes the run heavier, approvals switched off there."""
    proposing = file.proposing > 0
    with_them = Entry(Contestant.PRODUCT, file, proposing=proposing, label=WITH_DEFECTS)
    without = Entry(Contestant.PRODUCT, plain, label=PLAIN)
    floor = Entry(Contestant.FLOOR, plain, label=PLAIN_FLOOR)
    goal = Goal(1.4, 1.2)
    return Case(name, title, (with_them, without, floor), _goals(PLAIN, goal, goal))


def _ten_times(name: str, by: str, who: Contestant, file: FileSpec, goal: Goal | None = None) -> Case:
    """How what `who` needs for a file grows with ten times the rows."""
    ten = replace(file, rows=10 * file.rows)
    title = f"{ten.rows:,} rows to {file.rows:,}, 19 % changed{by}"
    entries = tuple(Entry(who, each, label=f"{each.rows:,} rows") for each in (ten, file))
    return Case(name, title, entries, _goals(entries[1].name, goal, goal), usual=False)


def cases(rows: int, workbook_rows: int, quoted: str) -> list[Case]:
    """All cases for a size, in the order in which they are measured and shown."""
    floor, naive, dlt = Contestant.FLOOR, Contestant.NAIVE, Contestant.DLT
    initial = FileSpec(rows=rows, quoted=quoted)
    nightly = replace(initial, changed=0.19)
    tiny = FileSpec(rows=TINY)
    to_floor = {
        "initial": _goals(floor, Goal(2.8, 2.0), Goal(1.5, 1.1)),
        "0.1": _goals(floor, Goal(1.8, 1.3), Goal(1.0, 0.8)),
        "19": _goals(floor, Goal(1.8, 1.4), Goal(1.2, 0.9)) | _goals(dlt, Goal(0.25, 0.15), None),
    }
    return [
        Case("initial", "initial load", _against(initial, floor, naive, start=Start.EMPTY), to_floor["initial"]),
        Case("changed-0.1", "0.1 % changed", _against(replace(initial, changed=0.001), floor), to_floor["0.1"]),
        Case("changed-1", "1 % changed", _against(replace(initial, changed=0.01), floor)),
        Case("changed-19", "19 % changed", _against(nightly, floor, naive, dlt), to_floor["19"]),
        _heavier("rejected", "19 % changed, 5 % rejected", replace(nightly, rejected=0.05), nightly),
        _heavier("proposing", "19 % changed, 10 % proposing", replace(nightly, proposing=0.1), nightly),
        _heavier(
            "both",
            "19 % changed, 5 % rejected, 10 % proposing",
            replace(nightly, rejected=0.05, proposing=0.1),
            nightly,
        ),
        Case("again", "the same file again", _against(nightly, floor, start=Start.APPLIED)),
        Case(
            "workbook",
            f"Excel, {workbook_rows:,} rows, 19 % changed",
            _against(FileSpec(rows=workbook_rows, changed=0.19, format="xlsx"), floor, naive),
        ),
        Case("tiny-new", "100 rows, new database", _against(tiny, floor, Contestant.PANDAS, start=Start.EMPTY)),
        Case("tiny", "100 rows, 19 % changed", _against(replace(tiny, changed=0.19), floor, Contestant.PANDAS)),
        Case("help", "importer --help", tuple(Entry(who, tiny) for who in (Contestant.HELP, Contestant.PANDAS))),
        _ten_times("ten-times", "", Contestant.PRODUCT, nightly, Goal(11, 11)),
        _ten_times("ten-times-floor", ", by the floor", floor, nightly),
    ]
