"""The streams of a run's reports, from the run's tables while it is planned, from the journal once it is applied."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control
from importer.storage.blocks import unpack
from importer.storage.columns import read_texts
from importer.storage.context import RunContext
from importer.storage.decided import ChangedFields, changed_values, rejected_rows, source_texts
from importer.storage.expressions import joined_words
from importer.vocabulary import Outcome

JOINED_BY = " | "


@dataclass(frozen=True)
class StoredReports:
    """A `ReportData`.

    `beside`: opens another connection, for what is read at the same time; `applied`: what results say of it;
    `in_journal`: the journal has the run, else its own tables do; `open_list`: returns once `change` is among them,
    which is not looked into before.
    """

    run: RunContext
    beside: Callable[[], AbstractContextManager[sa.Connection]]
    run_id: str
    applied: bool
    in_journal: bool
    open_list: Callable[[], None] | None
    source_columns: int

    def results(self) -> Generator[pa.Table]:
        """Every row of the file, block by block; the database is asked only for those that are not plainly unchanged.

        Two connections: while one gives the outcomes, the other fetches the blocks.
        """
        outcome = self._outcome()
        select = sa.select(
            _number(outcome.c.row).label("row"),
            outcome.c.outcome,
            self._applied(outcome.c.outcome).label("applied"),
            outcome.c.fields_updated,
            outcome.c.fields_proposed,
            outcome.c.fields_declined,
            outcome.c.fields_rejected,
            self._proposal(outcome),
            outcome.c.effects.label("proposal_effects"),
            outcome.c.codes,
        ).order_by(outcome.c.row)
        names = list(select.selected_columns.keys())
        with self.beside() as one, self.beside() as other, closing(read_texts(one, select)) as found:
            outcomes = Following(found, names)
            for lines in self._lines(other):
                yield self._result(lines, outcomes.up_to(lines["row"][-1].as_py()))

    def _lines(self, connection: sa.Connection) -> Iterator[pa.Table]:
        line = self.run.space.line
        numbers = connection.scalars(sa.select(line.c.number).order_by(line.c.first_row)).all()
        for number in numbers:
            yield unpack(connection.scalar(sa.select(line.c["keys"]).where(line.c.number == number)))

    def _result(self, lines: pa.Table, outcomes: pa.Table) -> pa.Table:
        """One block of `results.csv`: its rows and what became of each."""
        rows, decided = lines["row"].to_numpy(), outcomes["row"].to_numpy()
        places = np.searchsorted(decided, rows)
        missing = places == len(decided)
        missing[~missing] = decided[places[~missing]] != rows[~missing]
        found = outcomes.take(pa.array(places, mask=missing))
        columns = {"row": pc.cast(lines["row"], pa.string())}
        for number, name in enumerate(self.run.target.key, start=1):
            columns[name] = lines[f"key_{number}"]
        columns |= {name: found[name] for name in outcomes.column_names if name != "row"}
        columns["outcome"] = pc.fill_null(columns["outcome"], str(Outcome.UNCHANGED))
        columns["applied"] = pc.fill_null(columns["applied"], "yes" if self.applied else "no")
        for name in ("origin_run", "origin_row"):
            columns[name] = lines[name] if name in lines.column_names else pa.nulls(len(rows), pa.string())
        return pa.table(columns)

    def changes(self) -> Generator[pa.Table]:
        change = self._changes()
        select = sa.select(
            _number(change.c.row).label("row"),
            *self._keys(change),
            change.c.field,
            change.c.old,
            change.c.new,
            change.c.disposition,
            self._proposal(change),
            change.c.rule,
        ).order_by(change.c.row, change.c.ord)
        return read_texts(self.run.connection, select)

    def reasons(self) -> Generator[pa.Table]:
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

    def rejected(self) -> Generator[pa.Table]:
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

    def _proposal(self, table: Any) -> ColumnElement[Any]:
        """Numbers may be taken before a run is applied; until then nothing has them."""
        number = _number(table.c.proposal_id) if self.applied else sa.cast(sa.null(), sa.Text)
        return number.label("proposal_id")

    def _keys(self, table: Any) -> list[ColumnElement[Any]]:
        return [table.c[f"key_{n}"].label(name) for n, name in enumerate(self.run.target.key, start=1)]

    def _outcome(self) -> Any:
        return self._of_run(control.outcome) if self.in_journal else self.run.space.outcome

    def _changes(self) -> Any:
        if self.in_journal:
            return self._of_run(control.change)
        if self.open_list is not None:
            self.open_list()
            return self.run.space.change
        return changed_values(self.run, ChangedFields.of(self.run).all).subquery("changes")

    def _reasons(self) -> Any:
        return self._of_run(control.reason) if self.in_journal else self.run.space.reason

    def _of_run(self, table: sa.Table) -> Any:
        return sa.select(table).where(table.c.run_sequence == self.run.space.sequence).subquery(f"of_{table.name}")

    def _texts(self) -> Generator[pa.Table]:
        """Before the journal has them from the blocks of the file, sooner than `rejection` is filled."""
        connection = self.run.connection
        if not self.in_journal:
            rows = rejected_rows(connection, self.run.space.outcome)
            yield from source_texts(connection, self.run.space, rows)
            return
        kept = self._of_run(control.rejection)
        for part in connection.scalars(sa.select(kept.c.part).order_by(kept.c.part)).all():
            yield unpack(connection.scalar(sa.select(kept.c.texts).where(kept.c.part == part)))

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


class Following:
    """A stream in the order of its text column `row`, taken up to one row after the other."""

    def __init__(self, tables: Iterator[pa.Table], columns: list[str]) -> None:
        self._tables = tables
        self._nothing = pa.table({name: pa.array([], pa.int64() if name == "row" else pa.string()) for name in columns})
        self._held: list[pa.Table] = []

    def up_to(self, row: int) -> pa.Table:
        """All that comes next until `row`, that row included; `row` is a number in it."""
        while not self._held or self._held[-1]["row"][-1].as_py() <= row:
            table = next(self._tables, None)
            if table is None:
                break
            if table.num_rows:
                numbers = pc.cast(table["row"], pa.int64())
                self._held.append(table.set_column(table.schema.get_field_index("row"), "row", numbers))
        if not self._held:
            return self._nothing
        joined = pa.concat_tables(self._held)
        count = int(np.searchsorted(joined["row"].to_numpy(), row, side="right"))
        self._held = [joined.slice(count)] if count < len(joined) else []
        return joined.slice(0, count)


def _number(column: ColumnElement[Any]) -> ColumnElement[str]:
    return sa.cast(column, sa.Text)
