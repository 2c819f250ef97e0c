"""Which proposed changes are meant: by ticket, by filter, by condition. Unknown names are wrong usage (SetupError)."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from importer.entity import nearest
from importer.errors import SetupError
from importer.session import Session
from importer.storage import control, runs
from importer.storage.selection import (
    Filters,
    Request,
    Sure,
    hold_changes,
    hold_selected,
    keep_only,
    select_changes,
)
from importer.storage.target import Target, find_target
from importer.vocabulary import ChangeStatus
from importer.workflow.conditions import compile_condition
from importer.workflow.facts import selected_facts

LISTED = tuple(status for status in ChangeStatus if status is not ChangeStatus.SUPERSEDED)
"""What a listing shows; a superseded change is history, its successor stands in the same proposal."""


def choose(
    session: Session, connection: sa.Connection, request: Request, statuses: Collection[ChangeStatus] = LISTED
) -> None:
    """Fills the selection. `statuses`: what filters may bring."""
    _check(session, connection, request)
    select_changes(connection, request, statuses)
    if request.filters.where is not None:
        keep_only(connection, holding(session, connection, request.filters.where))


def hold(
    session: Session, connection: sa.Connection, request: Request, statuses: Collection[ChangeStatus], sure: Sure
) -> None:
    """The same for who decides: what is selected is theirs until the end of the transaction."""
    if request.filters.where is None:
        _check(session, connection, request)
        hold_changes(connection, request, statuses, sure=sure)
    else:
        choose(session, connection, request, statuses)
        hold_selected(connection, sure)


def check_filters(session: Session, connection: sa.Connection, filters: Filters) -> None:
    """A filter that names what doesn't exist would quietly choose nothing."""
    _check_field(session, filters.field)
    if filters.run_id is not None:
        runs.find_run(connection, filters.run_id)
    sources = {source.name for entity in session.entities.values() for source in entity.parameters.sources}
    if filters.source is not None and filters.source not in sources:
        known = connection.scalars(sa.select(control.proposal.c.source).distinct())
        sources |= {source for source in known if source}
        if filters.source not in sources:
            raise SetupError(f"there is no source {filters.source!r}{nearest(filters.source, sources)}")
    parts = {len(entity.key) for entity in session.entities.values()}
    if filters.key is not None and len(filters.key) not in parts:
        raise SetupError(f"--key needs {' or '.join(map(str, sorted(parts)))} values with commas between them")


def holding(session: Session, connection: sa.Connection, where: str) -> set[int]:
    """Selected changes for which the condition holds; one that can't be evaluated does not hold."""
    found: set[int] = set()
    for entity in session.entities.values():
        condition = compile_condition(where, entity, "--where")
        record = tuple(field.name for field in condition.record_fields)
        for numbers, changes in selected_facts(connection, entity, find_target(connection, entity), record):
            answers = zip(numbers, condition.evaluate(changes), strict=True)
            found |= {number for number, answer in answers if answer is True}
    return found


def targets(session: Session, connection: sa.Connection) -> dict[str, Target]:
    return {name: find_target(connection, entity) for name, entity in session.entities.items()}


def _check(session: Session, connection: sa.Connection, request: Request) -> None:
    for name in request.fields:
        _check_field(session, name)
    check_filters(session, connection, request.filters)


def _check_field(session: Session, name: str | None) -> None:
    fields = [field for entity in session.entities.values() for field in entity.names]
    if name is not None and name not in fields:
        raise SetupError(f"unknown field {name!r}{nearest(name, fields)}")
