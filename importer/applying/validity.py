"""Which records have become invalid by approved values alone? And which changes belong together?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, cast

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

_invalid = sa.Table(
    "importer_invalid",
    sa.MetaData(),
    *(sa.Column(name, sa.Text, primary_key=True) for name in KEYS),
    sa.Column("why", sa.Text, nullable=False),
    prefixes=["TEMPORARY"],
)


Invalid = list[tuple[str, ...]]
"""`key_1 … key_4` of a record, and the numbers of the checks that it fails: '0 2'."""


def invalid_records(connection: sa.Connection, entity: DataEntity, target: Target) -> Invalid:
    """Records that fail their checks now that the approved values are written."""
    fields = _fields(entity)
    decided = final(entity), selection.c.field.in_(fields)
    if connection.execute(sa.select(selection.c.change_id).where(*decided).limit(1)).first() is None:
        return []
    written = replace(target, exists=True)
    records = sa.select(*(selection.c[name] for name in KEYS)).where(*decided).subquery("records")
    if not any(numbers.null_count < len(numbers) for _, numbers in _checked(connection, entity, written, records, ())):
        return []
    found: dict[tuple[str, ...], str] = {}
    for table, numbers in _checked(connection, entity, written, records, KEYS):
        bad = pc.is_valid(numbers)
        keys = zip(*(table[name].filter(bad).to_pylist() for name in KEYS), strict=True)
        found |= zip(keys, numbers.filter(bad).to_pylist(), strict=True)
    return [(*key, numbers) for key, numbers in found.items()]


def refuse(connection: sa.Connection, entity: DataEntity, target: Target, invalid: Invalid) -> None:
    """Decisions that would leave an invalid record are refused, naming the changes that belong together."""
    checks = cross_checks(entity)
    _invalid.create(connection)
    _fill(connection, invalid)
    together = dict(_together(connection, entity, target))
    connection.execute(sa.delete(_invalid))
    _fill(connection, [(*keys, _why(entity, checks, numbers, together.get(tuple(keys)))) for *keys, numbers in invalid])
    same = [_invalid.c[name] == selection.c[name] for name in KEYS]
    why = sa.select(_invalid.c.why).where(*same).scalar_subquery()
    mark(connection, REFUSED, why, final(entity), sa.exists().where(*same))
    _invalid.drop(connection)


def _fill(connection: sa.Connection, rows: Invalid) -> None:
    insert_columns(connection, _invalid, pa.table([*zip(*rows, strict=True)], names=[*KEYS, "why"]))


def _fields(entity: DataEntity) -> list[str]:
    return entity.in_order({field for check in cross_checks(entity) for field in check.fields})


def _together(connection: sa.Connection, entity: DataEntity, target: Target) -> Iterator[tuple[tuple[str, ...], str]]:
    """Which checks those records would fail still with every open change approved."""
    fields = _fields(entity)
    same = (_invalid.c[name] == _change.c[name] for name in KEYS)
    record = [_change.c[name] for name in KEYS]
    values = [value for field in fields for value in _value(field)]
    here = _change.c.entity == entity.name, is_open(_change.c.status), sa.exists().where(*same)
    records = sa.select(*record, *values).where(*here).group_by(*record).subquery("records")
    for table, numbers in _checked(connection, entity, target, records, KEYS):
        keys = zip(*(table[name].to_pylist() for name in KEYS), strict=True)
        yield from ((key, number) for key, number in zip(keys, numbers.to_pylist(), strict=True) if number)


def _value(field: str) -> tuple[sa.Label[Any], sa.Label[int]]:
    here = _change.c.field == field
    value = sa.func.max(sa.case((here, _change.c.proposed))).label(field)
    return value, sa.func.max(sa.case((here, 1), else_=0)).label(f"has_{field}")


def _checked(
    connection: sa.Connection, entity: DataEntity, target: Target, records: sa.Subquery, names: Collection[str]
) -> Iterator[tuple[pa.Table, pa.Array]]:
    """Columns `names` of `records`, and the checks that each fails with its stored values or those that it brings."""
    fields = _fields(entity)
    values = [_first(records, field, _stored(entity, target, field, records)).label(f"n_{field}") for field in fields]
    select = sa.select(*(records.c[name] for name in names), *values).select_from(records)
    if target.exists:
        select = select.outerjoin(target.table, same_record(entity, target, records))
    for table in read_texts(connection, select):
        yield table, failing(entity, _typed(entity, table, fields))


def _first(records: sa.Subquery, field: str, stored: Any) -> sa.ColumnElement[Any]:
    """The proposed value where there is one, also where it is blank; else the stored one."""
    if field not in records.c:
        return cast("sa.ColumnElement[Any]", stored)
    return sa.case((records.c[f"has_{field}"] == 1, records.c[field]), else_=stored)


def _stored(entity: DataEntity, target: Target, field: str, records: Any) -> Any:
    if field in entity.key:
        return records.c[KEYS[entity.key.index(field)]]
    if not target.exists:
        return sa.cast(sa.null(), sa.Text)
    return canonical(target.columns[field].stored, target.columns[field], target.dialect)


def _typed(entity: DataEntity, table: pa.Table, fields: list[str]) -> pa.Table:
    columns = {name: table[f"n_{name}"].combine_chunks() for name in fields}
    return pa.table({name: pc.cast(column, arrow_type(entity.by_name[name])) for name, column in columns.items()})


def _why(entity: DataEntity, checks: tuple[CrossCheck, ...], alone: str, together: str | None) -> str:
    broken = [checks[int(number)] for number in alone.split()]
    still = set((together or "").split())
    sentences = "; ".join(check.message for check in broken)
    helped = [check for check in broken if str(check.number) not in still]
    if not helped:
        return f"the record would be invalid: {sentences}"
    fields = ", ".join(entity.in_order(field for check in helped for field in check.fields))
    return f"the record would be invalid with this change alone: {sentences}. Decide together on {fields}"
