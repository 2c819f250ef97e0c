"""Nobody to ask: approvers of the workflow behind whom no person stands. A warning on every run (`1-product.md`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from importer.storage import control
from importer.workflow import people
from importer.workflow.definition import ApproverKind, ApproverSpec, WorkflowDefinition
from importer.workflow.panels import left_over

NOBODY = "Nobody to ask"

_item = control.work_item


def people_behind(connection: sa.Connection, spec: ApproverSpec, users: Mapping[str, bool]) -> list[str]:
    """Active users behind an approver whose name doesn't depend on the record."""
    name = spec.parts[0]
    found = people.members_of(connection, name) if spec.kind is ApproverKind.GROUP else [name]
    return [each for each in found if each in users]


def with_administrators(users: Mapping[str, bool]) -> str:
    admins = ", ".join(sorted(name for name, is_admin in users.items() if is_admin))
    return f"the work goes to the administrators ({admins or 'there are none: importer users add NAME'})"


def nobody_to_ask(connection: sa.Connection, definition: WorkflowDefinition) -> list[str]:
    """Warnings: unknown or removed people and empty groups; and open work that nobody who is named may do."""
    users = people.active_users(connection)
    where = with_administrators(users)
    warnings: list[str] = []
    named: set[str] = set()
    for step in definition.steps:
        for spec in (*step.approvers, *step.escalate_to):
            if not spec.fields and not people_behind(connection, spec, users):
                warnings.append(f"{NOBODY} at the step {step.name!r}: {spec.text}; {where}")
                named.add(step.name)
    others = [step.name for step in definition.steps if step.name not in named]
    return warnings + [
        f"{NOBODY} at the step {step!r} for {number:,} proposals: blank, unknown, or contributors only; {where}"
        for step, number in _left_over(connection, definition, others).items()
    ]


def _left_over(connection: sa.Connection, definition: WorkflowDefinition, steps: list[str]) -> dict[str, int]:
    """Open work of the steps that has fallen to the administrators: how many proposals at each."""
    if not steps:
        return {}
    proposal = control.proposal
    open_items = (
        sa.select(_item.c.id)
        .join(proposal, proposal.c.id == _item.c.proposal_id)
        .where(_item.c.closed_at.is_(None), _item.c.step.in_(steps), proposal.c.entity == definition.entity)
    )
    if connection.execute(open_items.limit(1)).first() is None:
        return {}
    alone = left_over(open_items, () if definition.four_eyes else (definition.settings_sha256,))
    select = sa.select(_item.c.step, sa.func.count()).where(_item.c.id.in_(alone)).group_by(_item.c.step)
    found: dict[Any, Any] = dict(connection.execute(select.order_by(_item.c.step)).all())
    return found
