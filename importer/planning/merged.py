"""Checks across fields on the record as it would be: stored now, and with the proposed values (rule 1).

Only rows that change an existing record (or propose a new one) are looked at, in batches of columns. New records
that are written were checked with their row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from importer.planning.behavior import Treatments
from importer.planning.open_changes import settle_open_changes
from importer.storage.columns import insert_columns, read_texts
from importer.storage.context import RunContext
from importer.storage.decided import fields_with, set_action
from importer.validation.across import CrossCheck, cross_checks, failing
from importer.validation.catalogue import explain
from importer.validation.numbers import arrow_type
from importer.vocabulary import PROPOSING, WRITING, Action, Effect, RejectionCode, Says


def check_merged_records(
    plan: RunContext, treatments: Treatments, incomplete: Collection[str], *, fails_across: bool
) -> None:
    """Rejects rows whose record would be invalid; where only the approved state is valid, all is proposed along.

    `incomplete`: fields that a row of the file leaves without a value; `fails_across`: whether a row fails by itself.
    """
    checks = cross_checks(plan.entity)
    if not checks or not _has_rows(plan):
        return
    fields = _needed(plan, checks)
    doubt = fails_across or not set(fields).isdisjoint(incomplete)
    if _check_once(plan, checks, fields, may_propose=treatments.may_propose, doubt=doubt):
        _propose_along(plan)
        settle_open_changes(plan, treatments)
        _check_once(plan, checks, fields, may_propose=True, doubt=doubt, again=True)


def _has_rows(plan: RunContext) -> bool:
    return plan.connection.execute(sa.select(plan.space.diff.c["_row"]).limit(1)).first() is not None


def _needed(plan: RunContext, checks: tuple[CrossCheck, ...]) -> list[str]:
    return plan.entity.in_order(field for check in checks for field in check.fields)


def _check_once(
    plan: RunContext,
    checks: tuple[CrossCheck, ...],
    fields: list[str],
    *,
    may_propose: bool,
    doubt: bool,
    again: bool = False,
) -> int:
    """Gives how many rows are to be proposed along. `again`: only those rows, and only with all approved."""
    refused: list[dict[str, Any]] = []
    along: list[int] = []
    for rows, now, later, is_new in _states(plan, fields, may_propose=may_propose, doubt=doubt, again=again):
        fails_later = pa.nulls(len(rows), pa.string()) if later is None else failing(plan.entity, later)
        fails_now = fails_later if again or now is later else failing(plan.entity, now)
        for index in _marked(fails_now, fails_later):
            if fails_later[index].is_valid:
                refused += _reasons(plan, checks, rows[index], fails_later[index].as_py())
            elif not is_new[index]:
                along.append(rows[index])
    _insert_reasons(plan, refused)
    insert_columns(plan.connection, plan.space.along, pa.table({"_row": pa.array(along, pa.int64())}))
    return len(along)


def _marked(first: pa.Array, second: pa.Array) -> list[int]:
    either = pc.or_(pc.is_valid(first), pc.is_valid(second))
    return [int(index) for index in pc.indices_nonzero(either).to_pylist()]


def _states(
    plan: RunContext, fields: list[str], *, may_propose: bool, doubt: bool, again: bool
) -> Iterator[tuple[list[int], pa.Table, pa.Table | None, list[bool]]]:
    """Row numbers, records as stored now, records as approved, and whether the row proposes a new record.

    `doubt`: whether any row of the file is `_doubtful`. Where none is, and all that isn't written is proposed, records
    as approved are those of the file, which were checked as they were read: None.
    """
    diff = plan.space.diff
    kept = {field: _kept(plan, field) for field in _fields_kept(plan) if field in fields}
    columns: list[Any] = [
        sa.cast(diff.c["_row"], sa.Text).label("_row"),
        sa.case((diff.c["_new"].is_(sa.true()), "1"), else_="0").label("_new"),
    ]
    alike = not kept and not (may_propose and set(fields) & set(fields_with(plan, PROPOSING)))
    by_file = not kept and set(fields) <= plan.space.brought
    neither = tuple(action for action in Action if action not in (*WRITING, *PROPOSING))
    is_sound = by_file and not doubt and not alike and set(fields).isdisjoint(fields_with(plan, neither))
    for field in fields:
        now = plan.canonical(_value(plan, field, WRITING), field)
        later = plan.canonical(_value(plan, field, (*WRITING, *PROPOSING)), field)
        if field in kept:
            later = sa.case((kept[field].c["_row"].is_not(None), kept[field].c.proposed), else_=later)
        columns += [] if alike else [now.label(f"n{field}")]
        columns += [] if is_sound else [later.label(f"l{field}")]
    source: Any = diff
    if plan.target.exists:
        source = source.outerjoin(plan.target.table, plan.same_key(diff))
    for effects in kept.values():
        source = source.outerjoin(effects, effects.c["_row"] == diff.c["_row"])
    select = sa.select(*columns).select_from(source).where(sa.not_(plan.is_refused(diff.c["_row"])))
    if by_file:
        unsure = _not_written(plan, fields)
        if doubt:
            unsure.append(diff.c["_row"].in_(_doubtful(plan, fields)))
        if not unsure:
            return
        select = select.where(sa.or_(*unsure))
    if again:
        along = plan.space.along
        select = select.where(sa.exists().where(along.c["_row"] == diff.c["_row"]))
    for table in read_texts(plan.connection, select):
        rows = [int(row) for row in table["_row"].to_pylist()]
        is_new = [flag == "1" for flag in table["_new"].to_pylist()]
        later_states = None if is_sound else _typed(plan, table, fields, "l")
        yield rows, later_states if alike else _typed(plan, table, fields, "n"), later_states, is_new


def _not_written(plan: RunContext, fields: list[str]) -> list[ColumnElement[bool]]:
    """Whether a row brings a value that the record doesn't get now: it waits, or was refused or declined."""
    rest = tuple(action for action in Action if action not in WRITING)
    return [
        plan.space.action(field).not_in([str(action) for action in WRITING])
        for field in fields_with(plan, rest)
        if field in fields
    ]


def _doubtful(plan: RunContext, fields: list[str]) -> sa.Select[Any]:
    """Rows that were not found sound when they were read: a row that brings a value for every field that the checks
    look at, and has all of them written, makes the same record whatever is stored, and as such it was checked already.
    """
    stage = plan.space.stage
    blank = [stage.c[field].is_(None) for field in fields]
    return sa.select(stage.c["_row"]).where(sa.or_(stage.c["_across"].is_not(None), *blank))


def _fields_kept(plan: RunContext) -> list[str]:
    effect = plan.space.effect
    fields = sa.select(effect.c.field).where(effect.c.effect == str(Effect.KEPT)).distinct()
    return plan.entity.in_order(plan.connection.scalars(fields))


def _kept(plan: RunContext, field: str) -> Subquery:
    """Open changes of the field that the row leaves: once approved, their value stands in the record."""
    effect = plan.space.effect
    left = effect.c.says.in_([str(Says.NOTHING), str(Says.STORED)])
    return (
        sa.select(effect.c["_row"], effect.c.proposed)
        .where(effect.c.field == field, effect.c.effect == str(Effect.KEPT), left)
        .subquery(f"kept_{field}")
    )


def _value(plan: RunContext, field: str, actions: tuple[Action, ...]) -> ColumnElement[Any]:
    if field in plan.target.key:
        return plan.space.diff.c[field]
    if field in plan.space.values:
        taken = plan.space.action(field).in_([str(action) for action in actions])
        return sa.case((taken, plan.space.new(field)), else_=_stored(plan, field))
    return _stored(plan, field)


def _stored(plan: RunContext, field: str) -> ColumnElement[Any]:
    return plan.target.columns[field].stored if plan.target.exists else sa.null()


def _typed(plan: RunContext, table: pa.Table, fields: list[str], prefix: str) -> pa.Table:
    arrays = {
        field: pc.cast(table[f"{prefix}{field}"], arrow_type(plan.entity.by_name[field])).combine_chunks()
        for field in fields
    }
    return pa.table(arrays)


def _reasons(plan: RunContext, checks: tuple[CrossCheck, ...], row: int, numbers: str) -> list[dict[str, Any]]:
    reasons = []
    for number in numbers.split():
        check = checks[int(number)]
        field = check.fields[0]
        reasons.append(
            {
                "row": row,
                "ord": plan.field_number(field),
                "column_name": plan.headers.get(field, ""),
                "field": field,
                "value": None,
                "code": str(RejectionCode.CHECK_FAILED),
                "message": check_sentence(plan, check),
                "scope": "row",
                "phase": "plan",
            }
        )
    return reasons


def check_sentence(plan: RunContext, check: CrossCheck) -> str:
    titles = ", ".join(plan.entity.by_name[field].title for field in check.fields)
    return explain(RejectionCode.CHECK_FAILED, title=titles, limit=check.message)


def _insert_reasons(plan: RunContext, reasons: list[dict[str, Any]]) -> None:
    if reasons:
        insert_columns(plan.connection, plan.space.reason, pa.Table.from_pylist(reasons))


def _propose_along(plan: RunContext) -> None:
    """The row's other fields are proposed along with the approval fields; people decide on all of them."""
    diff, along, ruled = plan.space.diff, plan.space.along, plan.space.ruled
    plan.run(sa.delete(ruled).where(ruled.c["_row"].in_(sa.select(along.c["_row"]))))
    here = sa.exists().where(along.c["_row"] == diff.c["_row"])
    for field in plan.space.values:
        action = plan.space.action(field)
        written = sa.and_(action.in_([str(each) for each in WRITING]), here)
        set_action(plan, field, Action.PROPOSED, written)
