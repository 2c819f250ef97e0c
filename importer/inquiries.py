"""THE STORY of looking at proposals: listed, shown with all that an approver needs, their history, my work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from importer.choosing import LISTED, check_filters, choose, holding, targets
from importer.session import Session
from importer.storage.migrate import ensure
from importer.storage.runs import now
from importer.storage.selection import Filters, Request, listing_digest, select_changes
from importer.workflow import listing, showing, work

Answer = dict[str, Any]


def list_proposals(session: Session, filters: Filters) -> Iterator[Answer]:
    """Proposals with the changes that match the filters, as they are read."""
    ensure(session.database)
    with session.database.begin() as connection:
        check_filters(session, connection, filters)
        found = listing.listed_proposals(connection, session.entities, targets(session, connection), filters)
        if filters.where is not None:
            select_changes(connection, Request(filters=filters), LISTED)
            found = listing.only(found, holding(session, connection, filters.where))
        yield from found


def show_proposal(session: Session, number: int) -> Answer:
    """One proposal with all that an approver needs."""
    ensure(session.database)
    with session.database.begin() as connection:
        return showing.show_proposal(connection, session.entities, targets(session, connection), number, now())


def digest(session: Session, filters: Filters) -> str:
    """The listing's digest: a bulk decision with it is made on exactly what was listed."""
    ensure(session.database)
    with session.database.begin() as connection:
        choose(session, connection, Request(filters=filters))
        return listing_digest(connection)


def proposal_history(session: Session, number: int | None, filters: Filters) -> list[Answer]:
    """Every action, or those on one proposal, of one run or record."""
    ensure(session.database)
    with session.database.begin() as connection:
        check_filters(session, connection, filters)
        return listing.history(connection, number, filters)


def my_work(session: Session) -> Iterator[Answer]:
    """Open work items of the user, those that are due first, as they are read."""
    ensure(session.database)
    with session.database.begin() as connection:
        yield from work.open_items(connection, session.entities, targets(session, connection), session.user)
