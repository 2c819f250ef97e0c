"""`python -m benchmarks.approvals`: change approval at scale, beside an UPDATE by hand and beside runs without it.

Writes ratios only into the marked block of README.md; nothing there with `--trial`.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from . import product
from .__main__ import WORK
from .databases import Lab, laboratory
from .generate import FileSpec, write
from .measure import Measured, run
from .report import DATABASES, README
from .table import PRAGMAS

BEGIN, END = "<!-- approvals: written by python -m benchmarks.approvals -->", "<!-- end of approvals -->"
MANY = FileSpec(rows=200_000, proposing=0.52)
"""About 100,000 proposals; the shipped automatic action takes some of the changes."""

NIGHTLY = FileSpec(rows=50_000, proposing=0.1)
ACCEPTED = (0, 3)

BY_HAND = """
SET temp_buffers = '64MB';
CREATE TEMPORARY TABLE approved AS
SELECT key_1, key_2, original::numeric(18, 2) AS old, proposed::numeric(18, 2) AS new
FROM importer.importer_proposed_change WHERE status = 'pending';
ANALYZE approved;
"""
BY_HAND_SQLITE = """
CREATE TEMPORARY TABLE approved AS
SELECT key_1, key_2, CAST(original AS REAL) AS old, CAST(proposed AS REAL) AS new
FROM importer_proposed_change WHERE status = 'pending';
"""
UPDATE = """
UPDATE customer AS c SET credit_limit = a.new FROM approved a
WHERE c.data_area_id = a.key_1 AND c.customer_account = a.key_2 AND c.credit_limit IS NOT DISTINCT FROM a.old
"""

Ratios = dict[str, list[float]]


@dataclass
class Trial:
    """One database with people, customers and what was measured on it."""

    lab: Lab
    work: Path
    ratios: Ratios = field(default_factory=dict)

    def importer(self, *words: str, user: str = "loader", schemas: str = "proposing") -> Measured:
        places = ["--database", product.named(self.lab.url), "--schemas", str(self.work / schemas), "--user", user]
        done = run([*product.IMPORTER, *words, *places])
        if done.exit_code not in ACCEPTED:
            raise SystemExit(f"{' '.join(words)}: exit {done.exit_code}: {done.stdout[-800:]}{done.stderr[-800:]}")
        return done

    def night(self, spec: FileSpec, schemas: str = "proposing") -> tuple[float, dict[str, int]]:
        """Seconds of a run, and its counts of proposed changes."""
        reports = str(self.work / "approval-reports")
        file = str(write(spec, self.work / spec.name))
        done = self.importer("run", file, "--output", reports, "--json", schemas=schemas)
        return done.seconds, json.loads(done.stdout)["proposals"]

    def note(self, name: str, ratio: float) -> None:
        self.ratios.setdefault(name, []).append(ratio)

    def furnish(self, spec: FileSpec) -> str:
        """A state with the initial load and three people who may approve."""
        state = f"furnished-{spec.rows}"
        if not self.lab.has(state):
            self.lab.fresh(None)
            self.night(spec.initial)
            for user in ("admin", "ann", "bob", "eve"):
                self.importer("users", "add", user, user="admin")
            self.importer("groups", "add", "credit", "ann", "bob", "eve", user="admin")
            self.lab.keep(state)
        return state


def opening(trial: Trial) -> None:
    """100,000 proposals opened, and all of them kept the second night, to the same run without approval."""
    state = trial.furnish(MANY)
    trial.lab.fresh(state)
    plain, _ = trial.night(MANY, "plain")
    trial.lab.fresh(state)
    first, counts = trial.night(MANY)
    trial.note(f"a run that opens {counts['opened']:,} proposals, to the run that writes the values", first / plain)
    trial.lab.keep("opened")
    second, kept = trial.night(MANY)
    if (kept["opened"], kept["kept"]) != (0, counts["opened"]):
        raise SystemExit(f"the second night should keep every change: {kept}")
    trial.note("the second night, all of them kept, to the run that writes the values", second / plain)


def nights(trial: Trial) -> None:
    """Three nights of the same file."""
    state = trial.furnish(NIGHTLY)
    trial.lab.fresh(state)
    plain, _ = trial.night(NIGHTLY, "plain")
    trial.lab.fresh(state)
    found = [trial.night(NIGHTLY) for _ in range(3)]
    if not found[0][1]["opened"] or any(counts["opened"] for _, counts in found[1:]):
        raise SystemExit(f"proposals in the first night only: {[counts for _, counts in found]}")
    for number, (seconds, counts) in enumerate(found, start=1):
        told = f"{counts['opened']:,} opened" if counts["opened"] else f"{counts['kept']:,} kept"
        trial.note(
            f"{NIGHTLY.rows:,} rows, night {number} ({told}), to the run that writes the values", seconds / plain
        )


def approving(trial: Trial) -> None:
    """One decision on all changes of the run, reading it, and a person's work."""
    trial.lab.fresh("opened")
    by_hand = _by_hand(trial.lab.url) if trial.lab.dialect == "postgresql" else _by_hand_sqlite(trial.lab.url)
    trial.lab.fresh("opened")
    listed = trial.importer("proposals", "list", "--json", user="ann")
    mine = trial.importer("work", "--json", user="ann")
    done = trial.importer("proposals", "approve", "--source", "legacy", "--yes", "--json", user="ann")
    number = json.loads(done.stdout)["done"]
    approving = f"approving {number:,} changes (must on PostgreSQL: 6), to the UPDATE … FROM by hand"
    trial.note(approving, done.seconds / by_hand)
    trial.note("`proposals list --json` of all of them, to the UPDATE … FROM by hand", listed.seconds / by_hand)
    trial.note("`work --json` of all of them, to the UPDATE … FROM by hand", mine.seconds / by_hand)


def _by_hand(url: str) -> float:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(BY_HAND)
        connection.commit()
        start = perf_counter()
        connection.execute(UPDATE)
        connection.commit()
        return perf_counter() - start


def _by_hand_sqlite(url: str) -> float:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name} = {value}").fetchall()
        connection.executescript(BY_HAND_SQLITE)
        start = perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(UPDATE)
        connection.execute("COMMIT")
        return perf_counter() - start


def at_scale(trial: Trial) -> None:
    """100,000 proposals: opened, kept, decided."""
    opening(trial)
    approving(trial)


CASES: dict[str, Callable[[Trial], None]] = {"at-scale": at_scale, "nights": nights}


def _block(found: dict[str, Ratios]) -> str:
    rounds = max(len(each) for ratios in found.values() for each in ratios.values())
    names = list(dict.fromkeys(name for ratios in found.values() for name in ratios))
    lines = [f"Ratios of seconds, whole processes{f', medians of {rounds}' * (rounds > 1)}.", ""]
    lines += [
        f"| what, to what | {' | '.join(DATABASES[dialect] for dialect in found)} |",
        "|---|" + "---|" * len(found),
    ]
    for name in names:
        cells = [f"{median(ratios[name]):.2f}" if name in ratios else "–" for ratios in found.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _refresh(block: str) -> None:
    head, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    README.write_text(f"{head}{BEGIN}\n{block}\n{END}{tail}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.approvals", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", nargs="+", choices=tuple(DATABASES), default=list(DATABASES))
    parser.add_argument("--server", help="a PostgreSQL to use: postgresql://… of a user who may create databases")
    parser.add_argument("--work", type=Path, default=WORK, help="for files, reports and SQLite databases")
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=list(CASES))
    parser.add_argument("--add", action="store_true", help="to what was measured before: in several sittings")
    parser.add_argument("--trial", action="store_true", help="print the figures, leave the README as it is")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    product.parameters(options.work / "proposing", product.PROPOSING)
    product.parameters(options.work / "plain", product.PLAIN)
    measured = options.work / "approvals.json"
    found: dict[str, Ratios] = json.loads(measured.read_text()) if options.add and measured.exists() else {}
    for dialect in options.databases:
        with laboratory(dialect, options.work, options.server) as lab:
            trial = Trial(lab, options.work, found.setdefault(dialect, {}))
            for _ in range(options.rounds):
                for case in options.cases:
                    CASES[case](trial)
    measured.write_text(json.dumps(found))
    block = _block(found)
    print(block)
    if not options.trial:
        _refresh(block)
    return 0


if __name__ == "__main__":
    sys.exit(main())
