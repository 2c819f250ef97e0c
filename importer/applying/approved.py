"""Approved values become rows of the target, in the transaction of the last decision.

A value is written only where the record still has the original value; otherwise the change is in conflict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import DataEntity
from importer.storage.control import KEYS
from importer.storage.database import reason
from importer.storage.selection import CONFLICT, REFUSED, mark, same_record, selection
from importer.storage.target import Physical, Target, TargetColumn, canonical
from importer.vocabulary import ValueKind

APPROVED = "approved"


def final(entity: DataEntity) -> ColumnElement[bool]:
    """Selected changes whose last approval this is."""
    return sa.and_(
        selection.c.entity == entity.name,
        selection.c.fate.is_(None),
        selection.c.verdict == APPROVED,
        selection.c.next_step == "",
    )


def write_approved(connection: sa.Connection, entity: DataEntity, target: Target) -> bool:
    """Writes what is approved for good, and tells whether it was all; the rest is marked as conflict or refused."""
    changing, found = _changing(connection, entity)
    if not found or (target.exists and _written_at_once(connection, entity, target, found, changing)):
        return True
    mark_conflicts(connection, entity, target)
    in_halves(connection, changing, lambda which: _update(entity, target, list(found), which))
    return False


def mark_conflicts(connection: sa.Connection, entity: DataEntity, target: Target) -> None:
    """Holds the records, and marks the changes of those that have moved on."""
    changing, fields = _changing(connection, entity)
    if not target.exists:
        mark(connection, CONFLICT, "the record is gone", changing)
        return
    _hold_records(connection, entity, target, changing)
    mark(connection, CONFLICT, "the record is gone", changing, sa.not_(is_stored(entity, target)))
    why = "the record has another value than the one the change was made against"
    for field in fields:
        moved = _current(target.columns[field], target.dialect).is_distinct_from(selection.c.original)
        mark(connection, CONFLICT, why, changing, selection.c.field == field, is_stored(entity, target, moved))


def _changing(connection: sa.Connection, entity: DataEntity) -> tuple[ColumnElement[bool], dict[str, int]]:
    """The selected changes of existing records that are approved for good, and how many of each field."""
    changing = sa.and_(final(entity), selection.c.kind == "change")
    counts = sa.select(selection.c.field, sa.func.count()).where(changing).group_by(selection.c.field)
    found: dict[str, int] = dict(connection.execute(counts).all())
    return changing, {field: found[field] for field in entity.in_order(found)}


def _written_at_once(
    connection: sa.Connection, entity: DataEntity, target: Target, found: dict[str, int], which: ColumnElement[bool]
) -> bool:
    """One statement, where every record has the original values still and the database refuses none; else nothing."""
    fields, number = list(found), sum(found.values())
    if len(fields) > 1:
        number = connection.scalar(sa.select(sa.func.count()).select_from(_records(fields, which))) or 0
    try:
        with connection.begin_nested() as savepoint:
            update = _update(entity, target, fields, which)
            done = connection.execute(update, execution_options={"preserve_rowcount": True}).rowcount
            if done != number:
                savepoint.rollback()
            return done == number
    except (IntegrityError, DataError):
        return False


def _hold_records(connection: sa.Connection, entity: DataEntity, target: Target, which: ColumnElement[bool]) -> None:
    """Always in the order of their keys."""
    if target.dialect == "sqlite":
        return
    order = [target.columns[name].column for name in target.key]
    rows = sa.select(selection.c.change_id).join_from(selection, target.table, same_record(entity, target, selection))
    held = rows.where(which).order_by(*order).with_for_update(of=target.table).subquery()
    connection.execute(sa.select(sa.func.count()).select_from(held))


def is_stored(entity: DataEntity, target: Target, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    """The selected change's record exists, and `which` holds of it."""
    stored = sa.select(sa.literal(1)).select_from(target.table).where(same_record(entity, target, selection), *which)
    return sa.exists(stored.correlate(selection))


def _current(column: TargetColumn, dialect: str) -> ColumnElement[Any]:
    return canonical(column.stored, column, dialect)


def typed(text: ColumnElement[Any], column: TargetColumn, dialect: str) -> ColumnElement[Any]:
    """Canonical text in the type of the target's column."""
    if column.physical is Physical.TEXT:
        return text
    if column.field.kind is ValueKind.BOOLEAN and (column.physical is Physical.INTEGER or dialect == "sqlite"):
        return sa.case((text == "true", 1), (text == "false", 0))
    if dialect == "sqlite":
        return sa.cast(text, sa.REAL) if column.field.kind is ValueKind.DECIMAL else _sqlite_other(text, column)
    return sa.cast(text, column.column.type)


def _sqlite_other(text: ColumnElement[Any], column: TargetColumn) -> ColumnElement[Any]:
    return sa.cast(text, sa.Integer) if column.field.kind is ValueKind.INTEGER else text


def _update(entity: DataEntity, target: Target, fields: list[str], which: ColumnElement[bool]) -> sa.Update:
    """Each record once, and only where it has the values that the changes were made against."""
    records = _records(fields, which)
    unmoved, values = [], {}
    for field in fields:
        column, given = target.columns[field], records.c[f"given_{field}"] == 1
        current = _current(column, target.dialect)
        unmoved.append(sa.or_(sa.not_(given), current.is_not_distinct_from(records.c[f"original_{field}"])))
        new = typed(records.c[f"proposed_{field}"], column, target.dialect)
        values[column.column] = sa.case((given, new), else_=column.column)
    return sa.update(target.table).values(values).where(same_record(entity, target, records), *unmoved)


def _records(fields: list[str], which: ColumnElement[bool]) -> sa.Subquery:
    """One row a record: key, and for each field `given_…` (1 or 0), `original_…`, `proposed_…`."""
    keys = [selection.c[name] for name in KEYS]
    if len(fields) == 1:  # of one field a record has one open change at most
        values = [sa.literal(1).label(f"given_{fields[0]}")]
        values += [selection.c[name].label(f"{name}_{fields[0]}") for name in ("original", "proposed")]
        return sa.select(*keys, *values).where(which).subquery("records")
    columns: list[Any] = []
    for field in fields:
        here = selection.c.field == field
        columns.append(sa.func.max(sa.case((here, 1), else_=0)).label(f"given_{field}"))
        columns += [
            sa.func.max(sa.case((here, selection.c[name]))).label(f"{name}_{field}")
            for name in ("original", "proposed")
        ]
    return sa.select(*keys, *columns).where(which).group_by(*keys).subquery("records")


def in_halves(
    connection: sa.Connection, which: ColumnElement[bool], statement: Callable[[ColumnElement[bool]], sa.Executable]
) -> None:
    """One statement for all; the proposals of which the database refuses something are found by halving and marked."""
    number = selection.c.proposal_id
    low, high = connection.execute(sa.select(sa.func.min(number), sa.func.max(number)).where(which)).one()
    pending = [] if low is None else [(low, high)]
    while pending:
        low, high = pending.pop()
        part = sa.and_(which, number.between(low, high))
        try:
            with connection.begin_nested():
                connection.execute(statement(part))
        except (IntegrityError, DataError) as error:
            if low == high:
                mark(connection, REFUSED, f"the database refuses it: {reason(error)}", part)
            else:
                middle = (low + high) // 2
                pending += [(middle + 1, high), (low, middle)]
