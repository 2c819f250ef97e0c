"""One database: SQLite or PostgreSQL behind SQLAlchemy, with the session settings that the statements rely on.

In: a URL. Out: connections in explicit transactions. Trouble becomes `SetupError` (a wrong URL) or `TryLater`.
Values and passwords never reach a message: `hide_parameters=True`, and only the driver's own first line is quoted.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from importer.errors import Repeatable, SetupError, TryLater
from importer.storage.holder import busy, holder_in
from importer.storage.interrupting import observe
from importer.storage.sidefile import is_kept
from importer.storage.trouble import AGAIN, explain, is_busy, is_starting, is_trouble
from importer.storage.trouble import reason as reason

WORK_MEM = "128MB"
TEMP_BUFFERS = "64MB"  # the changes that one decision is about; the server takes as much as they need
LOCK_TIMEOUT = "30s"
WAIT = 30.0
_PAUSE = 0.05
_RECONNECT_PAUSE = 0.5
SCHEMA = "importer"


class Database:
    """A place where customers are stored. `dialect` is 'sqlite' or 'postgresql'."""

    def __init__(self, url: str, wait: float = WAIT) -> None:
        """`wait`: seconds to wait for a writer of the same SQLite file."""
        self.url = _parse(url)
        self.wait = wait
        self.say: Callable[[str], None] = lambda _sentence: None  # hears what is waited for
        self._was_reached = False
        self.dialect = self.url.get_backend_name()
        self.is_sqlite = self.dialect == "sqlite"
        schemas = {SCHEMA: None} if self.is_sqlite else {}
        self.engine = sa.create_engine(
            self.url,
            hide_parameters=True,
            execution_options={"schema_translate_map": schemas},
            **(_SQLITE if self.is_sqlite else _POSTGRESQL),
        )
        observe(self.engine)
        listen = _prepare_sqlite if self.is_sqlite else _prepare_postgresql
        sa.event.listen(self.engine, "connect", listen)
        if self.is_sqlite:
            sa.event.listen(self.engine, "begin", self._begin_sqlite)

    @property
    def name(self) -> str:
        """What a person calls it: the file, or the database's name. Never host credentials."""
        return str(self.url.database or "")

    @property
    def path(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.url.database or "").absolute()

    @property
    def driver_url(self) -> str:
        """For libraries that open the database themselves; holds the password, so never print it."""
        return self.url.set(drivername=self.dialect).render_as_string(hide_password=False)

    @contextmanager
    def begin(
        self, *, immediate: bool = False, attach: Path | None = None, listed: Path | None = None
    ) -> Iterator[sa.Connection]:
        """One transaction; rolled back unless the block ends well. `attach` makes a side file the schema `run`,
        `listed` another one the schema of that name, which a crash may spoil.
        """
        with self.connect(attach=attach) as connection:
            if listed is not None:
                attach_file(connection, "listed", listed)
                for pragma in ("journal_mode = OFF", "synchronous = OFF"):
                    connection.connection.driver_connection.execute(f"PRAGMA listed.{pragma}")  # type: ignore[union-attr]
            if immediate:
                connection = connection.execution_options(importer_immediate=True)
            with connection.begin():
                yield connection

    @contextmanager
    def connect(self, *, attach: Path | None = None) -> Iterator[sa.Connection]:
        with self.explained(), self._reach() as connection:
            if attach is not None:
                attach_file(connection, "run", attach)
            yield connection

    @contextmanager
    def connect_apart(self) -> Iterator[sa.Connection]:
        """A connection whose session ends with the block, and with it the session's locks and settings. A server that
        is gone is asked nothing.
        """
        with self.connect() as connection:
            try:
                yield connection
            finally:
                connection.invalidate()

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """For work in several threads: the last connection to leave a SQLite file tidies up, and who comes meanwhile
        is turned away as if somebody wrote.
        """
        if not self.is_sqlite:
            yield
            return
        with self.connect():
            yield

    @contextmanager
    def transaction(self, connection: sa.Connection, *, immediate: bool = False) -> Iterator[None]:
        """One transaction of an open connection, rolled back unless the block ends well; trouble as a sentence."""
        with self.explained():
            if immediate:
                connection.execution_options(importer_immediate=True)
            with connection.begin():
                yield

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Database trouble in one sentence, without statement, values or password."""
        try:
            yield
        except Exception as error:
            if not is_trouble(error):
                raise
            if is_busy(error):
                raise Repeatable(busy(self._writer()).message, hint=f"{AGAIN} later") from error
            raise explain(error, self.name) from error

    def _writer(self) -> str:
        return holder_in(writer_file(self.path)) or "another program writes to the database"

    def _begin_sqlite(self, connection: sa.Connection) -> None:
        """Waits for another writer in short steps, so that signals are heard meanwhile."""
        if not connection.get_execution_options().get("importer_immediate"):
            connection.exec_driver_sql("BEGIN")
            return
        deadline = time.monotonic() + self.wait
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if not is_busy(error):
                    raise
                if time.monotonic() >= deadline:
                    raise busy(self._writer()) from error
                time.sleep(_PAUSE)
            else:
                return

    def impatient(self, wait: float) -> Database:
        """The same database for who has no time to wait."""
        if self.wait <= wait:
            return self
        return Database(self.url.render_as_string(hide_password=False), wait)

    def _reach(self) -> sa.Connection:
        """A connection; waits for a server that starts again, has no room, or was there a moment ago."""
        deadline = time.monotonic() + self.wait
        said = False
        while True:
            try:
                connection = self.engine.connect()
            except DBAPIError as error:
                passes = self._was_reached or is_busy(error) or is_starting(error)
                if not passes or time.monotonic() >= deadline:
                    raise
                if not said:
                    self.say(f"the database {self.name} takes no connection now ({reason(error)}); trying again")
                said = True
                time.sleep(_PAUSE if self.is_sqlite else _RECONNECT_PAUSE)
            else:
                self._was_reached = True
                return connection

    def dispose(self) -> None:
        """Closes what is kept open for the next transaction."""
        self.engine.dispose()


def writer_file(database: Path) -> Path:
    """The file beside a SQLite database that names who applies."""
    return database.with_name(database.name + ".lock")


def wal_file(database: Path) -> Path:
    """Where SQLite writes before it copies into the database."""
    return database.with_name(database.name + "-wal")


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
        backend = url.get_backend_name()
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise SetupError(
            "the database URL can't be understood",
            hint="SQLite: sqlite:///file.db, PostgreSQL: postgresql+psycopg://user@host/name",
        ) from None
    if backend == "postgresql" and url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise SetupError(
            f"the database driver {url.drivername!r} is not supported",
            hint="SQLite: sqlite:///file.db, PostgreSQL: postgresql+psycopg://user@host/name",
        )
    if backend == "sqlite":
        _check_sqlite_file(url)
    return url


def attach_file(connection: sa.Connection, schema: Literal["run", "listed"], file: Path) -> None:
    """Makes a file a schema of a SQLite connection, within a transaction too; once, however often it is said."""
    raw: Any = connection.connection.driver_connection
    if schema not in {name for _, name, _ in raw.execute("PRAGMA database_list")}:
        raw.execute(f"ATTACH DATABASE ? AS {schema}", (str(file),))
        if schema == "run" and not is_kept(file):
            raw.execute("PRAGMA run.synchronous = OFF")


def _check_sqlite_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise SetupError("a SQLite database must be a file", hint="for example sqlite:///importer.db")
    folder = Path(url.database).absolute().parent
    if not folder.is_dir():
        raise TryLater(
            f"the database can't be reached: there is no folder {folder}", hint="create it, or correct --database"
        )


def _prepare_sqlite(raw: sqlite3.Connection, _record: Any) -> None:
    raw.isolation_level = None  # transactions are ours: see Database._begin_sqlite
    for pragma in ("busy_timeout = 100", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        raw.execute(f"PRAGMA {pragma}").fetchall()
    raw.execute("PRAGMA cache_size = -65536")
    raw.execute("PRAGMA temp_store = FILE")


_SESSION: Mapping[str, str] = {
    "work_mem": WORK_MEM,
    "temp_buffers": TEMP_BUFFERS,
    "jit": "off",
    "parallel_leader_participation": "off",  # it writes what the others find
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
    "lock_timeout": LOCK_TIMEOUT,
    "application_name": "importer",
    "client_encoding": "UTF8",
    "idle_in_transaction_session_timeout": "0",
}

_CONNECTION: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "prepare_threshold": None,  # a statement that a connection meets again is planned for the tables as they are then
}

_SQLITE: Mapping[str, Any] = {"poolclass": sa.pool.NullPool}
"""The last connection to leave a file tidies up."""

_POSTGRESQL: Mapping[str, Any] = {
    "connect_args": _CONNECTION,
    "poolclass": sa.pool.QueuePool,
    "pool_size": 6,
    "max_overflow": -1,
    "pool_use_lifo": True,
    "pool_pre_ping": True,
}
"""A server starts a process for each connection, which has to learn its catalogue: those that are free are used again,
if they still answer. Nothing of a session may last beyond a transaction, but where it is a connection apart.
"""

_NOTICING: Mapping[str, str] = {
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""How a server notices that we are gone, so that a dead run holds no lock; not every system has them."""


def _prepare_postgresql(raw: Any, _record: Any) -> None:
    import psycopg

    statement = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)"
    with raw.cursor() as cursor:
        cursor.execute(statement, (list(_SESSION), list(_SESSION.values())))
        raw.commit()
        try:
            cursor.execute(statement, (list(_NOTICING), list(_NOTICING.values())))
            raw.commit()
        except psycopg.OperationalError:
            raise
        except psycopg.Error:  # a server or a system that lacks one of them notices later
            raw.rollback()
