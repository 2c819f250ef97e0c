"""Proposals as people and programs read them: `proposals list` and their history."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import DataEntity, Field
from importer.errors import SetupError
from importer.storage import control
from importer.storage.control import KEYS
from importer.storage.selection import Filters, conditions
from importer.storage.target import Target, canonical
from importer.validation.canonical import canonical as canonical_text
from importer.vocabulary import OPEN_STATUSES, ChangeStatus
from importer.workflow.conditions import ChangeFacts

_proposal = control.proposal
_change = control.proposed_change

_ENDED = (ChangeStatus.APPLIED, ChangeStatus.REJECTED, ChangeStatus.DISCARDED, ChangeStatus.WITHDRAWN)


def list_proposals(
    connection: sa.Connection,
    entities: Mapping[str, DataEntity],
    targets: Mapping[str, Target],
    filters: Filters,
    numbers: tuple[int, ...] | None = None,
) -> list[dict[str, Any]]:
    """Proposals with the changes that match, in the order of their ids; the shape is the contract's."""
    proposals: dict[int, dict[str, Any]] = {}
    for entity in entities.values():
        tests = _conditions(filters, numbers)
        for row in connection.execute(_select(entity, targets[entity.name], tests)):
            proposal = proposals.setdefault(row.id, _envelope(row, entity))
            proposal["changes"].append(_one_change(row, entity))
    for number, (statuses, due_at) in _states(connection, filters, numbers).items():
        if number in proposals:
            proposals[number] |= {"status": proposal_status(statuses), "due_at": due_at}
    return [proposals[number] for number in sorted(proposals)]


def _states(
    connection: sa.Connection, filters: Filters, numbers: tuple[int, ...] | None
) -> dict[int, tuple[list[str], str | None]]:
    """Of each listed proposal the statuses of all its changes, and the earliest due time of the open ones."""
    listed = (
        sa.select(_change.c.proposal_id)
        .join(_proposal, _proposal.c.id == _change.c.proposal_id)
        .outerjoin(control.run, control.run.c.sequence == _change.c.run_sequence)
        .where(*_conditions(filters, numbers))
    )
    every = _change.alias("every")
    rows = connection.execute(
        sa.select(every.c.proposal_id, every.c.status, sa.func.min(every.c.due_at))
        .where(every.c.proposal_id.in_(listed))
        .group_by(every.c.proposal_id, every.c.status)
    )
    found: dict[int, tuple[list[str], str | None]] = {}
    for number, status, due_at in rows:
        statuses, earliest = found.get(number, ([], None))
        if due_at and ChangeStatus(status).is_open:
            earliest = min(earliest or due_at, due_at)
        found[number] = ([*statuses, status], earliest)
    return found


def only(proposals: list[dict[str, Any]], change_ids: Collection[int]) -> list[dict[str, Any]]:
    """The proposals with just these changes."""
    kept = [
        {**proposal, "changes": [change for change in proposal["changes"] if change["id"] in change_ids]}
        for proposal in proposals
    ]
    return [proposal for proposal in kept if proposal["changes"]]


def history(connection: sa.Connection, number: int | None, filters: Filters) -> list[dict[str, Any]]:
    """Every action, or those on one proposal, one record, or what one run proposed, in the order they were made."""
    table = control.history
    select = (
        sa.select(table, _change.c.field, control.run.c.run_id)
        .outerjoin_from(table, _change, _change.c.id == table.c.change_id)
        .outerjoin(control.run, control.run.c.sequence == table.c.run_sequence)
        .outerjoin(_proposal, _proposal.c.id == table.c.proposal_id)
        .order_by(table.c.id)
    )
    if filters.run_id is not None:
        by_run = sa.select(control.run.c.sequence).where(control.run.c.run_id == filters.run_id).scalar_subquery()
        select = select.where(sa.or_(table.c.run_sequence == by_run, _change.c.run_sequence == by_run))
    if filters.key is not None:
        select = select.where(*conditions(Filters(key=filters.key)))
    if number is not None:
        known = connection.scalar(sa.select(_proposal.c.id).where(_proposal.c.id == number))
        if known is None:
            raise SetupError(f"there is no proposal {number}", hint="importer proposals list")
        select = select.where(table.c.proposal_id == number)
    rows = connection.execute(select)
    return [{name.removesuffix("_name"): getattr(row, name) for name in _HISTORY} for row in rows]


_HISTORY = (
    "at",
    "action",
    "proposal_id",
    "field",
    "run_id",
    "user_name",
    "login",
    "host",
    "on_behalf_of",
    "from_status",
    "to_status",
    "comment",
)


def proposal_status(statuses: list[str]) -> str:
    """The first open status that any change has; when none is open, how it ended (`1-product.md`)."""
    for status in OPEN_STATUSES:
        if status in statuses:
            return str(status)
    return str(next((status for status in _ENDED if status in statuses), ChangeStatus.SUPERSEDED))


def _select(entity: DataEntity, target: Target, tests: list[ColumnElement[bool]]) -> sa.Select[Any]:
    run, made_by = control.run, control.run.alias("made_by")
    select = (
        sa.select(
            _proposal,
            made_by.c.run_id,
            *(_change.c[name].label(f"change_{name}") for name in _CHANGE_COLUMNS),
            _current(entity, target).label("current"),
        )
        .join_from(_proposal, _change, _change.c.proposal_id == _proposal.c.id)
        .outerjoin(run, run.c.sequence == _change.c.run_sequence)
        .outerjoin(made_by, made_by.c.sequence == _proposal.c.run_sequence)
        .where(_proposal.c.entity == entity.name, *tests)
        .order_by(_proposal.c.id, _change.c.ord, _change.c.id)
    )
    if target.exists:
        select = select.outerjoin(target.table, _same_record(entity, target))
    return select


_CHANGE_COLUMNS = (
    "id",
    "field",
    "original",
    "proposed",
    "status",
    "step",
    "decided_by",
    "decided_at",
    "comment",
    "rule",
    "first_proposed_at",
    "due_at",
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


def _conditions(filters: Filters, numbers: tuple[int, ...] | None) -> list[ColumnElement[bool]]:
    if numbers is not None:
        return [_proposal.c.id.in_(numbers), *conditions(filters)]
    # A superseded change is history; its successor stands in the same proposal.
    return [_change.c.status != str(ChangeStatus.SUPERSEDED), *conditions(filters)]


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
        "due_at": None,
        "changes": [],
    }


def _one_change(row: sa.Row[Any], entity: DataEntity) -> dict[str, Any]:
    change = {name: getattr(row, f"change_{name}") for name in _CHANGE_COLUMNS}
    return {
        "id": row.change_id,
        "field": change["field"],
        "original": change["original"],
        "proposed": change["proposed"],
        "current": row.current,
        **{name: change[name] for name in _CHANGE_COLUMNS[4:]},
        **_distance(entity.by_name.get(change["field"]), change),
    }


def _distance(field: Field | None, change: Mapping[str, Any]) -> dict[str, str | None]:
    """Difference and percent as people read them: with a sign, rounded to a hundredth."""
    if field is None:
        return {"difference": None, "percent": None}
    facts = ChangeFacts(field, change["original"], change["proposed"], None, {}, None, None)
    difference, percent = facts.difference, facts.percent
    return {
        "difference": None if difference is None else canonical_text(field, difference),
        "percent": None if percent is None else f"{percent.copy_sign(difference or percent):.2f}",
    }
