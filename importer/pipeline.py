"""THE STORY of an import.

    plan_import   a file is opened, checked, staged and compared; everything is decided and stored, nothing applied
    apply_plan    what was planned is re-checked and applied in one transaction, with the journal
    run_import    both, where no limit holds the plan

The answer is the run's summary (the contract's `summary.json`); trouble is an `ImporterError` with its exit code.
`drafting.py` tells how a plan is made, `application.py` how it is applied.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from importer.application import apply_and_report, release
from importer.drafting import draft
from importer.errors import PlanLost, PlanOvertaken, TryLater
from importer.intake import ImportOptions
from importer.recovery import recover
from importer.reporting import Answer, Destination, report_or_owe
from importer.session import Session
from importer.storage import locks, runs
from importer.storage.migrate import ensure
from importer.vocabulary import RunStatus

MOST_PLANS = 3
"""So often a file is planned where others change its records meanwhile; then what still can be applied is."""


def run_import(
    session: Session, path: Path, options: ImportOptions, output: Path | None, *, into_run_folder: bool = False
) -> Answer:
    """Plans, checks limits, applies, reports. The answer's `exit_code` is 0, 3, 4 or 6.

    Reports go to `output`, or with `into_run_folder` to `output/RUN`; without it to `runs/RUN`.
    """
    destination = Destination(output, into_run_folder)
    for _ in range(MOST_PLANS - 1):
        try:
            return _run_once(session, path, options, destination, only_whole=True)
        except PlanOvertaken as error:  # nobody has reviewed the plan
            session.progress.note(f"{error.message}; planning again")
    return _run_once(session, path, options, destination, only_whole=False)


def _run_once(
    session: Session, path: Path, options: ImportOptions, destination: Destination, *, only_whole: bool
) -> Answer:
    with ExitStack() as work:
        try:
            summary = draft(session, path, options, destination, work)
            folder = destination.of(summary["run_id"])
            if summary["status"] == RunStatus.PLANNED:
                return apply_and_report(session, summary["run_id"], {}, options.wait, folder, only_whole=only_whole)
        except PlanOvertaken:
            raise
        except PlanLost as error:  # of a plan that nobody has seen: planned again it is the same
            raise TryLater(error.message, hint="give the same command again", run_id=error.run_id) from error
        return report_or_owe(session, summary, folder)


def plan_import(
    session: Session, path: Path, options: ImportOptions, output: Path | None, *, into_run_folder: bool = False
) -> Answer:
    """Decides and stores everything, writes the reports, applies nothing."""
    destination = Destination(output, into_run_folder)
    with ExitStack() as work:
        summary = draft(session, path, options, destination, work)
        return report_or_owe(session, summary, destination.of(summary["run_id"]))


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
            released = release(session, run, accept_limits=accept_limits, comment=comment)
            if released is None:
                return run.summary
            return apply_and_report(session, run_id, released, wait, folder)
        return run.summary if "reports" in run.summary else report_or_owe(session, run.summary, folder)
