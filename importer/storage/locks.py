"""One applying run per entity at a time.

PostgreSQL: an advisory lock of the transaction. SQLite: the transaction itself is the lock (it holds all entities),
and a lock file beside the database names the holder for whoever waits.
"""

from __future__ import annotations

import fcntl
import json
import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TypeVar

import sqlalchemy as sa

from importer.errors import TryLater
from importer.storage.database import Database

_LOCK_CLASS = 1_229_999_172  # "IMPD" as a number: keeps our advisory locks apart from other programs'
_PAUSE = 0.1
_ATTEMPTS = 4
_ENDED_BY_OTHERS = ("40001", "40P01")  # serialization failure, deadlock

T = TypeVar("T")


@dataclass(frozen=True)
class Holder:
    """Who applies at the moment."""

    run_id: str
    user: str
    host: str
    started_at: str

    def __str__(self) -> str:
        return f"run {self.run_id} of {self.user} on {self.host}, started {self.started_at}"


@contextmanager
def applying(
    database: Database, entity: str, holder: Holder, wait: float, side: Path | None
) -> Iterator[sa.Connection]:
    """The applying transaction, locked. TryLater (exit 75) names the holder when `wait` seconds have passed."""
    deadline = time.monotonic() + wait
    if database.is_sqlite:
        with _lock_file(database.path, holder, deadline), database.begin(immediate=True, attach=side) as connection:
            yield connection
        return
    with database.begin() as connection:
        _advisory_lock(connection, entity, holder, deadline)
        yield connection


@contextmanager
def deciding(database: Database, entities: Iterable[str]) -> Iterator[sa.Connection]:
    """A deciding transaction: beside others that decide, never beside a run that applies to the same entity."""
    with database.begin(immediate=True) as connection:
        if not database.is_sqlite:
            deadline = time.monotonic() + database.wait
            for entity in sorted(entities):
                _share(connection, _number(entity), deadline)
        yield connection


def _share(connection: sa.Connection, number: int, deadline: float) -> None:
    take = sa.text("SELECT pg_try_advisory_xact_lock_shared(:space, :number)")
    while not connection.scalar(take, {"space": _LOCK_CLASS, "number": number}):
        if time.monotonic() >= deadline:
            raise _busy(_postgresql_holder(connection, number))
        time.sleep(_PAUSE)


def repeated(work: Callable[[], T]) -> T:
    """A transaction that PostgreSQL ended because it and another waited for each other is begun anew, a few times.

    Nothing of it was done: that is what makes it safe.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return work()
        except TryLater as error:
            state = getattr(getattr(error.__cause__, "orig", None), "sqlstate", None)
            if state not in _ENDED_BY_OTHERS:
                raise
            time.sleep(_PAUSE * (attempt + random.random()))  # noqa: S311 - not a secret
    return work()


def _number(entity: str) -> int:
    return zlib.crc32(entity.encode()) - 2**31


@contextmanager
def _lock_file(database: Path, holder: Holder, deadline: float) -> Iterator[None]:
    path = database.with_name(database.name + ".lock")
    with path.open("a+", encoding="utf-8") as file:
        while not _try(file):
            if time.monotonic() >= deadline:
                raise _busy(_read_holder(file))
            time.sleep(_PAUSE)
        file.truncate(0)
        json.dump(asdict(holder), file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)  # the lock itself goes with the file handle, also when the process dies


def _try(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_holder(file: IO[str]) -> str | None:
    file.seek(0)
    try:
        return str(Holder(**json.loads(file.read())))
    except (ValueError, TypeError):
        return None


def _advisory_lock(connection: sa.Connection, entity: str, holder: Holder, deadline: float) -> None:
    number = _number(entity)
    take = sa.text("SELECT pg_try_advisory_xact_lock(:space, :number)")
    while not connection.scalar(take, {"space": _LOCK_CLASS, "number": number}):
        if time.monotonic() >= deadline:
            raise _busy(_postgresql_holder(connection, number))
        time.sleep(_PAUSE)
    # Whoever waits reads this name from pg_stat_activity: it is seen at once, unlike rows of this transaction.
    name = f"importer {holder.run_id} {holder.user}@{holder.host}"
    connection.execute(sa.select(sa.func.set_config("application_name", name[:63], True)))


def _postgresql_holder(connection: sa.Connection, number: int) -> str | None:
    found = connection.execute(
        sa.text(
            "SELECT a.application_name, a.xact_start FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :space AND l.objid::bigint = :number"
        ),
        {"space": _LOCK_CLASS, "number": number % 2**32},
    ).first()
    return f"{found[0].removeprefix('importer ')}, since {found[1]:%Y-%m-%d %H:%M:%S} UTC" if found else None


def _busy(holder: str | None) -> TryLater:
    return TryLater(
        f"somebody else is at work on these records: {holder or 'it has not said which'}",
        hint="give the same command again later, or wait longer with --wait SECONDS",
    )
