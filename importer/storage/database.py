"""One database: SQLite or PostgreSQL behind SQLAlchemy, with the session settings that the statements rely on.

In: a URL. Out: connections in explicit transactions. Trouble becomes `SetupError` (a wrong URL) or `TryLater`.
Values and passwords never reach a message: `hide_parameters=True`, and only the driver's own first line is quoted.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from importer.errors import ImporterError, SetupError, TryLater

WORK_MEM = "128MB"
TEMP_BUFFERS = "64MB"  # the changes that one decision is about; the server takes as much as they need
LOCK_TIMEOUT = "30s"
WAIT = 30.0
_PAUSE = 0.05
SCHEMA = "importer"


class Database:
    """A place where customers are stored. `dialect` is 'sqlite' or 'postgresql'."""

    def __init__(self, url: str, wait: float = WAIT) -> None:
        """`wait`: seconds to wait for a writer of the same SQLite file."""
        self.url = _parse(url)
        self.wait = wait
        self.dialect = self.url.get_backend_name()
        self.is_sqlite = self.dialect == "sqlite"
        schemas = {SCHEMA: None} if self.is_sqlite else {}
        self.engine = sa.create_engine(
            self.url,
            hide_parameters=True,
            poolclass=sa.pool.NullPool,
            execution_options={"schema_translate_map": schemas},
            **({} if self.is_sqlite else {"connect_args": {"connect_timeout": 10}}),
        )
        listen = _prepare_sqlite if self.is_sqlite else _prepare_postgresql
        sa.event.listen(self.engine, "connect", listen)
        if self.is_sqlite:
            sa.event.listen(self.engine, "begin", lambda connection: _begin_sqlite(connection, self.wait))

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
    def begin(self, *, immediate: bool = False, attach: Path | None = None) -> Iterator[sa.Connection]:
        """One transaction; rolled back unless the block ends well. `attach` makes a side file the schema `run`."""
        with self.connect(attach=attach) as connection:
            if immediate:
                connection = connection.execution_options(importer_immediate=True)
            with connection.begin():
                yield connection

    @contextmanager
    def connect(self, *, attach: Path | None = None) -> Iterator[sa.Connection]:
        with _explained(self), self.engine.connect() as connection:
            if attach is not None:
                raw = connection.connection.driver_connection
                raw.execute("ATTACH DATABASE ? AS run", (str(attach),))  # type: ignore[union-attr]
            yield connection

    def dispose(self) -> None:
        self.engine.dispose()


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


def _check_sqlite_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise SetupError("a SQLite database must be a file", hint="for example sqlite:///importer.db")
    folder = Path(url.database).absolute().parent
    if not folder.is_dir():
        raise TryLater(
            f"the database can't be reached: there is no folder {folder}", hint="create it, or correct --database"
        )


def _prepare_sqlite(raw: sqlite3.Connection, _record: Any) -> None:
    raw.isolation_level = None  # transactions are ours: see _begin_sqlite
    for pragma in ("busy_timeout = 100", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        raw.execute(f"PRAGMA {pragma}").fetchall()
    raw.execute("PRAGMA cache_size = -65536")
    raw.execute("PRAGMA temp_store = MEMORY")


def _begin_sqlite(connection: sa.Connection, wait: float) -> None:
    """Waits for another writer in short steps, so that signals are heard meanwhile."""
    if not connection.get_execution_options().get("importer_immediate"):
        connection.exec_driver_sql("BEGIN")
        return
    deadline = time.monotonic() + wait
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _prepare_postgresql(raw: Any, _record: Any) -> None:
    settings = {
        "work_mem": WORK_MEM,
        "temp_buffers": TEMP_BUFFERS,
        "jit": "off",
        "datestyle": "ISO, YMD",
        "timezone": "UTC",
        "lock_timeout": LOCK_TIMEOUT,
        "application_name": "importer",
        "client_encoding": "UTF8",
    }
    with raw.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    raw.commit()


@contextmanager
def _explained(database: Database) -> Iterator[None]:
    """Database trouble in one sentence, without statement, values or password."""
    try:
        yield
    except OperationalError as error:
        raise TryLater(
            f"the database {database.name} can't be used now: {reason(error)}",
            hint="check that it runs and that --database is right, then give the same command again",
        ) from error
    except DBAPIError as error:
        raise ImporterError(f"the database {database.name} refused a statement: {reason(error)}") from error


def reason(error: DBAPIError) -> str:
    """The driver's own sentence, first line only; PostgreSQL's DETAIL line, which shows values, is left out."""
    diagnostics = getattr(error.orig, "diag", None)
    primary = getattr(diagnostics, "message_primary", None)
    text = str(primary or error.orig or type(error).__name__)
    return text.splitlines()[0] if text else type(error).__name__
