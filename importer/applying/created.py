"""Approved new records are inserted: each proposal of kind `create` as a whole, unless its key exists by then."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.applying.approved import final, in_halves, is_stored, typed
from importer.entity import DataEntity
from importer.storage.control import KEYS
from importer.storage.selection import CONFLICT, mark, selection
from importer.storage.target import Target, TargetColumn


def insert_approved(connection: sa.Connection, entity: DataEntity, target: Target) -> bool:
    """Inserts what is approved for good, if anything is; what can't be inserted is marked as conflict or refused."""
    creating = sa.and_(final(entity), selection.c.kind == "create")
    fields = entity.in_order(connection.scalars(sa.select(selection.c.field).where(creating).distinct()))
    if not fields:
        return False
    if target.exists:
        mark(connection, CONFLICT, "a record with this key exists by now", creating, is_stored(entity, target))
    else:
        target.table.create(connection, checkfirst=True)
    given = [field for field in fields if field not in entity.key]
    in_halves(connection, creating, lambda which: _insert(entity, target, given, which))
    return True


def _insert(entity: DataEntity, target: Target, fields: list[str], which: ColumnElement[bool]) -> sa.Insert:
    """One row a proposal."""
    keys = [selection.c[name] for name in KEYS]
    values = [sa.func.max(sa.case((selection.c.field == name, selection.c.proposed))).label(name) for name in fields]
    records = sa.select(*keys, *values).where(which).group_by(selection.c.proposal_id, *keys).subquery("records")
    texts = dict(zip(entity.key, (records.c[name] for name in KEYS), strict=False))
    texts |= {name: records.c[name] for name in fields}
    rows = {target.columns[name].column: _value(text, target.columns[name], target) for name, text in texts.items()}
    return sa.insert(target.table).from_select([column.name for column in rows], sa.select(*rows.values()))


def _value(text: ColumnElement[str], column: TargetColumn, target: Target) -> ColumnElement[Any]:
    """A field that a proposal doesn't give gets the column's own default."""
    value = typed(text, column, target.dialect)
    default = getattr(column.column.server_default, "arg", None)
    return value if default is None else sa.func.coalesce(value, default)
