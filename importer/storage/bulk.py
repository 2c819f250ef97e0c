"""Bulk load: Arrow tables become rows of the run's tables, in threads of their own so that reading goes on meanwhile.

PostgreSQL takes them by COPY; SQLite by ADBC into the side file, never the main file, and never while sqlite3 has
it attached.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from importer.storage.copy_text import copy_text, without_empty
from importer.storage.database import Database
from importer.storage.private import make_private
from importer.storage.runspace import SIDE_INDEXES, RunSpace
from importer.storage.target import Physical, TargetColumn

WAITING_TABLES = 3
_COPY_BLOCK = 1 << 20
_APPEND = {"adbc.ingest.mode": "adbc.ingest.mode.append"}


def in_target_types(typed: pa.Table, columns: Mapping[str, TargetColumn], dialect: str) -> pa.Table:
    """Typed values in the types of the target's columns (decimals are doubles on SQLite, dates ISO text)."""
    arrays = [_convert(typed[name], columns[name].physical, dialect) for name in typed.column_names]
    return pa.table(dict(zip(typed.column_names, arrays, strict=True)))


def _convert(values: pa.ChunkedArray, physical: Physical, dialect: str) -> pa.ChunkedArray:
    if pa.types.is_string(values.type):
        return values
    if physical is Physical.TEXT:
        return pc.cast(values, pa.string())
    if pa.types.is_boolean(values.type) and (physical is Physical.INTEGER or dialect == "sqlite"):
        return pc.cast(values, pa.int64())
    if dialect == "sqlite" and pa.types.is_decimal(values.type):
        # By way of the text: a direct cast multiplies, and 52.0975 would become 52.097500000000004.
        return pc.cast(pc.cast(values, pa.string()), pa.float64())
    if dialect == "sqlite" and pa.types.is_date(values.type):
        text = pc.cast(values, pa.string())
        return (
            pc.call_function("binary_join_element_wise", [text, pa.scalar("00:00:00.000000"), pa.scalar(" ")])
            if (physical is Physical.TIMESTAMP)
            else text
        )
    return values


Rows = Callable[[], pa.Table]
"""Rows that are made in the background, so that their making costs the caller nothing."""


class _Sink(Protocol):
    """`prepare` and `send` run in threads of their own, one table behind the other."""

    def prepare(self, table: sa.Table, data: pa.Table) -> Any: ...
    def send(self, prepared: Any) -> None: ...
    def commit(self) -> None: ...
    def close(self) -> None: ...


class Loader:
    """Loads tables in the background, in the order in which they are put. Use as a context manager.

    Leaving the block waits for the last table and commits; an error in a thread is raised by the next `put` or on
    leaving.
    """

    def __init__(self, database: Database, space: RunSpace, file: Path | None) -> None:
        self._open: Callable[[], _Sink] = lambda: _AdbcSink(file, space) if file else _CopySink(database)
        self._explained = database.explained
        self._given: queue.Queue[tuple[sa.Table, Rows] | None] = queue.Queue(maxsize=WAITING_TABLES)
        self._prepared: queue.Queue[Any] = queue.Queue(maxsize=WAITING_TABLES)
        self._error: BaseException | None = None
        self._given_up = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"importer-{name}", daemon=True)
            for name, work in (("prepare", self._prepare), ("load", self._load))
        ]

    def __enter__(self) -> Self:
        with self._explained():
            self._sink = self._open()
        for thread in self._threads:
            thread.start()
        return self

    def put(self, table: sa.Table, rows: Rows) -> None:
        """Columns of the rows are those of `table` by name; missing ones take their default."""
        self._raise_error()
        self._given.put((table, rows))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._given_up.set()
        self._given.put(None)
        for thread in self._threads:
            thread.join()
        try:
            if error is None:
                self._raise_error()
                with self._explained():
                    self._sink.commit()
        finally:
            self._sink.close()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _prepare(self) -> None:
        while (item := self._given.get()) is not None:
            table, rows = item
            if self._is_over:
                continue  # only taken off the queue, so that nobody waits for a thread that has given up
            with self._kept():
                data = rows()
                if data.num_rows:
                    self._prepared.put(self._sink.prepare(table, data))
        self._prepared.put(None)

    def _load(self) -> None:
        while (prepared := self._prepared.get()) is not None:
            if self._is_over:
                continue
            with self._kept():
                self._sink.send(prepared)

    @property
    def _is_over(self) -> bool:
        return self._error is not None or self._given_up.is_set()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """An error is kept for the thread that waits."""
        try:
            with self._explained():
                yield
        except BaseException as error:  # noqa: BLE001 - raised again by `put` or on leaving
            self._error = self._error or error


class _CopySink:
    def __init__(self, database: Database) -> None:
        self._raw: Any = database.engine.raw_connection()
        self._driver: Any = self._raw.driver_connection
        self._preparer = database.engine.dialect.identifier_preparer

    def prepare(self, table: sa.Table, data: pa.Table) -> tuple[str, Any]:
        """The statement, and what goes with it: the bytes of a COPY, or parameters of an INSERT."""
        given = [column.name for column in table.columns if column.server_default is not None or column.primary_key]
        data = without_empty(data, given)
        names = ", ".join(self._preparer.quote(name) for name in data.column_names)
        place = self._preparer.format_table(table)
        if any(pa.types.is_binary(field.type) for field in data.schema):
            # Few rows with large binary values: the text form of COPY would double them.
            marks = ", ".join(["%s"] * data.num_columns)
            rows = list(zip(*(column.to_pylist() for column in data.columns), strict=True))
            return f"INSERT INTO {place} ({names}) VALUES ({marks})", rows  # noqa: S608
        options, body = copy_text(data)
        return f"COPY {place} ({names}) FROM STDIN {options}", body

    def send(self, prepared: tuple[str, Any]) -> None:
        statement, body = prepared
        with self._driver.cursor() as cursor:
            if isinstance(body, list):
                cursor.executemany(statement, body)
                return
            with cursor.copy(statement) as copy:
                for start in range(0, len(body), _COPY_BLOCK):
                    copy.write(body[start : start + _COPY_BLOCK])

    def commit(self) -> None:
        self._driver.commit()

    def close(self) -> None:
        self._raw.close()


class _AdbcSink:
    """By the driver manager's own interface: the one that is like other drivers' takes longer to load than to use."""

    def __init__(self, file: Path, space: RunSpace) -> None:
        import adbc_driver_sqlite
        from adbc_driver_manager import AdbcConnection, AdbcStatement
        from sqlalchemy.dialects import sqlite

        make_private(file.parent)
        with ExitStack() as opened:
            database = opened.enter_context(adbc_driver_sqlite.connect(str(file)))
            connection = opened.enter_context(AdbcConnection(database))
            self._statement = opened.enter_context(AdbcStatement(connection))
            # A plan that is not finished is never applied, so the side file needs no journal while it is made.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8192"):
                self._execute(f"PRAGMA {pragma}")
            for table in space.tables:
                self._execute(str(CreateTable(_bare(table)).compile(dialect=sqlite.dialect())))
            for index in SIDE_INDEXES:
                self._execute(index)
            self._opened = opened.pop_all()

    def _execute(self, statement: str) -> None:
        self._statement.set_sql_query(statement)
        self._statement.execute_update()

    def prepare(self, table: sa.Table, data: pa.Table) -> tuple[str, pa.Table]:
        present = set(data.column_names)
        for column in table.columns:
            if column.name not in present:
                data = data.append_column(column.name, _default(column, data.num_rows))
        return table.name, data.select([column.name for column in table.columns])

    def send(self, prepared: tuple[str, pa.Table]) -> None:
        name, data = prepared
        self._statement.set_options(**{**_APPEND, "adbc.ingest.target_table": name})
        self._statement.bind_stream(data)
        self._statement.execute_update()

    def commit(self) -> None:
        """Each ingest is a transaction of its own; nothing is left to do."""

    def close(self) -> None:
        self._opened.close()


def _bare(table: sa.Table) -> sa.Table:
    """The table outside the schema `run`, as which the side file is attached later."""
    columns: list[Any] = [
        sa.Column(
            column.name,
            column.type,
            primary_key=column.primary_key,
            nullable=column.nullable,
            server_default=_default_text(column),
        )
        for column in table.columns
    ]
    return sa.Table(table.name, sa.MetaData(), *columns)


def _default_text(column: sa.Column[Any]) -> sa.TextClause | None:
    """A server default as SQL; those of ours are texts and false."""
    default = column.server_default
    if not isinstance(default, sa.DefaultClause):
        return None
    return sa.text("0" if isinstance(column.type, sa.Boolean) else f"'{default.arg}'")


def _default(column: sa.Column[Any], rows: int) -> pa.Array:
    """A column that the data lacks: its server default, else null."""
    default = column.server_default
    if not isinstance(default, sa.DefaultClause):
        return pa.nulls(rows, pa.string())
    value = 0 if isinstance(column.type, sa.Boolean) else str(default.arg)
    return pa.repeat(pa.scalar(value), rows)
