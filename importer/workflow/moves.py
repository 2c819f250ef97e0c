"""The state machine of a proposed change. In: its status and a move. Out: the next status, or why not, in words.

One table (`RULES`) says from where, to where and by whom; `TABLE` is the same by (status, move), and `before(move)` is
what a compare-and-set in the database needs. A change begins as `BEGINNING`; an import that submits by itself, or is
decided by an automatic action, makes several moves at once. Source: `1-product.md`, "Life of a proposed change".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from importer.vocabulary import OPEN_STATUSES, ChangeStatus

BEGINNING = ChangeStatus.DRAFT


class Move(StrEnum):
    """What can be done with a proposed change. Approve and reject are responses: the policy says what follows."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_CHANGES = "request_changes"
    DELEGATE = "delegate"
    REASSIGN = "reassign"
    ESCALATE = "escalate"
    APPLY = "apply"
    TURN_DOWN = "turn_down"
    CONFLICT = "conflict"
    REBASE = "rebase"
    RECALL = "recall"
    DISCARD = "discard"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"


class Role(StrEnum):
    """What somebody is to a change. `SYSTEM` is an import, a policy that completes, or `importer tick`."""

    APPROVER = "approver"
    SUBMITTER = "submitter"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


@dataclass(frozen=True)
class Rule:
    """One move: the statuses it starts from, the one it ends in, who may make it, and its word in the history."""

    before: tuple[ChangeStatus, ...]
    after: ChangeStatus
    roles: frozenset[Role]
    done: str


@dataclass(frozen=True)
class Refusal:
    """Why a move is not possible. `already_decided`: the change has ended, whoever was first has decided it."""

    reason: str
    already_decided: bool = False


_DRAFT, _PENDING = (ChangeStatus.DRAFT,), (ChangeStatus.PENDING,)
_BACK, _CONFLICT = (ChangeStatus.CHANGES_REQUESTED,), (ChangeStatus.CONFLICT,)
_APPROVER, _ADMINISTRATOR = frozenset({Role.APPROVER}), frozenset({Role.ADMINISTRATOR})
_SYSTEM, _RESPONDING = frozenset({Role.SYSTEM}), frozenset({Role.APPROVER, Role.SYSTEM})
_AUTHOR = frozenset({Role.SUBMITTER, Role.OWNER})
_KEEPER = _AUTHOR | _ADMINISTRATOR

RULES: Mapping[Move, Rule] = MappingProxyType(
    {
        Move.SUBMIT: Rule(_DRAFT + _BACK, ChangeStatus.PENDING, _AUTHOR | _SYSTEM, "submitted"),
        # A response; the system responds for the approvers when a step is overdue, and as an automatic action.
        Move.APPROVE: Rule(_PENDING, ChangeStatus.PENDING, _RESPONDING, "approved"),
        Move.REJECT: Rule(_PENDING, ChangeStatus.PENDING, _RESPONDING, "rejected"),
        Move.REQUEST_CHANGES: Rule(_PENDING, ChangeStatus.CHANGES_REQUESTED, _APPROVER, "changes_requested"),
        Move.DELEGATE: Rule(_PENDING, ChangeStatus.PENDING, _APPROVER, "delegated"),
        Move.REASSIGN: Rule(_PENDING, ChangeStatus.PENDING, _ADMINISTRATOR, "reassigned"),
        Move.ESCALATE: Rule(_PENDING, ChangeStatus.PENDING, _SYSTEM, "escalated"),
        # What follows from the responses, in the same transaction as the last of them.
        Move.APPLY: Rule(_PENDING, ChangeStatus.APPLIED, _SYSTEM, "applied"),
        Move.TURN_DOWN: Rule(_PENDING, ChangeStatus.REJECTED, _SYSTEM, "turned_down"),
        Move.CONFLICT: Rule(_PENDING, ChangeStatus.CONFLICT, _SYSTEM, "conflict"),
        # Rebasing asks everybody again and changes no proposed value: whoever sees the conflict may do it.
        Move.REBASE: Rule(_CONFLICT, ChangeStatus.PENDING, _KEEPER | _APPROVER, "rebased"),
        Move.RECALL: Rule(_PENDING, ChangeStatus.DRAFT, _KEEPER, "recalled"),
        Move.DISCARD: Rule(_DRAFT + _BACK + _CONFLICT, ChangeStatus.DISCARDED, _KEEPER, "discarded"),
        Move.SUPERSEDE: Rule(OPEN_STATUSES, ChangeStatus.SUPERSEDED, _SYSTEM, "superseded"),
        Move.WITHDRAW: Rule(OPEN_STATUSES, ChangeStatus.WITHDRAWN, _SYSTEM, "withdrawn"),
    }
)

TABLE: Mapping[tuple[ChangeStatus, Move], ChangeStatus] = MappingProxyType(
    {(status, move): rule.after for move, rule in RULES.items() for status in rule.before}
)


def before(move: Move) -> tuple[ChangeStatus, ...]:
    """The statuses from which a move is possible."""
    return RULES[move].before


def next_status(status: ChangeStatus, move: Move) -> ChangeStatus | Refusal:
    """Where a move leads; a `Refusal` for every pair that the table doesn't have."""
    found = TABLE.get((status, move))
    if found is not None:
        return found
    possible = " or ".join(_STATE[each] for each in before(move))
    reason = f"cannot {_words(move)}: the change {_STATE[status]}; that is possible only while it {possible}"
    return Refusal(reason, already_decided=not status.is_open)


def refused_to(move: Move, roles: Collection[Role]) -> Refusal | None:
    """None if one who has these roles for a change may make the move; else whose move it is."""
    allowed = RULES[move].roles
    if not allowed.isdisjoint(roles):
        return None
    whose = " or ".join(_WHO[role] for role in Role if role in allowed)
    return Refusal(f"cannot {_words(move)}: that is for {whose}")


def _words(move: Move) -> str:
    return move.value.replace("_", " ")


_STATE = {
    ChangeStatus.DRAFT: "is a draft that was not submitted",
    ChangeStatus.PENDING: "is pending approval",
    ChangeStatus.CHANGES_REQUESTED: "is back with its submitter for changes",
    ChangeStatus.CONFLICT: "is in conflict with its record",
    ChangeStatus.APPLIED: "was applied already",
    ChangeStatus.REJECTED: "was rejected already",
    ChangeStatus.DISCARDED: "was discarded already",
    ChangeStatus.WITHDRAWN: "was withdrawn already",
    ChangeStatus.SUPERSEDED: "was superseded by another value",
}

_WHO = {
    Role.APPROVER: "its approvers",
    Role.SUBMITTER: "its submitter",
    Role.OWNER: "the owner of its source",
    Role.ADMINISTRATOR: "administrators",
    Role.SYSTEM: "the importer itself",
}
