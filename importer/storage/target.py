"""The target table: reflected where it exists, built from the entity where it doesn't.

Answers in which type each field stands there, and gives a stored value's canonical text as SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import DataEntity, Field, nearest
from importer.errors import SetupError
from importer.vocabulary import ValueKind


class _Place(sa.types.UserDefinedType[Any]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TID"


PLACE = _Place().with_variant(sa.Integer(), "sqlite")
"""Block and line of a row in its table, as PostgreSQL counts them."""


class Physical(StrEnum):
    """How a column holds a value."""

    TEXT = "text"
    NUMERIC = "numeric"
    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


_FITS: Mapping[ValueKind, tuple[Physical, ...]] = {
    ValueKind.TEXT: (Physical.TEXT,),
    ValueKind.DECIMAL: (Physical.NUMERIC, Physical.FLOAT, Physical.TEXT),
    ValueKind.INTEGER: (Physical.INTEGER, Physical.NUMERIC, Physical.FLOAT, Physical.TEXT),
    ValueKind.BOOLEAN: (Physical.BOOLEAN, Physical.INTEGER, Physical.TEXT),
    ValueKind.DATE: (Physical.DATE, Physical.TIMESTAMP, Physical.TEXT),
}


@dataclass(frozen=True)
class TargetColumn:
    """A field of the entity and its column in the target table."""

    field: Field
    column: sa.Column[Any]
    physical: Physical

    @property
    def max_length(self) -> int | None:
        return getattr(self.column.type, "length", None) if self.physical is Physical.TEXT else None

    @property
    def digits(self) -> tuple[int, int] | None:
        """Precision and scale of a numeric column that has them."""
        precision = getattr(self.column.type, "precision", None)
        if self.physical is not Physical.NUMERIC or precision is None:
            return None
        return precision, getattr(self.column.type, "scale", None) or 0

    @property
    def has_scale(self) -> bool:
        """What stands in the column has as many decimals as the field; no more, no fewer."""
        return self.digits is not None and self.digits[1] == self.field.scale

    @property
    def stored(self) -> ColumnElement[Any]:
        """The stored value, with the empty string as the blank that it is."""
        if self.physical is Physical.TEXT:
            plain = sa.cast(self.column, sa.Text) if isinstance(self.column.type, sa.CHAR) else self.column
            return sa.func.nullif(plain, "")
        return self.column


@dataclass(frozen=True)
class Target:
    """`exists` is False where the applying transaction will create the table; see `make_table` for `lacks_key`."""

    table: sa.Table
    columns: Mapping[str, TargetColumn]
    exists: bool
    dialect: str
    key: tuple[str, ...]
    foreign_keys: tuple[dict[str, Any], ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    has_places: bool = False
    lacks_key: bool = False

    @property
    def place(self) -> ColumnElement[Any] | None:
        """Where a record stands in its table, by which it is found sooner than by its key. It may change when anybody
        writes the record or the table is reorganised, and then stand for another one. None where the database doesn't
        tell; SQLite's `rowid` would cost the comparison more than it saves the update.
        """
        return sa.column("ctid", PLACE, _selectable=self.table) if self.has_places else None

    @cached_property
    def key_is_unique(self) -> bool:
        names = {self.columns[field].column.name for field in self.key}
        return any(set(columns) <= names for columns in self.unique)

    @property
    def other_columns(self) -> list[sa.Column[Any]]:
        """Columns that are no field of the entity."""
        ours = {column.column.name for column in self.columns.values()}
        return [column for column in self.table.columns if column.name not in ours]


def find_target(connection: sa.Connection, entity: DataEntity) -> Target:
    """The target as it stands now. SetupError where it can't hold the entity."""
    schema, _, name = entity.table.rpartition(".")
    inspector = sa.inspect(connection)
    dialect = connection.dialect.name
    if not inspector.has_table(name, schema=schema or None):
        if not entity.parameters.entity.create_table:
            raise SetupError(
                f"the table {entity.table} does not exist",
                file=str(entity.files[1]),
                hint="create it, or set create_table = true in [entity]",
            )
        return _declared(entity, name, schema or None, dialect)
    table = sa.Table(name, sa.MetaData(), schema=schema or None)
    inspector.reflect_table(table, None, resolve_fks=False)  # by the same inspector, which asks SQLite nothing twice
    return Target(
        table=table,
        columns={field.name: _column(entity, table, field) for field in entity.fields},
        exists=True,
        dialect=dialect,
        key=entity.key,
        foreign_keys=tuple(dict(key) for key in inspector.get_foreign_keys(name, schema=schema or None)),
        unique=_unique(inspector, name, schema or None),
        has_places=dialect == "postgresql" and _tells_places(connection, table),
    )


def holds_records(connection: sa.Connection, target: Target) -> bool:
    """Whether any record stands in the table now."""
    if not target.exists:
        return False
    return connection.execute(sa.select(sa.true()).select_from(target.table).limit(1)).first() is not None


def make_table(connection: sa.Connection, target: Target) -> Target:
    """Makes the table; on PostgreSQL without its key, which `add_key` adds when the table is filled: sorted once, it
    takes half the time.
    """
    if target.dialect == "sqlite":
        target.table.create(connection)
        return replace(target, exists=True)
    columns = [sa.Column(column.name, column.type, nullable=column.nullable) for column in target.table.columns]
    sa.Table(target.table.name, sa.MetaData(), *columns, schema=target.table.schema).create(connection)
    return replace(target, exists=True, lacks_key=True)


def add_key(connection: sa.Connection, target: Target) -> None:
    """The key that a table was made without."""
    if target.lacks_key:
        connection.execute(sa.schema.AddConstraint(target.table.primary_key))


def _tells_places(connection: sa.Connection, table: sa.Table) -> bool:
    """Neither a view nor in partitions; and who may read single columns only is not told where they stand."""
    kind = sa.text(
        "SELECT relkind = 'r' AND has_table_privilege(oid, 'SELECT') FROM pg_class WHERE oid = CAST(:name AS regclass)"
    )
    name = connection.dialect.identifier_preparer.format_table(table)
    return bool(connection.scalar(kind, {"name": name}))


def _unique(inspector: sa.Inspector, name: str, schema: str | None) -> tuple[tuple[str, ...], ...]:
    """Column sets that the database keeps unique: primary key, constraints, plain unique indexes."""
    found = [tuple(inspector.get_pk_constraint(name, schema=schema)["constrained_columns"])]
    found += [tuple(item["column_names"]) for item in inspector.get_unique_constraints(name, schema=schema)]
    for index in inspector.get_indexes(name, schema=schema):
        options = index.get("dialect_options", {})
        partial = any(key.endswith("_where") for key in options)
        if index["unique"] and not partial and all(index["column_names"]):
            found.append(tuple(str(column) for column in index["column_names"]))
    return tuple(dict.fromkeys(columns for columns in found if columns))


def _column(entity: DataEntity, table: sa.Table, field: Field) -> TargetColumn:
    file = str(entity.files[1])
    if field.name not in table.columns:
        raise SetupError(
            f"the table {entity.table} has no column for the field {field.name!r}"
            f"{nearest(field.name, table.columns.keys())}",
            file=file,
        )
    column = table.columns[field.name]
    physical = _physical(column.type)
    if physical not in _FITS[field.kind]:
        raise SetupError(
            f"the column {entity.table}.{column.name} has the type {column.type}, "
            f"which can't hold the {field.kind} field {field.name!r}",
            file=file,
        )
    return TargetColumn(field, column, physical)


def _physical(kind: sa.types.TypeEngine[Any]) -> Physical | None:
    if isinstance(kind, (sa.Boolean,)):
        return Physical.BOOLEAN
    if isinstance(kind, (sa.Float, sa.REAL, sa.Double)):
        return Physical.FLOAT
    if isinstance(kind, sa.Numeric):
        return Physical.NUMERIC
    if isinstance(kind, sa.Integer):
        return Physical.INTEGER
    if isinstance(kind, sa.DateTime):
        return Physical.TIMESTAMP
    if isinstance(kind, sa.Date):
        return Physical.DATE
    if isinstance(kind, sa.String) and not isinstance(kind, sa.Enum):
        return Physical.TEXT
    return None


def _declared(entity: DataEntity, name: str, schema: str | None, dialect: str) -> Target:
    columns = {field.name: sa.Column(field.name, _declared_type(field)) for field in entity.fields}
    for key in entity.key:
        columns[key].nullable = False
    parts: list[Any] = [*columns.values(), sa.PrimaryKeyConstraint(*(columns[part] for part in entity.key))]
    table = sa.Table(name, sa.MetaData(), *parts, schema=schema)
    return Target(
        table=table,
        columns={f.name: TargetColumn(f, table.c[f.name], _FITS[f.kind][0]) for f in entity.fields},
        exists=False,
        dialect=dialect,
        key=entity.key,
        unique=(entity.key,),
    )


def _declared_type(field: Field) -> sa.types.TypeEngine[Any]:
    match field.kind:
        case ValueKind.TEXT:
            return sa.String(field.max_length) if field.max_length else sa.Text()
        case ValueKind.DECIMAL:
            return sa.Numeric(field.precision, field.scale)
        case ValueKind.INTEGER:
            return sa.BigInteger()
        case ValueKind.BOOLEAN:
            return sa.Boolean(create_constraint=False)
        case ValueKind.DATE:
            return sa.Date()


def canonical(value: ColumnElement[Any], column: TargetColumn, dialect: str) -> ColumnElement[str]:
    """A stored or staged value's canonical text in SQL: decimals at the field's scale, ISO dates, true/false."""
    if column.physical is Physical.TEXT:
        return sa.type_coerce(value, sa.Text)
    match column.field.kind:
        case ValueKind.DECIMAL if dialect != "sqlite" and value is column.column and column.has_scale:
            return sa.cast(value, sa.Text)
        case ValueKind.DECIMAL:
            return _decimal_text(value, column.field.scale, dialect)
        case ValueKind.INTEGER:
            return sa.cast(sa.cast(value, sa.BigInteger), sa.Text)
        case ValueKind.BOOLEAN:
            return _boolean_text(value, column.physical)
        case ValueKind.DATE if dialect == "sqlite":
            return sa.func.substr(sa.type_coerce(value, sa.Text), 1, 10)
        case ValueKind.DATE:
            return sa.cast(sa.cast(value, sa.Date), sa.Text)
        case _:
            return sa.cast(value, sa.Text)


def _decimal_text(value: ColumnElement[Any], scale: int, dialect: str) -> ColumnElement[str]:
    if dialect == "sqlite":
        text = sa.func.printf(f"%.{scale}f", sa.type_coerce(value, sa.Float))
        return sa.case((value.is_(None), sa.null()), else_=text)
    number = sa.cast(value, sa.Numeric)
    return sa.cast(sa.func.round(number, sa.func.greatest(scale, sa.func.scale(sa.func.trim_scale(number)))), sa.Text)


def _boolean_text(value: ColumnElement[Any], physical: Physical) -> ColumnElement[str]:
    raw = sa.type_coerce(value, sa.Boolean if physical is Physical.BOOLEAN else sa.Integer)
    truth = raw.is_(sa.true()) if physical is Physical.BOOLEAN else raw != 0
    return sa.case((raw.is_(None), sa.null()), (truth, sa.literal_column("'true'")), else_=sa.literal_column("'false'"))
