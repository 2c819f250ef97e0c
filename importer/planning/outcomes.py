"""The fate of every row: exactly one outcome, derived from differences, reasons and effects (`1-product.md`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from importer.storage.context import RunContext
from importer.storage.control import KEYS
from importer.storage.decided import fields_by_group, meets_open_changes
from importer.storage.expressions import joined_words, words
from importer.storage.runspace import refill
from importer.vocabulary import PROPOSING, WRITING, Action, Effect, Outcome


def settle_outcomes(plan: RunContext) -> None:
    """Fills `outcome` with every row that is not plainly unchanged. May be called again: it starts afresh."""
    meets_open = meets_open_changes(plan)
    kinds = [_created(plan, meets_open), _changed(plan, meets_open), _rejected(plan), _left_out(plan)]
    if meets_open:
        kinds.append(_touched(plan))
    refill(plan.connection, plan.space.outcome, sa.select(sa.union_all(*kinds).subquery("settled")))


def _rows(plan: RunContext, rows: sa.Select[Any], source: sa.Table, **values: ColumnElement[Any]) -> sa.Select[Any]:
    """`rows` selects from `source`, which has row and key; `values` are the other columns that are not null."""
    fixed: dict[str, ColumnElement[Any]] = {
        "row": source.c["_row"],
        **dict(zip(KEYS, plan.keys(source), strict=True)),
    }
    if plan.is_correction:
        origin = plan.space.stage.alias("origin")
        fixed |= {"origin_run": origin.c["_origin_run"], "origin_row": origin.c["_origin_row"]}
        rows = rows.join(origin, origin.c["_row"] == source.c["_row"])
    given = {**fixed, **values}
    columns = [
        given.get(column.name, sa.cast(sa.null(), column.type)).label(column.name)
        for column in plan.space.outcome.columns
    ]
    return rows.with_only_columns(*columns, maintain_column_froms=True)


def _created(plan: RunContext, meets_open: bool) -> sa.Select[Any]:
    fresh = plan.space.fresh
    rows = sa.select(fresh.c["_row"])
    values: dict[str, ColumnElement[Any]] = {"outcome": sa.literal(str(Outcome.CREATED))}
    if meets_open:
        effects = _effects(plan)
        rows = rows.outerjoin(effects, effects.c["_row"] == fresh.c["_row"])
        values["effects"] = effects.c.effects
    return _rows(plan, rows.where(sa.not_(plan.is_refused(fresh.c["_row"]))), fresh, **values)


def _changed(plan: RunContext, meets_open: bool) -> sa.Select[Any]:
    diff = plan.space.diff
    tests = _fields_tests(plan)
    rows = sa.select(diff.c["_row"]).where(sa.not_(plan.is_refused(diff.c["_row"])))
    values = {
        "outcome": _outcome({name: sa.or_(sa.false(), *found.values()) for name, found in tests.items()}),
        **{name: words((test, field) for field, test in found.items()) for name, found in tests.items()},
    }
    if plan.holds_any(plan.space.reason) or plan.holds_any(plan.space.notice):
        codes = _codes(plan)
        rows = rows.outerjoin(codes, codes.c.row == diff.c["_row"])
        values["codes"] = codes.c.codes
    if meets_open:
        effects = _effects(plan)
        rows = rows.outerjoin(effects, effects.c["_row"] == diff.c["_row"])
        values["effects"] = effects.c.effects
    else:
        values["effects"] = words((test, f"{field}={Effect.OPENED}") for field, test in _opens(plan).items())
    return _rows(plan, rows, diff, **values)


def _opens(plan: RunContext) -> dict[str, ColumnElement[bool]]:
    """The fields of which a row opens a change."""
    fields = fields_by_group(plan, {"": (Action.PROPOSED,)})[""]
    return {field: plan.space.action(field) == str(Action.PROPOSED) for field in fields}


_GROUPS: Mapping[str, tuple[Action, ...]] = {
    "fields_updated": WRITING,
    "fields_proposed": PROPOSING,
    "fields_declined": (Action.DECLINED,),
    "fields_rejected": (Action.REJECTED,),
}


def _fields_tests(plan: RunContext) -> dict[str, dict[str, ColumnElement[bool]]]:
    """For each group of actions its fields, each with the test whether a row does that to it; only those that occur
    are asked for row by row, and by name only where something else happens to the same field elsewhere.
    """
    fields = fields_by_group(plan, _GROUPS)
    groups = Counter(field for found in fields.values() for field in found)

    def test(name: str, field: str) -> ColumnElement[bool]:
        action = plan.space.action(field)
        return action.is_not(None) if groups[field] == 1 else action.in_([str(each) for each in _GROUPS[name]])

    return {name: {field: test(name, field) for field in found} for name, found in fields.items()}


def _outcome(does: Mapping[str, ColumnElement[bool]]) -> ColumnElement[str]:
    updated, proposed, refused = does["fields_updated"], does["fields_proposed"], does["fields_rejected"]
    return sa.case(
        (sa.and_(refused, sa.or_(updated, proposed)), str(Outcome.PARTLY_REJECTED)),
        (refused, str(Outcome.REJECTED)),
        (sa.and_(updated, proposed), str(Outcome.PARTLY_PROPOSED)),
        (proposed, str(Outcome.PROPOSED)),
        (updated, str(Outcome.UPDATED)),
        else_=str(Outcome.UNCHANGED),
    )


def _rejected(plan: RunContext) -> sa.Select[Any]:
    stage, reason = plan.space.stage, plan.space.reason
    refused = sa.select(reason.c.row).where(reason.c.scope == "row").distinct().subquery()
    codes, fields = _codes(plan), _refused_fields(plan)
    rows = (
        sa.select(stage.c["_row"])
        .join_from(stage, refused, refused.c.row == stage.c["_row"])
        .outerjoin(codes, codes.c.row == stage.c["_row"])
        .outerjoin(fields, fields.c.row == stage.c["_row"])
    )
    rejected = sa.literal(str(Outcome.REJECTED))
    return _rows(plan, rows, stage, outcome=rejected, codes=codes.c.codes, fields_rejected=fields.c["fields"])


def _left_out(plan: RunContext) -> sa.Select[Any]:
    stage, notice = plan.space.stage, plan.space.notice
    rows = sa.select(stage.c["_row"]).join_from(notice, stage, stage.c["_row"] == notice.c["_row"])
    return _rows(
        plan,
        rows.where(sa.not_(plan.is_refused(stage.c["_row"]))),
        stage,
        outcome=sa.literal(str(Outcome.NOT_PROCESSED)),
        codes=notice.c.code,
    )


def _touched(plan: RunContext) -> sa.Select[Any]:
    """Rows that change no value but concern open changes: unchanged, with effects."""
    stage, diff, fresh = plan.space.stage, plan.space.diff, plan.space.fresh
    effects = _effects(plan)
    rows = (
        sa.select(stage.c["_row"])
        .join_from(effects, stage, stage.c["_row"] == effects.c["_row"])
        .where(
            sa.not_(sa.exists().where(diff.c["_row"] == stage.c["_row"])),
            sa.not_(sa.exists().where(fresh.c["_row"] == stage.c["_row"])),
            sa.not_(plan.is_refused(stage.c["_row"])),
        )
    )
    return _rows(plan, rows, stage, outcome=sa.literal(str(Outcome.UNCHANGED)), effects=effects.c.effects)


def _codes(plan: RunContext) -> Subquery:
    reason, notice = plan.space.reason, plan.space.notice
    both = sa.union(sa.select(reason.c.row, reason.c.code), sa.select(notice.c["_row"], notice.c.code)).subquery()
    ordered = sa.select(both).order_by(both.c.row, both.c.code).subquery()
    joined = joined_words(ordered.c.code, plan.dialect).label("codes")
    return sa.select(ordered.c.row, joined).group_by(ordered.c.row).subquery("codes")


def _refused_fields(plan: RunContext) -> Subquery:
    reason = plan.space.reason
    place = sa.case(plan.space.ordinal, value=reason.c.field, else_=0).label("place")
    named = sa.select(reason.c.row, reason.c.field, place).where(reason.c.field.is_not(None)).distinct().subquery()
    ordered = sa.select(named).order_by(named.c.row, named.c.place).subquery()
    joined = joined_words(ordered.c.field, plan.dialect).label("fields")
    return sa.select(ordered.c.row, joined).group_by(ordered.c.row).subquery("refused_fields")


def _effects(plan: RunContext) -> Subquery:
    effect = plan.space.effect
    ordered = sa.select(effect).order_by(effect.c["_row"], effect.c.ord).subquery()
    word = ordered.c.field.concat("=").concat(ordered.c.effect)
    joined = joined_words(word, plan.dialect).label("effects")
    return sa.select(ordered.c["_row"], joined).group_by(ordered.c["_row"]).subquery("effects")
