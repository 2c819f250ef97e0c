"""What dead runs left behind: their tables on PostgreSQL, their side files on SQLite.

In: a database. Out: runs whose leftovers nobody needs any more; they are removed by name, whatever the entity is now.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from importer.storage import control
from importer.storage.database import SCHEMA, Database
from importer.storage.sidefile import files_of, runs_with_files
from importer.vocabulary import RunStatus

_TABLE = re.compile(r"run_(\d+)_[a-z]+")
_LOCK_TIMEOUT = "1s"  # somebody may look at them, a backup for example: then the next run removes them

_run = control.run


@dataclass(frozen=True)
class Leftover:
    """A run of which something stands; None where the database doesn't know its row."""

    run_id: str | None
    sequence: int | None


def leftovers(database: Database) -> list[Leftover]:
    """Of runs that failed, are complete, or have no row. Whether a process is at work on them is not asked here."""
    with database.begin() as connection:
        if database.is_sqlite:
            found = [Leftover(name, None) for name in sorted(runs_with_files(database))]
            needed = _needed(connection, _run.c.run_id, [left.run_id for left in found])
            return [left for left in found if left.run_id not in needed]
        numbers = sorted({int(match[1]) for name in _tables(connection) if (match := _TABLE.fullmatch(name))})
        needed = _needed(connection, _run.c.sequence, numbers)
        names = _names(connection, numbers)
        return [Leftover(names.get(number), number) for number in numbers if number not in needed]


def remove(database: Database, run_id: str | None, sequence: int | None) -> None:
    """Removes what stands of the run. Repeatable (exit 75) where somebody looks at its tables."""
    if database.is_sqlite:
        for file in files_of(database, run_id) if run_id else ():
            file.unlink(missing_ok=True)
        return
    with database.begin() as connection:
        connection.execute(sa.select(sa.func.set_config("lock_timeout", _LOCK_TIMEOUT, True)))
        for name in _tables(connection):
            found = _TABLE.fullmatch(name)
            if found and int(found[1]) == sequence:
                connection.execute(sa.schema.DropTable(sa.Table(name, sa.MetaData(), schema=SCHEMA), if_exists=True))


def _tables(connection: sa.Connection) -> list[str]:
    names = sa.text(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :schema AND c.relkind = 'r' AND c.relname LIKE 'run\\_%'"
    )
    return list(connection.scalars(names, {"schema": SCHEMA}))


def _needed(connection: sa.Connection, column: sa.Column[Any], values: Sequence[Any]) -> set[Any]:
    """Those of the values whose run is at work, under review, or not reported yet."""
    complete = sa.and_(_run.c.status == str(RunStatus.APPLIED), _run.c.unfinished.is_(None))
    is_over = sa.or_(_run.c.status == str(RunStatus.FAILED), complete)
    return set(connection.scalars(sa.select(column).where(column.in_(values), sa.not_(is_over))))


def _names(connection: sa.Connection, sequences: Sequence[int]) -> dict[int, str]:
    select = sa.select(_run.c.sequence, _run.c.run_id).where(_run.c.sequence.in_(sequences))
    return dict(connection.execute(select).all())
