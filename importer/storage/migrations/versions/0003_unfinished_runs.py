"""What a run that ended before its end leaves to the next one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "importer"


def upgrade() -> None:
    schema = None if op.get_bind().dialect.name == "sqlite" else SCHEMA
    op.add_column("importer_run", sa.Column("unfinished", sa.Text(), nullable=True), schema=schema)
    op.add_column("importer_run", sa.Column("reports_folder", sa.Text(), nullable=True), schema=schema)
    op.create_index(
        "ix_importer_run_unfinished",
        "importer_run",
        ["unfinished"],
        unique=False,
        schema=schema,
        sqlite_where=sa.text("unfinished IS NOT NULL"),
        postgresql_where=sa.text("unfinished IS NOT NULL"),
    )


def downgrade() -> None:
    schema = None if op.get_bind().dialect.name == "sqlite" else SCHEMA
    op.drop_index("ix_importer_run_unfinished", "importer_run", schema=schema)
    op.drop_column("importer_run", "reports_folder", schema=schema)
    op.drop_column("importer_run", "unfinished", schema=schema)
