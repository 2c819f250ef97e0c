"""Brings the control tables up to date with Alembic; by itself on SQLite and where nothing stands yet."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from importer.errors import SetupError
from importer.storage.database import SCHEMA, Database

HEAD = "0006"
VERSION_TABLE = "importer_version"
_FOLDER = Path(__file__).with_name("migrations")


def migrate(database: Database) -> tuple[str | None, str]:
    """Upgrades to the newest version; gives the versions before and after."""
    from alembic import command
    from alembic.config import Config

    before = current_version(database)
    if before != HEAD:
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        with database.begin(immediate=True) as connection:
            if not database.is_sqlite:
                connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return before, HEAD


def ensure(database: Database) -> None:
    """Control tables that this version understands, or SetupError saying what to do."""
    version = current_version(database)
    if version == HEAD:
        return
    if version is None or database.is_sqlite:
        migrate(database)
        return
    raise SetupError(
        f"the control tables of {database.name} have version {version}, this program needs {HEAD}",
        hint="importer migrate",
    )


def current_version(database: Database) -> str | None:
    with database.begin() as connection:
        schema = None if database.is_sqlite else SCHEMA
        if not sa.inspect(connection).has_table(VERSION_TABLE, schema=schema):
            return None
        table = sa.table(VERSION_TABLE, sa.column("version_num"), schema=schema)
        return connection.scalar(sa.select(table.c.version_num))
