"""Planned values become rows of the target: one insert and one update for all of them.

The update writes a row only where the record still is what the plan saw; if it leaves rows out, it is taken back, those
rows are refused, and it is done again. What the database refuses is found by halving under savepoints and becomes a
rejection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from importer.applying.recheck import is_written, refuse_moved, same_place, stands, updates
from importer.errors import ImporterError
from importer.storage.context import RunContext
from importer.storage.database import reason
from importer.storage.decided import ChangedFields
from importer.storage.expressions import message
from importer.storage.statistics import FEW, looking_up_places
from importer.vocabulary import RejectionCode

MOST_REFUSALS = 1_000
"""So many rows that only the database can refuse are named; then the run stops."""


class RefusedTooOften(ImporterError):
    """More rows than can be named were refused by the database itself; nothing was applied."""

    exit_code = 4


def write_rows(plan: RunContext, changed: ChangedFields, inserted: Mapping[str, ColumnElement[Any]]) -> int:
    """Inserts new records and updates changed fields; gives the number of rows refused on the way."""
    found = [
        plan.connection.execute(sa.select(sa.func.min(rows), sa.func.max(rows), sa.func.count())).one()
        for rows in (plan.space.fresh.c["_row"], plan.space.diff.c["_row"])
    ]
    bounds = [number for low, high, count in found if count for number in (low, high)]
    if not bounds:
        return 0
    return _Writer(plan, changed, inserted, found[0][2]).write(min(bounds), max(bounds))


def _inserts_all(plan: RunContext, new: int) -> bool:
    """Whether every staged row brings a new record and none is refused: an initial load needs no join then."""
    if new < FEW:
        return False
    refused = sa.select(plan.space.reason.c.row).where(plan.space.reason.c.scope == "row").limit(1)
    if plan.connection.execute(refused).first() is not None:
        return False
    return plan.connection.scalar(sa.select(sa.func.count()).select_from(plan.space.stage)) == new


class _RecordsMoved(Exception):
    """The update left rows out."""


class _Writer:
    def __init__(
        self, plan: RunContext, changed: ChangedFields, inserted: Mapping[str, ColumnElement[Any]], new: int
    ) -> None:
        """`new`: how many rows bring a new record."""
        self._plan = plan
        self._changed = changed
        self._insert = self._insert_statement(inserted, _inserts_all(plan, new)) if new else None
        self._update = self._update_statement(plan.same_key(plan.space.diff)) if changed.written else None
        by_place = changed.written and plan.target.place is not None
        self._update_by_place = self._update_statement(same_place(plan)) if by_place else None
        self._expected = self._expected_rows()
        self._moved = 0
        self._refused = 0

    def write(self, low: int, high: int) -> int:
        """Rows `low` to `high`, halved where the database refuses some of them. Gives the number of reasons found."""
        pending = [(low, high)]
        while pending:
            low, high = pending.pop()
            try:
                with self._plan.connection.begin_nested():
                    self._execute(low, high)
            except _RecordsMoved:
                if self._update_by_place is not None:
                    self._update_by_place = None  # from here on records are looked for by their keys
                else:
                    self._moved += self._refuse_moved(low, high)
                pending.append((low, high))
            except (IntegrityError, DataError) as error:
                if low == high:
                    self._refuse(low, reason(error))
                else:
                    middle = (low + high) // 2
                    pending += [(middle + 1, high), (low, middle)]
        return self._refused + self._moved

    def _execute(self, low: int, high: int) -> None:
        bounds = {"low": low, "high": high}
        connection = self._plan.connection
        if self._insert is not None:
            connection.execute(self._insert, bounds)
        if self._update is None:
            return
        if self._update_by_place is not None:
            with looking_up_places(connection):
                updated = self._plan.run(self._update_by_place, bounds)
        else:
            updated = self._plan.run(self._update, bounds)
        if updated != connection.scalar(self._expected, bounds):
            raise _RecordsMoved

    def _refuse_moved(self, low: int, high: int) -> int:
        rows = self._plan.space.diff.c["_row"].between(low, high)
        found = refuse_moved(self._plan, self._changed.all, sa.and_(updates(self._plan, self._changed), rows))
        if not found:
            raise ImporterError(
                f"the table {self._plan.target.table.name} left some updated rows as they were, nothing was applied",
                hint="look for a trigger or a rule on the table",
            )
        return found

    def _between(self, row: ColumnElement[int]) -> ColumnElement[bool]:
        return row.between(sa.bindparam("low", type_=sa.BigInteger), sa.bindparam("high", type_=sa.BigInteger))

    def _insert_statement(self, inserted: Mapping[str, ColumnElement[Any]], every: bool) -> sa.Insert:
        plan = self._plan
        stage, fresh = plan.space.stage, plan.space.fresh
        columns = [plan.target.columns[field].column.name for field in inserted]
        rows = sa.select(*inserted.values()).where(self._between(stage.c["_row"]))
        if not every:
            rows = rows.join_from(fresh, stage, stage.c["_row"] == fresh.c["_row"])
            rows = rows.where(sa.not_(plan.is_refused(stage.c["_row"])))
        return sa.insert(plan.target.table).from_select(columns, rows)

    def _update_statement(self, same: ColumnElement[bool]) -> sa.Update:
        plan = self._plan
        written = {field: is_written(plan, self._changed, field) for field in self._changed.written}
        values = {
            plan.target.columns[field].column: sa.case(
                (test, plan.space.new(field)), else_=plan.target.columns[field].column
            )
            for field, test in written.items()
        }
        return (
            sa.update(plan.target.table)
            .values(values)
            .where(same, self._updated_rows(), stands(plan, self._changed.all))
        )

    def _updated_rows(self) -> ColumnElement[bool]:
        """Refused rows are gathered once: the server takes those that still stand for hardly any, and would look
        through all refused ones for each.
        """
        row, reason = self._plan.space.diff.c["_row"], self._plan.space.reason
        refused = sa.select(reason.c.row).where(reason.c.scope == "row")
        return sa.and_(updates(self._plan, self._changed), row.not_in(refused), self._between(row))

    def _expected_rows(self) -> sa.Select[Any]:
        return sa.select(sa.func.count()).select_from(self._plan.space.diff).where(self._updated_rows())

    def _refuse(self, row: int, why: str) -> None:
        self._refused += 1
        if self._refused > MOST_REFUSALS:
            raise RefusedTooOften(
                f"the database refuses more than {MOST_REFUSALS} rows, the last with: {why}",
                hint="nothing was applied; correct the file or the table's constraints",
            )
        stage = self._plan.space.stage
        code = RejectionCode.CONSTRAINT_VIOLATION
        rows = sa.select(stage.c["_row"]).where(stage.c["_row"] == row)
        self._plan.refuse(rows, code, message(code, limit=why.replace("\x00", "")), phase="apply")
