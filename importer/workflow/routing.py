"""From step to step: which step a change needs next, and the work items of whoever is asked there.

A work item is one proposal waiting at one step, whatever the size of the group that is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from importer.entity import DataEntity
from importer.storage import control, statistics
from importer.storage.columns import insert_columns
from importer.storage.control import BIG, KEYS, is_open
from importer.storage.expressions import insert_or
from importer.storage.runs import Actor
from importer.storage.selection import DONE, same_record, selection
from importer.storage.target import Target, canonical
from importer.vocabulary import ChangeStatus
from importer.workflow.definition import ADMINISTRATORS, ApproverSpec, Step, WorkflowDefinition, next_steps
from importer.workflow.facts import or_of_new_record, selected_facts

_change, _item, _approver = control.proposed_change, control.work_item, control.work_approver


@dataclass(frozen=True)
class Route:
    """One workflow version at work within a transaction; `selection` holds the changes."""

    connection: sa.Connection
    entity: DataEntity
    target: Target
    definition: WorkflowDefinition
    actor: Actor

    @property
    def mine(self) -> sa.ColumnElement[bool]:
        """Selected changes of this version that nothing stands against."""
        return sa.and_(
            selection.c.fate.is_(None),
            selection.c.entity == self.entity.name,
            selection.c.settings_sha256 == self.definition.settings_sha256,
        )


def find_next_steps(route: Route, after: str | None, *which: sa.ColumnElement[bool]) -> list[str]:
    """Sets `next_step` of the selected changes ('' where all are completed); gives the conditions that failed."""
    name = sure_step(route.definition, after)
    if name is None:
        return _by_conditions(route, after, which)
    route.connection.execute(sa.update(selection).values(next_step=name).where(route.mine, *which))
    return []


def sure_step(definition: WorkflowDefinition, after: str | None) -> str | None:
    """The step that every change goes to next; None where conditions tell."""
    for step in _following(definition, after):
        holds = True if step.when is None else step.when.constant
        if holds is True:
            return step.name
        if holds is not False:
            return None
    return ADMINISTRATORS.name if after is None else DONE


def sure_start(definition: WorkflowDefinition, at: str) -> tuple[str | None, str | None]:
    """The step at which every change submitted `at` that time begins, and when it is due there."""
    name = sure_step(definition, None)
    return name, None if name is None else due_at(at, definition.step(name).due_days)


def _following(definition: WorkflowDefinition, after: str | None) -> tuple[Step, ...]:
    if after is None:
        return definition.steps
    names = [step.name for step in definition.steps]
    return definition.steps[names.index(after) + 1 :] if after in names else ()


def _by_conditions(route: Route, after: str | None, which: Iterable[sa.ColumnElement[bool]]) -> list[str]:
    numbers: list[int] = []
    names: list[str] = []
    failed: dict[str, None] = {}
    fields = route.definition.record_fields
    for found, changes in selected_facts(route.connection, route.entity, route.target, fields, route.mine, *which):
        numbers += found
        for needed in next_steps(route.definition, changes, after):
            names.append(needed.step.name if needed else DONE)
            if needed and needed.failed:
                failed[f"{needed.failed.rule}: {needed.failed.reason}"] = None
    _set_next_steps(route.connection, numbers, names)
    return list(failed)


def _set_next_steps(connection: sa.Connection, numbers: list[int], names: list[str]) -> None:
    routed = sa.Table(
        "importer_routed",
        sa.MetaData(),
        sa.Column("change_id", BIG, primary_key=True, autoincrement=False),
        sa.Column("step", sa.Text, nullable=False),
        prefixes=["TEMPORARY"],
    )
    routed.create(connection)
    insert_columns(connection, routed, pa.table({"change_id": pa.array(numbers, pa.int64()), "step": names}))
    found = selection.c.change_id == routed.c.change_id
    connection.execute(sa.update(selection).values(next_step=routed.c.step).where(found))
    routed.drop(connection)


def enter_steps(route: Route, *which: sa.ColumnElement[bool]) -> None:
    """Changes go to their next step; there a work item of their proposal waits for the approvers."""
    entering = sa.and_(route.mine, selection.c.next_step != DONE, selection.c.next_step.is_not(None), *which)
    names = route.connection.scalars(sa.select(selection.c.next_step).where(entering).distinct()).all()
    for name in names:
        step = route.definition.step(name or ADMINISTRATORS.name)
        _move(route, step, entering)
        _open_items(route, step, entering)


def _move(route: Route, step: Step, entering: sa.ColumnElement[bool]) -> None:
    """Each step has its due time; a change that superseded another keeps the one it brings to its first step."""
    due = sa.literal(due_at(route.actor.at, step.due_days), sa.Text)
    starting = sa.case((_change.c.step.is_(None), sa.func.coalesce(_change.c.due_at, due)), else_=due)
    here = _change.c.id == selection.c.change_id, entering, selection.c.next_step == step.name
    route.connection.execute(sa.update(_change).values(step=step.name, due_at=starting).where(*here))


def _open_items(route: Route, step: Step, entering: sa.ColumnElement[bool]) -> None:
    here = selection.c.next_step == step.name
    open_items(route, step, sa.join(_change, selection, selection.c.change_id == _change.c.id), entering, here)


def open_items(
    route: Route, step: Step, changes: sa.FromClause, *which: sa.ColumnElement[bool], all_new: bool = False
) -> None:
    """Where those of the `changes` stand for which `which` holds; an item that waits there already goes on.

    `all_new`: the proposals are, so none waits, and the server needn't look for it.
    """
    before = route.connection.scalar(sa.select(sa.func.coalesce(sa.func.max(_item.c.id), 0))) or 0
    rows = (
        sa.select(
            _change.c.proposal_id,
            sa.literal(route.definition.settings_sha256),
            sa.literal(step.name),
            sa.literal(route.actor.at),
            sa.func.min(_change.c.due_at),
        )
        .select_from(changes)
        .where(*which)
        .group_by(_change.c.proposal_id)
        .order_by(_change.c.proposal_id)
    )
    names = ["proposal_id", "settings_sha256", "step", "opened_at", "due_at"]
    joined = ("id", "proposal_id", "step", "closed_at")
    new = insert_or(_item, route.target.dialect).from_select(names, rows)
    statistics.fill(route.connection, new if all_new else new.on_conflict_do_nothing(), *joined)
    for spec in step.approvers:
        ask(route, spec, _item.c.id > before, _item.c.step == step.name)


def due_at(start: str, days: int | None) -> str | None:
    if days is None:
        return None
    moment = datetime.strptime(start, "%Y-%m-%dT%H:%M:%S.%fZ") + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ask(route: Route, spec: ApproverSpec, *which: sa.ColumnElement[bool]) -> None:
    """Adds a user or group to work items; names with fields in them are filled in from the record."""
    proposal = control.proposal
    name = _name(route, spec)
    rows = sa.select(_item.c.id, sa.literal(str(spec.kind)), name)
    rows = rows.where(*which, _item.c.settings_sha256 == route.definition.settings_sha256)
    if spec.fields:
        rows = rows.join_from(_item, proposal, proposal.c.id == _item.c.proposal_id).where(name.is_not(None))
        if route.target.exists:
            rows = rows.outerjoin(route.target.table, same_record(route.entity, route.target, proposal))
    new = insert_or(_approver, route.target.dialect).from_select(["work_item_id", "kind", "name"], rows)
    route.connection.execute(new.on_conflict_do_nothing())


def _name(route: Route, spec: ApproverSpec) -> sa.ColumnElement[Any]:
    """The user's or group's name as SQL; null where a field that it needs is blank."""
    whole: sa.ColumnElement[Any] = sa.literal(spec.parts[0])
    for at, part in enumerate(spec.parts[1:], start=1):
        piece = _field(route, part) if at % 2 else sa.literal(part)
        whole = whole.concat(piece)
    return whole


def _field(route: Route, name: str) -> sa.ColumnElement[Any]:
    if name in route.entity.key:
        return control.proposal.c[KEYS[route.entity.key.index(name)]]
    stored: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text)
    if route.target.exists:
        stored = canonical(route.target.columns[name].stored, route.target.columns[name], route.target.dialect)
    return or_of_new_record(control.proposal.c.kind, control.proposal.c.id, name, stored)


def close_finished_items(connection: sa.Connection, actor: Actor, proposals: sa.Select[tuple[int]]) -> None:
    """A work item of these at whose step no change of its proposal waits any more is done."""
    waiting = sa.exists().where(
        _change.c.proposal_id == _item.c.proposal_id,
        _change.c.step == _item.c.step,
        _change.c.settings_sha256 == _item.c.settings_sha256,
        _change.c.status == str(ChangeStatus.PENDING),
        is_open(_change.c.status),
    )
    over = _item.c.proposal_id.in_(proposals), _item.c.closed_at.is_(None), sa.not_(waiting)
    connection.execute(sa.update(_item).values(closed_at=actor.at).where(*over))
