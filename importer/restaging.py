"""The run's own tables for its reports: still there, or rebuilt from the journal and the source file.

Staging is dropped once the reports of an applied run are complete. To write them again, the rows that the journal
doesn't name (the unchanged ones) are read from the file again, if it still is the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from importer.entity import DataEntity
from importer.errors import FileRefused, ImporterError, PlanLost
from importer.intake import ImportOptions, open_intake
from importer.session import Session
from importer.staging import stage
from importer.storage import control, leftovers, runspace, sidefile
from importer.storage.blocks import block_row, pack
from importer.storage.bulk import Loader
from importer.storage.columns import read_texts
from importer.storage.context import RunContext, space_of
from importer.storage.runs import StoredRun
from importer.storage.runspace import RunSpace
from importer.storage.target import Target, find_target
from importer.vocabulary import Behavior, RunStatus

Restaged = tuple[RunContext, list[str]]
"""The run within a transaction, and sentences about what can't be listed any more."""


@contextmanager
def restage(session: Session, run: StoredRun, entity: DataEntity, *, listed: Path | None = None) -> Iterator[Restaged]:
    """Gives the run's tables within a transaction, on SQLite with those in the file `listed`. PlanLost where a plan's
    tables are gone.
    """
    database = session.database
    target = session.targets.get(entity.name) or _look_up(session, entity)
    space = space_of(database, run, entity, target)
    side = sidefile.side_file(database, run.run_id)
    missing: list[str] = []
    if not _is_there(session, run, space, side):
        if run.status is not RunStatus.APPLIED:
            raise PlanLost.gone(run.run_id)
        missing = _rebuild(session, run, entity, target, space, side)
    with database.begin(attach=side, listed=listed) as connection:
        yield RunContext.of(connection, run, entity, target, space), missing


def _look_up(session: Session, entity: DataEntity) -> Target:
    with session.database.begin() as connection:
        return find_target(connection, entity)


def _is_there(session: Session, run: StoredRun, space: RunSpace, side: Path | None) -> bool:
    """Tables of a run that was reported are no longer whole: somebody began to write its reports again."""
    if side is not None and not side.exists():
        return False
    if "reports" not in run.summary or run.status is not RunStatus.APPLIED:
        with session.database.begin(attach=side) as connection:
            if runspace.stands(connection, space, run.rows_read or 0):
                return True
    if run.status is RunStatus.APPLIED:
        leftovers.remove(session.database, run.run_id, run.sequence)
    return False


def _rebuild(
    session: Session, run: StoredRun, entity: DataEntity, target: Target, space: RunSpace, side: Path | None
) -> list[str]:
    try:
        _read_again(session, run, entity, target, space, side)
    except ImporterError as error:
        leftovers.remove(session.database, run.run_id, run.sequence)
        found = _stage_journal(session, run, target, space, side)
        lost = (run.rows_read or 0) - found
        if lost:
            return [f"{lost} rows that changed nothing are not listed: the file can't be read again ({error.message})"]
    return []


def _read_again(
    session: Session, run: StoredRun, entity: DataEntity, target: Target, space: RunSpace, side: Path | None
) -> None:
    options = ImportOptions(
        **{
            **run.options,
            "entity": run.entity,
            "source": run.source,
            "behavior": Behavior(run.options["behavior"]) if run.options.get("behavior") else None,
        }
    )
    with open_intake(Path(run.file_path), {run.entity: entity}, options) as intake:
        _create(session, space, side)
        with Loader(session.database, space, side) as loader:
            stage(intake, target, space, loader, session.progress.rows)
        if intake.file.sha256 != run.file_sha256:
            raise FileRefused("it has other content now", file=run.file_path)


def _create(session: Session, space: RunSpace, side: Path | None) -> None:
    if side is None:
        with session.database.begin() as connection:
            runspace.create(connection, space)


def _stage_journal(session: Session, run: StoredRun, target: Target, space: RunSpace, side: Path | None) -> int:
    """Only the rows that the journal names; gives their number."""
    _create(session, space, side)
    outcome = control.outcome
    select = (
        sa.select(
            sa.cast(outcome.c.row, sa.Text).label("row"),
            *(outcome.c[f"key_{number}"] for number, _ in enumerate(target.key, start=1)),
            outcome.c.origin_run,
            outcome.c.origin_row,
        )
        .where(outcome.c.run_sequence == run.sequence)
        .order_by(outcome.c.row)
    )
    found = 0
    with session.database.begin() as connection, Loader(session.database, space, side) as loader:
        for number, table in enumerate(read_texts(connection, select)):
            rows = pc.cast(table["row"], pa.int64())
            lines = pack(table.set_column(0, "row", rows))
            loader.put(space.line, partial(block_row, number, rows, "keys", lines))
            found += table.num_rows
    return found
