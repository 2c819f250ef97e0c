"""Who sits where: contributors, submitters and owners, delegates; and changes that are taken up after a conflict."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.storage import control
from importer.storage.runs import Actor
from importer.storage.selection import REFUSED, mark, same_record, selection
from importer.storage.target import Target, canonical
from importer.workflow.contributors import contributed_by
from importer.workflow.decisions import Entry, add_history
from importer.workflow.moves import RULES, Move, Role, refused_to

_proposal, _change = control.proposal, control.proposed_change
_item, _approver, _contributor = control.work_item, control.work_approver, control.contributor


def add_contributor(connection: sa.Connection, user: str, *which: sa.ColumnElement[bool]) -> None:
    """Four eyes: whoever submits has contributed."""
    known = sa.exists().where(_contributor.c.proposal_id == selection.c.proposal_id, _contributor.c.user_name == user)
    rows = sa.select(selection.c.proposal_id, sa.literal(user)).where(*which, sa.not_(known)).distinct()
    connection.execute(sa.insert(_contributor).from_select(["proposal_id", "user_name"], rows))


def mark_without_role(
    connection: sa.Connection,
    user: str,
    move: Move,
    owned: Collection[tuple[str, str]],
    roles: Collection[Role],
    asked: sa.ColumnElement[bool] | None = None,
) -> None:
    """Only those whom the state machine names for the move; `asked`: who of them is an approver."""
    allowed = RULES[move].roles
    if not allowed.isdisjoint(roles):
        return
    without = [sa.not_(asked)] if asked is not None else []
    mine: list[sa.ColumnElement[bool]] = []
    if Role.SUBMITTER in allowed:
        mine += [_proposal.c.submitted_by == user, _proposal.c.person == user]
    if Role.OWNER in allowed:
        mine += [sa.and_(_proposal.c.entity == entity, _proposal.c.source == source) for entity, source in owned]
    is_mine = sa.exists().where(_proposal.c.id == selection.c.proposal_id, sa.or_(sa.false(), *mine))
    refusal = refused_to(move, roles)
    mark(connection, REFUSED, f"{user}: {refusal.reason if refusal else ''}", sa.not_(is_mine), *without)


def on_behalf_of(connection: sa.Connection, user: str) -> sa.ColumnElement[Any] | None:
    """For whom the user responds to a selected change where they were made a delegate; the history keeps it."""
    member = control.group_member
    groups = sa.select(member.c.group_name).where(member.c.user_name == user)
    is_user = sa.and_(_approver.c.kind == "user", _approver.c.name == user)
    is_member = sa.and_(_approver.c.kind == "group", _approver.c.name.in_(groups))
    delegated = _approver.c.on_behalf_of.is_not(None), sa.or_(is_user, is_member)
    if connection.execute(sa.select(_approver.c.work_item_id).where(*delegated).limit(1)).first() is None:
        return None
    mine = _approver.c.work_item_id == selection.c.work_item_id, *delegated
    return sa.select(sa.func.max(_approver.c.on_behalf_of)).where(*mine).scalar_subquery()


def mark_contributor(connection: sa.Connection, receiver: tuple[str, str], two_eyes: Collection[str]) -> None:
    """Four eyes: work is not given to somebody who has contributed to it."""
    kind, name = receiver
    if kind != "user":
        return
    contributed = selection.c.proposal_id.in_(contributed_by(name))
    strict = selection.c.settings_sha256.not_in(list(two_eyes))
    mark(connection, REFUSED, f"four eyes: {name} has contributed to it", contributed, strict)


def delegate(connection: sa.Connection, actor: Actor, receiver: tuple[str, str], comment: str | None) -> None:
    """The receiver is asked on the actor's behalf; an own seat of the actor goes over."""
    mine = sa.select(selection.c.work_item_id).where(selection.c.fate.is_(None))
    connection.execute(
        sa.delete(_approver).where(
            _approver.c.work_item_id.in_(mine), _approver.c.kind == "user", _approver.c.name == actor.user
        )
    )
    _seat(connection, receiver, on_behalf_of=actor.user)
    _record(connection, actor, Move.DELEGATE, receiver, comment)


def reassign(connection: sa.Connection, actor: Actor, receiver: tuple[str, str], comment: str | None) -> None:
    """The work is with the receiver alone."""
    items = sa.select(selection.c.work_item_id).where(selection.c.fate.is_(None))
    connection.execute(sa.delete(_approver).where(_approver.c.work_item_id.in_(items)))
    _seat(connection, receiver, on_behalf_of=None)
    _record(connection, actor, Move.REASSIGN, receiver, comment)


def _seat(connection: sa.Connection, receiver: tuple[str, str], on_behalf_of: str | None) -> None:
    kind, name = receiver
    sits = sa.exists().where(
        _approver.c.work_item_id == selection.c.work_item_id, _approver.c.kind == kind, _approver.c.name == name
    )
    rows = (
        sa.select(selection.c.work_item_id, sa.literal(kind), sa.literal(name), sa.literal(on_behalf_of, sa.Text))
        .where(selection.c.fate.is_(None), selection.c.work_item_id.is_not(None), sa.not_(sits))
        .distinct()
    )
    connection.execute(sa.insert(_approver).from_select(["work_item_id", "kind", "name", "on_behalf_of"], rows))


def _record(
    connection: sa.Connection, actor: Actor, move: Move, receiver: tuple[str, str], comment: str | None
) -> None:
    words = f"to {':'.join(receiver)}" + (f": {comment}" if comment else "")
    add_history(connection, actor, Entry(RULES[move].done, comment=words), selection.c.fate.is_(None))


def take_current_values(connection: sa.Connection, entity: DataEntity, target: Target) -> None:
    """Rebase: the change is made against the value that the record has now."""
    exists_by_now = "a record with this key exists by now: discard the proposal"
    mark(connection, REFUSED, exists_by_now, selection.c.entity == entity.name, selection.c.kind == "create")
    if not target.exists:
        mark(connection, REFUSED, "the record is gone", selection.c.entity == entity.name)
        return
    stored = sa.select(sa.literal(1)).select_from(target.table).where(same_record(entity, target, selection))
    gone = sa.not_(sa.exists(stored.correlate(selection)))
    mark(connection, REFUSED, "the record is gone", selection.c.entity == entity.name, gone)
    fields = connection.scalars(
        sa.select(selection.c.field).where(selection.c.fate.is_(None), selection.c.entity == entity.name).distinct()
    ).all()
    for field in entity.in_order(fields):
        column = target.columns[field]
        now = canonical(column.stored, column, target.dialect)
        current = sa.select(now).where(same_record(entity, target, selection)).correlate(selection).scalar_subquery()
        here = selection.c.entity == entity.name, selection.c.field == field, selection.c.fate.is_(None)
        connection.execute(sa.update(selection).values(original=current).where(*here))
        same = selection.c.original.is_not_distinct_from(selection.c.proposed)
        mark(connection, REFUSED, "the record has the proposed value already: discard the change", *here[:2], same)


def renew_versions(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> None:
    """A rebased change is another one: new version, new round of responses, due time of its new step."""
    chosen = sa.select(selection.c.change_id).where(*which)
    proposals = sa.select(selection.c.proposal_id).where(*which)
    connection.execute(
        sa.update(_proposal).values(version=_proposal.c.version + 1).where(_proposal.c.id.in_(proposals))
    )
    version = sa.select(_proposal.c.version).where(_proposal.c.id == _change.c.proposal_id).scalar_subquery()
    original = sa.select(selection.c.original).where(selection.c.change_id == _change.c.id).scalar_subquery()
    values: dict[str, Any] = {
        "version": version,
        "original": original,
        "round": _change.c.round + 1,
        "step": None,
        "due_at": None,
    }
    connection.execute(sa.update(_change).values(values).where(_change.c.id.in_(chosen)))
    # The responses of an earlier round don't count: the selection goes on in the new one.
    connection.execute(sa.update(selection).values(round=selection.c.round + 1, step=None).where(*which))
