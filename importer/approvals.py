"""THE STORY of a decision: changes are selected, locked, tested, decided, written and recorded in one transaction.

Everybody who may not act, comes second, or saw an older version hears why; nothing is done by halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from importer.deciding import Desk, carry_out, open_desk, submit
from importer.entity import DataEntity, nearest
from importer.errors import SetupError
from importer.session import Session
from importer.storage import control, locks
from importer.storage.control import is_open
from importer.storage.migrate import ensure
from importer.storage.selection import (
    ALREADY_DECIDED,
    CONFLICT,
    REFUSED,
    Filters,
    Request,
    fates,
    keep_only,
    listing_digest,
    lock_changes,
    mark,
    mark_decided,
    mark_unseen_versions,
    select_changes,
    selection,
)
from importer.storage.target import Target, find_target
from importer.vocabulary import ChangeStatus
from importer.workflow import decisions, listing, people, seats, work
from importer.workflow.conditions import compile_condition
from importer.workflow.facts import selected_facts
from importer.workflow.moves import Move, Role, before

Answer = dict[str, Any]


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
    with _desk(session, action) as desk:
        mark_decided(desk.connection)
        mark_unseen_versions(desk.connection, action.request)
        _mark_parts_of_new_records(desk.connection)
        decisions.mark_wrong_status(desk.connection, action.move)
        failed = _MOVES[action.move](desk, action)
        decisions.record_refusals(desk.connection, desk.actor, action.move)
        return _answer(desk.connection, failed)


def list_proposals(session: Session, filters: Filters) -> list[Answer]:
    """Proposals with the changes that match the filters."""
    _check_field(session, filters.field)
    ensure(session.database)
    with session.database.begin() as connection:
        targets = _targets(session, connection)
        found = listing.list_proposals(connection, session.entities, targets, filters)
        if filters.where is None:
            return found
        chosen = _where(session, connection, Request(filters=filters))
    return listing.only(found, chosen)


def show_proposal(session: Session, number: int) -> Answer:
    """One proposal with all that an approver needs."""
    ensure(session.database)
    with session.database.begin() as connection:
        return listing.show_proposal(connection, session.entities, _targets(session, connection), number)


def digest(session: Session, filters: Filters) -> str:
    """The listing's digest: a bulk decision with it is made on exactly what was listed."""
    ensure(session.database)
    with session.database.begin() as connection:
        _select(session, connection, Request(filters=filters), tuple(ChangeStatus))
        return listing_digest(connection)


def proposal_history(session: Session, number: int | None) -> list[Answer]:
    ensure(session.database)
    with session.database.begin() as connection:
        return listing.history(connection, number)


def my_work(session: Session) -> list[Answer]:
    """Open work items of the user, those that are due first."""
    ensure(session.database)
    with session.database.begin() as connection:
        return work.open_items(connection, session.entities, _targets(session, connection), session.user)


# --- the frame of every action --------------------------------------------------------------------------------------


@contextmanager
def _desk(session: Session, action: Action) -> Iterator[Desk]:
    ensure(session.database)
    for name in action.request.fields:
        _check_field(session, name)
    with locks.deciding(session.database, session.entities) as connection:
        _select(session, connection, action.request, before(action.move))
        lock_changes(connection)
        if action.listing is not None and listing_digest(connection) != action.listing:
            why = "the listing has changed since: list again, look again"
            mark(connection, REFUSED, why)
        yield open_desk(connection, session.actor(), session.entities)


def _select(session: Session, connection: sa.Connection, request: Request, statuses: tuple[ChangeStatus, ...]) -> None:
    select_changes(connection, request, statuses)
    if request.filters.where is not None:
        keep_only(connection, _holding(session, connection, request.filters.where))


def _where(session: Session, connection: sa.Connection, request: Request) -> set[int]:
    select_changes(connection, request, tuple(ChangeStatus))
    return _holding(session, connection, request.filters.where or "true")


def _holding(session: Session, connection: sa.Connection, where: str) -> set[int]:
    """Selected changes for which the condition holds; one that can't be evaluated does not hold."""
    found: set[int] = set()
    for entity in session.entities.values():
        condition = compile_condition(where, entity, "--where")
        record = tuple(field.name for field in condition.record_fields)
        facts = selected_facts(connection, entity, find_target(connection, entity), record)
        found |= {number for number, fact in facts if condition.holds(fact)}
    return found


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


def _answer(connection: sa.Connection, failed: list[str]) -> Answer:
    found = fates(connection)
    done = sa.select(selection.c.proposal_id).where(selection.c.fate.is_(None)).distinct()
    reasons = (
        sa.select(selection.c.proposal_id, selection.c.field, selection.c.fate, selection.c.why)
        .where(selection.c.fate.is_not(None))
        .order_by(selection.c.proposal_id, selection.c.change_id)
        .limit(listing.MOST_REASONS)
    )
    names = ("id", "field", "fate", "why")
    return {
        "done": found.get(None, 0),
        "conflict": found.get(CONFLICT, 0),
        "refused": found.get(REFUSED, 0),
        "already_decided": found.get(ALREADY_DECIDED, 0),
        "ids": sorted(connection.scalars(done)),
        "reasons": [dict(zip(names, row, strict=True)) for row in connection.execute(reasons)],
        "failed_conditions": failed,
    }


# --- the moves ------------------------------------------------------------------------------------------------------


def _respond(desk: Desk, action: Action) -> list[str]:
    """Approve or reject: a response, and what follows from it."""
    connection, approved = desk.connection, action.move is Move.APPROVE
    _only_approvers(desk)
    decisions.mark_already_responded(connection, desk.actor.user)
    decisions.add_responses(connection, desk.actor, approved=approved)
    behalf = seats.on_behalf_of(connection, desk.actor.user)
    word = "approved" if approved else "rejected"
    free = selection.c.fate.is_(None)
    decisions.add_history(connection, desk.actor, word, free, comment=action.comment, on_behalf_of=behalf)
    decisions.settle_verdicts(connection, desk.versions, desk.two_eyes)
    return carry_out(desk, action.comment)


def _only_approvers(desk: Desk) -> None:
    decisions.find_work_items(desk.connection)
    decisions.mark_strangers(desk.connection, desk.actor.user, desk.two_eyes)


def _request_changes(desk: Desk, action: Action) -> list[str]:
    _only_approvers(desk)
    values = {"comment": action.comment, "step": None, "round": control.proposed_change.c.round + 1}
    decisions.change_status(desk.connection, desk.actor, Move.REQUEST_CHANGES, selection.c.fate.is_(None), **values)
    _close_items(desk)
    return []


def _keepers_only(desk: Desk, action: Action) -> None:
    """Submitter, owner of the source, administrator: as the state machine says for the move."""
    seats.mark_without_role(desk.connection, desk.actor.user, action.move, _owned(desk), _roles(desk))


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
    decisions.change_status(desk.connection, desk.actor, Move.SUBMIT, free, comment=action.comment)
    return submit(desk)


def _discard(desk: Desk, action: Action) -> list[str]:
    _keepers_only(desk, action)
    decisions.change_status(
        desk.connection, desk.actor, Move.DISCARD, selection.c.fate.is_(None), comment=action.comment
    )
    _close_items(desk)
    return []


def _recall(desk: Desk, action: Action) -> list[str]:
    _keepers_only(desk, action)
    values = {"comment": action.comment, "step": None, "round": control.proposed_change.c.round + 1}
    decisions.change_status(desk.connection, desk.actor, Move.RECALL, selection.c.fate.is_(None), **values)
    _close_items(desk)
    return []


def _rebase(desk: Desk, action: Action) -> list[str]:
    """Against the current value, and to be approved again from the first step."""
    for name, target in desk.targets.items():
        seats.take_current_values(desk.connection, desk.entities[name], target)
    seats.mark_without_role(desk.connection, desk.actor.user, action.move, _owned(desk), _roles(desk) | {Role.APPROVER})
    free = selection.c.fate.is_(None)
    seats.renew_versions(desk.connection, free)
    decisions.change_status(desk.connection, desk.actor, Move.REBASE, free, comment=action.comment)
    return submit(desk)


def _delegate(desk: Desk, action: Action) -> list[str]:
    _only_approvers(desk)
    seats.delegate(desk.connection, desk.actor, _receiver(desk, action), action.comment)
    return []


def _reassign(desk: Desk, action: Action) -> list[str]:
    decisions.find_work_items(desk.connection)
    if Role.ADMINISTRATOR not in _roles(desk):
        mark(desk.connection, REFUSED, f"{desk.actor.user} is no administrator")
    seats.reassign(desk.connection, desk.actor, _receiver(desk, action), action.comment)
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
    from importer.workflow.routing import close_finished_items

    close_finished_items(desk.connection, desk.actor)


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


def _check_field(session: Session, name: str | None) -> None:
    fields = [field for entity in session.entities.values() for field in entity.names]
    if name is not None and name not in fields:
        raise SetupError(f"unknown field {name!r}{nearest(name, fields)}")


def _targets(session: Session, connection: sa.Connection) -> dict[str, Target]:
    return {name: find_target(connection, entity) for name, entity in session.entities.items()}


__all__ = ["Action", "DataEntity", "Filters", "Request", "act", "digest", "list_proposals", "my_work", "show_proposal"]
