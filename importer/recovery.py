"""What a run that ended before its end leaves to the next command.

The run's own row says how far it came; a lock says whether its process is alive. So the same command again is right,
whoever gives it: what was not applied is replaced or stands as it was reviewed, what was applied gets its reports.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from importer.errors import ImporterError, Repeatable
from importer.intake import ImportOptions, Intake
from importer.reporting import write_run_reports
from importer.session import Session
from importer.storage import leftovers, locks, runs
from importer.storage.database import Database
from importer.storage.interrupting import roll_back_what_is_open
from importer.storage.runs import StoredRun
from importer.vocabulary import RunStatus

RUN, APPLY = "run", "apply"

LAST_WAIT = 1.0
"""Seconds that a run that has failed waits for the database to say so."""


def recover(session: Session) -> None:
    """Ends what dead runs began, writes reports that they owe, and removes what they left behind."""
    with session.database.begin() as connection:
        unfinished = runs.unfinished_runs(connection)
    for run in unfinished:
        with locks.if_nobody_works(session.database, session.holder(run.run_id)) as is_dead:
            if is_dead and settle(session.database, run.run_id) is RunStatus.APPLIED:
                _write_owed_reports(session, run)
    _remove_leftovers(session)


def settle(database: Database, run_id: str) -> RunStatus:
    """Where a run stands whose command ended before its end; the caller works on the run.

    Applied is applied. A plan that was reviewed stays as it was, anything else has failed and leaves nothing.
    """
    with database.begin(immediate=True) as connection:
        run = runs.find_run(connection, run_id, locked=True)
        status = _settled(run)
        if status is not RunStatus.APPLIED and run.unfinished is not None:
            ended = {"finished_at": runs.now()} if status is RunStatus.FAILED else {}
            runs.update_run(connection, run.sequence, status=str(status), unfinished=None, **ended)
    if status is RunStatus.FAILED:
        leftovers.remove(database, run_id, run.sequence)
    return status


def _settled(run: StoredRun) -> RunStatus:
    match run.status, run.unfinished:
        case (RunStatus.APPLIED | RunStatus.FAILED, _) | (_, None):
            return run.status
        case _, command if command == APPLY:
            return RunStatus(run.summary["status"])
        case _:
            return RunStatus.FAILED


def give_up(session: Session, run_id: str, error: BaseException) -> RunStatus | None:
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


def unreported(session: Session, intake: Intake, options: ImportOptions) -> StoredRun | None:
    """The run of this very command that was applied, or is being applied, and is not reported: the same bytes, options
    and parameters.
    """
    with session.database.begin() as connection:
        found = [run for run in runs.unfinished_runs(connection) if _is_same(run, session, intake, options)]
    if not found:
        return None
    with intake.file.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return next((run for run in reversed(found) if run.file_sha256 == sha256), None)


def answer_owed(session: Session, run_id: str, wait: float, work: ExitStack) -> dict[str, object] | None:
    """The summary of the run, applied and not reported; None where it was not applied, or its reports came meanwhile.

    Waits for a process that is at work on it, and for a COMMIT whose answer was lost. `work` then holds the run's lock.
    """
    with ExitStack() as mine:
        mine.enter_context(locks.working_on(session.database, session.holder(run_id), wait))
        if settle(session.database, run_id) is not RunStatus.APPLIED:
            return None
        with session.database.begin() as connection:
            run = runs.find_run(connection, run_id)
        if run.unfinished is None:
            return None
        work.push(mine.pop_all())
        return run.summary


def _is_same(run: StoredRun, session: Session, intake: Intake, options: ImportOptions) -> bool:
    return (
        run.status in (RunStatus.APPLYING, RunStatus.APPLIED)
        and run.unfinished == session.command == RUN
        and (run.entity, run.source) == (intake.entity.name, intake.source.name)
        and run.settings_sha256 == intake.entity.settings_sha256
        and _lasting(run.options) == _lasting(stored_options(options))
    )


def stored_options(options: ImportOptions) -> dict[str, object]:
    """The options of a command as the run's row keeps them."""
    behavior = str(options.behavior) if options.behavior else None
    return {**asdict(options), "values": dict(options.values), "behavior": behavior}


def _lasting(options: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if name != "wait"}


def _write_owed_reports(session: Session, run: StoredRun) -> None:
    """Once, where the run's folder is on this machine; later `importer report RUN` does it."""
    with session.database.begin(immediate=True) as connection:
        runs.update_run(connection, run.sequence, unfinished=None)
    if run.host != session.host or run.reports_folder is None:
        return
    session.progress.note(f"run {run.run_id} was applied and not reported: its reports are written now")
    try:
        answer = write_run_reports(session, run.run_id, Path(run.reports_folder))
    except ImporterError as error:
        session.progress.note(f"{error.message} (importer report {run.run_id})")
    else:
        if "error" in answer:
            session.progress.note(f"{answer['error']['message']} (importer report {run.run_id})")


def _remove_leftovers(session: Session) -> None:
    for left in leftovers.leftovers(session.database):
        try:
            if left.run_id is None:
                leftovers.remove(session.database, None, left.sequence)
                continue
            with locks.if_nobody_works(session.database, session.holder(left.run_id)) as is_dead:
                if is_dead:
                    leftovers.remove(session.database, left.run_id, left.sequence)
        except Repeatable as error:
            session.progress.note(f"tables of an earlier run stay for now: {error.message}")
