"""What a run did: its reports, and its summary as it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importer.entity import DataEntity
from importer.errors import ImporterError, PlanLost, ReportFailed, TryLater
from importer.failpoints import reached
from importer.restaging import restage
from importer.session import Session
from importer.storage import leftovers, locks, runs, sidefile
from importer.storage.context import RunContext
from importer.storage.database import attach_file
from importer.storage.decided import list_for_journal
from importer.storage.migrate import ensure
from importer.storage.runs import StoredRun
from importer.vocabulary import RunStatus

if TYPE_CHECKING:
    from importer.reports.ahead import ReportsAhead
    from importer.reports.model import RunReport

Answer = dict[str, Any]


@dataclass(frozen=True)
class Destination:
    """Where reports go: `folder`, with `by_run` a folder of the run's name in it; without it `runs/RUN`."""

    folder: Path | None
    by_run: bool = False

    def of(self, run_id: str) -> Path:
        if self.folder is None:
            return Path("runs") / run_id
        return self.folder / run_id if self.by_run else self.folder


def report_run(session: Session, run_id: str, output: Path | None) -> Answer:
    """Writes the reports of a run again."""
    ensure(session.database)
    with session.database.begin() as connection:
        runs.find_run(connection, run_id)
    with locks.working_on(session.database, session.holder(run_id), session.database.wait):
        return write_run_reports(session, run_id, output)


def stored_runs(session: Session) -> list[Answer]:
    """The summaries of all runs, the latest first."""
    ensure(session.database)
    with session.database.begin() as connection:
        return [_summary_of(run) for run in runs.all_runs(connection)]


def stored_summary(session: Session, run_id: str) -> Answer:
    """One run's summary. SetupError where there is no such run."""
    ensure(session.database)
    with session.database.begin() as connection:
        return _summary_of(runs.find_run(connection, run_id))


def _summary_of(run: StoredRun) -> Answer:
    """A run without a plan has no counts; its row still says what it was."""
    if run.summary:
        return {**run.summary, "status": str(run.status)}
    return {
        "run_id": run.run_id,
        "sequence": run.sequence,
        "entity": run.entity,
        "source": run.source,
        "status": str(run.status),
        "exit_code": 1,
        "file": {"name": Path(run.file_path).name},
        "started_at": run.started_at,
    }


def write_run_reports(session: Session, run_id: str, output: Path | None, ahead: ReportsAhead | None = None) -> Answer:
    """Writes the reports; a run that was applied but can't be reported says so (exit 6)."""
    from importer.reports.write import write_reports

    folder = Destination(output).of(run_id)
    run, entity = _reported(session, run_id)
    applied = run.status is RunStatus.APPLIED
    with restage(session, run, entity) as (context, missing):
        summary = {**run.summary, "warnings": [*run.summary.get("warnings", []), *missing]}
        summary["timings"] = {**summary.get("timings", {}), **session.timings.seconds}
        summary.pop("reports", None)
        report = _run_report(session, run, context, summary, applied=applied, in_journal=applied)
        try:
            session.progress.phase("reports")
            summary["reports"] = write_reports(report, folder, ahead.take if ahead else None)
        except ReportFailed as error:
            if not applied:
                _finish(session, run, run.summary)  # the plan stands, and can be reported later
                raise
            return _without_reports(summary, error)
    _finish(session, run, {**summary, "warnings": run.summary.get("warnings", [])})
    if applied:
        _drop(session, run)
    return {**summary, "folder": str(folder)}


def report_or_owe(session: Session, summary: Answer, folder: Path, ahead: ReportsAhead | None = None) -> Answer:
    """Whatever hinders the reports of an applied run, it was applied: exit 6."""
    try:
        return write_run_reports(session, summary["run_id"], folder, ahead)
    except Exception as error:
        if summary["status"] != RunStatus.APPLIED:
            raise
        return _without_reports(summary, error)


def reports_ahead(session: Session, run_id: str, output: Path | None) -> ReportsAhead:
    """Begins the reports of a plan as those of an applied run, while it is applied."""
    from importer.reports.ahead import ReportsAhead

    listed = sidefile.listed_file(session.database, run_id)

    def list_all() -> None:
        run, entity = _reported(session, run_id)
        if listed is not None:
            listed.unlink(missing_ok=True)  # a process that died may have left half of it
        with restage(session, run, entity, listed=listed) as (context, _):
            list_for_journal(context)

    @contextmanager
    def planned(wait_for_list: Callable[[], None]) -> Iterator[RunReport]:
        run, entity = _reported(session, run_id)
        with restage(session, run, entity) as (context, _):

            def open_list() -> None:
                wait_for_list()
                if listed is not None:
                    attach_file(context.connection, "listed", listed)

            yield _run_report(session, run, context, run.summary, applied=True, open_list=open_list)

    return ReportsAhead(Destination(output).of(run_id), list_all, planned)


def _reported(session: Session, run_id: str) -> tuple[StoredRun, DataEntity]:
    with session.database.begin() as connection:
        run = runs.find_run(connection, run_id)
    entity = session.entities.get(run.entity)
    if entity is None or not run.summary:
        raise PlanLost(f"run {run_id} has nothing to report: it is {run.status}", run_id=run_id)
    return run, entity


def _run_report(
    session: Session,
    run: StoredRun,
    context: RunContext,
    summary: Answer,
    *,
    applied: bool,
    in_journal: bool = False,
    open_list: Callable[[], None] | None = None,
) -> RunReport:
    from importer.reports.data import StoredReports
    from importer.reports.model import RunReport

    headers = tuple(run.reading["source_headers"])
    side = sidefile.side_file(session.database, run.run_id)
    data = StoredReports(
        run=context,
        beside=lambda: session.database.begin(attach=side),
        run_id=run.run_id,
        applied=applied,
        in_journal=in_journal,
        open_list=open_list,
        source_columns=len(headers),
    )
    return RunReport(summary, context.entity, headers, run.reading["delimiter"], data)


def _without_reports(summary: Answer, error: Exception) -> Answer:
    """The answer of a run that was applied and could not be reported (exit 6)."""
    run_id = summary["run_id"]
    message = error.message if isinstance(error, ImporterError) else f"failed unexpectedly ({type(error).__name__})"
    said = {
        "message": f"the run was applied, its reports were not written: {message}",
        "hint": f"importer report {run_id}",
    }
    return {**summary, "exit_code": ReportFailed.exit_code, "error": said}


def _finish(session: Session, run: StoredRun, summary: Answer) -> None:
    with session.database.begin(immediate=True) as connection:
        runs.update_run(connection, run.sequence, summary=summary, unfinished=None)
    reached("finished")


def _drop(session: Session, run: StoredRun) -> None:
    """Staging is dropped when the reports of an applied run are complete."""
    try:
        leftovers.remove(session.database, run.run_id, run.sequence)
    except TryLater as error:
        session.progress.note(f"the run's own tables stay until the next run: {error.message}")
    reached("dropped")
