"""The streams of a run's reports, from the run's tables while it is planned, from the journal once it is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control
from importer.storage.columns import read_texts
from importer.storage.context import RunContext
from importer.storage.decided import ChangedFields, changed_values, reason_rows, rejected_rows, source_texts
from importer.storage.expressions import joined_words
from importer.vocabulary import Outcome

JOINED_BY = " | "


@dataclass(frozen=True)
class StoredReports:
    """A `ReportData`.

    `beside`: opens another connection, for what is read at the same time; `applied`: what results say of it;
    `in_journal`: the journal has the run, else its own tables do.
    """

    run: RunContext
    beside: Callable[[], AbstractContextManager[sa.Connection]]
    run_id: str
    applied: bool
    in_journal: bool
    source_columns: int

    def results(self) -> Iterator[pa.Table]:
        stage, outcome = self.run.space.stage, self._outcome()
        staged = dict(zip(control.KEYS, self.run.keys(stage), strict=True))
        select = (
            sa.select(
                _number(stage.c["_row"]).label("row"),
                *(staged[f"key_{n}"].label(name) for n, name in enumerate(self.run.target.key, start=1)),
                sa.func.coalesce(outcome.c.outcome, str(Outcome.UNCHANGED)).label("outcome"),
                self._applied(outcome.c.outcome).label("applied"),
                outcome.c.fields_updated,
                outcome.c.fields_proposed,
                outcome.c.fields_declined,
                outcome.c.fields_rejected,
                _number(outcome.c.proposal_id).label("proposal_id"),
                outcome.c.effects.label("proposal_effects"),
                outcome.c.codes,
                stage.c["_origin_run"].label("origin_run"),
                stage.c["_origin_row"].label("origin_row"),
            )
            .outerjoin_from(stage, outcome, outcome.c.row == stage.c["_row"])
            .order_by(stage.c["_row"])
        )
        with self.beside() as connection:
            yield from read_texts(connection, select)

    def changes(self) -> Iterator[pa.Table]:
        change = self._changes()
        select = sa.select(
            _number(change.c.row).label("row"),
            *self._keys(change),
            change.c.field,
            change.c.old,
            change.c.new,
            change.c.disposition,
            _number(change.c.proposal_id).label("proposal_id"),
            change.c.rule,
        ).order_by(change.c.row, change.c.ord)
        return read_texts(self.run.connection, select)

    def reasons(self) -> Iterator[pa.Table]:
        reason = self._reasons()
        select = sa.select(
            _number(reason.c.row).label("row"),
            reason.c.column_name.label("column"),
            reason.c.field,
            reason.c.value,
            reason.c.code,
            reason.c.message,
            sa.case((reason.c.repeated.is_(sa.true()), "yes"), else_="no").label("repeated"),
        ).order_by(reason.c.row, reason.c.ord, reason.c.code)
        return read_texts(self.run.connection, select)

    def rejected(self) -> Iterator[pa.Table]:
        for texts in self._texts():
            first, last = texts["row"][0].as_py(), texts["row"][-1].as_py()
            joined = self._joined_reasons(first, last)
            rows = texts["row"].to_pylist()
            columns: dict[str, Any] = {f"c{index}": texts[f"c{index}"] for index in range(self.source_columns)}
            columns["_row"] = pa.array([str(row) for row in rows], pa.string())
            columns["_codes"] = pa.array([joined.get(row, ("", ""))[0] for row in rows], pa.string())
            columns["_reasons"] = pa.array([joined.get(row, ("", ""))[1] for row in rows], pa.string())
            columns["_run"] = pa.array([self.run_id] * len(rows), pa.string())
            columns["_text"] = texts["text"]
            yield pa.table(columns)

    def _applied(self, outcome: ColumnElement[Any]) -> ColumnElement[str]:
        if not self.applied:
            return sa.literal("no")
        nothing = outcome.in_([str(Outcome.REJECTED), str(Outcome.NOT_PROCESSED)])
        return sa.case((nothing, "no"), else_="yes")

    def _keys(self, table: Any) -> list[ColumnElement[Any]]:
        return [table.c[f"key_{n}"].label(name) for n, name in enumerate(self.run.target.key, start=1)]

    def _outcome(self) -> Any:
        return self._of_run(control.outcome) if self.in_journal else self.run.space.outcome

    def _changes(self) -> Any:
        return (
            self._of_run(control.change)
            if self.in_journal
            else changed_values(self.run, ChangedFields.of(self.run).all).subquery("changes")
        )

    def _reasons(self) -> Any:
        return self._of_run(control.reason) if self.in_journal else reason_rows(self.run).subquery("reasons")

    def _of_run(self, table: sa.Table) -> Any:
        return sa.select(table).where(table.c.run_sequence == self.run.space.sequence).subquery(f"of_{table.name}")

    def _texts(self) -> Iterator[pa.Table]:
        connection = self.run.connection
        if not self.in_journal:
            rows = rejected_rows(connection, self.run.space.outcome)
            yield from source_texts(connection, self.run.space, rows)
            return
        parts = sa.select(control.rejection.c.part).where(control.rejection.c.run_sequence == self.run.space.sequence)
        for part in connection.scalars(parts.order_by(control.rejection.c.part)).all():
            block = connection.scalar(
                sa.select(control.rejection.c.texts).where(
                    control.rejection.c.run_sequence == self.run.space.sequence, control.rejection.c.part == part
                )
            )
            yield pa.ipc.open_stream(block).read_all()

    def _joined_reasons(self, first: int, last: int) -> dict[int, tuple[str, str]]:
        reason = self._reasons()
        ordered = (
            sa.select(reason.c.row, reason.c.code, reason.c.message)
            .where(reason.c.row.between(first, last))
            .order_by(reason.c.row, reason.c.ord, reason.c.code)
            .subquery()
        )
        dialect = self.run.dialect
        select = sa.select(
            ordered.c.row,
            joined_words(ordered.c.code, dialect, JOINED_BY),
            joined_words(ordered.c.message, dialect, JOINED_BY),
        ).group_by(ordered.c.row)
        return {row: (codes, messages) for row, codes, messages in self.run.connection.execute(select)}


def _number(column: ColumnElement[Any]) -> ColumnElement[str]:
    return sa.cast(column, sa.Text)
