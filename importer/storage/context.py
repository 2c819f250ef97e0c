"""What every step on a run's tables needs: the transaction, the tables, the target, the entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from importer.entity import DataEntity
from importer.settings import Source
from importer.storage.database import Database
from importer.storage.expressions import contains_word, has_bad
from importer.storage.runs import StoredRun
from importer.storage.runspace import RunSpace, run_space
from importer.storage.target import Target, canonical
from importer.vocabulary import Blank, RejectionCode


def space_of(database: Database, run: StoredRun, entity: DataEntity, target: Target) -> RunSpace:
    """The tables of a stored run as objects; they need not exist."""
    defaults = entity.parameters.entity.defaults
    return run_space(database, run.sequence, target, run.reading.get("brought", ()), defaults)


@dataclass(frozen=True)
class RunContext:
    """One run within a transaction. `headers`: the file's header of each field that it brings; `is_correction`: its
    rows say from which row of which run they come.
    """

    connection: sa.Connection
    entity: DataEntity
    source: Source
    target: Target
    space: RunSpace
    headers: Mapping[str, str]
    is_correction: bool

    @classmethod
    def of(cls, connection: sa.Connection, run: StoredRun, entity: DataEntity, target: Target, space: RunSpace) -> Self:
        """A stored run, as it was read."""
        headers = run.reading["headers"]
        return cls(connection, entity, entity.source(run.source), target, space, headers, run.is_correction)

    @property
    def dialect(self) -> str:
        return self.target.dialect

    def run(self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None) -> int:
        """Executes; gives the number of rows touched."""
        options = {"preserve_rowcount": True}
        return self.connection.execute(statement, parameters, execution_options=options).rowcount

    def count(self, select: sa.Select[Any]) -> int:
        return int(self.connection.scalar(sa.select(sa.func.count()).select_from(select.subquery())) or 0)

    def holds_any(self, table: sa.Table) -> bool:
        return self.connection.execute(sa.select(sa.true()).select_from(table).limit(1)).first() is not None

    def canonical(self, value: ColumnElement[Any], field: str) -> ColumnElement[str]:
        return canonical(value, self.target.columns[field], self.dialect)

    def keys(self, columns: FromClause) -> list[ColumnElement[str]]:
        """`key_1 … key_4` as canonical text; unused parts are ''."""
        parts: list[ColumnElement[str]] = [
            sa.func.coalesce(self.canonical(columns.c[name], name), "").label(f"key_{number}")
            for number, name in enumerate(self.target.key, start=1)
        ]
        return parts + [sa.literal("").label(f"key_{number}") for number in range(len(parts) + 1, 5)]

    def key_words(self, columns: FromClause) -> ColumnElement[str]:
        """The key as people read it in a sentence: its parts separated by blanks."""
        parts = [self.canonical(columns.c[name], name) for name in self.target.key]
        result = parts[0]
        for part in parts[1:]:
            result = result.concat(" ").concat(part)
        return result

    def has_key(self, columns: FromClause) -> ColumnElement[bool]:
        return sa.and_(*(columns.c[name].is_not(None) for name in self.target.key))

    def same_key(self, columns: FromClause, table: FromClause | None = None) -> ColumnElement[bool]:
        """Join of staged keys with the target's: exact, in the target's types."""
        other = self.target.table if table is None else table
        names = {name: (self.target.columns[name].column.name if table is None else name) for name in self.target.key}
        return sa.and_(*(columns.c[name] == other.c[names[name]] for name in self.target.key))

    def has_key_values(self, when: Mapping[str, str], columns: FromClause) -> ColumnElement[bool]:
        """Whether the key in `columns` has these values (canonical text)."""
        tests = [self.canonical(columns.c[name], name) == value for name, value in when.items()]
        return sa.and_(sa.true(), *tests)

    def says_something(self, field: str) -> ColumnElement[bool]:
        """Whether the file's cell says what the field shall be: a value, or blank where blank clears (rule 3)."""
        stage = self.space.stage
        if field not in self.space.brought:
            return sa.false()
        value = stage.c[field].is_not(None)
        if self.source.blank_fields.get(field, self.source.blank) is Blank.CLEAR:
            return sa.or_(value, sa.not_(has_bad(stage.c["_bad"], field, self.dialect)))
        return sa.or_(value, contains_word(stage.c["_cleared"], field, self.dialect))

    def is_left_out(self, row: ColumnElement[int]) -> ColumnElement[bool]:
        notice = self.space.notice
        return sa.exists().where(notice.c["_row"] == row)

    def is_refused(self, row: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether the whole row was rejected."""
        reason = self.space.reason
        return sa.exists().where(reason.c.row == row, reason.c.scope == "row")

    def field_number(self, field: str | None) -> int:
        return self.space.ordinal[field] if field else 0

    def refuse(
        self,
        rows: sa.Select[Any],
        code: RejectionCode,
        message: ColumnElement[str],
        *,
        field: str | None = None,
        value: ColumnElement[Any] | None = None,
        scope: str = "row",
        phase: str = "plan",
    ) -> int:
        """Inserts one reason for every row that `rows` yields.

        With a `value` the reason quotes the cell: its text in the file replaces `value` in the end, where there is one.
        """
        names = ["row", "ord", "column_name", "field", "value", "code", "message", "scope", "phase", "quotes"]
        row = rows.selected_columns[0]
        select = rows.with_only_columns(
            row,
            sa.literal(self.field_number(field)),
            sa.literal(self.headers.get(field, "") if field else None, sa.Text),
            sa.literal(field, sa.Text),
            sa.null() if value is None else value,
            sa.literal(str(code)),
            message,
            sa.literal(scope),
            sa.literal(phase),
            sa.literal(value is not None),
            maintain_column_froms=True,
        )
        return self.run(sa.insert(self.space.reason).from_select(names, select))
