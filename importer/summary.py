"""The summary of a run: counts that add up, limits, what became of proposals, under which settings.

The keys are those of `summary.json` in the contract; `counts.py` counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from importer import __version__
from importer.counts import (
    blanks_kept,
    check_limits,
    control_totals,
    outcome_counts,
    proposal_counts,
    reason_counts,
    records_stored,
)
from importer.intake import ImportOptions, Intake
from importer.planning.behavior import Treatments
from importer.planning.declined import declined_values
from importer.session import Session
from importer.staging import Staged
from importer.storage import runs
from importer.storage.context import RunContext
from importer.storage.runs import StoredRun
from importer.vocabulary import Outcome, RunStatus
from importer.workflow.definition import WorkflowDefinition
from importer.workflow.nobody import nobody_to_ask

CONDITION_FAILED = "A condition could not be evaluated, so a person decides"

Answer = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What is known of a run before its counts: who, which file, under which settings."""

    identity: Mapping[str, Any]
    file: Mapping[str, Any]
    behavior: str
    settings_sha256: str
    reading: dict[str, Any]
    is_correction: bool

    @classmethod
    def of(
        cls, session: Session, run_id: str, intake: Intake, decided: Treatments, options: ImportOptions, started_at: str
    ) -> Facts:
        dialect = intake.file.dialect
        return cls(
            identity={
                "entity": intake.entity.name,
                "source": intake.source.name,
                "command": session.command,
                "version": __version__,
                "user": session.user,
                "login": session.login,
                "host": session.host,
                "requested_by": options.requested_by,
                "applied_by": None,
                "overrides": _overrides(options),
                "four_eyes": intake.entity.parameters.workflow.four_eyes,
                "run_id": run_id,
                "started_at": started_at,
            },
            file={
                "name": intake.file.name,
                "sha256": intake.file.sha256,
                "bytes": intake.file.bytes,
                "format": dialect.format,
                "encoding": dialect.encoding,
                "delimiter": dialect.delimiter,
                "sheet": dialect.sheet,
            },
            behavior=str(decided.general.behavior),
            settings_sha256=intake.entity.settings_sha256,
            reading={
                "brought": sorted(intake.brought),
                "headers": intake.headers,
                "source_headers": list(intake.source_headers),
                "delimiter": dialect.delimiter or ",",
                "ignored": list(intake.match.ignored),
                "notes": list(dialect.notes),
            },
            is_correction=intake.file.is_correction,
        )


def _overrides(options: ImportOptions) -> dict[str, Any]:
    """What the command line changed, and why: on record."""
    given = {
        "behavior": str(options.behavior) if options.behavior else None,
        "set": dict(options.values) or None,
        "ignore_unknown_columns": options.ignore_unknown_columns or None,
        "again": options.again,
        "sheet": options.sheet,
        "delimiter": options.delimiter,
        "encoding": options.encoding,
        "header_row": options.header_row,
    }
    return {name: value for name, value in given.items() if value is not None}


def planned_summary(run: RunContext, facts: Facts, staged: Staged, session: Session, last: StoredRun | None) -> Answer:
    """The summary of a plan: nothing is applied yet."""
    stored = records_stored(run)
    counts = outcome_counts(run, staged.rows)
    limits = check_limits(run, counts, stored, last, clears=staged.clears, is_correction=facts.is_correction)
    held = any(verdict.past for verdict in limits)
    reasons = reason_counts(run)
    identity = dict(facts.identity)
    started_at = identity.pop("started_at")
    return {
        "run_id": identity.pop("run_id"),
        "sequence": run.space.sequence,
        "entity": identity.pop("entity"),
        "source": identity.pop("source"),
        "status": str(RunStatus.HELD if held else RunStatus.PLANNED),
        "exit_code": 4 if held else _exit_code(run, counts, reasons),
        **identity,
        "target": {
            "dialect": run.dialect,
            "database": session.database.name,
            "table": run.entity.table,
            "records_before": stored,
            "records_after": stored,
        },
        "file": dict(facts.file),
        "behavior": facts.behavior,
        "settings_sha256": facts.settings_sha256,
        "counts": counts,
        **reasons,
        "proposals": proposal_counts(run),
        "declined": declined_values(run),
        "blanks_kept": blanks_kept(run, staged, stored),
        "control_totals": control_totals(run.entity, staged.control_totals),
        "ignored_columns": facts.reading["ignored"],
        "limits": {verdict.name: verdict.as_json() for verdict in limits},
        "started_at": started_at,
        "finished_at": runs.now(),
        "warnings": _warnings(run),
        "timings": dict(session.timings.seconds),
    }


def _warnings(run: RunContext) -> list[str]:
    if run.entity.parameters.workflow.four_eyes:
        return []
    return ["four_eyes = false: people may approve what they contributed to"]


def workflow_warnings(connection: sa.Connection, definition: WorkflowDefinition, failed: Collection[str]) -> list[str]:
    """Of conditions that failed, and of approvers behind whom nobody stands."""
    return [*(f"{CONDITION_FAILED}: {each}" for each in failed), *nobody_to_ask(connection, definition)]


def settled_summary(run: RunContext, planned: StoredRun, session: Session, overrides: Mapping[str, Any]) -> Answer:
    """The summary once the plan is written: final outcomes, in the transaction that applies them."""
    counts = outcome_counts(run, planned.rows_read or 0)
    reasons = reason_counts(run)
    target = {**planned.summary["target"], "records_after": records_stored(run)}
    return {
        **planned.summary,
        "status": str(RunStatus.APPLIED),
        "exit_code": _exit_code(run, counts, reasons),
        "command": session.command,
        "applied_by": session.user,
        "overrides": {**planned.summary["overrides"], **overrides},
        "target": target,
        "counts": counts,
        **reasons,
        "proposals": proposal_counts(run),
        "finished_at": runs.now(),
        "timings": {**planned.summary["timings"], **session.timings.seconds},
    }


def _exit_code(run: RunContext, counts: Mapping[str, int], reasons: Mapping[str, Any]) -> int:
    if run.entity.parameters.limits.exit_on_rejected == "new":
        return 3 if reasons["rejected_new"] else 0
    return 3 if counts[str(Outcome.REJECTED)] + counts[str(Outcome.PARTLY_REJECTED)] else 0
