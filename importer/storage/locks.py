"""One applying run per entity at a time, and one process per run.

PostgreSQL: advisory locks of a session, which go with it. SQLite: files that are locked as long as a process lives,
and its own lock for writing, which holds all entities.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from importer.errors import ConnectionLost, Repeatable, TryLater
from importer.storage.database import Database, wal_file, writer_file
from importer.storage.holder import Holder, LockFile, busy, holder_in, wait_for
from importer.storage.writeback import written_back

_APPLYING = 1_229_999_172  # "IMPD" as a number: keeps our advisory locks apart from other programs'
_WORKING = 1_229_999_173
_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_ATTEMPTS = 4
_TARGET_LOCK_TIMEOUT = "3s"  # whoever comes after us waits behind us: the table's owner never waits long

T = TypeVar("T")


@contextmanager
def applying(
    database: Database, entity: str, holder: Holder, wait: float, side: Path | None
) -> Iterator[sa.Connection]:
    """A connection that may apply to `entity`, in one transaction or several; none is open yet.

    TryLater (exit 75) names the holder when `wait` seconds have passed.
    """
    if database.is_sqlite:
        lock = LockFile(writer_file(database.path))
        if not wait_for(lambda: lock.take(holder), wait):
            raise busy(holder_in(lock.path))
        try:
            with database.connect(attach=side) as connection:
                yield connection
        finally:
            lock.release()
        return
    with database.connect_apart() as connection:
        number = _number(entity)
        if not _take(connection, _APPLYING, number, holder, wait):
            raise busy(_postgresql_holder(connection, _APPLYING, number))
        with connection.begin():
            connection.execute(sa.select(sa.func.set_config("lock_timeout", _TARGET_LOCK_TIMEOUT, False)))
        yield connection


@contextmanager
def working_on(database: Database, holder: Holder, wait: float) -> Iterator[None]:
    """This process works on the run; the lock tells others that it is alive. TryLater where another one does."""
    with _work(database, holder, wait) as (is_mine, other):
        if not is_mine:
            raise busy(other)
        with written_back(wal_file(database.path)) if database.is_sqlite else nullcontext():
            yield


@contextmanager
def if_nobody_works(database: Database, holder: Holder) -> Iterator[bool]:
    """Whether the run's process has ended; if so, this process works on the run within the block."""
    with _work(database, holder, 0) as (is_mine, _):
        yield is_mine


@contextmanager
def _work(database: Database, holder: Holder, wait: float) -> Iterator[tuple[bool, str | None]]:
    """Whether this process has the run now, else who has it."""
    if database.is_sqlite:
        lock = LockFile(working_file(database.path, holder.run_id))
        if not wait_for(lambda: lock.take(holder), wait):
            yield False, holder_in(lock.path)
            return
        try:
            yield True, None
        finally:
            lock.release(remove=True)
        return
    number = _number(holder.run_id)
    with database.connect_apart() as connection:
        if _take(connection, _WORKING, number, holder, wait):
            yield True, None
        else:
            yield False, _postgresql_holder(connection, _WORKING, number)


def working_file(database: Path, run_id: str) -> Path:
    return database.with_name(database.name + ".runs") / f"{run_id}.work"


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
    while not connection.scalar(take, {"space": _APPLYING, "number": number}):
        if time.monotonic() >= deadline:
            raise busy(_postgresql_holder(connection, _APPLYING, number))
        time.sleep(_PAUSE)


def repeated(
    work: Callable[[], T],
    *,
    of: type[TryLater] = Repeatable,
    wait: float = 0.0,
    say: Callable[[str], None] = lambda _sentence: None,
) -> T:
    """A transaction of which the database did nothing is begun anew: a few times, and until `wait` seconds passed.

    Once for a connection that was lost: to connect again waits as long itself.
    """
    deadline = time.monotonic() + wait
    attempts = 1 if of is ConnectionLost else _ATTEMPTS
    attempt = 0
    while True:
        try:
            return work()
        except of as error:
            attempt += 1
            if attempt > attempts and time.monotonic() >= deadline:
                raise
            say(f"{error.message}; trying again")
            time.sleep(min(_LONGEST_PAUSE, _PAUSE * 2 ** min(attempt, 5)) * random.random())  # noqa: S311 - no secret


def _number(name: str) -> int:
    return zlib.crc32(name.encode()) - 2**31


def _take(connection: sa.Connection, space: int, number: int, holder: Holder, wait: float) -> bool:
    """A lock of the session, not of a transaction: it outlives a transaction that is begun anew."""
    take = sa.text("SELECT pg_try_advisory_lock(:space, :number)")

    def try_once() -> bool:
        with connection.begin():
            return bool(connection.scalar(take, {"space": space, "number": number}))

    if not wait_for(try_once, wait):
        return False
    # Whoever waits reads this name from pg_stat_activity.
    name = f"importer {holder.run_id} {holder.user}@{holder.host}"
    with connection.begin():
        connection.execute(sa.select(sa.func.set_config("application_name", name[:63], False)))
    return True


def _postgresql_holder(connection: sa.Connection, space: int, number: int) -> str | None:
    statement = sa.text(
        "SELECT a.application_name, coalesce(a.xact_start, a.state_change) "
        "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :space AND l.objid::bigint = :number "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    found = connection.execute(statement, {"space": space, "number": number % 2**32}).first()
    return f"{found[0].removeprefix('importer ')}, since {found[1]:%Y-%m-%d %H:%M:%S} UTC" if found else None
