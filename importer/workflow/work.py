"""What waits for a person: work items with the changes at their step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.storage import control
from importer.storage.selection import Filters
from importer.storage.target import Target
from importer.vocabulary import ChangeStatus
from importer.workflow.listing import list_proposals
from importer.workflow.panels import panel
from importer.workflow.versions import without_four_eyes

_item = control.work_item
_AT_ONCE = 10_000
"""So many ids go into one statement; a database takes 32,766 parameters at the least."""


def open_items(
    connection: sa.Connection, entities: Mapping[str, DataEntity], targets: Mapping[str, Target], user: str
) -> list[dict[str, Any]]:
    """Work items of `user`, the most urgent first, each with the changes that wait there."""
    two_eyes = without_four_eyes(connection, entities)
    asked = panel(sa.select(_item.c.id).where(_item.c.closed_at.is_(None)), two_eyes)
    rows = connection.execute(
        sa.select(_item, asked.c.by_fallback)
        .join_from(_item, asked, asked.c.work_item_id == _item.c.id)
        .where(asked.c.user_name == user)
        .order_by(sa.func.coalesce(_item.c.due_at, "9999"), _item.c.id)
    ).all()
    numbers = tuple(dict.fromkeys(row.proposal_id for row in rows))
    pending = Filters(status=str(ChangeStatus.PENDING))
    proposals: dict[int, dict[str, Any]] = {}
    for first in range(0, len(numbers), _AT_ONCE):
        found = list_proposals(connection, entities, targets, pending, numbers[first : first + _AT_ONCE])
        proposals |= {proposal["id"]: proposal for proposal in found}
    return [_one(row, proposals[row.proposal_id]) for row in rows if row.proposal_id in proposals]


def _one(row: sa.Row[Any], proposal: dict[str, Any]) -> dict[str, Any]:
    changes = [change for change in proposal["changes"] if change["step"] == row.step]
    return {
        "work_item": row.id,
        "step": row.step,
        "due_at": row.due_at,
        "as_administrator": bool(row.by_fallback),
        "proposal": {**proposal, "changes": changes},
    }
