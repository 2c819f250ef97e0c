"""The journal of changes is written in the order of its rows, so on PostgreSQL an index of its blocks is enough."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = "ix_importer_change_run_row"


def upgrade() -> None:
    """SQLite keeps a table's rows in the order in which they come too, but has no such index: there it stays."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_index(NAME, "importer_change", schema="importer")
    op.create_index(NAME, "importer_change", ["run_sequence", "row"], schema="importer", postgresql_using="brin")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_index(NAME, "importer_change", schema="importer")
    op.create_index(NAME, "importer_change", ["run_sequence", "row"], schema="importer")
