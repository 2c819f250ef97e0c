"""Tonight's file against open proposed changes: the nightly table of `1-product.md`, as sets."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.planning.behavior import Treatments
from importer.planning.compare import action_of
from importer.planning.declined import decline, declined_lately, was_declined
from importer.storage import control, statistics
from importer.storage.context import RunContext
from importer.storage.decided import fields_with, set_action
from importer.storage.expressions import message
from importer.vocabulary import Action, Effect, RejectionCode, Says

_change = control.proposed_change
_proposal = control.proposal
_SAMPLED = ("_row", "field", "change_id", "says", "effect", "competes")


def settle_open_changes(plan: RunContext, treatments: Treatments) -> None:
    """Fills `effect` and refines the actions of `diff`. May be called again: it starts afresh."""
    declined = _fields_with(plan, declined_lately(plan))
    fields = _fields_with(plan, control.is_open(_change.c.status))
    _reset(plan, {*fields, *declined})
    if fields:
        _index_keys(plan)
    for field in fields:
        _collect(plan, treatments, field, remembers=field in declined)
        if field in plan.space.values:
            _refine(plan, field)
    for field in declined:
        if field in plan.space.values:
            decline(plan, field)


def add_opened(plan: RunContext) -> None:
    """Every value that is proposed now and supersedes nothing opens a change. The actions were kept before."""
    diff, effect = plan.space.diff, plan.space.effect
    for field in fields_with(plan, (Action.PROPOSED,)):
        rows = sa.select(
            diff.c["_row"],
            sa.literal(plan.field_number(field)),
            sa.literal(field),
            sa.literal(str(Effect.OPENED)),
            sa.false(),
        ).where(plan.space.action(field) == str(Action.PROPOSED), sa.not_(plan.is_refused(diff.c["_row"])))
        insert = sa.insert(effect).from_select(["_row", "ord", "field", "effect", "competes"], rows)
        statistics.fill(plan.connection, insert, *_SAMPLED)


def forget_refused(plan: RunContext) -> None:
    """A rejected row touches no proposed change."""
    effect = plan.space.effect
    plan.run(sa.delete(effect).where(plan.is_refused(effect.c["_row"])))


def _fields_with(plan: RunContext, which: ColumnElement[bool]) -> list[str]:
    rows = sa.select(_change.c.field).where(_change.c.entity == plan.entity.name, which)
    return plan.entity.in_order(plan.connection.scalars(rows.distinct()))


def _reset(plan: RunContext, fields: Iterable[str]) -> None:
    reason = plan.space.reason
    plan.run(sa.delete(plan.space.effect))
    plan.run(sa.delete(reason).where(reason.c.code == str(RejectionCode.COMPETING_CHANGE)))
    for field in fields:
        if field not in plan.space.values:
            continue
        action = plan.space.action(field)
        refined = [str(Action.KEPT), str(Action.SUPERSEDING), str(Action.DECLINED)]
        ruled = sa.exists().where(plan.space.ruled.c["_row"] == plan.space.diff.c["_row"])
        again = action.in_(refined), sa.not_(ruled)
        set_action(plan, field, Action.PROPOSED, *again)


def _index_keys(plan: RunContext) -> None:
    """SQLite finds the rows of a few open changes only by an index; PostgreSQL hashes."""
    if plan.dialect == "sqlite":
        keys = ", ".join(f'"{name}"' for name in plan.target.key)
        plan.connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS run.ix_stage_key ON stage ({keys})")


def _collect(plan: RunContext, treatments: Treatments, field: str, *, remembers: bool) -> None:
    stage, diff, effect = plan.space.stage, plan.space.diff, plan.space.effect
    same_source = sa.and_(_proposal.c.person.is_(None), _proposal.c.source == plan.source.name)
    says = _says(plan, field)
    declined = was_declined(plan, field) if remembers and field in plan.space.values else sa.false()
    intent = _intent(plan, treatments, field)
    rows = (
        sa.select(
            stage.c["_row"],
            sa.literal(plan.field_number(field)),
            sa.literal(field),
            _change.c.id,
            _change.c.proposal_id,
            _proposal.c.version,
            _change.c.status,
            _change.c.proposed,
            same_source,
            says,
            _effect(says, intent, same_source, declined),
            sa.and_(intent == str(Action.PROPOSED), says == str(Says.OTHER), sa.not_(same_source), sa.not_(declined)),
        )
        .join_from(_change, _proposal, _proposal.c.id == _change.c.proposal_id)
        .join(stage, _same_record(plan))
        .outerjoin(diff, diff.c["_row"] == stage.c["_row"])
        .where(
            _change.c.entity == plan.entity.name,
            _change.c.field == field,
            control.is_open(_change.c.status),
            sa.not_(plan.is_left_out(stage.c["_row"])),
            sa.not_(plan.is_refused(stage.c["_row"])),
        )
    )
    insert = sa.insert(effect).from_select([column.name for column in effect.columns], rows)
    statistics.fill(plan.connection, insert, *_SAMPLED)


def _same_record(plan: RunContext) -> ColumnElement[bool]:
    parts = zip(plan.keys(plan.space.stage), control.KEYS, strict=True)
    used = list(parts)[: len(plan.target.key)]
    return sa.and_(*(staged.element == _change.c[name] for staged, name in used))


def _says(plan: RunContext, field: str) -> ColumnElement[str]:
    """What the file says about the field of this record. A change of another kind than the row is left alone."""
    diff = plan.space.diff
    is_new = sa.func.coalesce(diff.c["_new"], sa.false())
    other_kind = (_proposal.c.kind == "create") != is_new
    if field not in plan.space.values:
        return sa.literal(str(Says.NOTHING))
    is_proposed = plan.canonical(plan.space.new(field), field).is_not_distinct_from(_change.c.proposed)
    return sa.case(
        (other_kind, str(Says.NOTHING)),
        (sa.and_(plan.space.action(field).is_not(None), is_proposed), str(Says.PROPOSED)),
        (plan.space.action(field).is_not(None), str(Says.OTHER)),
        (plan.says_something(field), str(Says.STORED)),
        else_=str(Says.NOTHING),
    )


def _intent(plan: RunContext, treatments: Treatments, field: str) -> ColumnElement[str]:
    """Written, proposed or rejected: what the parameters want for a change of this field."""
    stage, diff, along = plan.space.stage, plan.space.diff, plan.space.along
    is_along = sa.exists().where(along.c["_row"] == stage.c["_row"])
    proposed = sa.or_(diff.c["_new"].is_(sa.true()), is_along)
    return sa.case((proposed, str(Action.PROPOSED)), else_=action_of(plan, treatments, field))


def _effect(
    says: ColumnElement[str],
    intent: ColumnElement[str],
    same_source: ColumnElement[bool],
    was_declined: ColumnElement[bool],
) -> ColumnElement[str]:
    """The nightly table. Under `allow` a change with the written value is withdrawn; under `reject` all stay."""
    return sa.case(
        (was_declined, str(Effect.KEPT)),
        (sa.and_(intent == str(Action.PROPOSED), says == str(Says.STORED), same_source), str(Effect.WITHDRAWN)),
        (sa.and_(intent == str(Action.PROPOSED), says == str(Says.OTHER), same_source), str(Effect.SUPERSEDED)),
        (sa.and_(intent == str(Action.WRITTEN), says == str(Says.PROPOSED)), str(Effect.WITHDRAWN)),
        else_=str(Effect.KEPT),
    )


def _refine(plan: RunContext, field: str) -> None:
    """The actions of `diff` that follow from the effects on this field."""
    effect = plan.space.effect
    here = effect.c.field == field
    kept = sa.and_(here, effect.c.says == str(Says.PROPOSED), effect.c.effect == str(Effect.KEPT))
    _set_action(plan, field, Action.KEPT, kept)
    _set_action(plan, field, Action.SUPERSEDING, sa.and_(here, effect.c.effect == str(Effect.SUPERSEDED)))
    competing = sa.and_(here, effect.c.competes.is_(sa.true()))
    if _set_action(plan, field, Action.REJECTED, competing):
        _refuse_competing(plan, field, competing)


def _set_action(plan: RunContext, field: str, action: Action, which: ColumnElement[bool]) -> int:
    diff, effect = plan.space.diff, plan.space.effect
    column = plan.space.action(field)
    rows = sa.select(effect.c["_row"]).where(which)
    proposed = sa.and_(column == str(Action.PROPOSED), diff.c["_row"].in_(rows))
    return set_action(plan, field, action, proposed)


def _refuse_competing(plan: RunContext, field: str, competing: ColumnElement[bool]) -> None:
    diff, effect = plan.space.diff, plan.space.effect
    code = RejectionCode.COMPETING_CHANGE
    value = plan.canonical(plan.space.new(field), field)
    sentence = message(
        code,
        title=plan.entity.by_name[field].title,
        value=sa.func.coalesce(value, "(blank)"),
        other=sa.func.coalesce(effect.c.proposed, "(blank)"),
    )
    rows = sa.select(diff.c["_row"]).join_from(diff, effect, effect.c["_row"] == diff.c["_row"]).where(competing)
    plan.refuse(rows, code, sentence, field=field, value=value, scope="field")
