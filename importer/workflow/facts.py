"""The facts of proposed changes, streamed from the database for conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import DataEntity
from importer.storage import control
from importer.storage.columns import read_texts
from importer.storage.control import KEYS
from importer.storage.selection import same_record, selection
from importer.storage.target import Target, canonical
from importer.vocabulary import ChangeStatus
from importer.workflow.approved_values import Subject
from importer.workflow.change_columns import ChangeColumns

_proposal = control.proposal


def selected_facts(
    connection: sa.Connection,
    entity: DataEntity,
    target: Target,
    record_fields: tuple[str, ...],
    *which: ColumnElement[bool],
) -> Iterator[tuple[list[int], ChangeColumns]]:
    """Change ids of the selection with their facts, block by block, each block of one field; `record_fields` are those
    that conditions look at.
    """
    subject = Subject.of(selection)
    record = [_stored(entity, target, name).label(f"r_{name}") for name in record_fields]
    select = (
        sa.select(
            sa.cast(selection.c.change_id, sa.Text).label("change_id"),
            selection.c.field,
            selection.c.original,
            selection.c.proposed,
            subject.approved(selection.c.original).label("approved"),
            _proposal.c.source,
            _proposal.c.submitted_by,
            *record,
        )
        .join_from(selection, _proposal, _proposal.c.id == selection.c.proposal_id)
        .outerjoin(control.baseline, subject.baseline)
        .where(selection.c.entity == entity.name, *which)
    )
    if target.exists and record_fields:
        select = select.outerjoin(target.table, same_record(entity, target, selection))
    for table in read_texts(connection, select):
        for field in pc.unique(table["field"]).to_pylist():
            here = table.filter(pc.equal(table["field"], field)).to_pydict()
            yield (
                [int(number) for number in here["change_id"]],
                ChangeColumns(
                    entity.by_name[field],
                    here["original"],
                    here["proposed"],
                    here["approved"],
                    {name: here[f"r_{name}"] for name in record_fields},
                    here["source"],
                    here["submitted_by"],
                ),
            )


def _stored(entity: DataEntity, target: Target, name: str) -> ColumnElement[Any]:
    if name in entity.key:
        return selection.c[KEYS[entity.key.index(name)]]
    stored: ColumnElement[Any] = sa.cast(sa.null(), sa.Text)
    if target.exists:
        stored = canonical(target.columns[name].stored, target.columns[name], target.dialect)
    return or_of_new_record(selection.c.kind, selection.c.proposal_id, name, stored)


def or_of_new_record(
    kind: ColumnElement[str], number: ColumnElement[int], name: str, stored: ColumnElement[Any]
) -> ColumnElement[Any]:
    """The stored value; a record that doesn't exist yet has what its proposal says."""
    own = control.proposed_change.alias("own")
    proposed = sa.select(sa.func.max(own.c.proposed)).where(
        own.c.proposal_id == number, own.c.field == name, own.c.status != str(ChangeStatus.SUPERSEDED)
    )
    return sa.case((kind == "create", proposed.scalar_subquery()), else_=stored)
