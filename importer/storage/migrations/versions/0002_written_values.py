"""The history says of which record a value was that a person wrote without a proposal."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = "importer_history"
KEYS = ("key_1", "key_2", "key_3", "key_4")


def _schema() -> str | None:
    """SQLite has no schemas, and altering a table is not translated."""
    return None if op.get_bind().dialect.name == "sqlite" else "importer"


def upgrade() -> None:
    schema = _schema()
    for name in ("entity", *KEYS, "field"):
        op.add_column(TABLE, sa.Column(name, sa.Text(), nullable=True), schema=schema)
    op.create_index(
        "ix_importer_history_record",
        TABLE,
        list(KEYS),
        schema=schema,
        sqlite_where=sa.text("entity IS NOT NULL"),
        postgresql_where=sa.text("entity IS NOT NULL"),
    )


def downgrade() -> None:
    schema = _schema()
    op.drop_index("ix_importer_history_record", TABLE, schema=schema)
    for name in ("field", *reversed(KEYS), "entity"):
        op.drop_column(TABLE, name, schema=schema)
