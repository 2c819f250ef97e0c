"""The migrations make exactly the tables that the program declares; on both databases."""

from __future__ import annotations

import sqlalchemy as sa

from importer.storage.control import metadata
from importer.storage.database import SCHEMA, Database
from importer.storage.migrate import HEAD, VERSION_TABLE, current_version, ensure, migrate

Shape = dict[str, tuple[list[str], list[str], list[tuple[str, bool]]]]


def declared(*, on_sqlite: bool) -> Shape:
    """On SQLite a table may have a key in place of its index."""
    return {
        table.name: (
            [column.name for column in table.columns],
            (on_sqlite and table.info.get("key_on_sqlite")) or sorted(column.name for column in table.primary_key),
            [] if on_sqlite and table.info else sorted((str(index.name), index.unique) for index in table.indexes),
        )
        for table in metadata.tables.values()
    }


def found(connection: sa.Connection, schema: str | None) -> Shape:
    inspector = sa.inspect(connection)
    return {
        name: (
            [column["name"] for column in inspector.get_columns(name, schema=schema)],
            sorted(inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]),
            sorted(
                (str(index["name"]), bool(index["unique"]))
                for index in inspector.get_indexes(name, schema=schema)
                if "duplicates_constraint" not in index
            ),
        )
        for name in inspector.get_table_names(schema=schema)
        if name != VERSION_TABLE
    }


def test_an_empty_database_gets_the_newest_version_by_itself(database: str) -> None:
    ensure(Database(database))
    assert current_version(Database(database)) == HEAD


def test_migrating_again_changes_nothing(database: str) -> None:
    assert migrate(Database(database)) == (None, HEAD)
    assert migrate(Database(database)) == (HEAD, HEAD)


def test_migrations_and_declarations_agree(database: str) -> None:
    opened = Database(database)
    migrate(opened)
    with opened.begin() as connection:
        shape = found(connection, None if opened.is_sqlite else SCHEMA)
        assert shape == declared(on_sqlite=opened.is_sqlite)
