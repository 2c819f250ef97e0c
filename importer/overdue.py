"""THE STORY of what is overdue: work goes to the next who is named, in the end the workflow's final action decides."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from importer.deciding import Desk, open_desk, remember_first_original, settle, write_decided
from importer.session import Session
from importer.storage import control, locks
from importer.storage.migrate import ensure
from importer.storage.runs import Actor, now
from importer.storage.selection import CONFLICT, REFUSED, Request, lock_changes, select_changes, selection
from importer.vocabulary import ChangeStatus
from importer.workflow import decisions
from importer.workflow.definition import ApproverSpec, Ruling, Step, when_overdue
from importer.workflow.policy import Verdict
from importer.workflow.routing import Route, ask, due_at

SYSTEM = "system"
_item, _approver, _change = control.work_item, control.work_approver, control.proposed_change


def tick(session: Session) -> dict[str, Any]:
    """Escalates and decides what is overdue; `{escalated, approved, rejected, waiting, conflict, refused}`."""
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
    counts = {"escalated": 0, "waiting": 0}
    for route in desk.routes:
        for step, escalated in _groups(route):
            here = sa.and_(_at(route, step), _escalated(escalated))
            match when_overdue(step, escalated):
                case None:
                    counts["waiting"] += _count(route.connection, here)
                case Ruling() as ruling:
                    verdict = Verdict.APPROVED if ruling is Ruling.APPROVE else Verdict.REJECTED
                    route.connection.execute(sa.update(selection).values(verdict=str(verdict)).where(here))
                case ApproverSpec() as spec:
                    counts["escalated"] += _count(route.connection, here)
                    _escalate(route, here, spec, step)
    write_decided(desk)
    for verdict in (Verdict.APPROVED, Verdict.REJECTED):
        here = sa.and_(decisions.heard(), selection.c.verdict == str(verdict))
        why = selection.c.step.concat(" was overdue")
        decisions.add_history(desk.connection, desk.actor, str(verdict), here, comment=why)
        counts[str(verdict)] = _count(desk.connection, selection.c.verdict == str(verdict), selection.c.fate.is_(None))
    settle(desk, "overdue")
    remember_first_original(desk)
    return counts | {fate: _count(desk.connection, selection.c.fate == fate) for fate in (CONFLICT, REFUSED)}


def _groups(route: Route) -> list[tuple[Step, int]]:
    """Steps and numbers of escalations; the highest first, so that nothing is escalated twice at once."""
    rows = route.connection.execute(
        sa.select(selection.c.step, _item.c.escalated)
        .join_from(selection, _item, _item.c.id == selection.c.work_item_id)
        .where(route.mine)
        .distinct()
        .order_by(_item.c.escalated.desc())
    ).all()
    return [(route.definition.step(step), escalated) for step, escalated in rows]


def _at(route: Route, step: Step) -> sa.ColumnElement[bool]:
    return sa.and_(route.mine, selection.c.step == step.name)


def _escalated(times: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(_item.c.id == selection.c.work_item_id, _item.c.escalated == times)


def _count(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(selection).where(*which)) or 0)


def _escalate(route: Route, here: sa.ColumnElement[bool], spec: ApproverSpec, step: Step) -> None:
    """The work is with the next one, for another due time."""
    decisions.add_history(route.connection, route.actor, "escalated", here, comment=f"{step.name}: to {spec.text}")
    items = sa.select(selection.c.work_item_id).where(here)
    route.connection.execute(sa.delete(_approver).where(_approver.c.work_item_id.in_(items)))
    ask(route, spec, _item.c.id.in_(items))
    due = due_at(route.actor.at, step.due_days)
    changes = sa.select(selection.c.change_id).where(here)
    route.connection.execute(sa.update(_change).values(due_at=due).where(_change.c.id.in_(changes)))
    moved = {"due_at": due, "escalated": _item.c.escalated + 1}
    route.connection.execute(sa.update(_item).values(moved).where(_item.c.id.in_(items)))
