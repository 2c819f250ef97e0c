"""The tables of one run while it is planned and applied: staging, differences, reasons, outcomes.

On PostgreSQL they are unlogged tables in the schema `importer`; on SQLite they stand in a side file per run,
attached as the schema `run`. They are dropped when the run's reports are complete.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ClauseElement

from importer.storage import control
from importer.storage.control import KEYS
from importer.storage.database import SCHEMA, Database
from importer.storage.target import PLACE, Physical, Target

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_TYPES: Mapping[Physical, sa.types.TypeEngine[Any]] = {
    Physical.TEXT: sa.Text(),
    Physical.NUMERIC: sa.Numeric().with_variant(sa.REAL(), "sqlite"),
    Physical.FLOAT: sa.Double().with_variant(sa.REAL(), "sqlite"),
    Physical.INTEGER: BIG,
    Physical.BOOLEAN: sa.Boolean(create_constraint=False),
    Physical.DATE: sa.Date().with_variant(sa.Text(), "sqlite"),
    Physical.TIMESTAMP: sa.DateTime().with_variant(sa.Text(), "sqlite"),
}

_OPTIONS = {"autovacuum_enabled": "off"}
"""On PostgreSQL: a run tells the server itself what it has filled, and a table at vacuum can't be dropped at once."""

_ONE_A_ROW = ("stage", "notice", "fresh", "diff", "along", "outcome")
"""On SQLite their row number is the key, which is what its joins need; PostgreSQL hashes and needs none."""

LISTED = "listed"
_LISTED = ("change", "rejection")

SIDE_INDEXES = (
    "CREATE INDEX ix_reason_row ON reason (row, scope)",
    "CREATE INDEX ix_effect_row ON effect (_row)",
    "CREATE INDEX ix_twin_row ON twin (_row)",
    "CREATE INDEX ix_ruled_row ON ruled (_row)",
    "CREATE INDEX ix_quoted_row ON quoted (_row)",
)
"""What SQLite's correlated queries need."""


@dataclass(frozen=True)
class RunSpace:
    """The run's tables. `fields` are the staged ones in entity order; `ordinal` is a field's place in the entity.

    Staged are the fields that the file brings (`brought`) and those with a default for new records.

    `stage`: `_row`, the staged fields in the target's types, `_cleared`, `_bad`, `_across`,
    `_origin_run`, `_origin_row`
    `batch`: source text of all rows, as compressed blocks
    `line`: row numbers and canonical keys of all rows (`row`, `key_1` …, and of corrections `origin_run`,
    `origin_row`), as compressed blocks
    `reason`: why rows or fields were refused; `scope` is 'row' or 'field', `phase` is 'plan' or 'apply'
    `quoted`: text of cells in the file that reasons of the plan quote
    `notice`: rows left out without being rejected
    `suspect`: rows whose key may occur more than once
    `twin`: rows whose key occurs more than once: `key_group`, and within it `variant` (alike in every field)
    `fresh`: rows that bring a new record, with their keys
    `diff`: rows that change an existing record (or propose a new one): where the record stood when it was planned
    (`_place`, see `Target.place`; null where that isn't told), what people call it where something may be proposed
    (`_name`); per field i the old value `o<i>`, the new value `v<i>`
    and what happens to it `a<i>` (an `Action`); all three null where the row doesn't change the field
    `along`: rows whose other fields are proposed along with the approval fields (rule 1)
    `ruled`: values that an automatic action decided, with its ruling (an `Action`) and name
    `effect`: open proposed changes of the file's records, and what the row does to each
    `acting`: which actions occur, or occurred at first, among the values of each field
    `outcome`: every row that is not plainly unchanged
    `change`, `rejection`: every changed value, and the source text of rejected rows, in the form of the journal;
    made while the plan is applied, on SQLite in a file of their own, since the side file belongs to who applies
    """

    sequence: int
    fields: tuple[str, ...]
    brought: frozenset[str]
    ordinal: Mapping[str, int]
    key: tuple[str, ...]
    stage: sa.Table
    batch: sa.Table
    line: sa.Table
    reason: sa.Table
    quoted: sa.Table
    notice: sa.Table
    suspect: sa.Table
    twin: sa.Table
    fresh: sa.Table
    diff: sa.Table
    along: sa.Table
    ruled: sa.Table
    effect: sa.Table
    acting: sa.Table
    outcome: sa.Table
    change: sa.Table
    rejection: sa.Table

    @property
    def values(self) -> tuple[str, ...]:
        """Staged fields that are no part of the key."""
        return tuple(name for name in self.fields if name not in self.key)

    @property
    def tables(self) -> tuple[sa.Table, ...]:
        return (
            self.stage,
            self.batch,
            self.line,
            self.reason,
            self.quoted,
            self.notice,
            self.suspect,
            self.twin,
            self.fresh,
            self.diff,
            self.along,
            self.ruled,
            self.effect,
            self.acting,
            self.outcome,
        )

    @property
    def listed(self) -> tuple[sa.Table, ...]:
        return (self.change, self.rejection)

    def old(self, field: str) -> sa.Column[Any]:
        return self.diff.c[f"o{self.ordinal[field]}"]

    def new(self, field: str) -> sa.Column[Any]:
        return self.diff.c[f"v{self.ordinal[field]}"]

    def action(self, field: str) -> sa.Column[str]:
        return self.diff.c[f"a{self.ordinal[field]}"]


def run_space(
    database: Database, sequence: int, target: Target, brought: Collection[str], defaults: Collection[str]
) -> RunSpace:
    """The tables of run `sequence` as objects; they need not exist."""
    fields = tuple(name for name in target.columns if name in brought or name in defaults)
    ordinal = {name: number for number, name in enumerate(target.columns, start=1)}
    types = {name: _TYPES[target.columns[name].physical] for name in target.columns}
    make = _Maker(database, sequence)
    values = [name for name in fields if name not in target.key]
    return RunSpace(
        sequence=sequence,
        fields=fields,
        brought=frozenset(brought),
        ordinal=ordinal,
        key=target.key,
        stage=make.table("stage", *_stage_columns(fields, types)),
        batch=make.table("batch", *_block_columns("texts")),
        line=make.table("line", *_block_columns("keys")),
        reason=make.table("reason", *_reason_columns()),
        quoted=make.table("quoted", _row("_row"), sa.Column("field", sa.Text), sa.Column("value", sa.Text)),
        notice=make.table("notice", _row("_row"), sa.Column("code", sa.Text)),
        suspect=make.table("suspect", _row("_row")),
        twin=make.table("twin", _row("_row"), _row("key_group"), _row("variant")),
        fresh=make.table("fresh", _row("_row"), *(sa.Column(name, types[name]) for name in target.key)),
        diff=make.table("diff", *_diff_columns(target.key, values, ordinal, types)),
        along=make.table("along", _row("_row")),
        ruled=make.table("ruled", _row("_row"), *(sa.Column(name, sa.Text) for name in ("field", "ruling", "rule"))),
        effect=make.table("effect", *_effect_columns()),
        acting=make.table("acting", sa.Column("field", sa.Text), sa.Column("action", sa.Text)),
        outcome=make.table("outcome", *_outcome_columns()),
        change=make.table("change", *_of_journal(control.change)),
        rejection=make.table("rejection", *_of_journal(control.rejection)),
    )


@dataclass(frozen=True)
class _Maker:
    database: Database
    sequence: int

    def table(self, name: str, *columns: sa.Column[Any]) -> sa.Table:
        if self.database.is_sqlite:
            if name in _ONE_A_ROW:
                columns[0].primary_key = True
            return sa.Table(name, sa.MetaData(), *columns, schema=LISTED if name in _LISTED else "run")
        full = f"run_{self.sequence}_{name}"
        return sa.Table(full, sa.MetaData(), *columns, schema=SCHEMA, prefixes=["UNLOGGED"], postgresql_with=_OPTIONS)


def _row(name: str) -> sa.Column[int]:
    return sa.Column(name, BIG, nullable=False)


def _block_columns(name: str) -> list[sa.Column[Any]]:
    numbers = [_row("number"), _row("first_row"), _row("last_row")]
    return [*numbers, sa.Column(name, sa.LargeBinary, nullable=False)]


def _stage_columns(fields: tuple[str, ...], types: Mapping[str, Any]) -> list[sa.Column[Any]]:
    texts = ("_cleared", "_bad", "_across", "_origin_run", "_origin_row")
    return [
        _row("_row"),
        *(sa.Column(name, types[name]) for name in fields),
        *(sa.Column(name, sa.Text) for name in texts),
    ]


def _diff_columns(
    key: tuple[str, ...], values: list[str], ordinal: Mapping[str, int], types: Mapping[str, Any]
) -> list[sa.Column[Any]]:
    columns: list[sa.Column[Any]] = [_row("_row"), sa.Column("_new", sa.Boolean(create_constraint=False))]
    columns += [sa.Column("_place", PLACE), sa.Column("_name", sa.Text)]
    columns += [sa.Column(name, types[name]) for name in key]
    for name in values:
        number = ordinal[name]
        columns += [sa.Column(f"o{number}", types[name]), sa.Column(f"v{number}", types[name])]
        columns.append(sa.Column(f"a{number}", sa.Text))
    return columns


def _reason_columns() -> list[sa.Column[Any]]:
    return [
        _row("row"),
        sa.Column("ord", sa.Integer, nullable=False),
        sa.Column("column_name", sa.Text),
        sa.Column("field", sa.Text),
        sa.Column("value", sa.Text),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False, server_default="row"),
        sa.Column("phase", sa.Text, nullable=False, server_default="plan"),
        sa.Column("quotes", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
        sa.Column("repeated", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
    ]


def _effect_columns() -> list[sa.Column[Any]]:
    return [
        _row("_row"),
        sa.Column("ord", sa.Integer, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("change_id", BIG),
        sa.Column("proposal_id", BIG),
        sa.Column("version", BIG),
        sa.Column("status", sa.Text),
        sa.Column("proposed", sa.Text),
        sa.Column("same_source", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
        sa.Column("says", sa.Text),
        sa.Column("effect", sa.Text, nullable=False),
        sa.Column("competes", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
    ]


def _of_journal(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of one of its tables, but for the run."""
    return [sa.Column(column.name, column.type) for column in table.columns if column.name != "run_sequence"]


def _outcome_columns() -> list[sa.Column[Any]]:
    lists = ("fields_updated", "fields_proposed", "fields_declined", "fields_rejected")
    return [
        _row("row"),
        *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in KEYS),
        sa.Column("outcome", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in lists),
        sa.Column("proposal_id", BIG),
        sa.Column("effects", sa.Text),
        sa.Column("codes", sa.Text),
        sa.Column("origin_run", sa.Text),
        sa.Column("origin_row", sa.Text),
    ]


def create(connection: sa.Connection, space: RunSpace) -> None:
    """Makes the tables on PostgreSQL; blocks are compressed by us, so the server needn't try again."""
    for table in space.tables:
        table.create(connection)
    for table, column in ((space.batch, "texts"), (space.line, "keys")):
        name = connection.dialect.identifier_preparer.format_table(table)
        connection.exec_driver_sql(f"ALTER TABLE {name} ALTER COLUMN {column} SET STORAGE EXTERNAL")


class _MadeOf(sa.Executable, ClauseElement):
    """CREATE UNLOGGED TABLE … AS SELECT, with the query's parameters as parameters."""

    inherit_cache = False

    def __init__(self, table: sa.Table, query: sa.Select[Any]) -> None:
        self.table = table
        self.query = query


@compiles(_MadeOf, "postgresql")
def _compile_made_of(element: _MadeOf, compiler: Any, **options: Any) -> str:
    name = compiler.process(element.table, asfrom=True, **options)
    storage = ", ".join(f"{key} = {value}" for key, value in _OPTIONS.items())
    return f"CREATE UNLOGGED TABLE {name} WITH ({storage}) AS {compiler.process(element.query, **options)}"


def refill(connection: sa.Connection, table: sa.Table, query: sa.Select[Any]) -> int:
    """Makes one of a run's tables anew from a query with its columns in order; gives the number of rows.

    PostgreSQL lets a query use several processes where it makes a table, and not where it inserts into one.
    """
    fill: Any
    if connection.dialect.name == "sqlite":
        connection.execute(sa.delete(table))
        fill = sa.insert(table).from_select([column.name for column in table.columns], query)
    else:
        values = [
            sa.cast(value, column.type).label(column.name)
            for value, column in zip(query.selected_columns, table.columns, strict=True)
        ]
        table.drop(connection)
        fill = _MadeOf(table, query.with_only_columns(*values, maintain_column_froms=True))
    return connection.execute(fill, execution_options={"preserve_rowcount": True}).rowcount


def stands(connection: sa.Connection, space: RunSpace, rows: int) -> bool:
    """Whether a run that staged `rows` rows still has its tables: recovery of a crashed PostgreSQL empties them, and
    a plan that another version of this program made may have others.

    Recovery empties a table whole, and loading commits once, so one row tells of all.
    """
    if not {table.name for table in space.tables} <= set(sa.inspect(connection).get_table_names(space.stage.schema)):
        return False
    for table in (space.fresh, space.diff):
        columns = connection.execute(sa.select(sa.literal_column("*")).select_from(table).limit(0)).keys()
        if set(columns) != set(table.columns.keys()):
            return False
    return rows == 0 or connection.execute(sa.select(space.stage.c["_row"]).limit(1)).first() is not None
