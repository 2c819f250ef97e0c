"""Tells PostgreSQL what a transaction has filled, so that it joins sets as sets; SQLite plans well without.

The server looks at tables of its own accord only after a commit: without this the rows that a transaction has just
made count as none, and each is looked up by walking through all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import sqlalchemy as sa

FEW = 1_000
"""So many rows are joined fast enough whatever the server thinks."""


def fill(connection: sa.Connection, insert: sa.Insert, *columns: str) -> int:
    """Executes an INSERT; where it made many rows, `columns` of its table (all: none given) are sampled roughly."""
    done = connection.execute(insert, execution_options={"preserve_rowcount": True}).rowcount
    if done >= FEW and isinstance(insert.table, sa.Table):
        analyze(connection, insert.table, *columns, roughly=True)
    return done


def analyze(connection: sa.Connection, table: sa.Table, *columns: str, roughly: bool = False) -> None:
    """Samples `columns` (all: none given). A table that somebody else samples at the moment is left alone.

    `roughly`: for columns in which every value occurs once or nearly all are alike, a tenth of the sample tells it.
    """
    if connection.dialect.name == "sqlite":
        return
    prepare = connection.dialect.identifier_preparer
    name = prepare.format_table(table)
    listed = f" ({', '.join(prepare.quote(column) for column in columns)})" if columns else ""
    with with_setting(connection, "default_statistics_target", "10") if roughly else nullcontext():
        connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {name}{listed}")


_PLACE_COST = "0.05"
"""PostgreSQL supposes a disk where each place costs as much as four pages in a row, and reads the whole table."""


def looking_up_places(connection: sa.Connection) -> AbstractContextManager[None]:
    """For statements that find records by their places (`Target.place`)."""
    return with_setting(connection, "random_page_cost", _PLACE_COST)


def beside_others(connection: sa.Connection) -> AbstractContextManager[None]:
    """For statements that must not take processors from the applying transaction."""
    if connection.dialect.name == "sqlite":
        return nullcontext()
    return with_setting(connection, "max_parallel_workers_per_gather", "0")


@contextmanager
def with_setting(connection: sa.Connection, name: str, value: str) -> Iterator[None]:
    """Another setting of PostgreSQL for a while; a rollback gives back the usual one too."""
    usual = connection.scalar(sa.select(sa.func.current_setting(name)))
    connection.execute(sa.select(sa.func.set_config(name, value, True)))
    yield
    connection.execute(sa.select(sa.func.set_config(name, usual, True)))
