"""`python -m benchmarks`: the product and the baselines side by side, in alternation; see README.md."""

from __future__ import annotations

import argparse
import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from . import product
from .cases import Case, cases
from .contest import Contest, Outcome, as_record
from .databases import Lab, laboratory
from .report import DATABASES, HERE, RESULTS, environment, refresh_readme, show, store
from .table import PRAGMAS, SESSION

WORK = HERE / "work"
QUICK_ROWS = 100_000
ROUNDS = 3
"""Fewer are a trial: its figures go to the work folder, not into the README."""

WIDTH = 150
"""Of the table where it does not go to a terminal."""

SQLITE_WORDS = {"FULL": "2", "FILE": "1"}
"""SQLite answers with numbers where it takes words."""


def _arguments() -> argparse.Namespace:
    names = [case.name for case in cases(1, 1, "needed")]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workbook-rows", type=int, default=200_000)
    parser.add_argument("--quoted", choices=("none", "needed", "all"), default="needed")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows; the README stays as it is")
    parser.add_argument("--cases", nargs="+", choices=names, help="default: all but those of ten times the rows")
    parser.add_argument("--databases", nargs="+", choices=tuple(DATABASES), default=list(DATABASES))
    parser.add_argument("--server", help="a PostgreSQL to use: postgresql://… of a user who may create databases")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--slow-rounds", type=int, default=1, help="of pandas to_sql and dlt")
    parser.add_argument("--without-product", action="store_true", help="measure the baselines only")
    parser.add_argument("--work", type=Path, default=WORK, help="for files, reports and SQLite databases")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.workbook_rows = QUICK_ROWS, QUICK_ROWS // 5
    return options


def _chosen(options: argparse.Namespace) -> list[Case]:
    every = cases(options.rows, options.workbook_rows, options.quoted)
    return [case for case in every if (case.name in options.cases if options.cases else case.usual)]


def _check_session(lab: Lab) -> None:
    """The floor's settings have to be those of the product's session, or the ratio says nothing."""
    lab.fresh(None)
    declared = SESSION if lab.dialect == "postgresql" else PRAGMAS
    expected = {name: SQLITE_WORDS.get(str(value), str(value)).lower() for name, value in declared.items()}
    found = {name: value.lower() for name, value in lab.session().items()}
    if found != expected:
        raise SystemExit(f"benchmarks/table.py says {expected}, the product's session has {found}: make them the same")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two benchmarks at once would measure each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another benchmark is running in {folder}") from None
        yield


def _measure(options: argparse.Namespace, console: Console, with_product: bool) -> tuple[list[Outcome], list[str]]:
    outcomes, versions = [], []
    for dialect in options.databases:
        with laboratory(dialect, options.work, options.server) as lab:
            versions.append(lab.version())
            if with_product:
                _check_session(lab)
            contest = Contest(lab, options.work, options.rounds, options.slow_rounds, with_product, console.log)
            for case in _chosen(options):
                if dialect in case.dialects:
                    console.log(f"[bold]{case.title}, {DATABASES[dialect]}")
                    outcomes.append(contest.hold(case))
    return outcomes, versions


def main() -> int:
    options = _arguments()
    console = Console(stderr=True, highlight=False, log_path=False)
    with_product = not options.without_product
    if with_product and not product.runnable():
        console.print("importer does not run here; the baselines are measured alone", style="yellow")
        with_product = False
    with _alone(options.work):
        outcomes, versions = _measure(options, console, with_product)
    show(Console(width=None if sys.stdout.isatty() else WIDTH), outcomes)
    header = {"rows": options.rows, "quoted": options.quoted, "environment": environment(versions, options.rounds)}
    records = [as_record(outcome) for outcome in outcomes]
    if options.quick or not with_product or options.rounds < ROUNDS:
        store(options.work / "results.json", header, records)
    else:
        order = [case.name for case in cases(options.rows, options.workbook_rows, options.quoted)]
        refresh_readme(header, store(RESULTS, header, records), order)
    return 1 if any(line.trouble.startswith(("exit", "left")) for each in outcomes for line in each.lines) else 0


if __name__ == "__main__":
    sys.exit(main())
