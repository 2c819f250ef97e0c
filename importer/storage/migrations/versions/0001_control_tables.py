"""The control tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "importer"
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "importer_baseline",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("key_1", sa.Text(), nullable=False),
        sa.Column("key_2", sa.Text(), nullable=False),
        sa.Column("key_3", sa.Text(), nullable=False),
        sa.Column("key_4", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "key_1", "key_2", "key_3", "key_4", "field"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_change",
        sa.Column("run_sequence", BIG, nullable=False),
        sa.Column("row", BIG, nullable=False),
        sa.Column("key_1", sa.Text(), server_default="", nullable=False),
        sa.Column("key_2", sa.Text(), server_default="", nullable=False),
        sa.Column("key_3", sa.Text(), server_default="", nullable=False),
        sa.Column("key_4", sa.Text(), server_default="", nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("proposal_id", BIG, nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_importer_change_run_row", "importer_change", ["run_sequence", "row"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "importer_contributor",
        sa.Column("proposal_id", BIG, autoincrement=False, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", "user_name"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_group_member",
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("group_name", "user_name"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_history",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("proposal_id", BIG, nullable=True),
        sa.Column("change_id", BIG, nullable=True),
        sa.Column("run_sequence", BIG, nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_importer_history_proposal_id", "importer_history", ["proposal_id"], unique=False, schema=SCHEMA)
    op.create_table(
        "importer_outcome",
        sa.Column("run_sequence", BIG, autoincrement=False, nullable=False),
        sa.Column("row", BIG, autoincrement=False, nullable=False),
        sa.Column("key_1", sa.Text(), server_default="", nullable=False),
        sa.Column("key_2", sa.Text(), server_default="", nullable=False),
        sa.Column("key_3", sa.Text(), server_default="", nullable=False),
        sa.Column("key_4", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("fields_updated", sa.Text(), nullable=True),
        sa.Column("fields_proposed", sa.Text(), nullable=True),
        sa.Column("fields_declined", sa.Text(), nullable=True),
        sa.Column("fields_rejected", sa.Text(), nullable=True),
        sa.Column("proposal_id", BIG, nullable=True),
        sa.Column("effects", sa.Text(), nullable=True),
        sa.Column("codes", sa.Text(), nullable=True),
        sa.Column("origin_run", sa.Text(), nullable=True),
        sa.Column("origin_row", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_sequence", "row"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_proposal",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("key_1", sa.Text(), server_default="", nullable=False),
        sa.Column("key_2", sa.Text(), server_default="", nullable=False),
        sa.Column("key_3", sa.Text(), server_default="", nullable=False),
        sa.Column("key_4", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("run_sequence", BIG, nullable=True),
        sa.Column("row", BIG, nullable=True),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("settings_sha256", sa.Text(), nullable=False),
        sa.Column("first_proposed_at", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_importer_proposal_record",
        "importer_proposal",
        ["entity", "key_1", "key_2", "key_3", "key_4"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "ix_importer_proposal_run_row", "importer_proposal", ["run_sequence", "row"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "importer_reason",
        sa.Column("run_sequence", BIG, nullable=False),
        sa.Column("row", BIG, nullable=False),
        sa.Column("key_1", sa.Text(), server_default="", nullable=False),
        sa.Column("key_2", sa.Text(), server_default="", nullable=False),
        sa.Column("key_3", sa.Text(), server_default="", nullable=False),
        sa.Column("key_4", sa.Text(), server_default="", nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_importer_reason_run_row", "importer_reason", ["run_sequence", "row"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "importer_rejection",
        sa.Column("run_sequence", BIG, autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_sequence", "part"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_response",
        sa.Column("change_id", BIG, autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", "step", "round", "user_name"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_run",
        sa.Column("sequence", BIG, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("file_path", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("is_correction", sa.Boolean(), nullable=False),
        sa.Column("applied_order", BIG, nullable=True),
        sa.Column("rows_read", BIG, nullable=True),
        sa.Column("settings_sha256", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("applied_order"),
        sa.UniqueConstraint("run_id"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_settings",
        sa.Column("settings_sha256", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("first_used_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("settings_sha256", "file"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_user",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_work_approver",
        sa.Column("work_item_id", BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("work_item_id", "kind", "name"),
        schema=SCHEMA,
    )
    op.create_table(
        "importer_proposed_change",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("proposal_id", BIG, nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("key_1", sa.Text(), server_default="", nullable=False),
        sa.Column("key_2", sa.Text(), server_default="", nullable=False),
        sa.Column("key_3", sa.Text(), server_default="", nullable=False),
        sa.Column("key_4", sa.Text(), server_default="", nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=True),
        sa.Column("proposed", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run_sequence", BIG, nullable=True),
        sa.Column("row", BIG, nullable=True),
        sa.Column("settings_sha256", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("round", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_proposed_at", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            [f"{SCHEMA}.importer_proposal.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_importer_proposed_change_proposal_id",
        "importer_proposed_change",
        ["proposal_id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "ux_importer_proposed_change_open",
        "importer_proposed_change",
        ["entity", "key_1", "key_2", "key_3", "key_4", "field"],
        unique=True,
        schema=SCHEMA,
        sqlite_where=sa.text("status IN ('conflict', 'pending', 'changes_requested', 'draft')"),
        postgresql_where=sa.text("status IN ('conflict', 'pending', 'changes_requested', 'draft')"),
    )
    op.create_table(
        "importer_work_item",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("proposal_id", BIG, nullable=False),
        sa.Column("settings_sha256", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=True),
        sa.Column("escalated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            [f"{SCHEMA}.importer_proposal.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ux_importer_work_item_open",
        "importer_work_item",
        ["proposal_id", "settings_sha256", "step"],
        unique=True,
        schema=SCHEMA,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    for name in [
        "importer_work_item",
        "importer_proposed_change",
        "importer_work_approver",
        "importer_user",
        "importer_settings",
        "importer_run",
        "importer_response",
        "importer_rejection",
        "importer_reason",
        "importer_proposal",
        "importer_outcome",
        "importer_history",
        "importer_group_member",
        "importer_contributor",
        "importer_change",
        "importer_baseline",
    ]:
        op.drop_table(name, schema=SCHEMA)
