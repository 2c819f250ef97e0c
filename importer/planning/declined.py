"""Decisions are remembered: a value that was rejected or discarded lately, against the same original, is declined.

Source: `1-product.md`, "Life of a proposed change". It is no rejection: the other fields of the row go on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control
from importer.storage.context import RunContext
from importer.storage.decided import fields_with, set_action
from importer.storage.runs import moment_before
from importer.vocabulary import Action, ChangeStatus

_change = control.proposed_change

MOST_NAMED = 100
"""The summary names at most so many declined values; `results.csv` has all."""


def declined_lately(plan: RunContext) -> ColumnElement[bool]:
    """Rejected or discarded within `remember_decisions`."""
    return _ended(plan, _change)


def _ended(plan: RunContext, changes: Any) -> ColumnElement[bool]:
    ended = changes.c.status.in_([str(ChangeStatus.REJECTED), str(ChangeStatus.DISCARDED)])
    days = plan.entity.parameters.approvals.remember_decisions
    return sa.and_(ended, changes.c.decided_at > moment_before(days)) if days else sa.false()


def was_declined(plan: RunContext, field: str) -> ColumnElement[bool]:
    """Whether the value was declined against the same original value."""
    return sa.exists().where(*_same_value(plan, field, _change.alias("earlier")))


def _same_value(plan: RunContext, field: str, earlier: Any) -> list[ColumnElement[bool]]:
    keys = zip(plan.keys(plan.space.diff), control.KEYS, strict=True)
    same_record = [label.element == earlier.c[key] for label, key in keys if isinstance(label, sa.Label)]
    return [
        *same_record[: len(plan.target.key)],
        earlier.c.entity == plan.entity.name,
        earlier.c.field == field,
        _ended(plan, earlier),
        earlier.c.original.is_not_distinct_from(plan.canonical(plan.space.old(field), field)),
        earlier.c.proposed.is_not_distinct_from(plan.canonical(plan.space.new(field), field)),
    ]


def decline(plan: RunContext, field: str) -> None:
    """A value declined before is not proposed again."""
    column = plan.space.action(field)
    proposed = column == str(Action.PROPOSED), was_declined(plan, field)
    set_action(plan, field, Action.DECLINED, *proposed)


def declined_values(plan: RunContext) -> list[dict[str, Any]]:
    """What was declined, with who decided and when: `row, key, field, value, by, at, comment`; at most a hundred."""
    found: list[dict[str, Any]] = []
    for field in fields_with(plan, (Action.DECLINED,)):
        latest: dict[int, dict[str, Any]] = {}
        for row in plan.connection.execute(_decisions(plan, field)):
            latest[row.number] = {
                "row": row.number,
                "key": [row[at] for at in range(1, len(plan.target.key) + 1)],
                "field": field,
                "value": row.value,
                "by": row.decided_by,
                "at": row.decided_at,
                "comment": row.comment,
            }
        found += latest.values()
        if len(found) >= MOST_NAMED:
            break
    return sorted(found[:MOST_NAMED], key=lambda each: int(each["row"]))


def _decisions(plan: RunContext, field: str) -> sa.Select[Any]:
    """Declined values of a field with the earlier decisions on them, the latest last."""
    diff, earlier = plan.space.diff, _change.alias("earlier")
    rows = (
        sa.select(diff.c["_row"])
        .where(plan.space.action(field) == str(Action.DECLINED), sa.not_(plan.is_refused(diff.c["_row"])))
        .order_by(diff.c["_row"])
        .limit(MOST_NAMED)
    )
    columns = [earlier.c.decided_by, earlier.c.decided_at, earlier.c.comment]
    value = plan.canonical(plan.space.new(field), field).label("value")
    keys = plan.keys(diff)[: len(plan.target.key)]
    return (
        sa.select(diff.c["_row"].label("number"), *keys, value, *columns)
        .join_from(diff, earlier, sa.and_(*_same_value(plan, field, earlier)))
        .where(diff.c["_row"].in_(rows.scalar_subquery()))
        .order_by(diff.c["_row"], earlier.c.id)
    )
