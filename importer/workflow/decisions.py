"""Responses to proposed changes, as sets: who may respond, what the policy makes of it, what the history says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control, statistics
from importer.storage.runs import Actor
from importer.storage.selection import CONFLICT, REFUSED, mark, selection
from importer.vocabulary import OPEN_STATUSES
from importer.workflow.definition import WorkflowDefinition
from importer.workflow.moves import RULES, Move, Refusal, next_status
from importer.workflow.panels import panel, seats_of
from importer.workflow.policy import PolicyKind, Verdict

_change, _item, _response = control.proposed_change, control.work_item, control.response


def mark_wrong_status(connection: sa.Connection, move: Move) -> None:
    """What the state machine doesn't allow from here."""
    for status in OPEN_STATUSES:
        refusal = next_status(status, move)
        if isinstance(refusal, Refusal):
            mark(connection, REFUSED, refusal.reason, selection.c.status == str(status))


def find_work_items(connection: sa.Connection, *, closed: bool = False) -> None:
    """Where a change waits; `closed`: where it has waited last."""
    item = sa.and_(
        _item.c.proposal_id == selection.c.proposal_id,
        _item.c.settings_sha256 == selection.c.settings_sha256,
        _item.c.step == selection.c.step,
    )
    if closed:
        last = sa.select(sa.func.max(_item.c.id)).where(item).scalar_subquery()
        connection.execute(sa.update(selection).values(work_item_id=last))
    else:
        found = sa.update(selection).values(work_item_id=_item.c.id).where(item, _item.c.closed_at.is_(None))
        connection.execute(found)


def is_asked(user: str, two_eyes: list[str]) -> sa.ColumnElement[bool]:
    """The user is one of those who are asked at the change's work item."""
    items = sa.select(selection.c.work_item_id).where(selection.c.work_item_id.is_not(None))
    asked = panel(items, two_eyes)
    return sa.exists().where(asked.c.work_item_id == selection.c.work_item_id, asked.c.user_name == user)


def heard() -> sa.ColumnElement[bool]:
    """Responses that stand: nothing is against them, or the record has moved on meanwhile."""
    return sa.or_(selection.c.fate.is_(None), sa.and_(selection.c.fate == CONFLICT, selection.c.verdict.is_not(None)))


def mark_strangers(connection: sa.Connection, user: str, two_eyes: list[str]) -> None:
    """Only who is asked at the step responds; four eyes for every contributor."""
    items = sa.select(selection.c.work_item_id).where(selection.c.work_item_id.is_not(None))
    seats = seats_of(connection, user, items, two_eyes)
    mine = sa.exists().where(seats.c.work_item_id == selection.c.work_item_id)
    contributed = sa.exists().where(
        control.contributor.c.proposal_id == selection.c.proposal_id, control.contributor.c.user_name == user
    )
    both = "four eyes: nobody approves what they contributed to"
    mark(connection, REFUSED, both, sa.not_(mine), contributed)
    mark(connection, REFUSED, f"{user} is not asked at this step", sa.not_(mine))


def mark_already_responded(connection: sa.Connection, user: str) -> None:
    given = sa.exists().where(
        _response.c.change_id == selection.c.change_id,
        _response.c.step == selection.c.step,
        _response.c.round == selection.c.round,
        _response.c.user_name == user,
    )
    mark(connection, REFUSED, f"{user} has responded at this step already", given)


def add_responses(connection: sa.Connection, actor: Actor, *, approved: bool) -> None:
    columns = [selection.c.change_id, selection.c.step, selection.c.round]
    rows = sa.select(*columns, sa.literal(actor.user), sa.literal(approved), sa.literal(actor.at)).where(
        selection.c.fate.is_(None)
    )
    names = ["change_id", "step", "round", "user_name", "approved", "at"]
    statistics.fill(connection, sa.insert(_response).from_select(names, rows), "change_id", "step", "round")


def take_back_responses(connection: sa.Connection, actor: Actor) -> None:
    """A decision that can't be carried out leaves no response behind."""
    refused = sa.select(selection.c.change_id).where(selection.c.fate == REFUSED, selection.c.verdict.is_not(None))
    mine = _response.c.user_name == actor.user, _response.c.at == actor.at
    connection.execute(sa.delete(_response).where(_response.c.change_id.in_(refused), *mine))


def settle_verdicts(
    connection: sa.Connection, definitions: Mapping[str, WorkflowDefinition], two_eyes: list[str]
) -> None:
    """Sets `verdict` where enough approvers have responded; any rejection among them rejects."""
    waiting = sa.select(selection.c.settings_sha256, selection.c.step).where(selection.c.fate.is_(None)).distinct()
    for version, step in connection.execute(waiting).all():
        policy = definitions[version].step(step).policy
        here = sa.and_(selection.c.fate.is_(None), selection.c.settings_sha256 == version, selection.c.step == step)
        given = _given(here, policy.kind, policy.percent, two_eyes).subquery("given")
        approved = sa.case((given.c.rejections > 0, str(Verdict.REJECTED)), else_=str(Verdict.APPROVED))
        complete = selection.c.change_id == given.c.change_id, given.c.responses >= given.c.enough
        connection.execute(sa.update(selection).values(verdict=approved).where(*complete))


def _given(here: ColumnElement[bool], kind: PolicyKind, percent: int, two_eyes: list[str]) -> sa.Select[Any]:
    """`change_id, responses, rejections, enough`: what was said at the present step and round.

    Only who is asked at the moment counts; where one is enough, that is who has just been checked.
    """
    same = (
        _response.c.change_id == selection.c.change_id,
        _response.c.step == selection.c.step,
        _response.c.round == selection.c.round,
    )
    enough: Any = sa.literal(1)
    rows: Any = selection.join(_response, sa.and_(*same))
    if kind is not PolicyKind.SINGLE:
        asked = panel(sa.select(selection.c.work_item_id).where(here), two_eyes)
        item = asked.c.work_item_id
        people = sa.select(item, sa.func.count().label("people")).group_by(item).subquery("people")
        still = sa.and_(item == selection.c.work_item_id, asked.c.user_name == _response.c.user_name)
        rows = rows.join(asked, still).join(people, people.c.work_item_id == selection.c.work_item_id)
        enough = sa.func.max(_enough(kind, percent, people.c.people))
    rejections = sa.func.sum(sa.case((_response.c.approved.is_(sa.false()), 1), else_=0))
    return (
        sa.select(
            selection.c.change_id,
            sa.func.count().label("responses"),
            rejections.label("rejections"),
            enough.label("enough"),
        )
        .select_from(rows)
        .where(here)
        .group_by(selection.c.change_id)
    )


def _enough(kind: PolicyKind, percent: int, people: ColumnElement[int]) -> ColumnElement[int]:
    """The number of responses that complete the step, from the number of people who are asked (`policy.py`)."""
    match kind:
        case PolicyKind.MAJORITY:
            needed: Any = people // 2 + 1
        case PolicyKind.PERCENT:
            needed = (people * percent + 99) // 100
        case _:
            needed = people
    return sa.case((needed < 1, 1), else_=needed)


def change_status(
    connection: sa.Connection, actor: Actor, move: Move, *which: ColumnElement[bool], **values: Any
) -> int:
    """One move for the selected changes: compared and set, and written to the history."""
    rule = RULES[move]
    chosen = sa.select(selection.c.change_id).where(*which)
    possible = _change.c.id.in_(chosen), _change.c.status.in_([str(status) for status in rule.before])
    add_history(connection, actor, rule.done, *which, to_status=str(rule.after), comment=values.get("comment"))
    settled = {"status": str(rule.after), **values}
    if not rule.after.is_open:
        settled |= {"decided_by": actor.user, "decided_at": actor.at}
    statement = sa.update(_change).values(settled).where(*possible)
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def add_history(
    connection: sa.Connection,
    actor: Actor,
    action: str,
    *which: ColumnElement[bool],
    to_status: str | None = None,
    comment: Any = None,
    on_behalf_of: ColumnElement[Any] | None = None,
) -> None:
    stamp = actor.stamp
    columns = {
        **{name: sa.literal(value) for name, value in stamp.items()},
        "action": sa.literal(action),
        "proposal_id": selection.c.proposal_id,
        "change_id": selection.c.change_id,
        "on_behalf_of": sa.literal(actor.on_behalf_of, sa.Text) if on_behalf_of is None else on_behalf_of,
        "from_status": selection.c.status,
        "to_status": sa.literal(to_status, sa.Text),
        "comment": sa.literal(comment, sa.Text) if comment is None or isinstance(comment, str) else comment,
    }
    rows = sa.select(*columns.values()).where(*which)
    connection.execute(sa.insert(control.history).from_select(list(columns), rows))


def record_refusals(connection: sa.Connection, actor: Actor, move: Move) -> None:
    """An action by somebody who may not do it is refused and recorded."""
    add_history(connection, actor, f"{move.value}_refused", selection.c.fate == REFUSED, comment=selection.c.why)
