"""Four eyes: who contributed to a proposal, by hand or by a run that opened or changed it.

People of single proposals stand in `contributor`. Those of an import stand once for the run in `run_contributor`: every
run that contributes to a proposal leaves a change in it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control
from importer.storage.expressions import insert_or

_single, _of_run, _change = control.contributor, control.run_contributor, control.proposed_change


def add_people_of_run(connection: sa.Connection, run_sequence: int, people: Collection[str]) -> None:
    """Who ran, requested or released it."""
    new = insert_or(_of_run, connection.dialect.name).on_conflict_do_nothing()
    connection.execute(new, [{"run_sequence": run_sequence, "user_name": name} for name in sorted(people)])


def contributed_by(people: sa.Select[tuple[str]] | str) -> sa.CompoundSelect[Any]:
    """Ids of the proposals that somebody (or anybody of these) contributed to."""
    names = [people] if isinstance(people, str) else people
    single = sa.select(_single.c.proposal_id).where(_single.c.user_name.in_(names))
    by_run = (
        sa.select(_change.c.proposal_id)
        .join_from(_change, _of_run, _of_run.c.run_sequence == _change.c.run_sequence)
        .where(_of_run.c.user_name.in_(names))
    )
    return sa.union_all(single, by_run)


def has_contributed(proposal: ColumnElement[int], user: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the user whom the statement around is about contributed to the proposal that it is about."""
    single = sa.exists().where(_single.c.proposal_id == proposal, _single.c.user_name == user)
    by_run = sa.exists().where(
        _of_run.c.user_name == user,
        _of_run.c.run_sequence == _change.c.run_sequence,
        _change.c.proposal_id == proposal,
    )
    return sa.or_(single, by_run)
