"""What `approved` means in conditions: the value a person last approved or, if later, one written without workflow.

What people approved stands in the proposed changes themselves. `baseline` has the rest: values written later, and the
original of the first automatic approval where neither is known. Source: `2-contract.md`, "Conditions are CEL".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control
from importer.storage.control import KEYS
from importer.vocabulary import ChangeStatus

_change, _proposal, _baseline = (
    control.proposed_change.alias("decided"),
    control.proposal.alias("told"),
    control.baseline,
)

SYSTEM = "system"
"""Who decided what nobody did in time."""

SUBJECT = ("entity", *KEYS, "field")


@dataclass(frozen=True)
class Subject:
    """One field of a record, as expressions on the rows of the statement around."""

    entity: Any
    keys: Sequence[Any]
    field: Any

    @classmethod
    def of(cls, table: Any) -> Subject:
        """Of a table with the columns of a proposed change."""
        return cls(table.c.entity, [table.c[name] for name in KEYS], table.c.field)

    @property
    def parts(self) -> list[Any]:
        return [self.entity, *self.keys, self.field]

    @property
    def baseline(self) -> ColumnElement[bool]:
        """The row of `baseline`, to be joined."""
        return sa.and_(*(_baseline.c[name] == part for name, part in zip(SUBJECT, self.parts, strict=True)))

    def by_person(self, *columns: Any) -> sa.Select[Any]:
        """What people approved, the latest first; found by the record's proposals, which have an index."""
        record = zip(("entity", *KEYS), (self.entity, *self.keys), strict=True)
        return (
            sa.select(*columns)
            .join_from(_proposal, _change, _change.c.proposal_id == _proposal.c.id)
            .where(*(_proposal.c[name] == part for name, part in record), _change.c.field == self.field, is_by_person())
            .order_by(_change.c.id.desc())
            .limit(1)
            .correlate_except(_proposal, _change)
        )

    @property
    def is_approved(self) -> ColumnElement[bool]:
        """A person has approved a value."""
        return sa.exists(self.by_person(sa.literal(1)).order_by(None))

    @property
    def is_known(self) -> ColumnElement[bool]:
        """There is something to measure from."""
        stands = sa.select(sa.literal(1)).select_from(_baseline).where(self.baseline).correlate_except(_baseline)
        return sa.or_(self.is_approved, sa.exists(stands))

    def approved(self, original: ColumnElement[Any]) -> ColumnElement[Any]:
        """In a statement that has joined `baseline`."""
        at = self.by_person(_change.c.decided_at).scalar_subquery()
        value = self.by_person(_change.c.proposed).scalar_subquery()
        return sa.case(
            (at >= sa.func.coalesce(_baseline.c.at, ""), value),
            (_baseline.c.field.is_not(None), _baseline.c.value),
            else_=original,
        )


def is_by_person() -> ColumnElement[bool]:
    by_person = _change.c.rule.is_(None), _change.c.decided_by != SYSTEM
    return sa.and_(_change.c.status == str(ChangeStatus.APPLIED), *by_person)


def fields_to_follow(connection: sa.Connection, entity: str) -> list[str]:
    """Fields of which a value written without workflow has to be kept."""
    approved = sa.select(_change.c.field).where(_change.c.entity == entity, is_by_person())
    kept = sa.select(_baseline.c.field).where(_baseline.c.entity == entity)
    return list(connection.scalars(sa.union(approved, kept)))
