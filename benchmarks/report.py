"""Results for people and for later comparison: a table on the terminal, results.json, the marked part of the README."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from .contest import Outcome

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"
BEGIN, END = "<!-- results: written by python -m benchmarks -->", "<!-- end of results -->"
DATABASES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}

Record = dict[str, Any]


def show(console: Console, outcomes: Iterable[Outcome]) -> None:
    """Medians in seconds, peak memory, and the ratio of the first contestant of a case to each of the others."""
    table = Table("case", "database", "contestant", title="Medians and ratios")
    for heading in ("seconds", "spread", "peak MB", "ratio to it", "must", "aim"):
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        for number, line in enumerate(outcome.lines):
            table.add_row(*_cells(outcome, number), end_section=line is outcome.lines[-1])
    console.print(table)


def _cells(outcome: Outcome, number: int) -> list[str]:
    line = outcome.lines[number]
    place = [outcome.case.title, DATABASES[outcome.dialect]] if number == 0 else ["", ""]
    if not line.seconds:
        return [*place, line.entry.name, line.trouble, *[""] * 5]
    ratio = outcome.ratio(line) if number else None
    goal = outcome.case.goals.get((line.entry.name, outcome.dialect))
    return [
        *place,
        f"{line.entry.name} ({line.trouble})" if line.trouble else line.entry.name,
        f"{median(line.seconds):.2f}",
        f"{min(line.seconds):.2f}–{max(line.seconds):.2f}",
        f"{max(line.peaks) / 1e6:,.0f}",
        f"{ratio:.2f}" if ratio else "",
        f"{goal.must:g}" if goal else "",
        f"{goal.aim:g}" if goal else "",
    ]


def environment(versions: list[str], rounds: int) -> Record:
    """What the figures depend on besides the code."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "memory_gb": round(memory / 1e9),
        "databases": versions,
        "rounds": rounds,
    }


def store(path: Path, header: Record, records: list[Record]) -> list[Record]:
    """Write the results; what an earlier run of the same size measured and this one left out stays: cases, versions
    of databases, and ratios to contestants that had no round this time. Gives all records; `header` is completed.
    """
    kept = json.loads(path.read_text()) if path.exists() else {}
    if kept.get("rows") != header["rows"] or kept.get("quoted") != header["quoted"]:
        kept = {}
    old = {(record["case"], record["database"]): record for record in kept.get("cases", [])}
    for record in records:
        before = old.pop((record["case"], record["database"]), {"ratios": []})
        measured = {ratio["to"] for ratio in record["ratios"]}
        record["ratios"] += [ratio | {"earlier": True} for ratio in before["ratios"] if ratio["to"] not in measured]
    versions = header["environment"]["databases"]
    known = {version.split()[0] for version in versions}
    versions += [each for each in kept.get("environment", {}).get("databases", []) if each.split()[0] not in known]
    versions.sort()
    merged = [*old.values(), *records]
    path.write_text(json.dumps(header | {"cases": merged}, indent=1) + "\n", encoding="utf-8")
    return merged


def refresh_readme(header: Record, records: list[Record], order: list[str]) -> None:
    """Replace the text between the marks by a table of ratios."""
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    records = sorted(records, key=lambda record: (order.index(record["case"]), record["database"]))
    README.write_text(f"{head}{BEGIN}\n{_markdown(header, records)}\n{END}{tail}", encoding="utf-8")


def _markdown(header: Record, records: list[Record]) -> str:
    where = header["environment"]
    intro = (
        f"Files of {header['rows']:,} rows × 21 columns, medians of {where['rounds']} rounds, "
        f"on {where['cpus']} processors with {where['memory_gb']} GB: Python {where['python']}, "
        f"{', '.join(where['databases'])}."
    )
    lines = [
        "| case | ratio of | to | PostgreSQL | SQLite | must · aim, each | peak MB, each |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([intro, "", *lines, *_rows(records)])


def _rows(records: list[Record]) -> list[str]:
    """One line a pair of contestants, both databases side by side."""
    pairs: dict[tuple[str, str, str], dict[str, Record]] = {}
    for record in records:
        for ratio in record["ratios"]:
            pairs.setdefault((record["title"], ratio["of"], ratio["to"]), {})[record["database"]] = ratio
    return [_row(pair, by_database) for pair, by_database in pairs.items()]


def _row(pair: tuple[str, str, str], by_database: dict[str, Record]) -> str:
    found = [by_database.get(dialect) for dialect in DATABASES]
    ratios = [
        f"{ratio['seconds']:.2f}{' (earlier)' if ratio.get('earlier') else ''}" if ratio else "–" for ratio in found
    ]
    goals = ", ".join(f"{ratio['must']:g} · {ratio['aim']:g}" if ratio and ratio["must"] else "–" for ratio in found)
    peaks = ", ".join(f"{ratio['peak_mb']:,}" if ratio else "–" for ratio in found)
    return f"| {' | '.join([*pair, *ratios, goals, peaks])} |"
