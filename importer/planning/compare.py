"""Staging against target: which rows bring new records, which change existing ones, and in what (rules 3 to 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.planning.behavior import Treatments
from importer.storage.context import RunContext
from importer.storage.expressions import has_bad, message
from importer.storage.runspace import refill
from importer.storage.target import holds_records
from importer.vocabulary import Action, NewRecords, RejectionCode


def compare_records(plan: RunContext, treatments: Treatments) -> None:
    """Fills `fresh` with the rows whose key the target doesn't have, `diff` with those that change a record."""
    changed = {field: _is_changed(plan, field) for field in plan.space.values if field in plan.space.brought}
    if changed and holds_records(plan.connection, plan.target):
        _find_both(plan, treatments, changed)
    else:
        _find_new_records(plan)


def _find_new_records(plan: RunContext) -> None:
    stage = plan.space.stage
    rows = _with_records(plan, stage.c["_row"], *(stage.c[name] for name in plan.target.key))
    refill(plan.connection, plan.space.fresh, rows.where(_is_new(plan)) if plan.target.exists else rows)


def _find_both(plan: RunContext, treatments: Treatments, changed: Mapping[str, ColumnElement[bool]]) -> None:
    """One look at all records; the new ones, mostly few, move from `diff` to `fresh`."""
    stage, diff = plan.space.stage, plan.space.diff
    place = sa.null() if plan.target.place is None else plan.target.place
    name = _name(plan, treatments)
    columns: list[Any] = [stage.c["_row"], _is_new(plan), place, name, *(stage.c[part] for part in plan.target.key)]
    for field in plan.space.values:
        columns += _change(plan, treatments, field, changed.get(field))
    rows = _with_records(plan, *columns).where(sa.or_(_is_new(plan), *changed.values()))
    if plan.target.place is not None:
        rows = rows.order_by(plan.target.place)  # then the update goes through the table once, page by page
    refill(plan.connection, diff, rows)
    new = sa.select(diff.c["_row"], *(diff.c[name] for name in plan.target.key)).where(diff.c["_new"])
    if refill(plan.connection, plan.space.fresh, new):
        plan.run(sa.delete(diff).where(diff.c["_new"]))


def _name(plan: RunContext, treatments: Treatments) -> ColumnElement[Any]:
    """What people call the record, for the proposals that may come of it."""
    field = plan.entity.parameters.approvals.name_field
    if field is None or not treatments.may_propose:
        return sa.cast(sa.null(), sa.Text)
    return plan.canonical(plan.target.columns[field].stored, field)


def _with_records(plan: RunContext, *columns: ColumnElement[Any]) -> sa.Select[Any]:
    """Staged rows that are to be compared, each beside its record if there is one.

    An outer join rather than NOT EXISTS: SQLite then builds an index where the target has none.
    """
    stage = plan.space.stage
    rows = sa.select(*columns).where(plan.has_key(stage))
    if plan.holds_any(plan.space.notice):
        rows = rows.where(sa.not_(plan.is_left_out(stage.c["_row"])))
    return rows.select_from(stage.outerjoin(plan.target.table, plan.same_key(stage))) if plan.target.exists else rows


def _is_new(plan: RunContext) -> ColumnElement[bool]:
    return plan.target.columns[plan.target.key[0]].column.is_(None)


def _is_changed(plan: RunContext, field: str) -> ColumnElement[bool]:
    """Whether the row says something else than its record; what is equal as it stands needs no closer look."""
    staged, target = plan.space.stage.c[field], plan.target.columns[field]
    differs = staged.is_distinct_from(target.column), staged.is_distinct_from(target.stored)
    return sa.and_(*differs, plan.says_something(field))


def _change(
    plan: RunContext, treatments: Treatments, field: str, changed: ColumnElement[bool] | None
) -> list[ColumnElement[Any]]:
    """Old value, new value, action: all null where the field doesn't change, which keeps the rows narrow."""
    if changed is None:
        return [sa.null(), sa.null(), sa.null()]
    values = (plan.target.columns[field].stored, plan.space.stage.c[field], action_of(plan, treatments, field))
    return [sa.case((sa.and_(sa.not_(_is_new(plan)), changed), value)) for value in values]


def action_of(plan: RunContext, treatments: Treatments, field: str) -> ColumnElement[str]:
    """What the parameters say of a change of this field, by the key of the staged row."""
    general = sa.literal(str(treatments.general.action(field)))
    cases = [
        (plan.has_key_values(override.when, plan.space.stage), sa.literal(str(override.action(field))))
        for override in treatments.overrides
    ]
    return sa.case(*cases, else_=general) if cases else general


def treat_new_records(plan: RunContext, treatments: Treatments, defaults: Mapping[str, ColumnElement[Any]]) -> None:
    """`new_records`: refused, or proposed as a whole (then the row moves from `fresh` to `diff`)."""
    earlier: list[ColumnElement[bool]] = []
    for treatment in treatments.all:
        here = sa.and_(plan.has_key_values(treatment.when, plan.space.stage), *(sa.not_(test) for test in earlier))
        earlier.append(plan.has_key_values(treatment.when, plan.space.stage))
        match treatment.new_records:
            case NewRecords.CREATE:
                continue
            case NewRecords.REJECT:
                _refuse_new(plan, here)
            case NewRecords.PROPOSE:
                _propose_new(plan, here, defaults)


def _fresh_rows(plan: RunContext) -> sa.Select[Any]:
    stage, fresh = plan.space.stage, plan.space.fresh
    return sa.select(stage.c["_row"]).join_from(stage, fresh, fresh.c["_row"] == stage.c["_row"])


def _refuse_new(plan: RunContext, here: ColumnElement[bool]) -> None:
    code = RejectionCode.NEW_RECORD_NOT_ALLOWED
    key = plan.target.key[-1]
    sentence = message(code, value=plan.key_words(plan.space.stage))
    value = plan.canonical(plan.space.stage.c[key], key)
    plan.refuse(_fresh_rows(plan).where(here), code, sentence, field=key, value=value)


def _propose_new(plan: RunContext, here: ColumnElement[bool], defaults: Mapping[str, ColumnElement[Any]]) -> None:
    stage, diff, fresh = plan.space.stage, plan.space.diff, plan.space.fresh
    values = {
        field: sa.func.coalesce(stage.c[field], defaults[field]) if field in defaults else stage.c[field]
        for field in plan.space.values
    }
    field = plan.entity.parameters.approvals.name_field
    name = plan.canonical(values[field], field) if field in values else sa.null()
    columns: list[Any] = [stage.c["_row"], sa.true(), sa.null(), name, *(stage.c[part] for part in plan.target.key)]
    for value in values.values():
        columns += [sa.null(), value, sa.case((value.is_not(None), sa.literal(str(Action.PROPOSED))))]
    rows = (
        sa.select(*columns)
        .join_from(stage, fresh, fresh.c["_row"] == stage.c["_row"])
        .where(here, sa.not_(plan.is_refused(stage.c["_row"])))
    )
    plan.run(sa.insert(diff).from_select([column.name for column in diff.columns], rows))
    proposed = sa.select(diff.c["_row"]).where(diff.c["_new"].is_(sa.true()))
    plan.run(sa.delete(fresh).where(fresh.c["_row"].in_(proposed)))


def refuse_missing_required(
    plan: RunContext, defaults: Mapping[str, ColumnElement[Any]], incomplete: Collection[str]
) -> None:
    """Required fields that a new record lacks, or that a blank would empty; of those that the file brings only the
    `incomplete` ones can be.
    """
    possible = [field for field in plan.entity.required if field in incomplete or field not in plan.space.brought]
    lacking = {field: _lacks(plan, field) for field in possible if field not in defaults}
    for field in _found(plan, lacking):
        _refuse_required(plan, _fresh_rows(plan).where(lacking[field]), field)
    for field in possible:
        if field in plan.space.brought and plan.target.exists:
            _refuse_emptied(plan, field)


def _lacks(plan: RunContext, field: str) -> ColumnElement[bool]:
    if field not in plan.space.brought:
        return sa.true()
    stage = plan.space.stage
    return sa.and_(stage.c[field].is_(None), sa.not_(has_bad(stage.c["_bad"], field, plan.dialect)))


def _found(plan: RunContext, tests: Mapping[str, ColumnElement[bool]]) -> list[str]:
    """Which of the tests hold for any new record: one look at the rows instead of one for each test."""
    if not tests:
        return []
    marks = [sa.func.max(sa.case((test, 1), else_=0)) for test in tests.values()]
    found = plan.connection.execute(_fresh_rows(plan).with_only_columns(*marks, maintain_column_froms=True)).one()
    return [name for name, mark in zip(tests, found, strict=True) if mark]


def _refuse_emptied(plan: RunContext, field: str) -> None:
    diff = plan.space.diff
    rows = sa.select(diff.c["_row"]).where(
        plan.space.action(field).is_not(None), plan.space.new(field).is_(None), diff.c["_new"].is_(sa.false())
    )
    reason = plan.space.reason
    known = sa.exists().where(
        reason.c.row == diff.c["_row"],
        reason.c.field == field,
        reason.c.code == str(RejectionCode.MISSING_REQUIRED),
    )
    _refuse_required(plan, rows.where(sa.not_(known)), field)


def _refuse_required(plan: RunContext, rows: sa.Select[Any], field: str) -> None:
    code = RejectionCode.MISSING_REQUIRED
    plan.refuse(rows, code, message(code, title=plan.entity.by_name[field].title), field=field)


def refuse_ambiguous_records(plan: RunContext) -> None:
    """A table that keeps no unique key may hold a record twice: which one is meant can't be told."""
    if not plan.target.exists or plan.target.key_is_unique:
        return
    keys = [plan.target.columns[name].column.label(name) for name in plan.target.key]
    twice = sa.select(*keys, sa.func.count().label("n")).group_by(*keys).having(sa.func.count() > 1).subquery()
    stage = plan.space.stage
    rows = sa.select(stage.c["_row"]).join_from(stage, twice, plan.same_key(stage, twice))
    what = sa.literal("the table holds this key ").concat(sa.cast(twice.c.n, sa.Text)).concat(" times")
    code = RejectionCode.CONSTRAINT_VIOLATION
    plan.refuse(rows, code, message(code, limit=what), field=plan.target.key[-1])


def refuse_unapproved(plan: RunContext, treatments: Treatments) -> None:
    """Behavior `reject`: one reason for each approval field, with stored and file value (rule 6)."""
    diff = plan.space.diff
    code = RejectionCode.APPROVAL_REQUIRED
    for field in plan.space.values:
        if not any(Action.REJECTED is treatment.action(field) for treatment in treatments.all):
            continue
        stored = plan.canonical(plan.space.old(field), field)
        value = plan.canonical(plan.space.new(field), field)
        sentence = message(
            code,
            title=plan.entity.by_name[field].title,
            stored=sa.func.coalesce(stored, "(blank)"),
            value=sa.func.coalesce(value, "(blank)"),
        )
        rows = sa.select(diff.c["_row"]).where(plan.space.action(field) == str(Action.REJECTED))
        scope = str(treatments.reject_scope)
        plan.refuse(rows, code, sentence, field=field, value=value, scope=scope)


def refuse_across(plan: RunContext, messages: list[tuple[int, str, str]]) -> None:
    """New records that fail a check across fields; `messages` has number, first field and sentence of each check."""
    stage = plan.space.stage
    code = RejectionCode.CHECK_FAILED
    failed = {
        str(number): sa.and_(
            stage.c["_across"].is_not(None),
            sa.literal(" ").concat(stage.c["_across"]).concat(" ").contains(f" {number} ", autoescape=True),
        )
        for number, _, _ in messages
    }
    found = _found(plan, failed)
    for number, field, sentence in messages:
        if str(number) in found:
            rows = _fresh_rows(plan).where(failed[str(number)])
            plan.refuse(rows, code, sa.literal(sentence), field=field)
