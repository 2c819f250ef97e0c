"""What waits for a person: work items with the changes at their step."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.storage import control
from importer.storage.target import Target
from importer.vocabulary import ChangeStatus
from importer.workflow.listing import proposal_rows, read_proposal, stream
from importer.workflow.panels import seats_of
from importer.workflow.versions import without_four_eyes

_item, _change, _proposal = control.work_item, control.proposed_change, control.proposal

_LAST = "9999"
"""What is never due comes after all that is."""


def open_items(
    connection: sa.Connection, entities: Mapping[str, DataEntity], targets: Mapping[str, Target], user: str
) -> Iterator[dict[str, Any]]:
    """Work items of `user`, the most urgent first, each with the changes that wait there."""
    two_eyes = without_four_eyes(connection, entities)
    mine = seats_of(connection, user, sa.select(_item.c.id).where(_item.c.closed_at.is_(None)), two_eyes)
    seats = sa.select(mine.subquery("mine")).cte("seats")
    parts = [_of_entity(connection, entity, targets[name], seats) for name, entity in entities.items()]
    for _, item in heapq.merge(*parts, key=itemgetter(0)):
        yield item


def _of_entity(
    connection: sa.Connection, entity: DataEntity, target: Target, seats: sa.CTE
) -> Iterator[tuple[tuple[str, int], dict[str, Any]]]:
    urgency = sa.func.coalesce(_item.c.due_at, _LAST)
    leading = (urgency, _item.c.id, _item.c.step, _item.c.due_at, seats.c.by_fallback)
    waits = _item.c.proposal_id == _proposal.c.id, _item.c.step == _change.c.step
    select = (
        proposal_rows(entity, target, *leading)
        .join(_item, sa.and_(*waits))
        .join(seats, seats.c.work_item_id == _item.c.id)
        .where(_change.c.status == str(ChangeStatus.PENDING), _item.c.settings_sha256 == _change.c.settings_sha256)
        .order_by(urgency, _item.c.id, _change.c.ord, _change.c.id)
    )
    for (due, number), rows in groupby(stream(connection, select), itemgetter(0, 1)):
        changes = list(rows)
        _, _, step, due_at, by_fallback = changes[0][: len(leading)]
        item = {"work_item": number, "step": step, "due_at": due_at, "as_administrator": bool(by_fallback)}
        yield (due, number), {**item, "proposal": read_proposal(entity, changes, len(leading))}
