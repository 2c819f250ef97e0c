"""One proposal with all that an approver needs to decide: who is asked, what was decided before, what else was written.

Source: `1-product.md`, "What an approver sees".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.storage import control
from importer.storage.control import KEYS
from importer.storage.target import Target, canonical
from importer.vocabulary import ChangeStatus, Disposition
from importer.workflow.listing import list_proposals
from importer.workflow.panels import panel
from importer.workflow.versions import without_four_eyes

_change, _item, _response = control.proposed_change, control.work_item, control.response

MOST_DECISIONS = 5
"""So many earlier decisions are shown for a field, the latest first; the history has all."""


def show_proposal(
    connection: sa.Connection,
    entities: Mapping[str, DataEntity],
    targets: Mapping[str, Target],
    number: int,
    at: str,
) -> dict[str, Any]:
    """One proposal with all its changes, ended ones too; `at`: the present moment. SetupError: unknown id."""
    proposal = next(list_proposals(connection, entities, targets, control.proposal.c.id == number), None)
    if proposal is None:
        raise SetupError(f"there is no proposal {number}", hint="importer proposals list")
    entity = entities[proposal["entity"]]
    keys = connection.execute(sa.select(control.proposal).where(control.proposal.c.id == number)).one()
    changes = proposal["changes"]
    return {
        **proposal,
        "file": _file(connection, keys),
        "age_days": _days(proposal["first_proposed_at"], at),
        "waits_for": _waits_for(connection, entities, number),
        "responses": [each for change in changes for each in _responses(connection, change)],
        "earlier": [each for change in changes for each in _earlier(connection, entity, keys, change)],
        "also_written": _also_written(connection, keys),
        "context": _context(connection, entity, targets[entity.name], proposal),
    }


def _days(start: str, end: str) -> int:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).days


def _file(connection: sa.Connection, proposal: sa.Row[Any]) -> str | None:
    select = sa.select(control.run.c.file_path).where(control.run.c.sequence == proposal.run_sequence)
    path = connection.scalar(select)
    return Path(path).name if path else None


def _earlier(
    connection: sa.Connection, entity: DataEntity, proposal: sa.Row[Any], change: dict[str, Any]
) -> list[dict[str, Any]]:
    """Earlier decisions on this field of this record."""
    decided = [str(status) for status in (ChangeStatus.APPLIED, ChangeStatus.REJECTED, ChangeStatus.DISCARDED)]
    columns = ("proposal_id", "original", "proposed", "status", "decided_by", "decided_at", "comment", "rule")
    rows = connection.execute(
        sa.select(*(_change.c[name] for name in columns))
        .where(
            _change.c.entity == entity.name,
            *(_change.c[key] == getattr(proposal, key) for key in KEYS),
            _change.c.field == change["field"],
            _change.c.status.in_(decided),
            _change.c.id < change["id"],
        )
        .order_by(_change.c.id.desc())
        .limit(MOST_DECISIONS)
    )
    return [{"field": change["field"], **dict(zip(columns, row, strict=True))} for row in rows]


def _responses(connection: sa.Connection, change: dict[str, Any]) -> list[dict[str, Any]]:
    """What approvers have said to this change, at every step."""
    rows = connection.execute(
        sa.select(_response.c.step, _response.c.round, _response.c.user_name, _response.c.approved, _response.c.at)
        .where(_response.c.change_id == change["id"])
        .order_by(_response.c.at)
    )
    names = ("step", "round", "user", "approved", "at")
    said = [{**dict(zip(names, row, strict=True)), "approved": bool(row.approved)} for row in rows]
    return [{"field": change["field"], **each} for each in said]


def _waits_for(connection: sa.Connection, entities: Mapping[str, DataEntity], number: int) -> list[dict[str, Any]]:
    """The steps at which the proposal waits, and who is asked there."""
    items = sa.select(_item.c.id).where(_item.c.proposal_id == number, _item.c.closed_at.is_(None))
    asked = panel(items, without_four_eyes(connection, entities))
    rows = connection.execute(
        sa.select(_item.c.step, _item.c.due_at, asked.c.user_name, asked.c.by_fallback)
        .outerjoin_from(_item, asked, asked.c.work_item_id == _item.c.id)
        .where(_item.c.id.in_(items))
        .order_by(_item.c.id, asked.c.user_name)
    )
    steps: dict[str, dict[str, Any]] = {}
    for row in rows:
        step = steps.setdefault(row.step, {"step": row.step, "due_at": row.due_at, "people": []})
        step["people"] += [row.user_name] if row.user_name else []
        step["as_administrators"] = bool(row.by_fallback)
    return list(steps.values())


def _also_written(connection: sa.Connection, proposal: sa.Row[Any]) -> list[dict[str, Any]]:
    """What else the row wrote: the journal of the run for the row of the latest version."""
    journal = control.change
    columns = ("field", "old", "new")
    rows = connection.execute(
        sa.select(*(journal.c[name] for name in columns))
        .where(
            journal.c.run_sequence == proposal.run_sequence,
            journal.c.row == proposal.row,
            journal.c.disposition == str(Disposition.WRITTEN),
        )
        .order_by(journal.c.ord)
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


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
