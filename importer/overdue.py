"""THE STORY of what is overdue: work goes to the next who is named, in the end the workflow's final action decides."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from importer.deciding import Desk, open_desk, settle, write_decided
from importer.session import Session
from importer.storage import control, locks
from importer.storage.migrate import ensure
from importer.storage.runs import Actor, now
from importer.storage.selection import Request, lock_changes, select_changes, selection
from importer.vocabulary import ChangeStatus
from importer.workflow import decisions
from importer.workflow.definition import ApproverSpec, Ruling, Step, when_overdue
from importer.workflow.policy import Verdict
from importer.workflow.routing import Route, ask, due_at

SYSTEM = "system"
_item, _approver = control.work_item, control.work_approver


def tick(session: Session) -> dict[str, Any]:
    """Escalates and decides what is overdue; `{escalated, approved, rejected, waiting}`."""
    ensure(session.database)
    with locks.deciding(session.database, session.entities) as connection:
        select_changes(connection, Request(), (ChangeStatus.PENDING,))
        lock_changes(connection)
        decisions.find_work_items(connection)
        _keep_overdue(connection)
        actor = Actor(SYSTEM, session.login, session.host, now())
        desk = open_desk(connection, actor, session.entities)
        return _settle(desk)


def _keep_overdue(connection: sa.Connection) -> None:
    overdue = sa.select(_item.c.id).where(_item.c.closed_at.is_(None), _item.c.due_at < now())
    connection.execute(
        sa.delete(selection).where(sa.or_(selection.c.work_item_id.is_(None), selection.c.work_item_id.not_in(overdue)))
    )


def _settle(desk: Desk) -> dict[str, Any]:
    counts = {"escalated": 0, "approved": 0, "rejected": 0, "waiting": 0}
    for route in desk.routes:
        for step, escalated in _groups(route):
            here = sa.and_(_at(route, step), _escalated(escalated))
            match when_overdue(step, escalated):
                case None:
                    counts["waiting"] += _count(route, here)
                case Ruling() as ruling:
                    counts["approved" if ruling is Ruling.APPROVE else "rejected"] += _count(route, here)
                    _rule(route, here, ruling, step)
                case ApproverSpec() as spec:
                    counts["escalated"] += _count(route, here)
                    _escalate(route, here, spec, step)
    write_decided(desk)
    settle(desk, "overdue")
    return counts


def _groups(route: Route) -> list[tuple[Step, int]]:
    rows = route.connection.execute(
        sa.select(selection.c.step, _item.c.escalated)
        .join_from(selection, _item, _item.c.id == selection.c.work_item_id)
        .where(route.mine)
        .distinct()
    ).all()
    return [(route.definition.step(step), escalated) for step, escalated in rows]


def _at(route: Route, step: Step) -> sa.ColumnElement[bool]:
    return sa.and_(route.mine, selection.c.step == step.name)


def _escalated(times: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(_item.c.id == selection.c.work_item_id, _item.c.escalated == times)


def _count(route: Route, here: sa.ColumnElement[bool]) -> int:
    return int(route.connection.scalar(sa.select(sa.func.count()).select_from(selection).where(here)) or 0)


def _rule(route: Route, here: sa.ColumnElement[bool], ruling: Ruling, step: Step) -> None:
    verdict = Verdict.APPROVED if ruling is Ruling.APPROVE else Verdict.REJECTED
    comment = f"{step.name} was overdue"
    decisions.add_history(route.connection, route.actor, str(verdict), here, comment=comment)
    route.connection.execute(sa.update(selection).values(verdict=str(verdict)).where(here))


def _escalate(route: Route, here: sa.ColumnElement[bool], spec: ApproverSpec, step: Step) -> None:
    """The work is with the next one, for another due time."""
    decisions.add_history(route.connection, route.actor, "escalated", here, comment=f"{step.name}: to {spec.text}")
    items = list(route.connection.scalars(sa.select(selection.c.work_item_id).where(here).distinct()))
    route.connection.execute(sa.delete(_approver).where(_approver.c.work_item_id.in_(items)))
    ask(route, spec, _item.c.id.in_(items))
    due = due_at(route.actor.at, step.due_days)
    moved = {"due_at": due, "escalated": _item.c.escalated + 1}
    route.connection.execute(sa.update(_item).values(moved).where(_item.c.id.in_(items)))
