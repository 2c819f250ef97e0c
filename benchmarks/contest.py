"""A case on one database: every contestant in turn, round by round, each from its own fresh copy of the target."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from . import dlt_upsert, product
from .cases import Case, Contestant, Entry, Start
from .databases import Lab
from .generate import write
from .measure import Measured, run

MODULES = {Contestant.FLOOR: "floor", Contestant.NAIVE: "naive", Contestant.DLT: "dlt_upsert"}
ACCEPTED = {0, 3}
"""Exit codes of a run that applied what it could."""

SAME_VALUES = (Contestant.PRODUCT, Contestant.FLOOR, Contestant.NAIVE)
"""Who writes the customer table; after the same file their tables have to be equal."""

Say = Callable[[str], None]


@dataclass
class Line:
    """Measurements of one entry; `trouble` says why there are none, or what is wrong with them."""

    entry: Entry
    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    details: list[dict[str, object]] = field(default_factory=list)
    digest: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Outcome:
    """One case on one database, measured."""

    case: Case
    dialect: str
    lines: list[Line]

    def ratio(self, other: Line) -> float | None:
        """Median of the ratios of the rounds; where one had fewer rounds, the ratio of the medians."""
        first = self.lines[0].seconds
        if not first or not other.seconds:
            return None
        if len(first) == len(other.seconds):
            return median(mine / theirs for mine, theirs in zip(first, other.seconds, strict=True))
        return median(first) / median(other.seconds)

    def memory_ratio(self, other: Line) -> float | None:
        peaks = self.lines[0].peaks, other.peaks
        return median(peaks[0]) / median(peaks[1]) if all(peaks) and median(peaks[1]) else None


@dataclass(frozen=True)
class Contest:
    """What all cases of a run share. `folder` holds files, parameters and reports."""

    lab: Lab
    folder: Path
    rounds: int
    slow_rounds: int
    with_product: bool
    say: Say

    def hold(self, case: Case) -> Outcome:
        """Measure all entries of a case, in alternation."""
        outcome = Outcome(case, self.lab.dialect, [Line(entry, trouble=self._missing(entry)) for entry in case.entries])
        for number in range(self.rounds):
            for line in outcome.lines:
                if not line.trouble and number < (self.slow_rounds if line.entry.contestant.slow else self.rounds):
                    self._round(line)
        self._compare(outcome)
        return outcome

    def _missing(self, entry: Entry) -> str:
        match entry.contestant:
            case Contestant.PRODUCT | Contestant.HELP if not self.with_product:
                return "not measured"
            case Contestant.DLT if self.lab.dialect == "sqlite":
                return "no SQLite upsert by COPY and MERGE"
            case Contestant.DLT if not dlt_upsert.installed():
                return dlt_upsert.WHY_NOT
            case _:
                return ""

    def _round(self, line: Line) -> None:
        entry = line.entry
        self._prepare(entry)
        self.lab.fresh(entry.state)
        measured = self._run(entry)
        if measured.exit_code not in ACCEPTED:
            line.trouble = f"exit {measured.exit_code}: {_last(measured)}"
            self.say(f"  {entry.name}: {line.trouble}")
            return
        self._note(line, measured)
        self.say(f"  {entry.name}: {line.seconds[-1]:.2f} s, {line.peaks[-1] / 1e6:,.0f} MB")

    def _note(self, line: Line, measured: Measured) -> None:
        """The product counts as a whole process, a baseline without its start and imports."""
        contestant = line.entry.contestant
        line.peaks.append(measured.peak)
        if contestant in MODULES:
            steps = json.loads(measured.stdout)
            line.seconds.append(steps.pop("all"))
            line.details.append({"timings": steps, "process": measured.seconds})
        else:
            line.seconds.append(measured.seconds)
        if contestant is Contestant.PRODUCT:
            line.details.append(product.details(measured.stdout))
        if contestant in SAME_VALUES and not line.digest:
            line.digest = self.lab.digest()

    def _compare(self, outcome: Outcome) -> None:
        """Who was given the same file has to leave the same table."""
        written = [line for line in outcome.lines if line.digest]
        for line in written:
            first = next(other for other in written if _was_given(other.entry) == _was_given(line.entry))
            if line.digest != first.digest:
                line.trouble = f"left another table than {first.entry.name}"
                self.say(f"  {line.entry.name} {line.trouble}:\n    {first.digest}\n    {line.digest}")

    def _prepare(self, entry: Entry) -> None:
        """Files, and the state of the database that the entry starts from."""
        self._file(entry)
        if self.lab.has(entry.state):
            return
        self.say(f"  preparing {entry.state}")
        match entry.start:
            case Start.EMPTY:
                self.lab.fresh(None)
            case Start.LOADED:
                self._load(entry)
            case Start.APPLIED:
                before = Entry(entry.contestant, entry.file, Start.LOADED, entry.proposing)
                self._prepare(before)
                self.lab.fresh(before.state)
                self._must(self._run(before))
        self._migrate(entry)
        self.lab.keep(entry.state)

    def _load(self, entry: Entry) -> None:
        """The initial load: by the floor, or by dlt into the table of its own."""
        who = entry.contestant if entry.contestant is Contestant.DLT else Contestant.FLOOR
        self.lab.fresh(None)
        self._must(self._run(Entry(who, entry.file.initial, Start.EMPTY)))

    def _migrate(self, entry: Entry) -> None:
        """Control tables everywhere but in the new database of the smallest file, which has to bring its own."""
        if self.with_product and entry.state != "new":
            product.migrate(self.lab.url, self._schemas(entry))

    def _must(self, measured: Measured) -> None:
        if measured.exit_code not in ACCEPTED:
            raise SystemExit(f"the target could not be prepared: {_last(measured)}")

    def _file(self, entry: Entry) -> Path:
        return write(entry.file, self.folder / "files" / entry.file.name)

    def _schemas(self, entry: Entry) -> Path:
        name = "proposing" if entry.proposing else "plain"
        return product.parameters(self.folder / name, product.PROPOSING if entry.proposing else product.PLAIN)

    def _run(self, entry: Entry) -> Measured:
        return run(self._command(entry))

    def _command(self, entry: Entry) -> list[str]:
        match entry.contestant:
            case Contestant.PRODUCT:
                return product.command(self.lab.url, self._file(entry), self._schemas(entry), self.folder / "reports")
            case Contestant.HELP:
                return [*product.IMPORTER, "--help"]
            case Contestant.PANDAS:
                return [sys.executable, "-c", "import pandas"]
            case _:
                task = "load" if entry.start is Start.EMPTY else "update"
                module = f"benchmarks.{MODULES[entry.contestant]}"
                return [sys.executable, "-m", module, task, self.lab.url, str(self._file(entry))]


def _was_given(entry: Entry) -> tuple[object, ...]:
    """What decides which table an entry has to leave."""
    return entry.file, entry.start, entry.proposing


def _last(measured: Measured) -> str:
    """The end of what a failed process said, short enough for a table."""
    said = [line for line in (measured.stderr + measured.stdout).splitlines() if line.strip()]
    return said[-1][:300] if said else "said nothing"


def as_record(outcome: Outcome) -> dict[str, object]:
    """For results.json; the first line of `contestants` is the one that the ratios are of."""
    return {
        "case": outcome.case.name,
        "title": outcome.case.title,
        "database": outcome.dialect,
        "contestants": [
            {
                "name": line.entry.name,
                "file": asdict(line.entry.file),
                "start": line.entry.start,
                "seconds": [round(seconds, 3) for seconds in line.seconds],
                "peak_bytes": line.peaks,
                "rounds": line.details,
                "trouble": line.trouble,
            }
            for line in outcome.lines
        ],
        "ratios": [_ratio(outcome, line) for line in outcome.lines[1:] if outcome.ratio(line)],
    }


def _ratio(outcome: Outcome, line: Line) -> dict[str, object]:
    goal = outcome.case.goals.get((line.entry.name, outcome.dialect))
    return {
        "of": outcome.lines[0].entry.name,
        "to": line.entry.name,
        "seconds": round(outcome.ratio(line) or 0, 3),
        "memory": round(outcome.memory_ratio(line) or 0, 3),
        "must": goal and goal.must,
        "aim": goal and goal.aim,
        "peak_mb": round(max(outcome.lines[0].peaks) / 1e6),
    }
