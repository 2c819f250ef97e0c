"""Runs and codes as they are shown in a terminal of 80 columns; proposals come from `render_proposals`.

In: the dictionaries that `--json` prints. Out: rich renderables.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from importer.cli.render_proposals import proposal_view, proposals_table
from importer.cli.render_text import Answer, columns, grid, literal, panel
from importer.reports import facts
from importer.reports.notices import notices
from importer.reports.visible import visible
from importer.vocabulary import Outcome, RunStatus

__all__ = ["codes_table", "next_commands", "proposal_view", "proposals_table", "runs_table", "summary_panel"]

BAR_WIDTH = 22
OUTCOME_STYLES = {
    Outcome.CREATED: "green",
    Outcome.UPDATED: "blue",
    Outcome.PARTLY_PROPOSED: "magenta",
    Outcome.PROPOSED: "magenta",
    Outcome.UNCHANGED: "bright_black",
    Outcome.NOT_PROCESSED: "bright_black",
    Outcome.PARTLY_REJECTED: "yellow",
    Outcome.REJECTED: "red",
}
RUN_STYLES = {
    RunStatus.APPLIED: "bold green",
    RunStatus.PLANNED: "bold magenta",
    RunStatus.HELD: "bold red",
    RunStatus.FAILED: "bold red",
}


def summary_panel(summary: Answer) -> Panel:
    """One run: what became of every row, why rows were rejected, what to type next."""
    parts: list[RenderableType] = [_heading(summary)]
    for notice in notices(summary):
        style = "red" if notice.is_alarm else "yellow"
        parts += [Text(""), literal(notice.title, f"bold {style}"), *(literal(f"  {line}") for line in notice.lines)]
    parts += [Text(""), _outcomes(summary), *_reasons(summary), *_proposals(summary), *_next(summary)]
    title = literal(facts.section(summary, "file").get("name") or "Import", "bold")
    return panel(Group(*parts), title, _status(summary))


def _status(summary: Answer) -> Text:
    status = visible(summary.get("status") or "unknown")
    return Text(status, style=RUN_STYLES.get(status, "bold"))  # type: ignore[call-overload]


def _heading(summary: Answer) -> Text:
    table = facts.section(summary, "target").get("table") or summary.get("entity")
    heading = Text.assemble(literal(summary.get("source")), (" → ", "bright_black"), literal(table))
    if facts.section(summary, "target").get("dialect"):
        heading.append_text(Text.assemble(("  on ", "bright_black"), literal(summary["target"]["dialect"])))
    return heading.append_text(Text.assemble(("  run ", "bright_black"), literal(summary.get("run_id"), "cyan")))


def _outcomes(summary: Answer) -> Table:
    table = grid()
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right", style="bright_black")
    table.add_column(width=BAR_WIDTH)
    for fact in facts.outcomes(summary):
        style = OUTCOME_STYLES[fact.outcome] if fact.count else "bright_black"
        bar = Text(_bar(fact.share), style=OUTCOME_STYLES[fact.outcome])
        table.add_row(Text(fact.title, style), Text(f"{fact.count:,}", style), facts.percent(fact.share), bar)
    verdict = Text("= the sum", "green") if facts.adds_up(summary) else Text("the sum differs!", "bold red")
    table.add_row(Text("Rows read", "bold"), Text(f"{facts.rows_read(summary):,}", "bold"), "", verdict)
    return table


def _bar(share: float) -> str:
    """Eighths of a block; what is there can be seen."""
    eighths = max(round(share * BAR_WIDTH * 8), 1) if share > 0 else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _reasons(summary: Answer) -> list[RenderableType]:
    codes = facts.rejected_by_code(summary)
    if not codes:
        return []
    table = grid()
    table.add_column(justify="right", style="red")
    table.add_column()
    table.add_column(style="bright_black")
    for code, count in codes:
        table.add_row(f"{count:,}", literal(facts.code_title(code)), literal(code))
    new, repeated = (facts.number(summary.get(f"rejected_{kind}")) for kind in ("new", "repeated"))
    title = Text.assemble(("Reasons", "bold"), (f"  {new:,} new, {repeated:,} repeated", "bright_black"))
    return [Text(""), title, table]


def _proposals(summary: Answer) -> list[RenderableType]:
    found = [f"{count:,} {title.lower()}" for title, count in facts.proposals(summary) if count]
    return [Text(""), Text.assemble(("Proposed changes  ", "bold"), ", ".join(found))] if found else []


def _next(summary: Answer) -> list[RenderableType]:
    """Where the reports are, and the commands that make sense now."""
    parts: list[RenderableType] = []
    if summary.get("folder"):
        parts += [Text(""), Text.assemble(("Reports  ", "bold"), literal(summary["folder"]))]
    for what, command in next_commands(summary):
        parts += [Text(""), Text(what, "bright_black"), literal(f"  {command}", "cyan")]
    return parts


def next_commands(summary: Answer) -> list[tuple[str, str]]:
    """What for, and what to type."""
    run = visible(summary.get("run_id") or "RUN")
    status = summary.get("status")
    if summary.get("exit_code") == 6:
        return [("To write the reports again:", f"importer report {run}")]
    if status == RunStatus.PLANNED:
        return [("To apply exactly this:", f"importer apply {run}")]
    if status == RunStatus.HELD and any(limit.past for limit in facts.limits(summary)):
        return [("To apply it all the same, on record:", f'importer apply {run} --accept-limits --comment "…"')]
    return [*_corrections(summary), *_approvals(summary, run)] if status == RunStatus.APPLIED else []


def _corrections(summary: Answer) -> list[tuple[str, str]]:
    counts = facts.section(summary, "counts")
    if not facts.number(counts.get("rejected")) + facts.number(counts.get("partly_rejected")):
        return []
    file = f"{summary.get('folder') or '.'}/rejections.csv"
    return [
        ("Correct the rejected rows (or those in rejections.xlsx) and load them:", f"importer run {shlex.quote(file)}")
    ]


def _approvals(summary: Answer, run: str) -> list[tuple[str, str]]:
    opened = facts.number(facts.section(summary, "proposals").get("opened"))
    return [("To see what waits for approval:", f"importer proposals list --run {run}")] if opened else []


def runs_table(runs: Iterable[Answer]) -> Table:
    """One line for every run, as `importer runs` lists them."""
    table = columns("Run and file", "=Status", ">Read", ">Written", ">Proposed", ">Rejected")
    for run in runs:
        counts = {name: facts.number(count) for name, count in facts.section(run, "counts").items()}
        written = sum(counts.get(name, 0) for name in ("created", "updated", "partly_proposed"))
        proposed = sum(counts.get(name, 0) for name in ("proposed", "partly_proposed"))
        rejected = sum(counts.get(name, 0) for name in ("rejected", "partly_rejected"))
        table.add_row(
            Text.assemble(literal(run.get("run_id"), "cyan"), "\n", literal(facts.section(run, "file").get("name"))),
            _status(run),
            f"{facts.rows_read(run):,}",
            _count(written, "green"),
            _count(proposed, "magenta"),
            _count(rejected, "red"),
        )
    return table


def _count(count: int, style: str) -> Text:
    return Text(f"{count:,}", style=style if count else "bright_black")


def codes_table(codes: Iterable[Answer]) -> Table:
    """The catalogue: each code with its title and what to do."""
    table = columns("Code", "What it means and what to do")
    for code in codes:
        meaning = Text.assemble(literal(code.get("title"), "bold"), "\n", literal(code.get("hint"), "bright_black"))
        table.add_row(literal(code.get("code"), "cyan"), meaning)
    return table
