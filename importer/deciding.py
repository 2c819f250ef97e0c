"""What follows from responses, in one transaction: next step, final value in the table, rejection, conflict.

In: a selection of proposed changes whose verdicts are set. Out: their new states, the target's new values, history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from importer.applying.final_values import write_final_values
from importer.entity import DataEntity
from importer.storage import control, statistics
from importer.storage.context import RunContext
from importer.storage.control import KEYS
from importer.storage.decided import meets_open_changes
from importer.storage.runs import Actor
from importer.storage.selection import DONE, Overview, overview, selection
from importer.storage.target import Target, find_target
from importer.vocabulary import ChangeStatus, Effect
from importer.workflow import decisions, routing
from importer.workflow.approved_values import SUBJECT, Subject
from importer.workflow.definition import WorkflowDefinition
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
    found: Overview

    @property
    def versions(self) -> dict[str, WorkflowDefinition]:
        return {route.definition.settings_sha256: route.definition for route in self.routes}

    @property
    def two_eyes(self) -> list[str]:
        """Workflow versions in which people may approve what they contributed to."""
        return [version for version, definition in self.versions.items() if not definition.four_eyes]


def open_desk(connection: sa.Connection, actor: Actor, entities: Mapping[str, DataEntity]) -> Desk:
    """For the entities and workflow versions of the selected changes."""
    found = overview(connection)
    names = [name for name in entities if name in {entity for entity, _ in found.versions}]
    targets = {name: find_target(connection, entities[name]) for name in names}
    routes = []
    for name in names:
        versions = {version for entity, version in found.versions if entity == name}
        for _, definition in definitions(connection, entities[name], versions).values():
            routes.append(routing.Route(connection, entities[name], targets[name], definition, actor))
    return Desk(connection, actor, entities, targets, tuple(routes), found)


def carry_out(desk: Desk, said: decisions.Entry, *heard: sa.ColumnElement[bool]) -> list[str]:
    """Verdicts are carried out: final values written, or in conflict, or refused; then ended, or at the next step.

    `said`: the response that led to them, for the history; `heard`: to which changes. Gives conditions that failed.
    """
    connection, actor = desk.connection, desk.actor
    failed = _find_next_steps(desk)
    whole = True
    for name, target in desk.targets.items():
        whole &= write_final_values(connection, desk.entities[name], target, creating="create" in desk.found.kinds)
    if not whole:
        decisions.take_back_responses(connection, actor)
    decisions.add_history(connection, actor, replace(said, to_status=decisions.outcome()), *heard)
    decisions.end_changes(connection, actor, said.comment)
    for route in desk.routes:
        routing.enter_steps(route, selection.c.verdict == str(Verdict.APPROVED))
    routing.close_finished_items(connection, actor, sa.select(selection.c.proposal_id))
    return failed


def _find_next_steps(desk: Desk) -> list[str]:
    failed: list[str] = []
    for route in desk.routes:
        open_way = selection.c.verdict == str(Verdict.APPROVED), selection.c.next_step.is_(None)
        steps = sa.select(selection.c.step).where(route.mine, *open_way).distinct()
        for step in desk.connection.scalars(steps).all():
            failed += routing.find_next_steps(route, step, *open_way, selection.c.step == step)
    return failed


def remember_first_original(desk: Desk) -> None:
    """What no person approved: drift is measured from the value before, unless there is something to measure from."""
    approved = selection.c.verdict == str(Verdict.APPROVED)
    applied = selection.c.fate.is_(None), approved, selection.c.next_step == DONE
    new = sa.not_(Subject.of(selection).is_known)
    rows = sa.select(*(selection.c[name] for name in SUBJECT), selection.c.original, sa.literal(desk.actor.at))
    columns = [*SUBJECT, "value", "at"]
    statistics.fill(desk.connection, sa.insert(control.baseline).from_select(columns, rows.where(*applied, new)))


def submit(desk: Desk) -> list[str]:
    """Selected changes go to their first step; gives conditions that could not be evaluated."""
    failed: list[str] = []
    for route in desk.routes:
        failed += routing.find_next_steps(route, None)
        routing.enter_steps(route)
    return failed


def start_workflow(run: RunContext, actor: Actor) -> list[str]:
    """The workflow starts by itself for what a run has just submitted; gives conditions that could not be evaluated.

    Changes whose first step is sure stand there already (`workflow/proposals.py`).
    """
    connection, entity = run.connection, run.entity
    definition = definitions(connection, entity, {entity.settings_sha256})[entity.settings_sha256][1]
    route = routing.Route(connection, entity, run.target, definition, actor)
    first = routing.sure_step(definition, None)
    failed: list[str] = []
    if first is None:
        _select_submitted(run)
        failed = routing.find_next_steps(route, None)
        routing.enter_steps(route)
        selection.drop(connection)
    else:
        all_new = not meets_open_changes(run)
        routing.open_items(route, definition.step(first), control.proposed_change, *_submitted(run), all_new=all_new)
    effect = run.space.effect
    ended = effect.c.effect.in_([str(Effect.SUPERSEDED), str(Effect.WITHDRAWN)])
    over = sa.select(effect.c.proposal_id).where(ended)
    if connection.execute(over.limit(1)).first() is not None:
        routing.close_finished_items(connection, actor, over)
    return failed


def _submitted(run: RunContext) -> tuple[sa.ColumnElement[bool], ...]:
    """The pending changes of this run."""
    change = control.proposed_change
    return change.c.run_sequence == run.space.sequence, change.c.status == str(ChangeStatus.PENDING)


def _select_submitted(run: RunContext) -> None:
    change, proposal, connection = control.proposed_change, control.proposal, run.connection
    selection.create(connection)
    shared = ("entity", *KEYS, "field", "original", "proposed", "status", "step", "round", "settings_sha256")
    rows = (
        sa.select(
            *(change.c.id, change.c.proposal_id, proposal.c.version, proposal.c.kind),
            *(change.c[name] for name in shared),
        )
        .join_from(change, proposal, proposal.c.id == change.c.proposal_id)
        .where(*_submitted(run))
    )
    names = ["change_id", "proposal_id", "version", "kind", *shared]
    joined = ("change_id", "proposal_id", "entity", *KEYS, "field", "settings_sha256")
    statistics.fill(connection, sa.insert(selection).from_select(names, rows), *joined)
