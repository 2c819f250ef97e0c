"""Before anything is written: does what the plan relied on still hold? (`1-product.md`, rule 7)

A row relies on the record's existence, the old values of the fields it changes, and the open changes of those fields.
If any differs, the row is rejected as `target_changed`; nothing is overwritten silently. Rows that write a value are
tested by the very statement that writes them (`stands`, `write.py`); where it leaves some out, `refuse_moved` says why.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control
from importer.storage.context import RunContext
from importer.storage.decided import ChangedFields
from importer.storage.expressions import message
from importer.storage.statistics import looking_up_places
from importer.vocabulary import WRITING, Action, Effect, RejectionCode, Says

_CODE = RejectionCode.TARGET_CHANGED


def refuse_changed_records(plan: RunContext, changed: ChangedFields) -> int:
    """Every row but those that update a record. Gives the number of reasons found; the run's earlier late reasons are
    forgotten first.
    """
    reason = plan.space.reason
    forgotten = plan.run(sa.delete(reason).where(reason.c.phase == "apply"))
    found = _refuse_existing(plan) if plan.target.exists else 0
    if changed.others:
        found += refuse_moved(plan, changed.others, sa.not_(updates(plan, changed)))
    found += _refuse_decided(plan) + _refuse_newly_open(plan)
    return found + forgotten


def some_changed(plan: RunContext) -> bool:
    """Whether rows were refused because what the plan relied on no longer holds."""
    reason = plan.space.reason
    found = sa.select(reason.c.row).where(reason.c.phase == "apply", reason.c.code == str(_CODE)).limit(1)
    return plan.connection.execute(found).first() is not None


def _refuse(plan: RunContext, rows: sa.Select[Any], why: Any, field: str | None = None) -> int:
    return plan.refuse(rows, _CODE, message(_CODE, limit=why), field=field, phase="apply")


def _refuse_existing(plan: RunContext) -> int:
    """New records that stand in the table by now."""
    fresh, diff = plan.space.fresh, plan.space.diff
    table = plan.target.table
    rows = (
        sa.select(fresh.c["_row"])
        .join_from(fresh, table, plan.same_key(fresh))
        .where(sa.not_(plan.is_refused(fresh.c["_row"])))
    )
    proposed = (
        sa.select(diff.c["_row"])
        .join_from(diff, table, plan.same_key(diff))
        .where(diff.c["_new"].is_(sa.true()), sa.not_(plan.is_refused(diff.c["_row"])))
    )
    why = "the record was new then and exists now"
    return _refuse(plan, rows, why) + _refuse(plan, proposed, why)


def updates(plan: RunContext, changed: ChangedFields) -> ColumnElement[bool]:
    """Whether a row of `diff` writes a value of a record that is there. Never null, so that its opposite holds too.

    A row that leaves alone what isn't always written does write something: mostly that is all that is looked at.
    """
    exists = plan.space.diff.c["_new"].is_(sa.false())
    if not changed.others:
        return exists
    leaves = (plan.space.action(field).is_(None) for field in changed.others)
    written = (is_written(plan, changed, field) for field in changed.written)
    return sa.and_(exists, sa.func.coalesce(sa.or_(sa.and_(*leaves), *written), sa.false()))


def is_written(plan: RunContext, changed: ChangedFields, field: str) -> ColumnElement[bool]:
    """Whether a row of `diff` writes the field; may be null for no."""
    action = plan.space.action(field)
    return action.in_([str(each) for each in WRITING]) if field in changed.others else action.is_not(None)


def stands(plan: RunContext, fields: Collection[str]) -> ColumnElement[bool]:
    """Whether every one of these values that a row of `diff` changes is still the stored one."""
    return sa.and_(*(sa.not_(_differs(plan, field)) for field in fields))


def refuse_moved(plan: RunContext, fields: Collection[str], which: ColumnElement[bool]) -> int:
    """Of the rows of `diff` for which `which` holds, and which change `fields` only, those whose record is gone or has
    other values.
    """
    diff = plan.space.diff
    if not plan.target.exists:
        return 0
    stored = plan.target.columns[plan.target.key[0]].column
    existing = sa.and_(diff.c["_new"].is_(sa.false()), which, sa.not_(plan.is_refused(diff.c["_row"])))
    if _all_in_place(plan, fields, existing):
        return 0
    joined = sa.select(diff.c["_row"]).outerjoin_from(diff, plan.target.table, plan.same_key(diff)).where(existing)
    differs = [_differs(plan, field) for field in fields]
    moved = joined.where(sa.or_(stored.is_(None), *differs))
    if not plan.connection.execute(moved.limit(1)).first():
        return 0
    found = _refuse(plan, joined.where(stored.is_(None)), "the record existed then and is gone now")
    for field in fields:
        rows = joined.where(stored.is_not(None), _differs(plan, field))
        found += _refuse(plan, rows, _from_to(plan, field), field)
    return found


def _all_in_place(plan: RunContext, fields: Collection[str], existing: ColumnElement[bool]) -> bool:
    """Whether each of these records is certainly where the plan saw it, and as it was."""
    if plan.target.place is None:
        return False
    diff, table = plan.space.diff, plan.target.table
    unmoved = sa.outerjoin(diff, table, sa.and_(same_place(plan), stands(plan, fields)))
    key = plan.target.columns[plan.target.key[0]].column
    counted = sa.select(sa.func.count(), sa.func.count(key)).select_from(unmoved).where(existing)
    with looking_up_places(plan.connection):
        rows, found = plan.connection.execute(counted).one()
    return bool(rows == found)


def same_place(plan: RunContext) -> ColumnElement[bool]:
    """The record stands where the plan saw it, and is the same."""
    diff, target = plan.space.diff, plan.target
    keys = [diff.c[name].is_not_distinct_from(target.columns[name].column) for name in target.key]
    return sa.and_(diff.c["_place"] == target.place, *keys)


def _differs(plan: RunContext, field: str) -> ColumnElement[bool]:
    """Never null, so that its opposite holds where it doesn't."""
    changed = plan.space.action(field).is_not(None)
    return sa.and_(changed, plan.target.columns[field].stored.is_distinct_from(plan.space.old(field)))


def _from_to(plan: RunContext, field: str) -> ColumnElement[str]:
    then = sa.func.coalesce(plan.canonical(plan.space.old(field), field), "(blank)")
    now = sa.func.coalesce(plan.canonical(plan.target.columns[field].stored, field), "(blank)")
    title = plan.entity.by_name[field].title
    return sa.literal(f"{title} was ").concat(then).concat(" and is now ").concat(now)


def _refuse_decided(plan: RunContext) -> int:
    """Open changes that the plan would supersede, withdraw or keep, and that are no longer what they were."""
    effect, change = plan.space.effect, control.proposed_change
    relied = sa.or_(
        effect.c.effect.in_([str(Effect.SUPERSEDED), str(Effect.WITHDRAWN)]),
        sa.and_(effect.c.effect == str(Effect.KEPT), effect.c.says == str(Says.PROPOSED)),
    )
    same = sa.and_(control.is_open(change.c.status), change.c.proposed.is_not_distinct_from(effect.c.proposed))
    rows = (
        sa.select(effect.c["_row"])
        .join_from(effect, change, change.c.id == effect.c.change_id)
        .where(relied, sa.not_(same), sa.not_(plan.is_refused(effect.c["_row"])))
    )
    return _refuse(plan, rows.distinct(), "an open change of it was decided or changed")


def _refuse_newly_open(plan: RunContext) -> int:
    """Fields to be proposed for which somebody opened a change in the meantime."""
    diff, change, effect = plan.space.diff, control.proposed_change, plan.space.effect
    found = 0
    opened = sa.select(effect.c.field).where(effect.c.effect == str(Effect.OPENED)).distinct()
    for field in plan.entity.in_order(plan.connection.scalars(opened)):
        known = sa.exists().where(effect.c.change_id == change.c.id)
        keys = zip(plan.keys(diff), control.KEYS, strict=True)
        rows = (
            sa.select(diff.c["_row"])
            .join_from(diff, change, sa.and_(*(_plain(part) == change.c[name] for part, name in keys)))
            .where(
                change.c.entity == plan.entity.name,
                change.c.field == field,
                control.is_open(change.c.status),
                plan.space.action(field) == str(Action.PROPOSED),
                sa.not_(known),
                sa.not_(plan.is_refused(diff.c["_row"])),
            )
        )
        found += _refuse(plan, rows, "a change of the same field was proposed meanwhile", field)
    return found


def _plain(label: ColumnElement[str]) -> ColumnElement[str]:
    return label.element if isinstance(label, sa.Label) else label
