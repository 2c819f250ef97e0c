"""What somebody must know first about a run, before any count.

In: a summary. Out: notices in the order of their weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from importer.reports.facts import LimitFact, Summary, limits, said
from importer.vocabulary import RunStatus


@dataclass(frozen=True)
class Notice:
    title: str
    lines: tuple[str, ...] = ()
    is_alarm: bool = False


def notices(summary: Summary) -> list[Notice]:
    return [*_failure(summary), *_limits(summary), *_plan(summary), *_warnings(summary)]


def _failure(summary: Summary) -> list[Notice]:
    error = summary.get("error")
    if not error:
        return []
    title = "The reports are not complete" if summary.get("exit_code") == 6 else "The run failed; nothing was applied"
    if isinstance(error, Mapping):
        parts = (said(error.get("message")), said(error.get("hint")))
        return [Notice(title, tuple(part for part in parts if part), is_alarm=True)]
    return [Notice(title, (said(error),), is_alarm=True)]


def _limits(summary: Summary) -> list[Notice]:
    past = tuple(_past(limit) for limit in limits(summary) if limit.past)
    because = (said(summary["held_because"]),) if summary.get("held_because") else ()
    if summary.get("status") == RunStatus.HELD:
        title = "Held: a limit is past, nothing was applied" if past else "Held: nothing was applied"
        return [Notice(title, past + because, is_alarm=True)]
    return [Notice("Released although a limit is past", past, is_alarm=True)] if past else []


def _past(limit: LimitFact) -> str:
    of = f" of {limit.base}" if limit.base else ""
    return f"{limit.title}: {limit.value}{of}, the limit is {limit.limit}"


def _plan(summary: Summary) -> list[Notice]:
    if summary.get("status") != RunStatus.PLANNED:
        return []
    return [Notice("This is a plan: nothing was applied yet", ("The counts say what applying it would do.",))]


def _warnings(summary: Summary) -> list[Notice]:
    return [Notice(said(warning)) for warning in summary.get("warnings") or []]
