"""What the target would refuse: NOT NULL, length, digits, foreign keys, unique constraints, tested as sets.

Each becomes a `constraint_violation` of the plan. What only the database itself can tell (CHECK, triggers) is found
when the plan is applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from importer.storage.context import RunContext
from importer.storage.expressions import message
from importer.storage.target import TargetColumn
from importer.vocabulary import PROPOSING, WRITING, RejectionCode

_CODE = RejectionCode.CONSTRAINT_VIOLATION
_STORING = tuple(str(action) for action in (*WRITING, *PROPOSING))


def refuse_violations(plan: RunContext, inserted: Mapping[str, ColumnElement[Any]]) -> None:
    """`inserted`: for each staged field the value that a new record gets (defaults filled in)."""
    if not plan.target.exists:
        return
    _refuse_nulls_elsewhere(plan)
    for field, column in plan.target.columns.items():
        _refuse_nulls(plan, field, column, inserted)
        if field in plan.space.values:
            _refuse_lengths(plan, field, column, inserted)
            _refuse_digits(plan, field, column, inserted)
    for number, key in enumerate(plan.target.foreign_keys):
        _refuse_unknown_references(plan, key, inserted, number)
    for columns in plan.target.unique:
        _refuse_taken_values(plan, columns, inserted)


def _new_rows(plan: RunContext) -> sa.Select[Any]:
    stage, fresh = plan.space.stage, plan.space.fresh
    return sa.select(stage.c["_row"]).join_from(fresh, stage, stage.c["_row"] == fresh.c["_row"])


def _changed_rows(plan: RunContext, field: str) -> sa.Select[Any]:
    return sa.select(plan.space.diff.c["_row"]).where(plan.space.action(field).in_(_STORING))


def _because(text: str) -> ColumnElement[str]:
    return message(_CODE, limit=text)


def _has_default(column: sa.Column[Any]) -> bool:
    numbered = column.primary_key and isinstance(column.type, sa.Integer)
    return bool(column.server_default or column.identity or column.computed or numbered)


def _refuse_nulls_elsewhere(plan: RunContext) -> None:
    """Columns of the table that are no fields: a new record can't fill them."""
    for column in plan.target.other_columns:
        if not column.nullable and not _has_default(column):
            text = f"the column {column.name} of the table must be filled, and no field brings it"
            plan.refuse(_new_rows(plan), _CODE, _because(text))


def _refuse_nulls(
    plan: RunContext, field: str, column: TargetColumn, inserted: Mapping[str, ColumnElement[Any]]
) -> None:
    if column.column.nullable or field in plan.target.key or field in plan.entity.required:
        return
    sentence = _because(f"the column {column.column.name} must not be empty")
    if not _has_default(column.column):
        rows = _new_rows(plan)
        plan.refuse(rows.where(inserted[field].is_(None)) if field in inserted else rows, _CODE, sentence, field=field)
    if field in plan.space.values:
        emptied = _changed_rows(plan, field).where(plan.space.new(field).is_(None))
        plan.refuse(emptied, _CODE, sentence, field=field)


def _refuse_lengths(
    plan: RunContext, field: str, column: TargetColumn, inserted: Mapping[str, ColumnElement[Any]]
) -> None:
    declared = column.field.max_length
    if column.max_length is None or (declared is not None and declared <= column.max_length):
        return
    sentence = _because(f"the column {column.column.name} holds at most {column.max_length} characters")
    for rows, value in _values(plan, field, inserted):
        too_long = sa.func.length(value) > column.max_length
        plan.refuse(rows.where(too_long), _CODE, sentence, field=field, value=plan.canonical(value, field))


def _refuse_digits(
    plan: RunContext, field: str, column: TargetColumn, inserted: Mapping[str, ColumnElement[Any]]
) -> None:
    if column.digits is None:
        return
    precision, scale = column.digits
    if column.field.scale <= scale and column.field.precision - column.field.scale <= precision - scale:
        return
    sentence = _because(f"the column {column.column.name} holds {precision - scale} digits and {scale} decimals")
    for rows, value in _values(plan, field, inserted):
        bound: ColumnElement[Any] = sa.literal_column(str(10 ** (precision - scale)))
        misfit = sa.or_(sa.func.abs(value) >= bound, sa.func.round(value, scale) != value)
        plan.refuse(rows.where(misfit), _CODE, sentence, field=field, value=plan.canonical(value, field))


def _values(
    plan: RunContext, field: str, inserted: Mapping[str, ColumnElement[Any]]
) -> list[tuple[sa.Select[Any], ColumnElement[Any]]]:
    """Rows that would store a value in `field`, and the value: new records, then changed ones."""
    return [(_new_rows(plan), inserted[field]), (_changed_rows(plan, field), plan.space.new(field))]


def _planned(
    plan: RunContext,
    fields: list[str],
    inserted: Mapping[str, ColumnElement[Any]],
    actions: tuple[str, ...],
) -> Subquery:
    """Row, key and the values that `fields` will have, for every row that stores one of them."""
    stage, diff = plan.space.stage, plan.space.diff
    new = _new_rows(plan).where(sa.not_(plan.is_refused(stage.c["_row"])))
    parts = [
        new.with_only_columns(
            stage.c["_row"],
            *(stage.c[name].label(f"key_{name}") for name in plan.target.key),
            *(inserted.get(name, sa.null()).label(f"value_{name}") for name in fields),
            maintain_column_froms=True,
        )
    ]
    touched = [name for name in fields if name in plan.space.values]
    if touched:
        changed = (
            sa.select(
                diff.c["_row"],
                *(diff.c[name].label(f"key_{name}") for name in plan.target.key),
                *(_later(plan, name, actions).label(f"value_{name}") for name in fields),
            )
            .join_from(diff, plan.target.table, plan.same_key(diff))
            .where(sa.or_(*(plan.space.action(name).in_(actions) for name in touched)))
            .where(sa.not_(plan.is_refused(diff.c["_row"])))
        )
        parts.append(changed)
    return sa.union_all(*parts).subquery("planned")


def _later(plan: RunContext, field: str, actions: tuple[str, ...]) -> ColumnElement[Any]:
    if field in plan.space.values:
        stored = plan.target.columns[field].stored
        return sa.case((plan.space.action(field).in_(actions), plan.space.new(field)), else_=stored)
    if field in plan.target.key:
        return plan.space.diff.c[field]
    return plan.target.columns[field].stored


def _fields_of(plan: RunContext, columns: list[str] | tuple[str, ...]) -> list[str] | None:
    """The fields in these columns; None where one is no field, or none is staged, so that nothing can break."""
    by_column = {column.column.name: field for field, column in plan.target.columns.items()}
    fields = [by_column.get(name) for name in columns]
    found = [field for field in fields if field is not None]
    if len(found) < len(fields) or not any(field in plan.space.fields for field in found):
        return None
    return found


def _refuse_unknown_references(
    plan: RunContext, key: dict[str, Any], inserted: Mapping[str, ColumnElement[Any]], number: int
) -> None:
    fields = _fields_of(plan, key["constrained_columns"])
    if fields is None:
        return
    planned = _planned(plan, fields, inserted, _STORING)
    referred = _referred_table(plan, key)
    other = referred.alias(f"referred_{number}")
    pairs = list(zip(fields, key["referred_columns"], strict=True))
    known = sa.exists().where(*(other.c[name] == planned.c[f"value_{field}"] for field, name in pairs))
    rows = sa.select(planned.c["_row"]).where(
        *(planned.c[f"value_{field}"].is_not(None) for field in fields), sa.not_(known)
    )
    if referred is plan.target.table:
        rows = rows.where(sa.not_(_is_new_too(plan, planned, pairs)))
    field = next(name for name in reversed(fields) if name not in plan.target.key or name == fields[-1])
    sentence = _because(f"the table {key['referred_table']} has no such {plan.entity.by_name[field].title}")
    value = plan.canonical(planned.c[f"value_{field}"], field)
    plan.refuse(rows, _CODE, sentence, field=field, value=value)


def _referred_table(plan: RunContext, key: dict[str, Any]) -> sa.Table:
    name, schema = key["referred_table"], key.get("referred_schema")
    if name == plan.target.table.name and schema == plan.target.table.schema:
        return plan.target.table
    columns: list[Any] = [sa.Column(column) for column in key["referred_columns"]]
    return sa.Table(name, sa.MetaData(), *columns, schema=schema)


def _is_new_too(plan: RunContext, planned: Subquery, pairs: list[tuple[str, str]]) -> ColumnElement[bool]:
    """A table that refers to itself: the record referred to may come with this very file."""
    by_column = {column.column.name: field for field, column in plan.target.columns.items()}
    stage, fresh = plan.space.stage.alias("referred_stage"), plan.space.fresh.alias("referred_fresh")
    referred = [(field, by_column.get(name, "")) for field, name in pairs]
    if any(name not in plan.space.fields for _, name in referred):
        return sa.false()
    return sa.exists().where(
        fresh.c["_row"] == stage.c["_row"],
        sa.not_(plan.is_refused(fresh.c["_row"])),
        *(stage.c[name] == planned.c[f"value_{field}"] for field, name in referred),
    )


def _refuse_taken_values(
    plan: RunContext, columns: tuple[str, ...], inserted: Mapping[str, ColumnElement[Any]]
) -> None:
    fields = _fields_of(plan, columns)
    if fields is None or set(fields) <= set(plan.target.key):
        return
    planned = _planned(plan, fields, inserted, tuple(str(action) for action in WRITING))
    field = next(name for name in reversed(fields) if name not in plan.target.key)
    value = plan.canonical(planned.c[f"value_{field}"], field)
    title, names = plan.entity.by_name[field].title, ", ".join(columns)
    same_value = [plan.target.columns[name].column == planned.c[f"value_{name}"] for name in fields]
    other_record = sa.or_(*(plan.target.columns[name].column != planned.c[f"key_{name}"] for name in plan.target.key))
    taken = sa.select(planned.c["_row"]).where(sa.exists().where(*same_value, other_record).correlate(planned))
    plan.refuse(
        taken, _CODE, _because(f"another record has this {title} already (unique: {names})"), field=field, value=value
    )
    values = [planned.c[f"value_{name}"] for name in fields]
    twice = (
        sa.select(*values)
        .where(*(column.is_not(None) for column in values))
        .group_by(*values)
        .having(sa.func.count() > 1)
        .subquery("twice")
    )
    alike = sa.and_(*(twice.c[f"value_{name}"] == planned.c[f"value_{name}"] for name in fields))
    rows = sa.select(planned.c["_row"]).join_from(planned, twice, alike)
    plan.refuse(
        rows,
        _CODE,
        _because(f"several rows of the file bring this {title} (unique: {names})"),
        field=field,
        value=value,
    )
