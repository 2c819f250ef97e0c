"""The fate of every row: exactly one outcome, derived from differences, reasons and effects (`1-product.md`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from importer.storage.context import RunContext
from importer.storage.control import KEYS
from importer.storage.decided import fields_by_group
from importer.storage.expressions import joined_words, words
from importer.vocabulary import PROPOSING, WRITING, Action, Outcome

_LISTS = ("fields_updated", "fields_proposed", "fields_declined", "fields_rejected")
_COLUMNS = ("row", *KEYS, "outcome", *_LISTS, "effects", "codes", "origin_run", "origin_row")


def settle_outcomes(plan: RunContext) -> None:
    """Fills `outcome` with every row that is not plainly unchanged. May be called again: it starts afresh."""
    plan.run(sa.delete(plan.space.outcome))
    _add_created(plan)
    _add_changed(plan)
    _add_rejected(plan)
    _add_left_out(plan)
    _add_touched(plan)


def _add(plan: RunContext, rows: sa.Select[Any], source: sa.Table, **values: ColumnElement[Any]) -> None:
    """`rows` selects from `source`, which has row and key; `values` are the other columns that are not null."""
    fixed: dict[str, ColumnElement[Any]] = {
        "row": source.c["_row"],
        **dict(zip(KEYS, plan.keys(source), strict=True)),
    }
    if plan.is_correction:
        origin = plan.space.stage.alias("origin")
        fixed |= {"origin_run": origin.c["_origin_run"], "origin_row": origin.c["_origin_row"]}
        rows = rows.join(origin, origin.c["_row"] == source.c["_row"])
    columns = [{**fixed, **values}.get(name, sa.null()).label(name) for name in _COLUMNS]
    select = rows.with_only_columns(*columns, maintain_column_froms=True)
    plan.run(sa.insert(plan.space.outcome).from_select(_COLUMNS, select))


def _add_created(plan: RunContext) -> None:
    stage, fresh = plan.space.stage, plan.space.fresh
    rows = sa.select(stage.c["_row"]).join_from(fresh, stage, stage.c["_row"] == fresh.c["_row"])
    values: dict[str, ColumnElement[Any]] = {"outcome": sa.literal(str(Outcome.CREATED))}
    if plan.connection.execute(sa.select(plan.space.effect.c["_row"]).limit(1)).first() is not None:
        effects = _effects(plan)
        rows = rows.outerjoin(effects, effects.c["_row"] == stage.c["_row"])
        values["effects"] = effects.c.effects
    _add(plan, rows.where(sa.not_(plan.is_refused(stage.c["_row"]))), stage, **values)


def _add_changed(plan: RunContext) -> None:
    diff = plan.space.diff
    codes, effects = _codes(plan), _effects(plan)
    lists = _field_lists(plan)
    rows = (
        sa.select(diff.c["_row"])
        .outerjoin_from(diff, codes, codes.c.row == diff.c["_row"])
        .outerjoin(effects, effects.c["_row"] == diff.c["_row"])
        .where(sa.not_(plan.is_refused(diff.c["_row"])))
    )
    _add(plan, rows, diff, outcome=_outcome(lists), effects=effects.c.effects, codes=codes.c.codes, **lists)


_GROUPS: Mapping[str, tuple[Action, ...]] = {
    "fields_updated": WRITING,
    "fields_proposed": PROPOSING,
    "fields_declined": (Action.DECLINED,),
    "fields_rejected": (Action.REJECTED,),
}


def _field_lists(plan: RunContext) -> dict[str, ColumnElement[Any]]:
    """The names of fields by what happens to them; only those that occur are asked for row by row."""
    fields = fields_by_group(plan, _GROUPS)
    return {
        name: words((plan.space.action(field).in_([str(a) for a in _GROUPS[name]]), field) for field in found)
        for name, found in fields.items()
    }


def _outcome(lists: dict[str, ColumnElement[Any]]) -> ColumnElement[str]:
    updated = lists["fields_updated"].is_not(None)
    proposed = lists["fields_proposed"].is_not(None)
    refused = lists["fields_rejected"].is_not(None)
    return sa.case(
        (sa.and_(refused, sa.or_(updated, proposed)), str(Outcome.PARTLY_REJECTED)),
        (refused, str(Outcome.REJECTED)),
        (sa.and_(updated, proposed), str(Outcome.PARTLY_PROPOSED)),
        (proposed, str(Outcome.PROPOSED)),
        (updated, str(Outcome.UPDATED)),
        else_=str(Outcome.UNCHANGED),
    )


def _add_rejected(plan: RunContext) -> None:
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
    _add(plan, rows, stage, outcome=rejected, codes=codes.c.codes, fields_rejected=fields.c["fields"])


def _add_left_out(plan: RunContext) -> None:
    stage, notice = plan.space.stage, plan.space.notice
    rows = sa.select(stage.c["_row"]).join_from(notice, stage, stage.c["_row"] == notice.c["_row"])
    _add(
        plan,
        rows.where(sa.not_(plan.is_refused(stage.c["_row"]))),
        stage,
        outcome=sa.literal(str(Outcome.NOT_PROCESSED)),
        codes=notice.c.code,
    )


def _add_touched(plan: RunContext) -> None:
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
    _add(plan, rows, stage, outcome=sa.literal(str(Outcome.UNCHANGED)), effects=effects.c.effects)


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
