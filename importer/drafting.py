"""A file becomes a plan: opened, checked, staged and compared; everything is decided and stored, nothing applied.

In: a path and what the command says. Out: the plan's summary; a run that ends before its plan leaves only its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from importer.counts import mark_repeated
from importer.errors import FileRefused, PlanLost, SetupError
from importer.failpoints import reached
from importer.intake import ImportOptions, Intake, open_intake
from importer.planning.behavior import Treatments, treatments
from importer.planning.plan import PlanInput, make_plan
from importer.recovery import RUN, answer_owed, give_up, recover, stored_options, unreported
from importer.reporting import Answer, Destination
from importer.session import Session
from importer.staging import Staged, stage
from importer.storage import locks, runs, runspace, sidefile
from importer.storage.bulk import Loader
from importer.storage.context import RunContext
from importer.storage.migrate import ensure
from importer.storage.target import Target, find_target, holds_records
from importer.summary import Facts, planned_summary, workflow_warnings
from importer.validation.canonical import Value
from importer.validation.declared import check_declared
from importer.vocabulary import RunStatus
from importer.workflow.automatic import rule_automatically
from importer.workflow.definition import WorkflowDefinition, load


def draft(session: Session, path: Path, options: ImportOptions, destination: Destination, work: ExitStack) -> Answer:
    """`work` holds the lock that tells others that this process is at work on the run.

    Gives the summary of the plan, or of the run that this very command applied and could not report.
    """
    with _opened(session, path, options) as intake:
        decided = treatments(intake.entity, intake.source, options.behavior)
        definition, defaults = load(intake.entity), check_declared(intake.entity)
        ensure(session.database)
        owed = unreported(session, intake, options)
        if owed is not None and (summary := answer_owed(session, owed.run_id, options.wait, work)) is not None:
            return summary
        recover(session)
        with session.database.begin() as connection:
            target = session.targets[intake.entity.name] = find_target(connection, intake.entity)
        run_id, sequence, started_at = _start(session, intake, options, destination, work)
        space = runspace.run_space(session.database, sequence, target, intake.brought, defaults)
        reached("started")
        try:
            staged = _stage(session, intake, target, space, run_id)
            reached("staged")
            _refuse_older_file(session, intake, options)
            return _decide(
                session,
                intake,
                target,
                space,
                _Planned(run_id, started_at, staged, decided, defaults, definition, options),
            )
        except BaseException as error:
            give_up(session, run_id, error)
            raise


@contextmanager
def _opened(session: Session, path: Path, options: ImportOptions) -> Iterator[Intake]:
    """To open a workbook takes as long as to read it, and is part of that."""
    with ExitStack() as file:
        with session.phase("reading"):
            found = open_intake(path, session.entities, options, lambda run_id: _entity_and_source(session, run_id))
            intake = file.enter_context(found)
        yield intake


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
    side = sidefile.side_file(session.database, run_id)
    with session.database.begin() as connection:
        all_new = not holds_records(connection, target)
        if side is None:
            runspace.create(connection, space)
    with session.phase("reading"), Loader(session.database, space, side) as loader:
        return stage(intake, target, space, loader, session.progress.rows, all_new=all_new)


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
    defaults: Mapping[str, Value]
    definition: WorkflowDefinition
    options: ImportOptions


def _decide(session: Session, intake: Intake, target: Target, space: runspace.RunSpace, planned: _Planned) -> Answer:
    side = sidefile.side_file(session.database, planned.run_id)
    with session.phase("comparing"), session.database.begin(attach=side) as connection:
        context = RunContext(
            connection, intake.entity, intake.source, target, space, intake.headers, intake.file.is_correction
        )
        if not runspace.stands(connection, space, planned.staged.rows):
            raise PlanLost.gone(planned.run_id)
        failed: list[str] = []
        submitter = planned.options.requested_by or session.user
        given = PlanInput(
            treatments=planned.decided,
            defaults=planned.defaults,
            positions=intake.positions,
            rule=lambda run: failed.extend(rule_automatically(run, planned.definition, submitter)),
            repeated=planned.staged.keys.repeated,
            similar=planned.staged.keys.similar,
            incomplete=planned.staged.incomplete,
            fails_across=planned.staged.fails_across,
        )
        make_plan(context, given)
        last = runs.last_applied(connection, intake.entity.name, intake.source.name)
        mark_repeated(context, last)
        facts = Facts.of(session, planned.run_id, intake, planned.decided, planned.options, planned.started_at)
        summary = planned_summary(context, facts, planned.staged, session, last)
        summary["warnings"] += workflow_warnings(connection, planned.definition, failed)
    reached("decided")
    if session.command != RUN or summary["status"] == RunStatus.HELD:  # somebody else applies it, or nobody
        sidefile.keep(session.database, planned.run_id)
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
