"""A person's draft of one record: begun, edited, taken back. Each field has one open change, whoever proposed it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.storage import control
from importer.storage.control import is_open
from importer.storage.runs import Actor, keep_settings
from importer.vocabulary import ChangeStatus

_proposal, _change = control.proposal, control.proposed_change

EDITABLE = (ChangeStatus.DRAFT, ChangeStatus.CHANGES_REQUESTED)


@dataclass(frozen=True)
class OpenChange:
    """An open change of the record; `person` is None for an import's."""

    change_id: int
    proposal_id: int
    field: str
    proposed: str | None
    status: ChangeStatus
    person: str | None

    def is_draft_of(self, user: str) -> bool:
        return self.person == user and self.status in EDITABLE


@dataclass(frozen=True)
class Draft:
    """What one edit makes of a person's draft: values by field against the stored ones."""

    entity: DataEntity
    keys: Mapping[str, str]
    stored: Mapping[str, str | None]
    values: Mapping[str, str | None]


def hold_open(connection: sa.Connection, entity: DataEntity, keys: Mapping[str, str]) -> None:
    """Nobody else submits, edits or decides on what is open for the record until we are done."""
    if connection.dialect.name == "sqlite":
        return
    here = [_change.c[name] == value for name, value in keys.items()]
    opened = sa.select(_change.c.proposal_id).where(_change.c.entity == entity.name, *here, is_open(_change.c.status))
    held = sa.select(_proposal.c.id).where(_proposal.c.id.in_(opened)).order_by(_proposal.c.id)
    connection.execute(held.with_for_update()).all()


def open_changes(connection: sa.Connection, entity: DataEntity, keys: Mapping[str, str]) -> dict[str, OpenChange]:
    """Open changes of a record by field."""
    rows = connection.execute(
        sa.select(
            _change.c.id,
            _change.c.proposal_id,
            _change.c.field,
            _change.c.proposed,
            _change.c.status,
            _proposal.c.person,
        )
        .join_from(_change, _proposal, _proposal.c.id == _change.c.proposal_id)
        .where(
            _change.c.entity == entity.name,
            *(_change.c[name] == value for name, value in keys.items()),
            is_open(_change.c.status),
        )
    )
    found = (
        OpenChange(id_, number, field, value, ChangeStatus(status), who)
        for id_, number, field, value, status, who in rows
    )
    return {change.field: change for change in found}


def refuse_open_elsewhere(changes: Collection[OpenChange], user: str) -> None:
    """What is pending needs a recall; what others proposed stays theirs."""
    for change in changes:
        if not change.is_draft_of(user):
            raise SetupError(
                f"a change of {change.field} is open already: proposal {change.proposal_id}, {change.status}",
                hint=f"importer proposals show {change.proposal_id}; editing what is pending needs a recall",
            )


def take_back(connection: sa.Connection, actor: Actor, changes: Collection[OpenChange]) -> None:
    """The person wants the stored value after all: what the draft had for these fields is withdrawn."""
    for change in changes:
        _close(connection, actor, change, ChangeStatus.WITHDRAWN)


def add_to_draft(connection: sa.Connection, actor: Actor, draft: Draft, earlier: Collection[OpenChange]) -> int:
    """The person's draft of this record: found or begun. `earlier`: what stood in it for these fields."""
    keep_settings(connection, draft.entity)
    number = _find(connection, draft, actor)
    if number is None:
        number = _begin(connection, draft, actor)
    else:
        renewed = _proposal.c.id == number
        connection.execute(sa.update(_proposal).values(version=_proposal.c.version + 1).where(renewed))
    for change in earlier:
        _close(connection, actor, change, ChangeStatus.SUPERSEDED)
    version = connection.scalar(sa.select(_proposal.c.version).where(_proposal.c.id == number))
    for name in draft.entity.in_order(draft.values):
        values = {
            "proposal_id": number,
            "entity": draft.entity.name,
            **draft.keys,
            "ord": draft.entity.names.index(name) + 1,
            "field": name,
            "original": draft.stored[name],
            "proposed": draft.values[name],
            "status": str(ChangeStatus.DRAFT),
            "version": version,
            "settings_sha256": draft.entity.settings_sha256,
            "first_proposed_at": actor.at,
        }
        change_id = connection.execute(sa.insert(_change).values(**values).returning(_change.c.id)).scalar_one()
        _record(connection, actor, "edited", number, change_id, None, ChangeStatus.DRAFT)
    return number


def _find(connection: sa.Connection, draft: Draft, actor: Actor) -> int | None:
    return connection.scalars(
        sa.select(_proposal.c.id)
        .join_from(_proposal, _change, _change.c.proposal_id == _proposal.c.id)
        .where(
            _proposal.c.entity == draft.entity.name,
            _proposal.c.person == actor.user,
            *(_proposal.c[name] == value for name, value in draft.keys.items()),
            _change.c.status.in_([str(status) for status in EDITABLE]),
        )
        .order_by(_proposal.c.id.desc())
        .limit(1)
    ).one_or_none()


def _begin(connection: sa.Connection, draft: Draft, actor: Actor) -> int:
    parameters = draft.entity.parameters
    name_field = parameters.approvals.name_field
    values = {
        "entity": draft.entity.name,
        **draft.keys,
        "kind": "change",
        "name": draft.stored[name_field] if name_field else None,
        "version": 1,
        "person": actor.user,
        "submitted_by": actor.user,
        "workflow": parameters.workflow.name,
        "settings_sha256": draft.entity.settings_sha256,
        "first_proposed_at": actor.at,
    }
    number = int(connection.execute(sa.insert(_proposal).values(**values).returning(_proposal.c.id)).scalar_one())
    connection.execute(sa.insert(control.contributor).values(proposal_id=number, user_name=actor.user))
    return number


def _close(connection: sa.Connection, actor: Actor, change: OpenChange, status: ChangeStatus) -> None:
    closed = {"status": str(status), "decided_by": actor.user, "decided_at": actor.at}
    connection.execute(sa.update(_change).values(closed).where(_change.c.id == change.change_id))
    _record(connection, actor, str(status), change.proposal_id, change.change_id, change.status, status)


def _record(
    connection: sa.Connection,
    actor: Actor,
    action: str,
    number: int,
    change_id: int,
    before: ChangeStatus | None,
    after: ChangeStatus,
) -> None:
    event = {"action": action, "proposal_id": number, "change_id": change_id}
    states = {"from_status": str(before) if before else None, "to_status": str(after)}
    connection.execute(sa.insert(control.history).values(**actor.stamp, **event, **states))
