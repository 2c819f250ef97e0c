"""THE STORY of what is overdue: work goes to the next who is named, in the end the workflow's final action decides."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from importer.deciding import Desk, carry_out, open_desk, remember_first_original
from importer.session import Session
from importer.storage import control, locks
from importer.storage.migrate import ensure
from importer.storage.runs import Actor, now
from importer.storage.selection import CONFLICT, REFUSED, Request, hold_changes, reasons, selection, waits_at
from importer.vocabulary import ChangeStatus
from importer.workflow import decisions
from importer.workflow.approved_values import SYSTEM
from importer.workflow.definition import ApproverSpec, Ruling, Step, when_overdue
from importer.workflow.policy import Verdict
from importer.workflow.routing import Route, ask, due_at

_item, _approver, _change = control.work_item, control.work_approver, control.proposed_change


def tick(session: Session) -> dict[str, Any]:
    """Escalates and decides what is overdue: `{escalated, approved, rejected, waiting, conflict, refused, reasons}`."""
    return locks.repeated(lambda: _tick(session))


def _tick(session: Session) -> dict[str, Any]:
    ensure(session.database)
    with locks.deciding(session.database, session.entities) as connection:
        moment = now()
        late = sa.exists().where(waits_at(), _item.c.due_at < moment)
        hold_changes(connection, Request(), (ChangeStatus.PENDING,), late)
        _keep_overdue(connection, moment)
        actor = Actor(SYSTEM, session.login, session.host, moment)
        desk = open_desk(connection, actor, session.entities)
        return _settle(desk)


def _keep_overdue(connection: sa.Connection, moment: str) -> None:
    """What others have dealt with meanwhile is overdue no more."""
    overdue = sa.select(_item.c.id).where(_item.c.closed_at.is_(None), _item.c.due_at < moment)
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
    decided = selection.c.verdict.is_not(None)
    said = decisions.Entry(selection.c.verdict, comment=selection.c.step.concat(" was overdue"))
    failed = carry_out(desk, said, decided, decisions.heard())
    remember_first_original(desk)
    return counts | _decided(desk.connection) | {"failed_conditions": failed}


def _decided(connection: sa.Connection) -> dict[str, Any]:
    """How many were decided, and what could not be, by name."""
    free = selection.c.fate.is_(None)
    ended = {str(verdict): _count(connection, selection.c.verdict == str(verdict), free) for verdict in _ENDING}
    stopped = {fate: _count(connection, selection.c.fate == fate) for fate in (CONFLICT, REFUSED)}
    return ended | stopped | {"reasons": reasons(connection)}


_ENDING = (Verdict.APPROVED, Verdict.REJECTED)


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
    said = decisions.Entry("escalated", comment=f"{step.name}: to {spec.text}")
    decisions.add_history(route.connection, route.actor, said, here)
    items = sa.select(selection.c.work_item_id).where(here)
    route.connection.execute(sa.delete(_approver).where(_approver.c.work_item_id.in_(items)))
    ask(route, spec, _item.c.id.in_(items))
    due = due_at(route.actor.at, step.due_days)
    changes = sa.select(selection.c.change_id).where(here)
    route.connection.execute(sa.update(_change).values(due_at=due).where(_change.c.id.in_(changes)))
    moved = {"due_at": due, "escalated": _item.c.escalated + 1}
    route.connection.execute(sa.update(_item).values(moved).where(_item.c.id.in_(items)))
