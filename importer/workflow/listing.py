"""Proposals as people and programs read them: `proposals list` and `show`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.storage import control
from importer.storage.control import KEYS
from importer.storage.target import Target, canonical
from importer.vocabulary import OPEN_STATUSES, ChangeStatus

_proposal = control.proposal
_change = control.proposed_change

_ENDED = (ChangeStatus.APPLIED, ChangeStatus.REJECTED, ChangeStatus.DISCARDED, ChangeStatus.WITHDRAWN)


@dataclass(frozen=True)
class Filters:
    """Which proposed changes are meant; None: any. `key` are the key's values in order."""

    run_id: str | None = None
    source: str | None = None
    field: str | None = None
    key: tuple[str, ...] | None = None
    status: str | None = None
    ids: tuple[int, ...] | None = None


def list_proposals(
    connection: sa.Connection, entities: Mapping[str, DataEntity], targets: Mapping[str, Target], filters: Filters
) -> list[dict[str, Any]]:
    """Proposals with the changes that match, in the order of their ids; the shape is the contract's."""
    proposals: dict[int, dict[str, Any]] = {}
    for entity in entities.values():
        for row in connection.execute(_select(entity, targets[entity.name], filters)):
            proposal = proposals.setdefault(row.id, _envelope(row, entity))
            proposal["changes"].append(_one_change(row))
    for proposal in proposals.values():
        proposal["status"] = proposal_status([change["status"] for change in proposal["changes"]])
    found = [proposals[number] for number in sorted(proposals)]
    return [proposal for proposal in found if filters.status is None or _has_status(proposal, filters.status)]


def show_proposal(
    connection: sa.Connection, entities: Mapping[str, DataEntity], targets: Mapping[str, Target], number: int
) -> dict[str, Any]:
    """One proposal with all its changes, ended ones too, and the record's `context` fields. SetupError: unknown id."""
    found = list_proposals(connection, entities, targets, Filters(ids=(number,)))
    if not found:
        raise SetupError(f"there is no proposal {number}", hint="importer proposals list")
    proposal = found[0]
    entity = entities[proposal["entity"]]
    return {**proposal, "context": _context(connection, entity, targets[entity.name], proposal)}


def proposal_status(statuses: list[str]) -> str:
    """The first open status that any change has; when none is open, how it ended (`1-product.md`)."""
    for status in OPEN_STATUSES:
        if status in statuses:
            return str(status)
    return str(next((status for status in _ENDED if status in statuses), ChangeStatus.SUPERSEDED))


def _has_status(proposal: dict[str, Any], status: str) -> bool:
    return proposal["status"] == status or any(change["status"] == status for change in proposal["changes"])


def _select(entity: DataEntity, target: Target, filters: Filters) -> sa.Select[Any]:
    run = control.run
    select = (
        sa.select(
            _proposal,
            run.c.run_id,
            *(_change.c[name].label(f"change_{name}") for name in _CHANGE_COLUMNS),
            _current(entity, target).label("current"),
        )
        .join_from(_proposal, _change, _change.c.proposal_id == _proposal.c.id)
        .outerjoin(run, run.c.sequence == _proposal.c.run_sequence)
        .where(_proposal.c.entity == entity.name, *_conditions(filters))
        .order_by(_proposal.c.id, _change.c.ord, _change.c.id)
    )
    if target.exists:
        select = select.outerjoin(target.table, _same_record(entity, target))
    return select


_CHANGE_COLUMNS = (
    "field",
    "original",
    "proposed",
    "status",
    "step",
    "decided_by",
    "decided_at",
    "comment",
    "rule",
)


def _same_record(entity: DataEntity, target: Target) -> ColumnElement[bool]:
    parts = zip(entity.key, KEYS, strict=False)
    return sa.and_(
        *(
            canonical(target.columns[name].column, target.columns[name], target.dialect) == _proposal.c[key]
            for name, key in parts
        )
    )


def _current(entity: DataEntity, target: Target) -> ColumnElement[Any]:
    """The value that the record has now, whichever field the change is about."""
    if not target.exists:
        return sa.cast(sa.null(), sa.Text)
    cases = [
        (_change.c.field == name, canonical(target.columns[name].stored, target.columns[name], target.dialect))
        for name in entity.names
    ]
    return sa.case(*cases)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.ids is not None:
        conditions.append(_proposal.c.id.in_(filters.ids))
    else:
        # A superseded change is history; its successor stands in the same proposal.
        conditions.append(_change.c.status != str(ChangeStatus.SUPERSEDED))
    if filters.run_id is not None:
        conditions.append(control.run.c.run_id == filters.run_id)
    if filters.source is not None:
        conditions.append(_proposal.c.source == filters.source)
    if filters.field is not None:
        conditions.append(_change.c.field == filters.field)
    for name, value in zip(KEYS, filters.key or (), strict=False):
        conditions.append(_proposal.c[name] == value)
    return conditions


def _envelope(row: sa.Row[Any], entity: DataEntity) -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.version,
        "kind": row.kind,
        "entity": row.entity,
        "key": {name: getattr(row, key) for name, key in zip(entity.key, KEYS, strict=False)},
        "name": row.name,
        "status": None,
        "source": row.source,
        "run_id": row.run_id,
        "row": row.row,
        "submitted_by": row.submitted_by,
        "workflow": row.workflow,
        "first_proposed_at": row.first_proposed_at,
        "due_at": row.due_at,
        "changes": [],
    }


def _one_change(row: sa.Row[Any]) -> dict[str, Any]:
    change = {name: getattr(row, f"change_{name}") for name in _CHANGE_COLUMNS}
    return {
        "field": change["field"],
        "original": change["original"],
        "proposed": change["proposed"],
        "current": row.current,
        **{name: change[name] for name in _CHANGE_COLUMNS[3:]},
    }


def _context(
    connection: sa.Connection, entity: DataEntity, target: Target, proposal: dict[str, Any]
) -> dict[str, str | None]:
    fields = entity.parameters.approvals.context
    if not target.exists or not fields:
        return {}
    values = [canonical(target.columns[f].stored, target.columns[f], target.dialect).label(f) for f in fields]
    select = sa.select(*values).where(
        *(
            canonical(target.columns[name].column, target.columns[name], target.dialect) == value
            for name, value in proposal["key"].items()
        )
    )
    row = connection.execute(select).first()
    return dict(zip(fields, row, strict=True)) if row is not None else {}
