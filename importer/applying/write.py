"""Planned values become rows of the target: one insert and one update for all of them.

What the database refuses nevertheless is found by halving under savepoints and becomes a rejection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from importer.errors import ImporterError
from importer.storage.context import RunContext
from importer.storage.database import reason
from importer.storage.decided import fields_with
from importer.storage.expressions import message
from importer.vocabulary import WRITING, RejectionCode

MOST_REFUSALS = 1_000
"""So many rows that only the database can refuse are named; then the run stops."""


class RefusedTooOften(ImporterError):
    """More rows than can be named were refused by the database itself; nothing was applied."""

    exit_code = 4


def write_rows(plan: RunContext, inserted: Mapping[str, ColumnElement[Any]]) -> int:
    """Inserts new records and updates changed fields; gives the number of rows that the database refused."""
    fields = fields_with(plan, WRITING)
    bounds = _bounds(plan)
    if bounds is None:
        return 0
    return _Writer(plan, inserted, fields).write(*bounds)


def _bounds(plan: RunContext) -> tuple[int, int] | None:
    fresh, diff = plan.space.fresh, plan.space.diff
    rows = sa.union_all(sa.select(fresh.c["_row"]), sa.select(diff.c["_row"])).subquery()
    low, high = plan.connection.execute(sa.select(sa.func.min(rows.c["_row"]), sa.func.max(rows.c["_row"]))).one()
    return None if low is None else (low, high)


class _Writer:
    def __init__(self, plan: RunContext, inserted: Mapping[str, ColumnElement[Any]], fields: list[str]) -> None:
        self._plan = plan
        self._fields = fields
        self._insert = self._insert_statement(inserted)
        self._update = self._update_statement() if fields else None
        self._refused = 0

    def write(self, low: int, high: int) -> int:
        """Rows `low` to `high`, halved where the database refuses some of them."""
        pending = [(low, high)]
        while pending:
            low, high = pending.pop()
            try:
                with self._plan.connection.begin_nested():
                    self._execute(low, high)
            except (IntegrityError, DataError) as error:
                if low == high:
                    self._refuse(low, reason(error))
                else:
                    middle = (low + high) // 2
                    pending += [(middle + 1, high), (low, middle)]
        return self._refused

    def _execute(self, low: int, high: int) -> None:
        bounds = {"low": low, "high": high}
        self._plan.connection.execute(self._insert, bounds)
        if self._update is not None:
            self._plan.connection.execute(self._update, bounds)

    def _between(self, row: ColumnElement[int]) -> ColumnElement[bool]:
        return row.between(sa.bindparam("low", type_=sa.BigInteger), sa.bindparam("high", type_=sa.BigInteger))

    def _insert_statement(self, inserted: Mapping[str, ColumnElement[Any]]) -> sa.Insert:
        plan = self._plan
        stage, fresh = plan.space.stage, plan.space.fresh
        columns = [plan.target.columns[field].column.name for field in inserted]
        rows = (
            sa.select(*inserted.values())
            .join_from(fresh, stage, stage.c["_row"] == fresh.c["_row"])
            .where(sa.not_(plan.is_refused(stage.c["_row"])), self._between(stage.c["_row"]))
        )
        return sa.insert(plan.target.table).from_select(columns, rows)

    def _update_statement(self) -> sa.Update:
        plan = self._plan
        diff = plan.space.diff
        written = {field: plan.space.action(field).in_([str(action) for action in WRITING]) for field in self._fields}
        values = {
            plan.target.columns[field].column: sa.case(
                (test, plan.space.new(field)), else_=plan.target.columns[field].column
            )
            for field, test in written.items()
        }
        return (
            sa.update(plan.target.table)
            .values(values)
            .where(
                plan.same_key(diff),
                sa.or_(*written.values()),
                sa.not_(plan.is_refused(diff.c["_row"])),
                self._between(diff.c["_row"]),
            )
        )

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
