"""What follows from responses, in one transaction: next step, final value in the table, rejection, conflict.

In: a selection of proposed changes whose verdicts are set. Out: their new states, the target's new values, history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from importer.applying.approved import write_approved
from importer.applying.validity import refuse_invalid_records
from importer.entity import DataEntity
from importer.storage import control, statistics
from importer.storage.control import KEYS
from importer.storage.runs import Actor
from importer.storage.selection import CONFLICT, selection
from importer.storage.target import Target, find_target
from importer.vocabulary import ChangeStatus
from importer.workflow import decisions, routing
from importer.workflow.definition import WorkflowDefinition
from importer.workflow.moves import Move
from importer.workflow.policy import Verdict
from importer.workflow.versions import definitions


@dataclass(frozen=True)
class Desk:
    """One deciding transaction: who acts, on which entities, under which workflow versions."""

    connection: sa.Connection
    actor: Actor
    entities: Mapping[str, DataEntity]
    targets: Mapping[str, Target]
    routes: tuple[routing.Route, ...]

    @property
    def versions(self) -> dict[str, WorkflowDefinition]:
        return {route.definition.settings_sha256: route.definition for route in self.routes}

    @property
    def two_eyes(self) -> list[str]:
        """Workflow versions in which people may approve what they contributed to."""
        return [version for version, definition in self.versions.items() if not definition.four_eyes]


def open_desk(connection: sa.Connection, actor: Actor, entities: Mapping[str, DataEntity]) -> Desk:
    """For the entities and workflow versions of the selected changes."""
    pairs = connection.execute(sa.select(selection.c.entity, selection.c.settings_sha256).distinct()).all()
    names = [name for name in entities if name in {entity for entity, _ in pairs}]
    targets = {name: find_target(connection, entities[name]) for name in names}
    routes = []
    for name in names:
        versions = {version for entity, version in pairs if entity == name}
        for _, definition in definitions(connection, entities[name], versions).values():
            routes.append(routing.Route(connection, entities[name], targets[name], definition, actor))
    return Desk(connection, actor, entities, targets, tuple(routes))


def write_decided(desk: Desk) -> list[str]:
    """Final values are written, or marked as refused or in conflict; gives conditions that failed, in words."""
    failed = _find_next_steps(desk)
    for name, target in desk.targets.items():
        refuse_invalid_records(desk.connection, desk.entities[name], target)
        write_approved(desk.connection, desk.entities[name], target)
    decisions.take_back_responses(desk.connection, desk.actor)
    return failed


def settle(desk: Desk, comment: str | None) -> None:
    """Verdicts become states: ended, in conflict, or waiting at the next step."""
    _end(desk, comment)
    for route in desk.routes:
        routing.enter_steps(route, selection.c.verdict == str(Verdict.APPROVED))
    routing.close_finished_items(desk.connection, desk.actor)


def _find_next_steps(desk: Desk) -> list[str]:
    failed: list[str] = []
    for route in desk.routes:
        approved = selection.c.verdict == str(Verdict.APPROVED)
        steps = sa.select(selection.c.step).where(route.mine, approved).distinct()
        for step in desk.connection.scalars(steps).all():
            failed += routing.find_next_steps(route, step, approved, selection.c.step == step)
    return failed


def _end(desk: Desk, comment: str | None) -> None:
    connection, actor = desk.connection, desk.actor
    free = selection.c.fate.is_(None)
    turned_down = free, selection.c.verdict == str(Verdict.REJECTED)
    decisions.change_status(connection, actor, Move.TURN_DOWN, *turned_down, comment=comment)
    decisions.change_status(connection, actor, Move.APPLY, *_applied(), comment=comment)
    decisions.change_status(connection, actor, Move.CONFLICT, selection.c.fate == CONFLICT)


def _applied() -> tuple[sa.ColumnElement[bool], ...]:
    approved = selection.c.verdict == str(Verdict.APPROVED)
    return selection.c.fate.is_(None), approved, selection.c.next_step == routing.DONE


_SUBJECT = ("entity", *KEYS, "field")


def remember_approved(desk: Desk) -> None:
    """The value a person last approved: what drift is measured from."""
    new = _baseline(desk, selection.c.proposed)
    values = {"value": new.excluded.value, "at": new.excluded.at}
    desk.connection.execute(new.on_conflict_do_update(index_elements=_SUBJECT, set_=values))


def remember_first_original(desk: Desk) -> None:
    """What no person approved: drift is measured from the value before, unless a person approved one earlier."""
    desk.connection.execute(_baseline(desk, selection.c.original).on_conflict_do_nothing())


def _baseline(desk: Desk, value: sa.ColumnElement[str]) -> postgresql.Insert | sqlite.Insert:
    insert = sqlite.insert if desk.connection.dialect.name == "sqlite" else postgresql.insert
    rows = sa.select(*(selection.c[name] for name in _SUBJECT), value, sa.literal(desk.actor.at)).where(*_applied())
    found: postgresql.Insert | sqlite.Insert = insert(control.baseline).from_select([*_SUBJECT, "value", "at"], rows)
    return found


def submit(desk: Desk) -> list[str]:
    """Selected changes go to their first step; gives conditions that could not be evaluated."""
    failed: list[str] = []
    for route in desk.routes:
        failed += routing.find_next_steps(route, None)
        routing.enter_steps(route)
    return failed


def start_workflow(
    connection: sa.Connection, actor: Actor, entity: DataEntity, target: Target, sequence: int
) -> list[str]:
    """The workflow starts by itself for what a run has just submitted."""
    change, proposal = control.proposed_change, control.proposal
    selection.create(connection)
    shared = ("entity", *KEYS, "field", "original", "proposed", "status", "step", "round", "settings_sha256")
    rows = (
        sa.select(
            change.c.id, change.c.proposal_id, proposal.c.version, proposal.c.kind, *(change.c[n] for n in shared)
        )
        .join_from(change, proposal, proposal.c.id == change.c.proposal_id)
        .where(change.c.run_sequence == sequence, change.c.status == str(ChangeStatus.PENDING), change.c.step.is_(None))
    )
    names = ["change_id", "proposal_id", "version", "kind", *shared]
    statistics.fill(connection, sa.insert(selection).from_select(names, rows))
    definition = definitions(connection, entity, {entity.settings_sha256})[entity.settings_sha256][1]
    route = routing.Route(connection, entity, target, definition, actor)
    failed = routing.find_next_steps(route, None)
    routing.enter_steps(route)
    routing.close_finished_items(connection, actor)
    selection.drop(connection)
    return failed
