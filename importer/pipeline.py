"""THE STORY of an import.

    plan_import   a file is opened, checked, staged and compared; everything is decided and stored, nothing applied
    apply_plan    what was planned is re-checked and applied in one transaction, with the journal
    run_import    both, where no limit holds the plan

The answer is the run's summary (the contract's `summary.json`); trouble is an `ImporterError` with its exit code.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from importer.applying.journal import write_journal
from importer.applying.recheck import refuse_changed_records
from importer.applying.write import RefusedTooOften, write_rows
from importer.deciding import start_workflow
from importer.entity import DataEntity
from importer.errors import ConnectionLost, FileRefused, ImporterError, PlanLost, SetupError, TryLater
from importer.failpoints import reached
from importer.intake import ImportOptions, Intake, open_intake
from importer.planning.behavior import Treatments, treatments
from importer.planning.open_changes import forget_refused
from importer.planning.outcomes import settle_outcomes
from importer.planning.plan import PlanInput, filling_constants, inserted_values, make_plan
from importer.recovery import recover, settle, stored_options, unreported
from importer.reporting import tables_ahead, without_reports, write_run_reports
from importer.session import Session
from importer.staging import Staged, stage
from importer.storage import locks, runs, runspace
from importer.storage.bulk import Loader
from importer.storage.context import RunContext
from importer.storage.decided import ChangedFields
from importer.storage.interrupting import roll_back_what_is_open
from importer.storage.migrate import ensure
from importer.storage.runs import Actor, StoredRun
from importer.storage.target import Target, find_target
from importer.summary import Facts, mark_repeated, planned_summary, settled_summary
from importer.validation.declared import parse_defaults
from importer.vocabulary import RunStatus
from importer.workflow.automatic import rule_automatically
from importer.workflow.definition import WorkflowDefinition, load
from importer.workflow.nobody import NOBODY, nobody_to_ask
from importer.workflow.proposals import submit_proposals

if TYPE_CHECKING:
    from importer.reports.ahead import TablesAhead

Answer = dict[str, Any]

LAST_WAIT = 1.0
"""Seconds that a run that has failed waits for the database to say so."""

CONDITION_FAILED = "A condition could not be evaluated, so a person decides"


def run_import(
    session: Session, path: Path, options: ImportOptions, output: Path | None, *, into_run_folder: bool = False
) -> Answer:
    """Plans, checks limits, applies, reports. The answer's `exit_code` is 0, 3, 4 or 6.

    Reports go to `output`, or with `into_run_folder` to `output/RUN`; without it to `runs/RUN`.
    """
    destination = Destination(output, into_run_folder)
    with ExitStack() as work:
        try:
            summary = _plan(session, path, options, destination, work)
            folder = destination.of(summary["run_id"])
            if summary["status"] == RunStatus.PLANNED:
                return _apply_and_report(session, summary["run_id"], {}, options.wait, folder)
        except PlanLost as error:  # of a plan that nobody has seen: planned again it is the same
            raise TryLater(error.message, hint="give the same command again", run_id=error.run_id) from error
        return _report(session, summary, folder)


def plan_import(
    session: Session, path: Path, options: ImportOptions, output: Path | None, *, into_run_folder: bool = False
) -> Answer:
    """Decides and stores everything, writes the reports, applies nothing."""
    destination = Destination(output, into_run_folder)
    with ExitStack() as work:
        summary = _plan(session, path, options, destination, work)
        return _report(session, summary, destination.of(summary["run_id"]))


def apply_plan(
    session: Session, run_id: str, *, accept_limits: bool, comment: str | None, wait: float, output: Path | None
) -> Answer:
    """Applies a stored plan exactly. A run that is applied already gives its answer again."""
    ensure(session.database)
    with session.database.begin() as connection:
        runs.find_run(connection, run_id)
    recover(session)
    folder = Destination(output).of(run_id)
    with locks.working_on(session.database, session.holder(run_id), wait):
        with session.database.begin() as connection:
            run = runs.find_run(connection, run_id)
        if run.status is not RunStatus.APPLIED:
            released = _release(session, run, accept_limits=accept_limits, comment=comment)
            if released is None:
                return run.summary
            return _apply_and_report(session, run_id, released, wait, folder)
        return run.summary if "reports" in run.summary else _report(session, run.summary, folder)


@dataclass(frozen=True)
class Destination:
    """Where reports go: `folder`, with `by_run` a folder of the run's name in it; without it `runs/RUN`."""

    folder: Path | None
    by_run: bool = False

    def of(self, run_id: str) -> Path:
        if self.folder is None:
            return Path("runs") / run_id
        return self.folder / run_id if self.by_run else self.folder


def _report(session: Session, summary: Answer, folder: Path, ahead: TablesAhead | None = None) -> Answer:
    """Whatever hinders the reports of an applied run, it was applied: exit 6."""
    try:
        return write_run_reports(session, summary["run_id"], folder, ahead)
    except Exception as error:
        if summary["status"] != RunStatus.APPLIED:
            raise
        return without_reports(summary, error)


# --- planning -------------------------------------------------------------------------------------------------------


def _plan(session: Session, path: Path, options: ImportOptions, destination: Destination, work: ExitStack) -> Answer:
    """`work` holds the lock that tells others that this process is at work on the run.

    Gives the summary of the plan, or of the run that this very command applied and could not report.
    """
    with open_intake(path, session.entities, options, lambda run_id: _entity_and_source(session, run_id)) as intake:
        decided = treatments(intake.entity, intake.source, options.behavior)
        definition, defaults = load(intake.entity), parse_defaults(intake.entity)
        ensure(session.database)
        owed = unreported(session, intake, options)
        if owed is not None:
            work.enter_context(locks.working_on(session.database, session.holder(owed.run_id), options.wait))
            return owed.summary
        recover(session)
        with session.database.begin() as connection:
            target = find_target(connection, intake.entity)
        run_id, sequence, started_at = _start(session, intake, options, destination, work)
        space = runspace.run_space(session.database, sequence, target, intake.brought, defaults)
        reached("started")
        try:
            staged = _stage(session, intake, target, space, run_id)
            reached("staged")
            _refuse_older_file(session, intake, options)
            return _decide(
                session, intake, target, space, _Planned(run_id, started_at, staged, decided, definition, options)
            )
        except BaseException as error:
            _give_up(session, run_id, error)
            raise


def _entity_and_source(session: Session, run_id: str) -> tuple[str, str] | None:
    ensure(session.database)
    with session.database.begin() as connection:
        try:
            run = runs.find_run(connection, run_id)
        except SetupError:
            return None
    return run.entity, run.source


def _start(
    session: Session, intake: Intake, options: ImportOptions, destination: Destination, work: ExitStack
) -> tuple[str, int, str]:
    run_id, started_at = runs.new_run_id(), runs.now()
    work.enter_context(locks.working_on(session.database, session.holder(run_id), options.wait))
    values = {
        "run_id": run_id,
        "entity": intake.entity.name,
        "source": intake.source.name,
        "status": str(RunStatus.READING),
        "file_path": str(intake.file.path.absolute()),
        "is_correction": intake.file.is_correction,
        "settings_sha256": intake.entity.settings_sha256,
        "host": session.host,
        "user_name": session.user,
        "started_at": started_at,
        "options": runs.as_json(stored_options(options)),
        "unfinished": session.command,
        "reports_folder": str(destination.of(run_id).absolute()),
    }
    with session.database.begin(immediate=True) as connection:
        runs.keep_settings(connection, intake.entity)
        return run_id, runs.insert_run(connection, values), started_at


def _stage(session: Session, intake: Intake, target: Target, space: runspace.RunSpace, run_id: str) -> Staged:
    side = runspace.side_file(session.database, run_id)
    if side is None:
        with session.database.begin() as connection:
            runspace.create(connection, space)
    with session.phase("reading"), Loader(session.database, space, side) as loader:
        return stage(intake, target, space, loader, session.progress.rows)


def _refuse_older_file(session: Session, intake: Intake, options: ImportOptions) -> None:
    """Monday's file after Tuesday's (`1-product.md`, rule 10)."""
    if intake.file.is_correction or options.again:
        return
    entity, source = intake.entity.name, intake.source.name
    with session.database.begin() as connection:
        before = runs.was_applied(connection, entity, source, intake.file.sha256)
        last = runs.last_applied(connection, entity, source)
    if before is not None and last is not None and last.file_sha256 != intake.file.sha256:
        raise FileRefused(
            f"this file was applied before (run {before}), and a later file of the source {source!r} since "
            f"(run {last.run_id}): it would put old values back",
            file=str(intake.file.path),
            hint="if that is meant, give the reason: --again REASON",
        )


@dataclass(frozen=True)
class _Planned:
    """What one planning has gathered on its way to the decision."""

    run_id: str
    started_at: str
    staged: Staged
    decided: Treatments
    definition: WorkflowDefinition
    options: ImportOptions


def _decide(session: Session, intake: Intake, target: Target, space: runspace.RunSpace, planned: _Planned) -> Answer:
    side = runspace.side_file(session.database, planned.run_id)
    with session.phase("comparing"), session.database.begin(attach=side) as connection:
        context = RunContext(
            connection, intake.entity, intake.source, target, space, intake.headers, intake.file.is_correction
        )
        if not runspace.is_filled(connection, space, planned.staged.rows):
            raise _lost(planned.run_id)
        failed: list[str] = []
        submitter = planned.options.requested_by or session.user
        given = PlanInput(
            treatments=planned.decided,
            defaults=parse_defaults(intake.entity),
            positions=intake.positions,
            rule=lambda run: failed.extend(rule_automatically(run, planned.definition, submitter)),
            repeated=planned.staged.keys.repeated,
        )
        make_plan(context, given)
        last = runs.last_applied(connection, intake.entity.name, intake.source.name)
        mark_repeated(context, last)
        facts = Facts.of(session, planned.run_id, intake, planned.decided, planned.options, planned.started_at)
        summary = planned_summary(context, facts, planned.staged, session, last)
        summary["warnings"] += [*_failed(failed), *nobody_to_ask(connection, planned.definition)]
    reached("decided")
    with session.database.begin(immediate=True) as connection:
        runs.update_run(
            connection,
            space.sequence,
            status=summary["status"],
            file_sha256=intake.file.sha256,
            rows_read=planned.staged.rows,
            reading=facts.reading,
            summary=summary,
        )
    reached("planned")
    return summary


def _failed(conditions: Collection[str]) -> list[str]:
    return [f"{CONDITION_FAILED}: {each}" for each in conditions]


def _give_up(session: Session, run_id: str, error: BaseException) -> RunStatus | None:
    """A run that ends before its end leaves its row, and a plan only if it was reviewed; its status, if known."""
    if isinstance(error, ImporterError):
        error.run_id = run_id
    if not isinstance(error, Exception):
        roll_back_what_is_open()
    try:
        return settle(session.database.impatient(LAST_WAIT), run_id)
    except ImporterError as second:
        error.add_note(f"the next command ends the run: {second.message}")
        return None


# --- applying -------------------------------------------------------------------------------------------------------


def _release(session: Session, run: StoredRun, *, accept_limits: bool, comment: str | None) -> dict[str, Any] | None:
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


def _apply_and_report(session: Session, run_id: str, overrides: dict[str, Any], wait: float, folder: Path) -> Answer:
    """Also where the answer to COMMIT was lost. What is written ahead has ended before a run is given up."""
    try:
        with session.database.kept_open(), tables_ahead(session, run_id, folder) as ahead:
            as_planned = _apply(session, run_id, _Application(overrides, wait, folder, ahead))
            ahead.wait()
            return _report(session, _stored_summary(session, run_id), folder, ahead if as_planned else None)
    except RefusedTooOften as error:
        _hold(session, run_id, error)
    except BaseException as error:  # an interrupt comes anywhere
        if _give_up(session, run_id, error) is not RunStatus.APPLIED or not isinstance(error, ImporterError):
            raise
    return _report(session, _stored_summary(session, run_id), folder)


def _stored_summary(session: Session, run_id: str) -> Answer:
    with session.database.begin() as connection:
        return runs.find_run(connection, run_id).summary


@dataclass(frozen=True)
class _Application:
    """How a plan is applied: what was overridden, how long others are waited for, where its tables are written."""

    overrides: dict[str, Any]
    wait: float
    folder: Path
    ahead: TablesAhead


def _apply(session: Session, run_id: str, how: _Application) -> bool:
    """Gives whether the rows' results are those of the plan, without exception or addition."""
    with session.database.begin() as connection:
        run = runs.find_run(connection, run_id)
    entity = _entity_of(session, run)
    side = runspace.side_file(session.database, run_id)
    if side is not None and not side.exists():
        raise _lost(run_id)
    note = session.progress.note

    def apply_once() -> bool:
        holder = session.holder(run_id)
        with locks.applying(session.database, entity.name, holder, how.wait, side) as connection:
            _announce(session, run, how.folder)
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
                raise _lost(run.run_id)
            runs.update_run(connection, run.sequence, **values)
    reached("announced")


def _apply_in_transaction(
    session: Session, connection: sa.Connection, run_id: str, entity: DataEntity, how: _Application
) -> bool:
    with session.database.transaction(connection, immediate=True):
        run = runs.find_run(connection, run_id)
        if run.status is RunStatus.APPLIED:  # the answer to an earlier COMMIT was lost
            return False
        context = _context(session, connection, run, entity)
        _check_plan_stands(context, run)
        if not context.target.exists:
            context.target.table.create(connection)
            context = replace(context, target=replace(context.target, exists=True))
        released = how.overrides.get("accept_limits", {}).get("user")
        people = {run.user, session.user, run.options.get("requested_by"), released} - {None}
        as_planned, failed = _write(context, session.actor(run.options.get("requested_by")), people, how.ahead)
        summary = settled_summary(context, run, session, how.overrides)
        lasting = [warning for warning in summary["warnings"] if not warning.startswith(NOBODY)]
        summary["warnings"] = [*lasting, *_failed(failed), *nobody_to_ask(connection, load(entity))]
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


def _context(session: Session, connection: sa.Connection, run: StoredRun, entity: DataEntity) -> RunContext:
    target = find_target(connection, entity)
    space = _space(session, run, entity, target)
    headers = run.reading["headers"]
    return RunContext(connection, entity, entity.source(run.source), target, space, headers, run.is_correction)


def _space(session: Session, run: StoredRun, entity: DataEntity, target: Target) -> runspace.RunSpace:
    defaults = entity.parameters.entity.defaults
    return runspace.run_space(session.database, run.sequence, target, run.reading["brought"], defaults)


def _check_plan_stands(context: RunContext, run: StoredRun) -> None:
    """A crash of PostgreSQL empties unlogged tables: then the plan that was reviewed is gone."""
    stage_table = context.space.stage
    if not runspace.exists(context.connection, context.space):
        raise _lost(run.run_id)
    staged = context.connection.scalar(sa.select(sa.func.count()).select_from(stage_table))
    if staged != run.rows_read:
        raise _lost(run.run_id)


def _lost(run_id: str) -> PlanLost:
    return PlanLost(f"the plan of run {run_id} is no longer there", hint="plan the file again", run_id=run_id)


def _write(
    context: RunContext, actor: Actor, contributors: Collection[str], ahead: TablesAhead
) -> tuple[bool, list[str]]:
    """Re-check, write, propose, keep the record: all in the caller's transaction.

    Gives whether every row came out as planned, without a proposal, and the conditions that failed.
    """
    changed = ChangedFields.of(context)
    late = refuse_changed_records(context, changed)
    reached("rechecked")
    filling = filling_constants(context, parse_defaults(context.entity))
    late += write_rows(context, changed, inserted_values(context, filling))
    if late:
        ahead.wait()  # who reads the outcomes would keep them from being made anew
        forget_refused(context)
        settle_outcomes(context)
        mark_repeated(context, runs.last_applied(context.connection, context.entity.name, context.source.name))
    reached("written")
    submit_proposals(context, actor, contributors)
    failed: list[str] = []
    if context.entity.parameters.workflow.auto_submit:
        failed = start_workflow(context.connection, actor, context.entity, context.target, context.space.sequence)
    reached("proposed")
    write_journal(context, changed)
    reached("journalled")
    outcome = context.space.outcome
    proposed = sa.select(outcome.c.row).where(outcome.c.proposal_id.is_not(None)).limit(1)
    return not late and context.connection.execute(proposed).first() is None, failed


def _hold(session: Session, run_id: str, error: RefusedTooOften) -> None:
    """The database refuses too much: the plan is held, nothing was applied."""
    with session.database.begin(immediate=True) as connection:
        run = runs.find_run(connection, run_id)
        summary = {**run.summary, "status": str(RunStatus.HELD), "exit_code": 4, "held_because": error.message}
        runs.update_run(connection, run.sequence, status=str(RunStatus.HELD), summary=summary)
