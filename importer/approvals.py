"""THE STORY of a decision. So far: what waits, as a list and one by one; deciding comes with the workflow."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from importer.entity import nearest
from importer.errors import SetupError
from importer.session import Session
from importer.storage.migrate import ensure
from importer.storage.target import Target, find_target
from importer.workflow import listing
from importer.workflow.listing import Filters

__all__ = ["Filters", "list_proposals", "show_proposal"]


def list_proposals(session: Session, filters: Filters) -> list[dict[str, Any]]:
    """Proposals with the changes that match the filters."""
    fields = [name for entity in session.entities.values() for name in entity.names]
    if filters.field is not None and filters.field not in fields:
        raise SetupError(f"--field: unknown field {filters.field!r}{nearest(filters.field, fields)}")
    ensure(session.database)
    with session.database.begin() as connection:
        return listing.list_proposals(connection, session.entities, _targets(session, connection), filters)


def show_proposal(session: Session, number: int) -> dict[str, Any]:
    """One proposal with all its changes and the record's context."""
    ensure(session.database)
    with session.database.begin() as connection:
        return listing.show_proposal(connection, session.entities, _targets(session, connection), number)


def _targets(session: Session, connection: sa.Connection) -> dict[str, Target]:
    return {name: find_target(connection, entity) for name, entity in session.entities.items()}
