"""Would the record pass its checks with the approved values alone? If not, which changes belong together?"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from importer.applying.approved import final
from importer.entity import DataEntity
from importer.storage import control
from importer.storage.columns import insert_columns, read_texts
from importer.storage.control import KEYS, is_open
from importer.storage.selection import REFUSED, mark, same_record, selection
from importer.storage.target import Target, canonical
from importer.validation.across import CrossCheck, cross_checks, failing
from importer.validation.numbers import arrow_type

_change = control.proposed_change
_RECORD = ("entity", *KEYS)

_invalid = sa.Table(
    "importer_invalid",
    sa.MetaData(),
    *(sa.Column(name, sa.Text, primary_key=True) for name in KEYS),
    sa.Column("why", sa.Text, nullable=False),
    prefixes=["TEMPORARY"],
)


def refuse_invalid_records(connection: sa.Connection, entity: DataEntity, target: Target) -> None:
    """Decisions that would leave an invalid record are refused, naming the changes that belong together."""
    checks = cross_checks(entity)
    fields = entity.in_order(field for check in checks for field in check.fields)
    if not any(field in _fields_decided(connection, entity) for field in fields):
        return
    found: list[tuple[str, ...]] = []
    for keys, now, all_open in _records(connection, entity, target, fields):
        alone = failing(entity, now)
        together = failing(entity, all_open)
        for index in pc.indices_nonzero(pc.is_valid(alone)).to_pylist():
            why = _why(entity, checks, alone[index].as_py(), together[index].as_py())
            found.append((*keys[index], why))
    if found:
        _refuse(connection, entity, found)


def _refuse(connection: sa.Connection, entity: DataEntity, found: list[tuple[str, ...]]) -> None:
    """`found`: key and sentence of each invalid record."""
    _invalid.create(connection)
    names = [column.name for column in _invalid.columns]
    insert_columns(connection, _invalid, pa.table(dict(zip(names, zip(*found, strict=True), strict=True))))
    same = [_invalid.c[name] == selection.c[name] for name in KEYS]
    why = sa.select(_invalid.c.why).where(*same).scalar_subquery()
    mark(connection, REFUSED, why, final(entity), sa.exists().where(*same))
    _invalid.drop(connection)


def _fields_decided(connection: sa.Connection, entity: DataEntity) -> set[str]:
    return set(connection.scalars(sa.select(selection.c.field).where(final(entity)).distinct()))


def _records(connection: sa.Connection, entity: DataEntity, target: Target, fields: list[str]) -> Any:
    """Keys, records with the approved values, records with every open change approved."""
    records = _with_open(_decided(entity, fields), fields).subquery("records")
    columns: list[Any] = [records.c[name] for name in KEYS]
    for field in fields:
        stored = _stored(entity, target, field, records)
        columns.append(_first(records, f"decided_{field}", stored).label(f"n_{field}"))
        columns.append(_first(records, f"open_{field}", stored).label(f"o_{field}"))
    select = sa.select(*columns).select_from(records)
    if target.exists:
        select = select.outerjoin(target.table, same_record(entity, target, records))
    for table in read_texts(connection, select):
        values = zip(*(table[name].to_pylist() for name in KEYS), strict=True)
        yield list(values), _typed(entity, table, fields, "n_"), _typed(entity, table, fields, "o_")


def _decided(entity: DataEntity, fields: list[str]) -> sa.Subquery:
    """One row a record: the approved value of each field, and whether there is one."""
    record = [selection.c[name] for name in _RECORD]
    values = [value for field in fields for value in _value(selection, field, f"decided_{field}")]
    return sa.select(*record, *values).where(final(entity)).group_by(*record).subquery("decided")


def _with_open(decided: sa.Subquery, fields: list[str]) -> sa.Select[Any]:
    """The same with the proposed value of every open change of these records."""
    record = [decided.c[name] for name in _RECORD]
    kept = [sa.func.max(column).label(column.name) for column in decided.columns if column.name not in _RECORD]
    values = [value for field in fields for value in _value(_change, field, f"open_{field}")]
    same = sa.and_(*(column == _change.c[column.name] for column in record))
    joined = sa.select(*record, *kept, *values).join_from(decided, _change, same)
    return joined.where(is_open(_change.c.status)).group_by(*record)


def _value(table: Any, field: str, name: str) -> tuple[sa.Label[Any], sa.Label[int]]:
    here = table.c.field == field
    value = sa.func.max(sa.case((here, table.c.proposed))).label(name)
    return value, sa.func.max(sa.case((here, 1), else_=0)).label(f"has_{name}")


def _first(records: sa.Subquery, name: str, stored: Any) -> sa.ColumnElement[Any]:
    """The proposed value where there is one, also where it is blank; else the stored one."""
    return sa.case((records.c[f"has_{name}"] == 1, records.c[name]), else_=stored)


def _stored(entity: DataEntity, target: Target, field: str, records: Any) -> Any:
    if field in entity.key:
        return records.c[KEYS[entity.key.index(field)]]
    if not target.exists:
        return sa.cast(sa.null(), sa.Text)
    return canonical(target.columns[field].stored, target.columns[field], target.dialect)


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
