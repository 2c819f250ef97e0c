"""The control tables: runs, the journal, rejections, proposed changes, history.

They carry the prefix `importer_` and stand on PostgreSQL in the schema `importer`; on SQLite the schema is
translated away. Keys stand as text `key_1 … key_4`; unused parts are ''.
"""

from __future__ import annotations

import sqlalchemy as sa

from importer.storage.database import SCHEMA
from importer.vocabulary import OPEN_STATUSES

metadata = sa.MetaData(schema=SCHEMA, naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = ("key_1", "key_2", "key_3", "key_4")


def _keys() -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in KEYS]


run = sa.Table(
    "importer_run",
    metadata,
    sa.Column("sequence", BIG, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Text, nullable=False, unique=True),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("file_path", sa.Text, nullable=False),
    sa.Column("file_sha256", sa.Text),
    sa.Column("is_correction", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("applied_order", BIG, unique=True),
    sa.Column("rows_read", BIG),
    sa.Column("settings_sha256", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("reading", sa.Text),
    sa.Column("summary", sa.Text),
    sa.Column("unfinished", sa.Text),
    sa.Column("reports_folder", sa.Text),
    sa.Index(
        "ix_importer_run_unfinished",
        "unfinished",
        sqlite_where=sa.text("unfinished IS NOT NULL"),
        postgresql_where=sa.text("unfinished IS NOT NULL"),
    ),
)
"""`unfinished`: the command (run, plan, apply) that is at work on it or ended too early; null when it finished."""

settings_version = sa.Table(
    "importer_settings",
    metadata,
    sa.Column("settings_sha256", sa.Text, primary_key=True),
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("first_used_at", sa.Text, nullable=False),
)

outcome = sa.Table(
    "importer_outcome",
    metadata,
    sa.Column("run_sequence", BIG, nullable=False),
    sa.Column("row", BIG, nullable=False),
    *_keys(),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("fields_updated", sa.Text),
    sa.Column("fields_proposed", sa.Text),
    sa.Column("fields_declined", sa.Text),
    sa.Column("fields_rejected", sa.Text),
    sa.Column("proposal_id", BIG),
    sa.Column("effects", sa.Text),
    sa.Column("codes", sa.Text),
    sa.Column("origin_run", sa.Text),
    sa.Column("origin_row", sa.Text),
    sa.Index("ix_importer_outcome_run_row", "run_sequence", "row", postgresql_using="brin"),
    info={"key_on_sqlite": ["row", "run_sequence"]},
)
"""One for each row. On SQLite the two are its key; on PostgreSQL, where a key would cost as much as the rows, nothing
but the planning keeps them apart (`planning.outcomes`: each kind leaves out the rows of the others).
"""

change = sa.Table(
    "importer_change",
    metadata,
    sa.Column("run_sequence", BIG, nullable=False),
    sa.Column("row", BIG, nullable=False),
    *_keys(),
    sa.Column("ord", sa.Integer, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("old", sa.Text),
    sa.Column("new", sa.Text),
    sa.Column("disposition", sa.Text, nullable=False),
    sa.Column("proposal_id", BIG),
    sa.Column("rule", sa.Text),
    sa.Index("ix_importer_change_run_row", "run_sequence", "row", postgresql_using="brin"),
)

reason = sa.Table(
    "importer_reason",
    metadata,
    sa.Column("run_sequence", BIG, nullable=False),
    sa.Column("row", BIG, nullable=False),
    *_keys(),
    sa.Column("ord", sa.Integer, nullable=False),
    sa.Column("column_name", sa.Text),
    sa.Column("field", sa.Text),
    sa.Column("value", sa.Text),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("repeated", sa.Boolean(create_constraint=False), nullable=False),
    sa.Index("ix_importer_reason_run_row", "run_sequence", "row"),
)

rejection = sa.Table(
    "importer_rejection",
    metadata,
    sa.Column("run_sequence", BIG, primary_key=True, autoincrement=False),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("texts", sa.LargeBinary, nullable=False),
)

proposal = sa.Table(
    "importer_proposal",
    metadata,
    sa.Column("id", BIG, primary_key=True, autoincrement=True),
    sa.Column("entity", sa.Text, nullable=False),
    *_keys(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("source", sa.Text),
    sa.Column("person", sa.Text),
    sa.Column("run_sequence", BIG),
    sa.Column("row", BIG),
    sa.Column("submitted_by", sa.Text),
    sa.Column("workflow", sa.Text, nullable=False),
    sa.Column("settings_sha256", sa.Text, nullable=False),
    sa.Column("first_proposed_at", sa.Text, nullable=False),
    sa.Column("due_at", sa.Text),
    sa.Index("ix_importer_proposal_record", "entity", *KEYS),
    sqlite_autoincrement=True,
)

_IS_OPEN = "status IN ({})".format(", ".join(f"'{status}'" for status in OPEN_STATUSES))

proposed_change = sa.Table(
    "importer_proposed_change",
    metadata,
    sa.Column("id", BIG, primary_key=True, autoincrement=True),
    sa.Column("proposal_id", BIG, nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    *_keys(),
    sa.Column("ord", sa.Integer, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("original", sa.Text),
    sa.Column("proposed", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("run_sequence", BIG),
    sa.Column("row", BIG),
    sa.Column("settings_sha256", sa.Text, nullable=False),
    sa.Column("step", sa.Text),
    sa.Column("round", sa.Integer, nullable=False, server_default="1"),
    sa.Column("first_proposed_at", sa.Text, nullable=False),
    sa.Column("due_at", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("rule", sa.Text),
    sa.Index("ix_importer_proposed_change_proposal_id", "proposal_id"),
    sa.Index(
        "ux_importer_proposed_change_open",
        "entity",
        *KEYS,
        "field",
        unique=True,
        sqlite_where=sa.text(_IS_OPEN),
        postgresql_where=sa.text(_IS_OPEN),
    ),
    sqlite_autoincrement=True,
)

history = sa.Table(
    "importer_history",
    metadata,
    sa.Column("id", BIG, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("proposal_id", BIG),
    sa.Column("change_id", BIG),
    sa.Column("run_sequence", BIG),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("login", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("from_status", sa.Text),
    sa.Column("to_status", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("entity", sa.Text),
    *(sa.Column(name, sa.Text) for name in KEYS),
    sa.Column("field", sa.Text),
    sa.Index("ix_importer_history_proposal_id", "proposal_id"),
    sa.Index(
        "ix_importer_history_record",
        *KEYS,
        sqlite_where=sa.text("entity IS NOT NULL"),
        postgresql_where=sa.text("entity IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""`entity`, key and `field` only for a value that a person wrote without a proposal; else the proposal says which.

A line with a run and no proposal tells of all changes that the run opened: they were submitted by one act.
"""


user = sa.Table(
    "importer_user",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("is_admin", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
    sa.Column("removed_at", sa.Text),
)

group_member = sa.Table(
    "importer_group_member",
    metadata,
    sa.Column("group_name", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, primary_key=True),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
)

contributor = sa.Table(
    "importer_contributor",
    metadata,
    sa.Column("proposal_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("user_name", sa.Text, primary_key=True),
)

run_contributor = sa.Table(
    "importer_run_contributor",
    metadata,
    sa.Column("run_sequence", BIG, primary_key=True, autoincrement=False),
    sa.Column("user_name", sa.Text, primary_key=True),
)
"""Who ran, requested or released an import, once for all proposals that it made or changed: `contributor` names the
people of single ones.
"""

work_item = sa.Table(
    "importer_work_item",
    metadata,
    sa.Column("id", BIG, primary_key=True, autoincrement=True),
    sa.Column("proposal_id", BIG, nullable=False),
    sa.Column("settings_sha256", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
    sa.Column("due_at", sa.Text),
    sa.Column("escalated", sa.Integer, nullable=False, server_default="0"),
    sa.Column("closed_at", sa.Text),
    sa.Index(
        "ux_importer_work_item_open",
        "proposal_id",
        "settings_sha256",
        "step",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

work_approver = sa.Table(
    "importer_work_approver",
    metadata,
    sa.Column("work_item_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("on_behalf_of", sa.Text),
)

response = sa.Table(
    "importer_response",
    metadata,
    sa.Column("change_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_name", sa.Text, primary_key=True),
    sa.Column("approved", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

baseline = sa.Table(
    "importer_baseline",
    metadata,
    sa.Column("entity", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text, primary_key=True) for name in KEYS),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", sa.Text),
    sa.Column("at", sa.Text, nullable=False),
)
"""What `approved` means in conditions, where no person approved a value: the one written without workflow later, or the
one before the first automatic approval."""


def is_open(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return column.in_([str(status) for status in OPEN_STATUSES])
