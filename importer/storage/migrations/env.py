"""Alembic's entry: runs the migrations in the transaction that `migrate.py` opened."""

from alembic import context

from importer.storage.control import metadata
from importer.storage.database import SCHEMA
from importer.storage.migrate import VERSION_TABLE

connection = context.config.attributes["connection"]
schema = None if connection.dialect.name == "sqlite" else SCHEMA
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=schema,
    transactional_ddl=True,
)
context.run_migrations()
