"""A run's outcomes are written once, one for each of its rows: on PostgreSQL an index of their blocks is enough."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = "importer_outcome"
NAME = "ix_importer_outcome_run_row"
COLUMNS = ["run_sequence", "row"]


def upgrade() -> None:
    """SQLite has no such index: there the key stays."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_constraint(f"{TABLE}_pkey", TABLE, schema="importer")
    op.create_index(NAME, TABLE, COLUMNS, schema="importer", postgresql_using="brin")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_index(NAME, TABLE, schema="importer")
    op.create_primary_key(f"{TABLE}_pkey", TABLE, COLUMNS, schema="importer")
