"""THE STORY of a decision: changes are selected, locked, tested, decided, written and recorded in one transaction.

Everybody who may not act, comes second, or saw an older version hears why; nothing is done by halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from importer.choosing import LISTED, choose, hold
from importer.deciding import Desk, carry_out, open_desk, submit
from importer.entity import nearest
from importer.errors import SetupError
from importer.session import Session
from importer.storage import control, locks
from importer.storage.control import is_open
from importer.storage.migrate import ensure
from importer.storage.selection import (
    ALREADY_DECIDED,
    CONFLICT,
    REFUSED,
    Request,
    fates,
    leave_aside,
    listing_digest,
    mark,
    mark_decided,
    mark_unseen_versions,
    narrow,
    reasons,
    require_fields,
    selection,
)
from importer.vocabulary import OPEN_STATUSES
from importer.workflow import decisions, people, seats
from importer.workflow.moves import RULES, Move, Role, before
from importer.workflow.routing import close_finished_items
from importer.workflow.versions import take_version_in_force

Answer = dict[str, Any]

LISTING_CHANGED = "the listing has changed since: list again, look again"


@dataclass(frozen=True)
class Action:
    """What is asked for. `listing`: the digest that a bulk decision binds to; `to`: a person, or `group:NAME`."""

    move: Move
    request: Request
    comment: str | None = None
    listing: str | None = None
    to: str | None = None


def act(session: Session, action: Action) -> Answer:
    """Carries out an action on proposed changes: `{done, conflict, refused, already_decided, ids}` and reasons."""
    return locks.repeated(lambda: _act(session, action))


def _act(session: Session, action: Action) -> Answer:
    with _desk(session, action) as (desk, is_same):
        if not desk.found.statuses <= set(OPEN_STATUSES):
            mark_decided(desk.connection)
        mark_unseen_versions(desk.connection, action.request)
        if "create" in desk.found.kinds:
            _mark_parts_of_new_records(desk.connection)
        if not desk.found.statuses <= set(before(action.move)):
            decisions.mark_wrong_status(desk.connection, action.move)
        leave_aside(desk.connection, action.request)
        failed = _MOVES[action.move](desk, action)
        found = fates(desk.connection)
        if REFUSED in found:
            decisions.record_refusals(desk.connection, desk.actor, action.move)
        return _answer(desk.connection, found, failed, is_same)


def count_possible(session: Session, action: Action) -> tuple[int, int, int]:
    """What an action in bulk would be about, before it is done: changes, proposals, changes it can't touch."""
    ensure(session.database)
    with session.database.begin() as connection:
        choose(session, connection, action.request, before(action.move))
        desk = open_desk(connection, session.actor(), session.entities)
        _who_may(desk, action)
        free = sa.select(sa.func.count(), sa.func.count(selection.c.proposal_id.distinct()))
        changes, proposals = connection.execute(free.where(selection.c.fate.is_(None))).one()
        return changes, proposals, sum(fates(connection).values()) - changes


def _who_may(desk: Desk, action: Action) -> None:
    roles = RULES[action.move].roles
    if action.move is Move.REBASE:
        return
    if Role.APPROVER in roles:
        _only_approvers(desk, action)
    elif action.move is not Move.REASSIGN:
        _keepers_only(desk, action)


# --- the frame of every action --------------------------------------------------------------------------------------


@contextmanager
def _desk(session: Session, action: Action) -> Iterator[tuple[Desk, bool]]:
    """The desk, and whether the listing is still the one that was seen."""
    ensure(session.database)
    request, possible = action.request, before(action.move)
    sure = decisions.sure_verdicts(session.entities, action.move)
    with locks.deciding(session.database, session.entities) as connection:
        is_same = True
        if action.listing is None:
            hold(session, connection, request, possible, sure)
            require_fields(connection, request)
        else:  # the digest is of all that was listed, not only of what the action is about
            hold(session, connection, replace(request, fields=()), LISTED, sure)
            is_same = listing_digest(connection) == action.listing
            narrow(connection, request, possible)
        if not is_same:
            mark(connection, REFUSED, LISTING_CHANGED)
        yield open_desk(connection, session.actor(), session.entities), is_same


def _mark_parts_of_new_records(connection: sa.Connection) -> None:
    """A proposal of a new record is decided as a whole."""
    change = control.proposed_change
    others = selection.alias("others")
    elsewhere = sa.exists().where(
        change.c.proposal_id == selection.c.proposal_id,
        is_open(change.c.status),
        sa.not_(sa.exists().where(others.c.change_id == change.c.id)),
    )
    why = "a new record is decided as a whole: leave out the fields"
    mark(connection, REFUSED, why, selection.c.kind == "create", elsewhere)


def _answer(connection: sa.Connection, found: Mapping[str | None, int], failed: list[str], is_same: bool) -> Answer:
    done = sa.select(selection.c.proposal_id).where(selection.c.fate.is_(None)).distinct()
    why = reasons(connection) if set(found) - {None} else []
    if not is_same and not why:  # nothing is left of what was listed
        why = [{"id": None, "field": None, "fate": REFUSED, "why": LISTING_CHANGED}]
    return {
        "done": found.get(None, 0),
        "conflict": found.get(CONFLICT, 0),
        "refused": found.get(REFUSED, 0),
        "already_decided": found.get(ALREADY_DECIDED, 0),
        "ids": sorted(connection.scalars(done)),
        "reasons": why,
        "failed_conditions": failed,
    }


# --- the moves ------------------------------------------------------------------------------------------------------


def _respond(desk: Desk, action: Action) -> list[str]:
    """Approve or reject: a response, and what follows from it."""
    connection, approved = desk.connection, action.move is Move.APPROVE
    _only_approvers(desk, action)
    decisions.mark_already_responded(connection, desk.actor.user)
    leave_aside(connection, action.request)
    decisions.add_responses(connection, desk.actor, approved=approved)
    decisions.settle_verdicts(connection, desk.versions, desk.found.steps, desk.two_eyes, approved=approved)
    behalf = seats.on_behalf_of(connection, desk.actor.user)
    said = decisions.Entry(RULES[action.move].done, comment=action.comment, on_behalf_of=behalf)
    return carry_out(desk, said, decisions.heard())


def _only_approvers(desk: Desk, action: Action) -> None:
    decisions.mark_strangers(desk.connection, desk.actor.user, desk.two_eyes)
    leave_aside(desk.connection, action.request)


def _request_changes(desk: Desk, action: Action) -> list[str]:
    _only_approvers(desk, action)
    values = {**_from_the_start(), "comment": action.comment}
    decisions.change_status(desk.connection, desk.actor, Move.REQUEST_CHANGES, selection.c.fate.is_(None), **values)
    _close_items(desk)
    return []


def _from_the_start() -> dict[str, Any]:
    """Submitted again a change starts at the first step, with its due time; responses of before don't count."""
    return {"step": None, "due_at": None, "round": control.proposed_change.c.round + 1}


def _users_only(desk: Desk) -> None:
    if desk.actor.user not in people.active_users(desk.connection):
        mark(desk.connection, REFUSED, f"{desk.actor.user} is no user: importer users add")


def _keepers_only(desk: Desk, action: Action) -> None:
    """Submitter, owner of the source, administrator: as the state machine says for the move."""
    seats.mark_without_role(desk.connection, desk.actor.user, action.move, _owned(desk), _roles(desk))
    leave_aside(desk.connection, action.request)


def _roles(desk: Desk) -> set[Role]:
    admin = people.is_administrator(desk.connection, desk.actor.user)
    return {Role.ADMINISTRATOR} if admin else set()


def _owned(desk: Desk) -> list[tuple[str, str]]:
    """(entity, source) pairs whose owner is the user."""
    groups = people.groups_of(desk.connection, desk.actor.user)
    mine = {f"user:{desk.actor.user}", *(f"group:{group}" for group in groups)}
    return [
        (entity.name, source.name)
        for entity in desk.entities.values()
        for source in entity.parameters.sources
        if source.owner in mine
    ]


def _submit(desk: Desk, action: Action) -> list[str]:
    _keepers_only(desk, action)
    free = selection.c.fate.is_(None)
    seats.add_contributor(desk.connection, desk.actor.user, free)
    take_version_in_force(desk.connection, desk.entities)
    decisions.change_status(desk.connection, desk.actor, Move.SUBMIT, free, comment=action.comment)
    return submit(open_desk(desk.connection, desk.actor, desk.entities))


def _discard(desk: Desk, action: Action) -> list[str]:
    _keepers_only(desk, action)
    decisions.change_status(
        desk.connection, desk.actor, Move.DISCARD, selection.c.fate.is_(None), comment=action.comment
    )
    _close_items(desk)
    return []


def _recall(desk: Desk, action: Action) -> list[str]:
    _users_only(desk)
    _keepers_only(desk, action)
    values = {**_from_the_start(), "comment": action.comment}
    decisions.change_status(desk.connection, desk.actor, Move.RECALL, selection.c.fate.is_(None), **values)
    _close_items(desk)
    return []


def _rebase(desk: Desk, action: Action) -> list[str]:
    """Against the current value, and to be approved again from the first step."""
    _users_only(desk)
    for name, target in desk.targets.items():
        seats.take_current_values(desk.connection, desk.entities[name], target)
    decisions.find_last_work_items(desk.connection)
    asked = decisions.is_asked(desk.connection, desk.actor.user, desk.two_eyes)
    seats.mark_without_role(desk.connection, desk.actor.user, action.move, _owned(desk), _roles(desk), asked)
    leave_aside(desk.connection, action.request)
    free = selection.c.fate.is_(None)
    seats.renew_versions(desk.connection, free)
    decisions.change_status(desk.connection, desk.actor, Move.REBASE, free, comment=action.comment)
    return submit(desk)


def _delegate(desk: Desk, action: Action) -> list[str]:
    _only_approvers(desk, action)
    receiver = _receiver(desk, action)
    seats.mark_contributor(desk.connection, receiver, desk.two_eyes)
    seats.delegate(desk.connection, desk.actor, receiver, action.comment)
    return []


def _reassign(desk: Desk, action: Action) -> list[str]:
    if Role.ADMINISTRATOR not in _roles(desk):
        mark(desk.connection, REFUSED, f"{desk.actor.user} is no administrator")
    receiver = _receiver(desk, action)
    seats.mark_contributor(desk.connection, receiver, desk.two_eyes)
    seats.reassign(desk.connection, desk.actor, receiver, action.comment)
    return []


def _receiver(desk: Desk, action: Action) -> tuple[str, str]:
    if action.to is None:
        raise SetupError(f"{action.move.value} needs --to NAME")
    kind, _, name = action.to.partition(":") if action.to.startswith(("user:", "group:")) else ("user", "", action.to)
    users = people.active_users(desk.connection)
    if kind == "user" and name not in users:
        raise SetupError(f"there is no user {name!r}{nearest(name, users)}")
    if kind == "group" and not people.members_of(desk.connection, name):
        raise SetupError(f"the group {name!r} has no members")
    return kind, name


def _close_items(desk: Desk) -> None:
    close_finished_items(desk.connection, desk.actor, sa.select(selection.c.proposal_id))


_MOVES: dict[Move, Callable[[Desk, Action], list[str]]] = {
    Move.APPROVE: _respond,
    Move.REJECT: _respond,
    Move.REQUEST_CHANGES: _request_changes,
    Move.SUBMIT: _submit,
    Move.DISCARD: _discard,
    Move.RECALL: _recall,
    Move.REBASE: _rebase,
    Move.DELEGATE: _delegate,
    Move.REASSIGN: _reassign,
}
