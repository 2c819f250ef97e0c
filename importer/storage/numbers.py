"""Numbers for rows that are yet to be inserted, from the same supply as those that the database gives by itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_given = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"), schema="main")
"""SQLite keeps there the last number of every table that never gives one twice."""


def new_numbers(connection: sa.Connection, table: sa.Table, rows: sa.Select[tuple[int]]) -> sa.Select[Any]:
    """`row, id`: for each of `rows`, in their order, an id of `table` that nobody else gets."""
    ordered = rows.subquery("ordered")
    row = ordered.c[0].label("row")
    if connection.dialect.name == "sqlite":
        first = _taken(connection, table, _count(connection, rows))
        return sa.select(row, (first + sa.func.row_number().over(order_by=ordered.c[0])).label("id"))
    name = connection.dialect.identifier_preparer.format_table(table)
    sequence = connection.scalar(sa.select(sa.cast(sa.func.pg_get_serial_sequence(name, "id"), sa.Text)))
    return sa.select(row, sa.func.nextval(sequence).label("id"))


def _count(connection: sa.Connection, rows: sa.Select[tuple[int]]) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(rows.subquery())) or 0)


def _taken(connection: sa.Connection, table: sa.Table, count: int) -> int:
    """Moves the table's last number on by `count`; gives the one before."""
    mine = _given.c.name == table.name
    last = connection.scalar(sa.select(_given.c.seq).where(mine))
    if last is None:
        connection.execute(sa.insert(_given).values(name=table.name, seq=count))
        return 0
    connection.execute(sa.update(_given).values(seq=last + count).where(mine))
    return int(last)
