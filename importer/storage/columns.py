"""Query results as columns, and columns as rows of a table within the caller's transaction."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

FETCH_ROWS = 5_000
"""So many rows stay near the processor until their columns are made."""
_READ_BLOCK = 4 << 20


def read_texts(connection: sa.Connection, select: sa.Select[*tuple[Any, ...]]) -> Generator[pa.Table]:
    """The result as tables of text columns (null stays null), a block of rows at a time, in the query's order.

    Close it where it is not read to its end: until then the connection takes no other statement.

    Every column of `select` must be text already or read well as text (whole numbers).
    """
    names = [column.key or column.name for column in select.selected_columns]
    if connection.dialect.name == "sqlite":
        yield from _fetch(connection, select, names)
    else:
        yield from _copy_out(connection, select, names)


def _fetch(connection: sa.Connection, select: sa.Select[*tuple[Any, ...]], names: list[str]) -> Iterator[pa.Table]:
    unread = {"stream_results": False, "yield_per": None}  # else SQLAlchemy takes the first rows off the cursor
    with connection.execute(select, execution_options=unread) as result:
        assert result.cursor is not None
        while rows := result.cursor.fetchmany(FETCH_ROWS):  # texts need none of what SQLAlchemy does with a row
            columns = zip(*rows, strict=True)
            yield pa.table([_text_column(column) for column in columns], names=names)


def _text_column(values: tuple[Any, ...]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _copy_out(connection: sa.Connection, select: sa.Select[*tuple[Any, ...]], names: list[str]) -> Iterator[pa.Table]:
    compiled = select.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    driver: Any = connection.connection.driver_connection
    statement = f"COPY ({compiled.string}) TO STDOUT (FORMAT csv)"
    with driver.cursor() as cursor, cursor.copy(statement, compiled.params) as copy:
        # Text CSV from a server that we trust: nulls are bare, the empty string is quoted.
        source = _CopyStream(copy)
        if not source.peek():
            return
        reader = pyarrow.csv.open_csv(
            pa.PythonFile(source, mode="r"),
            pyarrow.csv.ReadOptions(column_names=names, block_size=_READ_BLOCK, use_threads=False),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in reader:
            yield pa.Table.from_batches([batch])


class _CopyStream(io.RawIOBase):
    """The bytes of a COPY as a file."""

    def __init__(self, copy: Any) -> None:
        self._blocks = iter(copy)
        self._rest = b""

    def peek(self) -> bool:
        """Whether there is anything to read."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._rest = bytes(block)
        return True

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(bytes(block))
            length += len(parts[-1])
        data = b"".join(parts)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        return data[:cut]


def insert_columns(connection: sa.Connection, table: sa.Table, data: pa.Table) -> None:
    """Inserts the rows of `data` (column names are those of `table`) in the caller's transaction."""
    if data.num_rows == 0:
        return
    driver: Any = connection.connection.driver_connection
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in data.column_names)
    rows = zip(*(column.to_pylist() for column in data.columns), strict=True)
    if connection.dialect.name == "sqlite":
        place = table.name if table.schema != "run" else f"run.{table.name}"
        marks = ", ".join("?" * data.num_columns)
        driver.executemany(f"INSERT INTO {place} ({names}) VALUES ({marks})", rows)  # noqa: S608
        return
    place = connection.dialect.identifier_preparer.format_table(table)
    with driver.cursor() as cursor, cursor.copy(f"COPY {place} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
