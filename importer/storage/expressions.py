"""SQL that reads alike on both databases: differences, lists of names, messages, folded keys."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import Field
from importer.storage.target import Physical, TargetColumn
from importer.validation.catalogue import explain
from importer.vocabulary import RejectionCode, ValueKind

BLANKS = " \t\n\r\x0b\x0c\u00a0\u2007\u202f\u3000"
_NO_BLANKS = str.maketrans("", "", BLANKS)
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")


def insert_or(table: sa.Table, dialect: str) -> Any:
    """An INSERT that may say `ON CONFLICT`.

    A test for rows that are there already would, on PostgreSQL, walk through those that the same statement makes.
    Only the database's own dialect is loaded.
    """
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def text(value: str) -> ColumnElement[str]:
    """A constant of ours inside a statement; never a value from a file (those are parameters)."""
    return sa.literal_column("'" + value.replace("'", "''").replace("%", "%%") + "'", sa.Text)


def words(choices: Iterable[tuple[ColumnElement[bool], str]]) -> ColumnElement[Any]:
    """The names whose condition holds, separated by blanks; null where none does."""
    joined: ColumnElement[Any] | None = None
    for condition, name in choices:
        part = sa.case((condition, text(f" {name}")), else_=text(""))
        joined = part if joined is None else joined.concat(part)
    return sa.null() if joined is None else sa.func.nullif(sa.func.ltrim(joined), "")


def message(code: RejectionCode, **facts: Any) -> ColumnElement[str]:
    """The catalogue's sentence as SQL: facts that are expressions are put in by the database."""
    marks = {name: f"\x00{name}\x00" for name, fact in facts.items() if isinstance(fact, sa.ClauseElement)}
    sentence = explain(code, **{**facts, **marks})
    result: ColumnElement[str] | None = None
    for index, piece in enumerate(sentence.split("\x00")):
        part = sa.func.coalesce(sa.cast(facts[piece], sa.Text), "") if index % 2 else sa.literal(piece, sa.Text)
        result = part if result is None else result.concat(part)
    assert result is not None
    return result


def joined_words(value: ColumnElement[str], dialect: str, separator: str = " ") -> ColumnElement[str]:
    """All texts of a group, in the order of the rows that come in."""
    join = sa.func.group_concat if dialect == "sqlite" else sa.func.string_agg
    return join(value, text(separator))


def contains_word(column: ColumnElement[Any], word: str, dialect: str) -> ColumnElement[bool]:
    """Whether '|a|b|' has the part `word`."""
    position = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    return sa.and_(column.is_not(None), position(column, text(f"|{word}|")) > 0)


def has_bad(column: ColumnElement[Any], field: str, dialect: str) -> ColumnElement[bool]:
    """Whether '|field=text|…' names an error of this field."""
    position = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    return sa.and_(column.is_not(None), position(column, text(f"|{field}=")) > 0)


def fold(key: ColumnElement[Any], field: Field, dialect: str, collation: str | None) -> ColumnElement[Any]:
    """A key part without regard to case, blanks and leading zeros of any run of digits (`1-product.md`, rule 2)."""
    if field.kind is not ValueKind.TEXT:
        return key
    if dialect == "sqlite":
        return sa.func.importer_fold(key)
    cased = sa.func.lower(sa.collate(key, collation) if collation else key)
    tight = sa.func.translate(cased, BLANKS, "")
    bare = sa.func.regexp_replace(tight, "(?<![0-9])0+(?=[0-9])", "", "g")
    return sa.case((sa.func.strpos(tight, "0") > 0, bare), else_=tight)


def folded(value: str | None) -> str | None:
    """`fold` in Python, which SQLite calls."""
    if value is None:
        return None
    return _LEADING_ZEROS.sub("", str(value).lower().translate(_NO_BLANKS))


def add_functions(connection: sa.Connection) -> None:
    """Gives a SQLite connection the functions that it lacks."""
    raw = connection.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        raw.create_function("importer_fold", 1, folded, deterministic=True)


def case_collation(connection: sa.Connection) -> str | None:
    """A collation whose lower() knows every letter; None where the database's own has to do."""
    if connection.dialect.name == "sqlite":
        return None
    found = set(connection.scalars(sa.text("SELECT collname FROM pg_collation")).all())
    return next((name for name in ("pg_c_utf8", "und-x-icu") if name in found), None)


def constant(value: Any, column: TargetColumn, dialect: str) -> ColumnElement[Any]:
    """A typed Python value as a parameter in the type of the target's column."""
    if column.physical is Physical.TEXT and column.field.kind is ValueKind.BOOLEAN:
        return sa.literal("true" if value else "false", sa.Text)
    if column.physical is Physical.TEXT:
        return sa.literal(str(value), sa.Text)
    if column.field.kind is ValueKind.BOOLEAN and column.physical is Physical.INTEGER:
        return sa.literal(int(value), sa.Integer)
    if dialect == "sqlite":
        return _sqlite_constant(value, column)
    return sa.literal(value)


def _sqlite_constant(value: Any, column: TargetColumn) -> ColumnElement[Any]:
    match column.field.kind:
        case ValueKind.DECIMAL:
            return sa.literal(float(value), sa.Float)
        case ValueKind.DATE:
            return sa.literal(str(value), sa.Text)
        case ValueKind.BOOLEAN:
            return sa.literal(int(value), sa.Integer)
        case _:
            return sa.literal(value)
