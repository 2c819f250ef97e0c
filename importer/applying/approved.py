"""Approved values become rows of the target, in the transaction of the last decision.

A value is written only where the record still has the original value; otherwise the change is in conflict. A proposal
of kind `create` inserts its record as a whole, unless the key exists by then.
"""

from __future__ import annotations

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


def write_approved(connection: sa.Connection, entity: DataEntity, target: Target) -> None:
    """Writes what is approved for good; what can't be written is marked as conflict or refused."""
    fields = _fields(connection, entity)
    if not _all_stand(connection, entity, target, fields):
        _mark_conflicts(connection, entity, target, fields)
    for field in fields:
        _in_halves(connection, sa.and_(final(entity), selection.c.field == field), _update(entity, target, field))
    _insert_records(connection, entity, target)


def _fields(connection: sa.Connection, entity: DataEntity) -> list[str]:
    """Fields of existing records of which a value is approved for good."""
    changes = sa.select(selection.c.field).where(final(entity), selection.c.kind == "change")
    return entity.in_order(connection.scalars(changes.distinct()))


def _all_stand(connection: sa.Connection, entity: DataEntity, target: Target, fields: list[str]) -> bool:
    """Locks the records of the changes, and tells whether each has the original value still."""
    if not target.exists or not fields:
        return False
    cases = [(selection.c.field == field, _current(target.columns[field], target.dialect)) for field in fields]
    moved = sa.case(*cases).is_distinct_from(selection.c.original)
    rows = (
        sa.select(selection.c.change_id, sa.case((moved, 1), else_=0).label("moved"))
        .join_from(selection, target.table, same_record(entity, target, selection))
        .where(final(entity), selection.c.kind == "change")
    )
    if target.dialect != "sqlite":
        rows = rows.order_by(*(target.columns[name].column for name in target.key)).with_for_update(of=target.table)
    locked = rows.subquery()
    found = sa.select(sa.func.count(locked.c.change_id.distinct()), sa.func.sum(locked.c.moved))
    wanted = connection.scalar(sa.select(sa.func.count()).select_from(selection).where(final(entity)))
    return tuple(connection.execute(found).one()) == (wanted, 0)


def _mark_conflicts(connection: sa.Connection, entity: DataEntity, target: Target, fields: list[str]) -> None:
    if not target.exists:
        mark(connection, CONFLICT, "the record is gone", final(entity), selection.c.kind == "change")
        return
    stored = sa.select(sa.literal(1)).select_from(target.table).where(same_record(entity, target, selection))
    exists = sa.exists(stored.correlate(selection))
    mark(connection, CONFLICT, "the record is gone", final(entity), selection.c.kind == "change", sa.not_(exists))
    mark(
        connection,
        CONFLICT,
        "a record with this key exists by now",
        final(entity),
        selection.c.kind == "create",
        exists,
    )
    for field in fields:
        now = _current(target.columns[field], target.dialect)
        moved = stored.where(now.is_distinct_from(selection.c.original))
        why = "the record has another value than the one the change was made against"
        mark(
            connection, CONFLICT, why, final(entity), selection.c.field == field, sa.exists(moved.correlate(selection))
        )


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


def _update(entity: DataEntity, target: Target, field: str) -> Any:
    column = target.columns[field]

    def statement(which: ColumnElement[bool]) -> sa.Update:
        value = typed(selection.c.proposed, column, target.dialect)
        return (
            sa.update(target.table).values({column.column: value}).where(same_record(entity, target, selection), which)
        )

    return statement


def _in_halves(connection: sa.Connection, which: ColumnElement[bool], statement: Any) -> None:
    """One statement for all; where the database refuses some, they are found by halving and marked."""
    ids = sa.select(sa.func.min(selection.c.change_id), sa.func.max(selection.c.change_id)).where(which)
    low, high = connection.execute(ids).one()
    pending = [] if low is None else [(low, high)]
    while pending:
        low, high = pending.pop()
        part = sa.and_(which, selection.c.change_id.between(low, high))
        try:
            with connection.begin_nested():
                connection.execute(statement(part))
        except (IntegrityError, DataError) as error:
            if low == high:
                mark(connection, REFUSED, f"the database refuses the value: {reason(error)}", part)
            else:
                middle = (low + high) // 2
                pending += [(middle + 1, high), (low, middle)]


def _insert_records(connection: sa.Connection, entity: DataEntity, target: Target) -> None:
    """New records, one by one proposal: their fields are decided as a whole."""
    creating = final(entity), selection.c.kind == "create"
    numbers = connection.scalars(
        sa.select(selection.c.proposal_id).where(*creating).distinct().order_by(selection.c.proposal_id)
    ).all()
    if numbers and not target.exists:
        target.table.create(connection, checkfirst=True)
    for number in numbers:
        of_proposal = sa.and_(*creating, selection.c.proposal_id == number)
        try:
            with connection.begin_nested():
                connection.execute(_insert(connection, entity, target, number))
        except (IntegrityError, DataError) as error:
            mark(connection, REFUSED, f"the database refuses the record: {reason(error)}", of_proposal)


def _insert(connection: sa.Connection, entity: DataEntity, target: Target, number: int) -> sa.Insert:
    rows = connection.execute(
        sa.select(selection.c.field, selection.c.proposed, *(selection.c[name] for name in KEYS)).where(
            selection.c.proposal_id == number, selection.c.fate.is_(None)
        )
    ).all()
    values = {row.field: row.proposed for row in rows}
    values |= {name: rows[0]._mapping[key] for name, key in zip(entity.key, KEYS, strict=False)}
    return sa.insert(target.table).values(
        {
            target.columns[name].column: typed(sa.literal(text, sa.Text), target.columns[name], target.dialect)
            for name, text in values.items()
        }
    )
