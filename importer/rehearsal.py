"""THE STORY before the workflow starts: who would be asked, and how many changes each action and step would take."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity, nearest
from importer.errors import SetupError
from importer.restaging import restage
from importer.session import Session
from importer.storage import runs
from importer.storage.context import RunContext
from importer.storage.migrate import ensure
from importer.workflow import people
from importer.workflow.automatic import proposed_columns
from importer.workflow.definition import ApproverSpec, WorkflowDefinition, load, next_steps
from importer.workflow.nobody import NOBODY, people_behind, with_administrators


def workflow_in_force(session: Session, name: str | None) -> list[dict[str, Any]]:
    """Each entity's definition, with the people behind its approvers as they are now."""
    if name is not None and name not in session.entities:
        raise SetupError(f"there is no entity {name!r}{nearest(name, session.entities)}")
    ensure(session.database)
    entities = [session.entities[name]] if name else list(session.entities.values())
    with session.database.begin() as connection:
        return [_in_force(connection, entity) for entity in entities]


def _in_force(connection: sa.Connection, entity: DataEntity) -> dict[str, Any]:
    definition, written = load(entity), entity.parameters.workflow
    users = people.active_users(connection)
    admins = sorted(user for user, is_admin in users.items() if is_admin)
    return {
        "entity": entity.name,
        "name": definition.name,
        "settings_sha256": definition.settings_sha256,
        "auto_submit": definition.auto_submit,
        "four_eyes": definition.four_eyes,
        "automatic": [action.model_dump() for action in written.automatic],
        "steps": [
            {
                **step.model_dump(),
                "asked": [_asked(connection, users, spec) for spec in defined.approvers],
            }
            for step, defined in zip(written.steps, definition.steps, strict=True)
        ],
        "administrators": admins,
    }


def _asked(connection: sa.Connection, users: dict[str, bool], spec: ApproverSpec) -> dict[str, Any]:
    if spec.fields:
        return {"approver": spec.text, "people": [], "warning": "depends on the record"}
    active = people_behind(connection, spec, users)
    warning = None if active else f"{NOBODY}: {with_administrators(users)}"
    return {"approver": spec.text, "people": active, "warning": warning}


def rehearse(session: Session, run_id: str) -> dict[str, Any]:
    """Counts for a planned run, from its own tables."""
    ensure(session.database)
    with session.database.begin() as connection:
        run = runs.find_run(connection, run_id)
    entity = session.entities.get(run.entity)
    if entity is None or not run.summary:
        raise SetupError(f"run {run_id} has no plan: it is {run.status}")
    if entity.settings_sha256 != run.settings_sha256:
        raise SetupError(
            f"the parameters of {run.entity} were changed since run {run_id} was planned", hint="plan again"
        )
    definition = load(entity)
    submitter = run.options.get("requested_by") or run.user
    with restage(session, run, entity) as (context, _):
        automatic = _ruled(context)
        steps, failed = _steps(context, definition, submitter)
    return {"run_id": run_id, "automatic": automatic, "steps": steps, "failed_conditions": failed}


def _ruled(run: RunContext) -> dict[str, int]:
    ruled = run.space.ruled
    select = sa.select(ruled.c.rule, sa.func.count()).group_by(ruled.c.rule).order_by(ruled.c.rule)
    found: dict[str, int] = dict(run.connection.execute(select).all())
    return found


def _steps(run: RunContext, definition: WorkflowDefinition, submitter: str) -> tuple[dict[str, int], list[str]]:
    """The first step of every change that would be opened."""
    counts: Counter[str] = Counter()
    failed: dict[str, None] = {}
    for field in run.space.values:
        proposed = proposed_columns(run, definition, field, submitter)
        for needed in (each for _, changes in proposed for each in next_steps(definition, changes)):
            if needed is None:
                continue
            counts[needed.step.name] += 1
            if needed.failed:
                failed[f"{needed.failed.rule}: {needed.failed.reason}"] = None
    return dict(counts), list(failed)
