"""What a summary says, in the words and the order in which page, workbook and terminal show it.

In: `summary.json` as a dictionary; keys that are missing count as nothing. Out: small frozen facts with visible texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from importer.reports.visible import visible
from importer.validation.catalogue import entry
from importer.vocabulary import Outcome, RejectionCode

Summary = Mapping[str, Any]

OUTCOME_TITLES: dict[Outcome, tuple[str, str]] = {
    Outcome.CREATED: ("Created", "a new record was written"),
    Outcome.UPDATED: ("Updated", "fields written, nothing proposed"),
    Outcome.PARTLY_PROPOSED: ("Partly proposed", "some fields written, others wait for approval"),
    Outcome.PROPOSED: ("Proposed", "nothing written, changes wait for approval"),
    Outcome.UNCHANGED: ("Unchanged", "nothing to do"),
    Outcome.NOT_PROCESSED: ("Not processed", "left out, but not rejected"),
    Outcome.PARTLY_REJECTED: ("Partly rejected", "some fields refused, the rest was taken"),
    Outcome.REJECTED: ("Rejected", "stopped by an error or a rule"),
}

PROPOSAL_TITLES = {
    "opened": "Opened",
    "kept": "Kept",
    "superseded": "Superseded",
    "withdrawn": "Withdrawn",
    "declined": "Declined before",
    "competing": "Competing",
    "approved_automatically": "Approved automatically",
}

LIMIT_TITLES = {
    "max_rejected": "Rejected rows",
    "max_changed": "Changed records",
    "max_proposed": "Records with new proposals",
    "max_cleared": "Records with a field emptied",
    "min_rows": "Rows in the file, at least",
}

SMALLEST_BASE = 100
"""A percentage is not checked while the number it is taken of is below this (`1-product.md`, rule 9)."""


@dataclass(frozen=True)
class OutcomeFact:
    outcome: Outcome
    title: str
    meaning: str
    count: int
    share: float


@dataclass(frozen=True)
class LimitFact:
    """`limit` as declared (`10%`), `value` of `base` as found ('' where unknown)."""

    name: str
    title: str
    limit: str
    value: str
    base: str
    past: bool
    checked: bool


def outcomes(summary: Summary) -> list[OutcomeFact]:
    counts = section(summary, "counts")
    read = rows_read(summary)
    return [
        OutcomeFact(outcome, title, meaning, number(counts.get(outcome)), share(number(counts.get(outcome)), read))
        for outcome, (title, meaning) in OUTCOME_TITLES.items()
    ]


def rows_read(summary: Summary) -> int:
    return number(section(summary, "counts").get("read"))


def adds_up(summary: Summary) -> bool:
    return sum(fact.count for fact in outcomes(summary)) == rows_read(summary)


def limits(summary: Summary) -> list[LimitFact]:
    """`limits` maps a name to `{limit, found, of, past}`, or just to the limit."""
    return [_limit(name, found) for name, found in section(summary, "limits").items() if name != "exit_on_rejected"]


def _limit(name: str, found: Any) -> LimitFact:
    parts = found if isinstance(found, Mapping) else {"limit": found}
    return LimitFact(
        name=visible(name),
        title=LIMIT_TITLES.get(name, named(name)),
        limit=said(parts.get("limit")),
        value=said(parts.get("found")),
        base=said(parts.get("of")),
        past=bool(parts.get("past")),
        checked=not (str(parts.get("limit")).endswith("%") and number(parts.get("of")) < SMALLEST_BASE),
    )


def proposals(summary: Summary) -> list[tuple[str, int]]:
    found = section(summary, "proposals")
    return [(title, number(found.get(name))) for name, title in PROPOSAL_TITLES.items()]


def rejected_by_code(summary: Summary) -> list[tuple[str, int]]:
    """Most frequent first; then by name."""
    found = section(summary, "rejected_by_code")
    return sorted(
        ((visible(code), number(count)) for code, count in found.items()), key=lambda fact: (-fact[1], fact[0])
    )


def code_title(code: str) -> str:
    """In the words of the catalogue."""
    return entry(RejectionCode(code)).title if code in set(RejectionCode) else named(code)


def section(summary: Summary, key: str) -> Mapping[str, Any]:
    found = summary.get(key)
    return found if isinstance(found, Mapping) else {}


def number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def share(count: int, total: int) -> float:
    return count / total if total else 0.0


def percent(part: float) -> str:
    """'<0.1 %' rather than a zero that is none, '>99.9 %' rather than a hundred that is none."""
    if 0 < part < 0.001:
        return "<0.1 %"
    if 0.999 < part < 1:
        return ">99.9 %"
    return f"{part * 100:.1f} %"


def when(value: Any) -> str:
    """`2026-11-20T09:30:00.25Z` as `2026-11-20 09:30:00 UTC`."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return said(value)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or ''}".strip()


def named(name: str) -> str:
    return visible(name).replace("_", " ").capitalize()


def said(value: Any) -> str:
    """Any value of the summary as one line for a person: nothing is '', yes and no, lists and maps with commas."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case str():
            return visible(value)
        case Mapping():
            return ", ".join(f"{visible(key)}: {said(found)}" for key, found in value.items())
        case list() | tuple():
            return ", ".join(said(found) for found in value)
        case _:
            return visible(value)
