"""A stored plan becomes rows, proposals and journal in one transaction, and its reports follow.

In: a run id and what was overridden. Out: the run's summary: applied, or held where the database refuses too much.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from importer.applying.journal import write_journal
from importer.applying.recheck import refuse_changed_records, some_changed
from importer.applying.write import RefusedTooOften, write_rows
from importer.counts import mark_repeated
from importer.entity import DataEntity
from importer.errors import ConnectionLost, ImporterError, PlanLost, PlanOvertaken, SetupError
from importer.failpoints import reached
from importer.planning.open_changes import forget_refused
from importer.planning.outcomes import settle_outcomes
from importer.planning.plan import filling_constants, inserted_values
from importer.recovery import give_up
from importer.reporting import Answer, report_or_owe, reports_ahead
from importer.session import Session
from importer.storage import locks, runs, runspace, sidefile
from importer.storage.context import RunContext, space_of
from importer.storage.database import attach_file
from importer.storage.decided import ChangedFields
from importer.storage.runs import Actor, StoredRun
from importer.storage.target import add_key, find_target, make_table
from importer.summary import settled_summary, workflow_warnings
from importer.validation.declared import parse_defaults
from importer.vocabulary import RunStatus
from importer.workflow.definition import load
from importer.workflow.nobody import NOBODY
from importer.workflow.proposals import number_proposals, submit_proposals

if TYPE_CHECKING:
    from importer.reports.ahead import ReportsAhead


def release(session: Session, run: StoredRun, *, accept_limits: bool, comment: str | None) -> dict[str, Any] | None:
    """The overrides with which a plan may be applied; None where it stays held."""
    if run.status in (RunStatus.FAILED, RunStatus.READING):
        raise PlanLost(f"run {run.run_id} has no plan: it is {run.status}", hint="plan the file again")
    if run.status is not RunStatus.HELD:
        return {}
    if not accept_limits:
        return None
    if not (comment or "").strip():
        raise SetupError("--accept-limits needs a reason: --comment TEXT")
    actor = session.actor()
    return {"accept_limits": {"comment": comment, "user": actor.user, "login": actor.login, "at": actor.at}}


def apply_and_report(
    session: Session, run_id: str, overrides: dict[str, Any], wait: float, folder: Path, *, only_whole: bool = False
) -> Answer:
    """Also where the answer to COMMIT was lost. What is written ahead has ended before a run is given up.

    Rows whose records changed since the plan are refused; with `only_whole` nothing is applied then: PlanOvertaken.
    """
    try:
        with session.database.kept_open(), reports_ahead(session, run_id, folder) as ahead:
            listed = sidefile.listed_file(session.database, run_id)
            how = _Application(overrides, wait, folder, ahead, listed, only_whole=only_whole)
            as_planned = _apply(session, run_id, how)
            ahead.wait()
            return report_or_owe(session, _stored_summary(session, run_id), folder, ahead if as_planned else None)
    except RefusedTooOften as error:
        _hold(session, run_id, error)
    except BaseException as error:  # an interrupt comes anywhere
        if give_up(session, run_id, error) is not RunStatus.APPLIED or not isinstance(error, ImporterError):
            raise
    return report_or_owe(session, _stored_summary(session, run_id), folder)


def _context_of(session: Session, connection: sa.Connection, run: StoredRun, entity: DataEntity) -> RunContext:
    """The plan beside its target as both are now. PlanLost where the plan is gone."""
    target = find_target(connection, entity)
    space = space_of(session.database, run, entity, target)
    if not runspace.stands(connection, space, run.rows_read or 0):
        raise PlanLost.gone(run.run_id)
    return RunContext.of(connection, run, entity, target, space)


def _stored_summary(session: Session, run_id: str) -> Answer:
    with session.database.begin() as connection:
        return runs.find_run(connection, run_id).summary


@dataclass(frozen=True)
class _Application:
    """How a plan is applied: what was overridden, how long others are waited for, where its reports are written, who
    begins them and lists values for the journal, on SQLite into which file, and whether it is all or nothing.
    """

    overrides: dict[str, Any]
    wait: float
    folder: Path
    ahead: ReportsAhead
    listed: Path | None
    only_whole: bool


def _apply(session: Session, run_id: str, how: _Application) -> bool:
    """Gives whether the rows' results are those of the plan, without exception or addition."""
    with session.database.begin() as connection:
        run = runs.find_run(connection, run_id)
    entity = _entity_of(session, run)
    side = sidefile.side_file(session.database, run_id)
    if side is not None and not side.exists():
        raise PlanLost.gone(run_id)
    note = session.progress.note

    def apply_once() -> bool:
        holder = session.holder(run_id)
        with locks.applying(session.database, entity.name, holder, how.wait, side) as connection:
            _announce(session, run, how.folder)
            _number_proposals(session, connection, run, entity)
            how.ahead.begin()
            return locks.repeated(
                lambda: _apply_in_transaction(session, connection, run_id, entity, how), wait=how.wait, say=note
            )

    with session.phase("applying"):
        as_planned = locks.repeated(apply_once, of=ConnectionLost, wait=how.wait, say=note)
    reached("committed")
    return as_planned


def _announce(session: Session, run: StoredRun, folder: Path) -> None:
    """Others see that the run is being applied; a crash from here on is known for what it is.

    Not by the applying connection: with SQLite a COMMIT there waits for whoever reads the side file.
    """
    values = {
        "status": str(RunStatus.APPLYING),
        "unfinished": session.command,
        "reports_folder": str(folder.absolute()),
    }
    with session.database.begin(immediate=True) as connection:
        now = runs.find_run(connection, run.run_id, locked=True)
        if now.status is not RunStatus.APPLIED:
            if now.status not in (run.status, RunStatus.APPLYING):
                raise PlanLost.gone(run.run_id)
            runs.update_run(connection, run.sequence, **values)
    reached("announced")


def _number_proposals(session: Session, connection: sa.Connection, run: StoredRun, entity: DataEntity) -> None:
    """Before the plan is applied, because its reports, which name them, are written meanwhile."""
    if any(run.summary["proposals"].values()):
        with session.database.transaction(connection, immediate=True):
            number_proposals(_context_of(session, connection, run, entity))
    reached("numbered")


def _apply_in_transaction(
    session: Session, connection: sa.Connection, run_id: str, entity: DataEntity, how: _Application
) -> bool:
    with session.database.transaction(connection, immediate=True):
        run = runs.find_run(connection, run_id)
        if run.status is RunStatus.APPLIED:  # the answer to an earlier COMMIT was lost
            return False
        context = _context_of(session, connection, run, entity)
        if not context.target.exists:
            context = replace(context, target=make_table(connection, context.target))
        session.targets[entity.name] = context.target
        released = how.overrides.get("accept_limits", {}).get("user")
        people = {run.user, session.user, run.options.get("requested_by"), released} - {None}
        as_planned, failed = _write(context, session.actor(run.options.get("requested_by")), people, how)
        summary = settled_summary(context, run, session, how.overrides)
        lasting = [warning for warning in summary["warnings"] if not warning.startswith(NOBODY)]
        summary["warnings"] = lasting + workflow_warnings(connection, load(entity), failed)
        runs.update_run(
            connection,
            run.sequence,
            status=str(RunStatus.APPLIED),
            applied_order=runs.next_applied_order(connection),
            finished_at=runs.now(),
            summary=summary,
        )
        if session.database.is_sqlite:
            how.ahead.wait()  # who reads the side file would keep this transaction from its end
        reached("before commit")
    return as_planned


def _entity_of(session: Session, run: StoredRun) -> DataEntity:
    """The entity as it was when planned, or SetupError."""
    entity = session.entities.get(run.entity)
    if entity is None or entity.settings_sha256 != run.settings_sha256:
        raise SetupError(
            f"the parameters of {run.entity} were changed since run {run.run_id} was planned",
            hint="plan the file again: what was reviewed is exactly what is applied",
        )
    return entity


def _write(
    context: RunContext, actor: Actor, contributors: Collection[str], how: _Application
) -> tuple[bool, list[str]]:
    """Re-check, write, propose, keep the record: all in the caller's transaction.

    Gives whether every row came out as planned, and the conditions that failed.
    """
    changed = ChangedFields.of(context)
    late = refuse_changed_records(context, changed)
    reached("rechecked")
    filling = filling_constants(context, parse_defaults(context.entity))
    late += write_rows(context, changed, inserted_values(context, filling))
    add_key(context.connection, context.target)
    if late:
        how.ahead.give_up()  # who reads the outcomes would keep them from being made anew
        if how.only_whole and some_changed(context):
            raise PlanOvertaken("records changed while the file was read")
        forget_refused(context)
        settle_outcomes(context)
        mark_repeated(context, runs.last_applied(context.connection, context.entity.name, context.source.name))
    reached("written")
    submit_proposals(context, actor, contributors)
    failed: list[str] = []
    if context.entity.parameters.workflow.auto_submit and context.holds_any(context.space.effect):
        from importer.deciding import start_workflow  # most runs propose nothing

        failed = start_workflow(context, actor)
    reached("proposed")
    listed = not late and how.ahead.has_listed()
    if listed and how.listed is not None:
        attach_file(context.connection, "listed", how.listed)
    write_journal(context, changed, listed=listed)
    reached("journalled")
    return not late, failed


def _hold(session: Session, run_id: str, error: RefusedTooOften) -> None:
    """The database refuses too much: the plan is held, nothing was applied."""
    sidefile.keep(session.database, run_id)
    with session.database.begin(immediate=True) as connection:
        run = runs.find_run(connection, run_id)
        summary = {**run.summary, "status": str(RunStatus.HELD), "exit_code": 4, "held_because": error.message}
        runs.update_run(connection, run.sequence, status=str(RunStatus.HELD), summary=summary)
