"""The first sheet of the workbook: what was run, how it went, what to do with the rejected rows.

In: the summary. Out: lines of text; what the workbook leaves out is said first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from importer.reports import facts
from importer.reports.model import RunReport
from importer.reports.workbook.model import Line

HOW_TO = (
    "1. Correct the marked cells on the sheet “Rejected rows”. A note on each says what is wrong.",
    "2. Leave its header row and its last five columns (_row … _text) as they are.",
    "3. Delete rows you don't want to load. Save, and load this workbook: importer run rejections.xlsx",
)


@dataclass(frozen=True)
class LeftOut:
    """What is only in rejections.csv: `beyond` rows past the limit, `unfit` row numbers a workbook can't hold."""

    beyond: int = 0
    unfit: tuple[str, ...] = ()
    why: str = "the workbook is limited to the first rows (parameter reports.workbook_rows)"


def lines(report: RunReport, left_out: LeftOut) -> Iterator[Line]:
    summary = report.summary
    file = facts.section(summary, "file")
    yield Line("title", "Rejected rows")
    yield Line("subtitle", f"{facts.said(file.get('name'))} · run {facts.said(summary.get('run_id'))}")
    yield Line("subtitle", "")
    yield from _left_out(left_out)
    yield Line("section", "What to do")
    for text in HOW_TO:
        yield Line("subtitle", text)
    yield from _run(report)
    yield from _counts(report)
    yield from _settings(report)


def _left_out(left_out: LeftOut) -> Iterator[Line]:
    if left_out.beyond:
        yield Line("alarm", "Only in rejections.csv", f"{left_out.beyond:,} more rows", f"Why: {left_out.why}.")
    if left_out.unfit:
        shown = ", ".join(left_out.unfit[:50]) + (" …" if len(left_out.unfit) > 50 else "")
        yield Line(
            "alarm",
            "Only in rejections.csv",
            f"Source rows {shown}",
            "Why: a text of more than 32,767 characters, or characters that a workbook can't hold. Correct them there.",
        )


def _run(report: RunReport) -> Iterator[Line]:
    summary, file = report.summary, facts.section(report.summary, "file")
    yield Line("subtitle", "")
    yield Line("section", "Run")
    for label, value in (
        ("Run", summary.get("run_id")),
        ("Status", summary.get("status")),
        ("File", file.get("name")),
        ("SHA-256 of the file", file.get("sha256")),
        ("Source", summary.get("source")),
        ("Entity", report.entity.title),
        ("Started", summary.get("started_at")),
        ("By", summary.get("user")),
        ("Requested by", summary.get("requested_by")),
    ):
        if value:
            yield Line("fact", label, facts.said(value))


def _counts(report: RunReport) -> Iterator[Line]:
    summary = report.summary
    yield Line("subtitle", "")
    yield Line("section", "Rows", "", "")
    for fact in facts.outcomes(summary):
        yield Line("count", fact.title, f"{fact.count:,}", fact.meaning)
    yield Line("count", "Rows read", f"{facts.rows_read(summary):,}", "the sum of the above")
    codes = facts.rejected_by_code(summary)
    if codes:
        yield Line("subtitle", "")
        yield Line("section", "Reasons")
    for code, count in codes:
        yield Line("count", facts.code_title(code), f"{count:,}", code)


def _settings(report: RunReport) -> Iterator[Line]:
    summary = report.summary
    source = next((s for s in report.entity.parameters.sources if s.name == summary.get("source")), None)
    yield Line("subtitle", "")
    yield Line("section", "Settings")
    yield Line("fact", "Behavior for approval fields", facts.said(summary.get("behavior")))
    if source is not None:
        yield Line("fact", "Dates are read as", ", ".join(source.date_formats))
        yield Line("fact", "Decimal sign", source.decimal)
        yield Line("fact", "A blank cell", "keeps the stored value" if source.blank == "keep" else "clears the value")
        yield Line("fact", "To empty a field write", source.clear_token)
    yield Line("fact", "Hash of the settings", facts.said(summary.get("settings_sha256")))
