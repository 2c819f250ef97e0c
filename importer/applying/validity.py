"""Would the record pass its checks with the approved values alone? If not, which changes belong together?"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from importer.applying.approved import final
from importer.entity import DataEntity
from importer.storage import control
from importer.storage.columns import read_texts
from importer.storage.control import KEYS, is_open
from importer.storage.selection import REFUSED, mark, same_record, selection
from importer.storage.target import Target, canonical
from importer.validation.across import CrossCheck, cross_checks, failing
from importer.validation.numbers import arrow_type

_change = control.proposed_change


def refuse_invalid_records(connection: sa.Connection, entity: DataEntity, target: Target) -> None:
    """Decisions that would leave an invalid record are refused, naming the changes that belong together."""
    checks = cross_checks(entity)
    fields = entity.in_order(field for check in checks for field in check.fields)
    if not any(field in _fields_decided(connection, entity) for field in fields):
        return
    for keys, now, all_open in _records(connection, entity, target, fields):
        alone = failing(entity, now)
        together = failing(entity, all_open)
        for index in pc.indices_nonzero(pc.is_valid(alone)).to_pylist():
            why = _why(entity, checks, alone[index].as_py(), together[index].as_py())
            here = [selection.c[name] == value for name, value in zip(KEYS, keys[index], strict=False)]
            mark(connection, REFUSED, why, final(entity), *here)


def _fields_decided(connection: sa.Connection, entity: DataEntity) -> set[str]:
    return set(connection.scalars(sa.select(selection.c.field).where(final(entity)).distinct()))


def _records(connection: sa.Connection, entity: DataEntity, target: Target, fields: list[str]) -> Any:
    """Keys, records with the approved values, records with every open change approved."""
    keys = [selection.c[name] for name in KEYS]
    records = sa.select(selection.c.entity, *keys).where(final(entity)).distinct().subquery("records")
    columns: list[Any] = [records.c[name] for name in KEYS]
    for field in fields:
        stored = _stored(entity, target, field, records)
        decided = _proposed(records, field, selection, selection.c.fate.is_(None), final(entity))
        waiting = _proposed(records, field, _change, is_open(_change.c.status))
        columns.append(_first(decided, stored).label(f"n_{field}"))
        columns.append(_first(waiting, stored).label(f"o_{field}"))
    select = sa.select(*columns).select_from(records)
    if target.exists:
        select = select.outerjoin(target.table, same_record(entity, target, records))
    for table in read_texts(connection, select):
        values = zip(*(table[name].to_pylist() for name in KEYS), strict=True)
        yield list(values), _typed(entity, table, fields, "n_"), _typed(entity, table, fields, "o_")


def _stored(entity: DataEntity, target: Target, field: str, records: Any) -> Any:
    if field in entity.key:
        return records.c[KEYS[entity.key.index(field)]]
    if not target.exists:
        return sa.cast(sa.null(), sa.Text)
    return canonical(target.columns[field].stored, target.columns[field], target.dialect)


def _proposed(records: Any, field: str, table: Any, *which: sa.ColumnElement[bool]) -> Any:
    same = [table.c[name] == records.c[name] for name in ("entity", *KEYS)]
    return sa.select(table.c.proposed).where(*same, table.c.field == field, *which).limit(1)


def _first(proposed: Any, stored: Any) -> sa.ColumnElement[Any]:
    """The proposed value where there is one, also where it is blank; else the stored one."""
    return sa.case((proposed.exists(), proposed.scalar_subquery()), else_=stored)


def _typed(entity: DataEntity, table: pa.Table, fields: list[str], prefix: str) -> pa.Table:
    return pa.table(
        {name: pc.cast(table[prefix + name], arrow_type(entity.by_name[name])).combine_chunks() for name in fields}
    )


def _why(entity: DataEntity, checks: tuple[CrossCheck, ...], alone: str, together: str | None) -> str:
    broken = [checks[int(number)] for number in alone.split()]
    still = set((together or "").split())
    sentences = "; ".join(check.message for check in broken)
    helped = [check for check in broken if str(check.number) not in still]
    if not helped:
        return f"the record would be invalid: {sentences}"
    fields = ", ".join(entity.in_order(field for check in helped for field in check.fields))
    return f"the record would be invalid with this change alone: {sentences}. Decide together on {fields}"
