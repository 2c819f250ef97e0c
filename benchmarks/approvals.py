"""`python -m benchmarks.approvals`: change approval at scale, beside an UPDATE by hand and beside runs without it.

Writes ratios only into the marked block of README.md; nothing there with `--trial`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
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
UPDATE = """
UPDATE customer c SET credit_limit = a.new FROM approved a
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
    """One decision on all changes of the run, reading it, and a person's work; PostgreSQL only."""
    if trial.lab.dialect != "postgresql":
        return
    trial.lab.fresh("opened")
    by_hand = _by_hand(trial.lab.url)
    trial.lab.fresh("opened")
    listed = trial.importer("proposals", "list", "--json", user="ann")
    mine = trial.importer("work", "--json", user="ann")
    done = trial.importer("proposals", "approve", "--source", "legacy", "--yes", "--json", user="ann")
    number = json.loads(done.stdout)["done"]
    trial.note(f"approving {number:,} changes (must: 6), to the UPDATE … FROM by hand", done.seconds / by_hand)
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


CASES: tuple[Callable[[Trial], None], ...] = (opening, approving, nights)


def _block(found: dict[str, Ratios], rounds: int) -> str:
    names = list(dict.fromkeys(name for ratios in found.values() for name in ratios))
    lines = [f"Ratios of seconds, whole processes, medians of {rounds}.", ""]
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
    parser.add_argument("--trial", action="store_true", help="print the figures, leave the README as it is")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    product.parameters(options.work / "proposing", product.PROPOSING)
    product.parameters(options.work / "plain", product.PLAIN)
    found: dict[str, Ratios] = {}
    for dialect in options.databases:
        with laboratory(dialect, options.work, options.server) as lab:
            trial = Trial(lab, options.work)
            for _ in range(options.rounds):
                for case in CASES:
                    case(trial)
            found[dialect] = trial.ratios
    block = _block(found, options.rounds)
    print(block)
    if not options.trial:
        _refresh(block)
    return 0


if __name__ == "__main__":
    sys.exit(main())
