"""What the tables of the page show, as small frozen facts.

In: the summary and what was kept of the streams. Out: rows with counts and the geometry of their bars.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from importer.reports import facts
from importer.reports.charts import Part, Segment, bar
from importer.reports.columns import OWN
from importer.reports.kept import Kept
from importer.reports.model import RunReport
from importer.vocabulary import Disposition

Record = dict[str, str]


@dataclass(frozen=True)
class CodeRow:
    code: str
    title: str
    new: int
    repeated: int
    segments: list[Segment]


@dataclass(frozen=True)
class FieldRow:
    """`counts` in the order of `Disposition`."""

    field: str
    title: str
    counts: tuple[int, ...]
    segments: list[Segment]


@dataclass(frozen=True)
class RejectedRow:
    """One source row: its reasons, and the cells that aren't empty as (header, text, is offending)."""

    row: str
    reasons: list[Record]
    cells: list[tuple[str, str, bool]]
    text: str


@dataclass(frozen=True)
class Tables:
    outcome_bar: list[Segment]
    codes: list[CodeRow]
    fields: list[FieldRow]
    dispositions: tuple[str, ...]
    changes: list[Record]
    changes_total: int
    rejected: list[RejectedRow]
    rejected_total: int


def tables(report: RunReport, kept: Kept) -> Tables:
    outcomes = facts.outcomes(report.summary)
    return Tables(
        outcome_bar=bar([Part(fact.outcome, fact.title, fact.count) for fact in outcomes]),
        codes=_codes(kept),
        fields=_fields(report, kept),
        dispositions=tuple(Disposition),
        changes=list(kept.changes.records()),
        changes_total=kept.changes.total,
        rejected=_rejected(kept),
        rejected_total=kept.for_page.total,
    )


def _codes(kept: Kept) -> list[CodeRow]:
    """Most frequent first; the longest bar is the most frequent code."""
    new: Counter[str] = Counter()
    repeated: Counter[str] = Counter()
    for (code, is_repeated), count in kept.codes.counter.items():
        (repeated if is_repeated == "yes" else new)[code] += count
    total = new + repeated
    longest = max(total.values(), default=0)
    return [
        CodeRow(
            code=code,
            title=facts.code_title(code),
            new=new[code],
            repeated=repeated[code],
            segments=bar([Part("new", "New", new[code]), Part("repeated", "Repeated", repeated[code])], longest),
        )
        for code, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))
    ]


def _fields(report: RunReport, kept: Kept) -> list[FieldRow]:
    """In entity order."""
    counter = kept.fields.counter
    found = {field for field, _ in counter}
    counts = {name: tuple(counter[name, disposition] for disposition in Disposition) for name in found}
    longest = max((sum(values) for values in counts.values()), default=0)
    return [
        FieldRow(
            field=name,
            title=report.entity.by_name[name].title if name in report.entity.by_name else facts.named(name),
            counts=counts[name],
            segments=bar(
                [Part(f"d-{d}", facts.named(d), n) for d, n in zip(Disposition, counts[name], strict=True)], longest
            ),
        )
        for name in [*report.entity.in_order(found), *sorted(found - set(report.entity.names))]
    ]


def _rejected(kept: Kept) -> list[RejectedRow]:
    records = list(kept.for_page.records())
    reasons = kept.reasons.of([record["_row"] for record in records])
    headers = kept.columns[:-OWN]
    rows = []
    for record in records:
        why = reasons.get(record["_row"], [])
        offending = {reason["column"] for reason in why}
        texts = list(record.values())[:-OWN]
        cells = [(header, text, header in offending) for header, text in zip(headers, texts, strict=True)]
        shown = [cell for cell in cells if cell[1] or cell[2]]
        rows.append(RejectedRow(row=record["_row"], reasons=why, cells=shown, text=record["_text"]))
    return rows


def about(report: RunReport) -> list[tuple[str, list[tuple[str, str]]]]:
    """Who, when, which file, under which settings: groups of label and value; what is unknown is left out."""
    summary = report.summary
    file, target = facts.section(summary, "file"), facts.section(summary, "target")
    settings = [(label, summary.get(key) or "none") for label, key in _SETTINGS]
    groups = [
        ("File", [(label, file.get(key)) for label, key in _FILE]),
        ("Run", [*((label, summary.get(key)) for label, key in _RUN), *_times(summary)]),
        ("People", [(label, summary.get(key)) for label, key in _PEOPLE]),
        ("Target", [(label, target.get(key)) for label, key in _TARGET]),
        ("Settings", [("Four eyes", summary.get("four_eyes")), *settings]),
    ]
    return [
        (title, [(label, facts.said(value)) for label, value in lines if value not in (None, "", [], {})])
        for title, lines in groups
    ]


def _times(summary: facts.Summary) -> list[tuple[str, str]]:
    found = (("Started", summary.get("started_at")), ("Finished", summary.get("finished_at")))
    return [(label, facts.when(moment)) for label, moment in found if moment]


_FILE = (
    ("Name", "name"),
    ("SHA-256", "sha256"),
    ("Bytes", "bytes"),
    ("Format", "format"),
    ("Encoding", "encoding"),
    ("Delimiter", "delimiter"),
    ("Sheet", "sheet"),
)
_RUN = (
    ("Run", "run_id"),
    ("Number", "sequence"),
    ("Status", "status"),
    ("Exit code", "exit_code"),
    ("Command", "command"),
    ("Version", "version"),
)
_PEOPLE = (
    ("User", "user"),
    ("Requested by", "requested_by"),
    ("Applied by", "applied_by"),
    ("Login", "login"),
    ("Host", "host"),
)
_TARGET = (
    ("Database", "database"),
    ("Dialect", "dialect"),
    ("Table", "table"),
    ("Records before", "records_before"),
    ("Records after", "records_after"),
)
_SETTINGS = (
    ("Behavior", "behavior"),
    ("Overrides", "overrides"),
    ("Ignored columns", "ignored_columns"),
    ("SHA-256", "settings_sha256"),
)
