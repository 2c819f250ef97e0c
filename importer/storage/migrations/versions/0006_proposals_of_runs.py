"""What an import that proposes much need not write any more.

Who contributed to it stands once for the run. Proposals are no longer found by run and row: they get their numbers from
the run. Changes and work items are written without a look-up of their proposal each, which the very statements that
write them have read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "importer_run_contributor"
REFERRING = ("importer_proposed_change", "importer_work_item")
INDEX = "ix_importer_proposal_run_row"


def upgrade() -> None:
    """SQLite could lose the references only with the whole tables, and looks them up fast: there they stay."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        TABLE,
        sa.Column("run_sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_name", sa.Text, primary_key=True),
        schema=None if on_sqlite else "importer",
    )
    op.drop_index(INDEX, "importer_proposal", schema=None if on_sqlite else "importer")
    if not on_sqlite:
        for table in REFERRING:
            op.drop_constraint(f"{table}_proposal_id_fkey", table, schema="importer")


def downgrade() -> None:
    """The people of a run stand again at each of its proposals."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    prefix = "" if on_sqlite else "importer."
    op.execute(
        f"INSERT INTO {prefix}importer_contributor (proposal_id, user_name) "  # noqa: S608
        f"SELECT DISTINCT c.proposal_id, r.user_name FROM {prefix}importer_proposed_change c "
        f"JOIN {prefix}importer_run_contributor r ON r.run_sequence = c.run_sequence "
        f"WHERE NOT EXISTS (SELECT 1 FROM {prefix}importer_contributor k "
        "WHERE k.proposal_id = c.proposal_id AND k.user_name = r.user_name)"
    )
    op.drop_table(TABLE, schema=None if on_sqlite else "importer")
    op.create_index(INDEX, "importer_proposal", ["run_sequence", "row"], schema=None if on_sqlite else "importer")
    if not on_sqlite:
        for table in REFERRING:
            op.create_foreign_key(
                f"{table}_proposal_id_fkey",
                table,
                "importer_proposal",
                ["proposal_id"],
                ["id"],
                source_schema="importer",
                referent_schema="importer",
            )
