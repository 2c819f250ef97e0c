"""Responses to proposed changes, as sets: who may respond, what the policy makes of it, what the history says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import DataEntity
from importer.storage import control, statistics
from importer.storage.runs import Actor
from importer.storage.selection import CONFLICT, DONE, REFUSED, Sure, mark, selection
from importer.vocabulary import OPEN_STATUSES, ChangeStatus
from importer.workflow.contributors import contributed_by
from importer.workflow.definition import ADMINISTRATORS, WorkflowDefinition, load_steps
from importer.workflow.moves import RULES, Move, Refusal, next_status
from importer.workflow.panels import Place, is_named, panel, seats_of
from importer.workflow.people import is_administrator
from importer.workflow.policy import PolicyKind, Verdict
from importer.workflow.routing import sure_step

_change, _item, _response = control.proposed_change, control.work_item, control.response


def mark_wrong_status(connection: sa.Connection, move: Move) -> None:
    """What the state machine doesn't allow from here."""
    found = {str(status): next_status(status, move) for status in OPEN_STATUSES}
    refusals = {status: each.reason for status, each in found.items() if isinstance(each, Refusal)}
    if refusals:
        why = sa.case(refusals, value=selection.c.status)
        mark(connection, REFUSED, why, selection.c.status.in_(refusals))


def find_last_work_items(connection: sa.Connection) -> None:
    """Where a change has waited last, though it waits there no more."""
    item = sa.and_(
        _item.c.proposal_id == selection.c.proposal_id,
        _item.c.settings_sha256 == selection.c.settings_sha256,
        _item.c.step == selection.c.step,
    )
    last = sa.select(sa.func.max(_item.c.id)).where(item).scalar_subquery()
    connection.execute(sa.update(selection).values(work_item_id=last))


def is_asked(connection: sa.Connection, user: str, two_eyes: list[str]) -> sa.ColumnElement[bool]:
    """The user is one of those who are asked at the change's work item."""
    place = Place(selection.c.work_item_id, selection.c.proposal_id, selection.c.settings_sha256)
    asked = is_named(connection, user, place, two_eyes)
    if is_administrator(connection, user):  # where nobody is left
        items = sa.select(selection.c.work_item_id).where(selection.c.work_item_id.is_not(None))
        mine = seats_of(connection, user, items, two_eyes).subquery("mine")
        asked = sa.or_(asked, selection.c.work_item_id.in_(sa.select(mine.c.work_item_id)))
    return sa.and_(selection.c.work_item_id.is_not(None), asked)


def heard() -> sa.ColumnElement[bool]:
    """Responses that stand: nothing is against them, or the record has moved on meanwhile."""
    return sa.or_(selection.c.fate.is_(None), sa.and_(selection.c.fate == CONFLICT, selection.c.verdict.is_not(None)))


def mark_strangers(connection: sa.Connection, user: str, two_eyes: list[str]) -> None:
    """Only who is asked at the step responds; four eyes for every contributor."""
    contributed = selection.c.proposal_id.in_(contributed_by(user))
    why = sa.case(
        (contributed, "four eyes: nobody approves what they contributed to"), else_=f"{user} is not asked at this step"
    )
    mark(connection, REFUSED, why, sa.not_(is_asked(connection, user, two_eyes)))


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


def sure_verdicts(entities: Mapping[str, DataEntity], move: Move) -> Sure:
    """What a response makes of changes at the steps of the versions in force where one is enough."""
    if move not in (Move.APPROVE, Move.REJECT):
        return {}
    versions = [load_steps(entity) for entity in entities.values()]
    return {
        (version.settings_sha256, step.name): _of_one(version, step.name, approved=move is Move.APPROVE)
        for version in versions
        for step in (*version.steps, ADMINISTRATORS)
        if step.policy.kind is PolicyKind.SINGLE
    }


def _of_one(version: WorkflowDefinition, step: str, *, approved: bool) -> tuple[str, str | None]:
    return (str(Verdict.APPROVED), sure_step(version, step)) if approved else (str(Verdict.REJECTED), None)


def settle_verdicts(
    connection: sa.Connection,
    definitions: Mapping[str, WorkflowDefinition],
    waiting: Collection[tuple[str, str]],
    two_eyes: list[str],
    *,
    approved: bool,
) -> None:
    """Sets `verdict` where enough approvers have responded; any rejection among them rejects.

    `waiting`: workflow versions and their steps at which selected changes may wait.
    `approved`: the response that was just given; where one is enough it decides, and the next step may be sure.
    """
    for version, step in sorted(waiting):
        policy = definitions[version].step(step).policy
        here = sa.and_(selection.c.fate.is_(None), selection.c.settings_sha256 == version, selection.c.step == step)
        if policy.kind is PolicyKind.SINGLE:
            verdict, following = _of_one(definitions[version], step, approved=approved)
            values = {"verdict": verdict, "next_step": following}
            connection.execute(sa.update(selection).values(values).where(here, selection.c.verdict.is_(None)))
            continue
        given = _given(here, policy.kind, policy.percent, two_eyes).subquery("given")
        heard = sa.case((given.c.rejections > 0, str(Verdict.REJECTED)), else_=str(Verdict.APPROVED))
        complete = selection.c.change_id == given.c.change_id, given.c.responses >= given.c.enough
        connection.execute(sa.update(selection).values(verdict=heard).where(*complete))


def _given(here: ColumnElement[bool], kind: PolicyKind, percent: int, two_eyes: list[str]) -> sa.Select[Any]:
    """`change_id, responses, rejections, enough`: what those who are asked have said at the present step and round."""
    asked = panel(sa.select(selection.c.work_item_id).where(here), two_eyes)
    item = asked.c.work_item_id
    people = sa.select(item, sa.func.count().label("people")).group_by(item).subquery("people")
    same = (
        _response.c.change_id == selection.c.change_id,
        _response.c.step == selection.c.step,
        _response.c.round == selection.c.round,
    )
    still = sa.and_(item == selection.c.work_item_id, asked.c.user_name == _response.c.user_name)
    rows = (
        selection.join(_response, sa.and_(*same))
        .join(asked, still)
        .join(people, people.c.work_item_id == selection.c.work_item_id)
    )
    rejections = sa.func.sum(sa.case((_response.c.approved.is_(sa.false()), 1), else_=0))
    return (
        sa.select(
            selection.c.change_id,
            sa.func.count().label("responses"),
            rejections.label("rejections"),
            sa.func.max(_enough(kind, percent, people.c.people)).label("enough"),
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


def outcome() -> ColumnElement[Any]:
    """What becomes of a change by the verdict on it: applied, rejected, in conflict; null while it goes on."""
    free = selection.c.fate.is_(None)
    done = sa.and_(selection.c.verdict == str(Verdict.APPROVED), selection.c.next_step == DONE)
    return sa.case(
        (selection.c.fate == CONFLICT, str(RULES[Move.CONFLICT].after)),
        (sa.and_(free, selection.c.verdict == str(Verdict.REJECTED)), str(RULES[Move.TURN_DOWN].after)),
        (sa.and_(free, done), str(RULES[Move.APPLY].after)),
    )


def end_changes(connection: sa.Connection, actor: Actor, comment: str | ColumnElement[Any] | None) -> None:
    """Pending changes become what the verdict makes of them: compared and set, in one statement."""
    after = outcome()
    ended = after.in_([str(status) for status in ChangeStatus if not status.is_open])
    kept = {name: _change.c[name] for name in ("decided_by", "decided_at", "comment")}
    said = {"decided_by": actor.user, "decided_at": actor.at, "comment": comment}
    values = {name: sa.case((ended, _said(said[name])), else_=kept[name]) for name in said}
    pending = _change.c.status.in_([str(status) for status in RULES[Move.APPLY].before])
    here = _change.c.id == selection.c.change_id, after.is_not(None), pending
    connection.execute(sa.update(_change).values(status=after, **values).where(*here))


def change_status(
    connection: sa.Connection, actor: Actor, move: Move, *which: ColumnElement[bool], **values: Any
) -> int:
    """One move for the selected changes: compared and set, and written to the history."""
    rule = RULES[move]
    chosen = sa.select(selection.c.change_id).where(*which)
    possible = _change.c.id.in_(chosen), _change.c.status.in_([str(status) for status in rule.before])
    add_history(connection, actor, Entry(rule.done, str(rule.after), values.get("comment")), *which)
    settled = {"status": str(rule.after), **values}
    if not rule.after.is_open:
        settled |= {"decided_by": actor.user, "decided_at": actor.at}
    statement = sa.update(_change).values(settled).where(*possible)
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


@dataclass(frozen=True)
class Entry:
    """What the history says of an action; each a text, or an expression on the selected changes."""

    action: str | ColumnElement[Any]
    to_status: str | ColumnElement[Any] | None = None
    comment: str | ColumnElement[Any] | None = None
    on_behalf_of: str | ColumnElement[Any] | None = None


def add_history(connection: sa.Connection, actor: Actor, entry: Entry, *which: ColumnElement[bool]) -> None:
    columns = {
        **{name: sa.literal(value) for name, value in actor.stamp.items()},
        "action": _said(entry.action),
        "proposal_id": selection.c.proposal_id,
        "change_id": selection.c.change_id,
        "on_behalf_of": _said(actor.on_behalf_of if entry.on_behalf_of is None else entry.on_behalf_of),
        "from_status": selection.c.status,
        "to_status": _said(entry.to_status),
        "comment": _said(entry.comment),
    }
    rows = sa.select(*columns.values()).where(*which)
    connection.execute(sa.insert(control.history).from_select(list(columns), rows))


def _said(words: str | ColumnElement[Any] | None) -> ColumnElement[Any]:
    return words if isinstance(words, ColumnElement) else sa.literal(words, sa.Text)


def record_refusals(connection: sa.Connection, actor: Actor, move: Move) -> None:
    """An action by somebody who may not do it is refused and recorded."""
    entry = Entry(f"{move.value}_refused", comment=selection.c.why)
    add_history(connection, actor, entry, selection.c.fate == REFUSED)
