"""Run rows: one per import, with status, order and the summary as it was given."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity, nearest
from importer.errors import SetupError
from importer.storage import control
from importer.vocabulary import RunStatus

_run = control.run


def now() -> str:
    """The present moment, UTC, as text that sorts."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_before(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


@dataclass(frozen=True)
class Actor:
    """Who acts, and when."""

    user: str
    login: str
    host: str
    at: str
    on_behalf_of: str | None = None

    @property
    def submitter(self) -> str:
        """Who is asked when something is to be changed: for whom it was done."""
        return self.on_behalf_of or self.user

    @property
    def stamp(self) -> Mapping[str, str]:
        """What the history says of every action."""
        who = {"user_name": self.user, "login": self.login, "host": self.host, "at": self.at}
        return who if self.on_behalf_of is None else {**who, "on_behalf_of": self.on_behalf_of}


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


@dataclass(frozen=True)
class StoredRun:
    """A run row. `options` are the command's, `reading` how the file was read, `summary` the answer so far.

    `unfinished`: the command that is at work on it, or ended before its end; None when it finished.
    """

    sequence: int
    run_id: str
    entity: str
    source: str
    status: RunStatus
    file_path: str
    file_sha256: str | None
    is_correction: bool
    rows_read: int | None
    settings_sha256: str
    host: str
    user: str
    started_at: str
    unfinished: str | None
    reports_folder: str | None
    options: dict[str, Any]
    reading: dict[str, Any]
    summary: dict[str, Any]


def insert_run(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """A new run row; gives its sequence."""
    result = connection.execute(sa.insert(_run).values(**values).returning(_run.c.sequence))
    return int(result.scalar_one())


def update_run(connection: sa.Connection, sequence: int, **values: Any) -> None:
    for name in ("options", "reading", "summary"):
        if name in values:
            values[name] = as_json(values[name])
    connection.execute(sa.update(_run).where(_run.c.sequence == sequence).values(**values))


def _stored(row: sa.Row[Any]) -> StoredRun:
    return StoredRun(
        sequence=row.sequence,
        run_id=row.run_id,
        entity=row.entity,
        source=row.source,
        status=RunStatus(row.status),
        file_path=row.file_path,
        file_sha256=row.file_sha256,
        is_correction=bool(row.is_correction),
        rows_read=row.rows_read,
        settings_sha256=row.settings_sha256,
        host=row.host,
        user=row.user_name,
        started_at=row.started_at,
        unfinished=row.unfinished,
        reports_folder=row.reports_folder,
        options=json.loads(row.options),
        reading=json.loads(row.reading or "{}"),
        summary=json.loads(row.summary or "{}"),
    )


def find_run(connection: sa.Connection, run_id: str, *, locked: bool = False) -> StoredRun:
    """SetupError (exit 2) where there is no such run, naming the nearest.

    `locked` waits for a transaction that is changing the row, and keeps others from it: what is read then is certain.
    """
    select = sa.select(_run).where(_run.c.run_id == run_id)
    row = connection.execute(select.with_for_update() if locked else select).one_or_none()
    if row is None:
        known = connection.scalars(sa.select(_run.c.run_id).order_by(_run.c.sequence.desc()).limit(200)).all()
        guess = nearest(run_id, known) if known else ""
        raise SetupError(
            f"there is no run {run_id!r}{guess if len(known) < 4 or 'nearest' in guess else ''}", hint="importer runs"
        )
    return _stored(row)


def all_runs(connection: sa.Connection) -> list[StoredRun]:
    """Every run, the latest first."""
    return [_stored(row) for row in connection.execute(sa.select(_run).order_by(_run.c.sequence.desc()))]


def unfinished_runs(connection: sa.Connection) -> list[StoredRun]:
    """Runs that a command is at work on, or left before its end; the oldest first."""
    found = sa.select(_run).where(_run.c.unfinished.is_not(None)).order_by(_run.c.sequence)
    return [_stored(row) for row in connection.execute(found)]


def last_applied(connection: sa.Connection, entity: str, source: str) -> StoredRun | None:
    """The run of this source that was applied last; corrected rejections don't count."""
    row = connection.execute(
        sa.select(_run).where(*_applied_files(entity, source)).order_by(_run.c.applied_order.desc()).limit(1)
    ).one_or_none()
    return _stored(row) if row is not None else None


def was_applied(connection: sa.Connection, entity: str, source: str, sha256: str) -> str | None:
    """The run id by which the same bytes were applied last for this source."""
    return connection.scalars(
        sa.select(_run.c.run_id)
        .where(*_applied_files(entity, source), _run.c.file_sha256 == sha256)
        .order_by(_run.c.applied_order.desc())
        .limit(1)
    ).one_or_none()


def _applied_files(entity: str, source: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _run.c.entity == entity,
        _run.c.source == source,
        _run.c.status == RunStatus.APPLIED,
        _run.c.is_correction.is_(sa.false()),
    )


def next_applied_order(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(_run.c.applied_order), 0) + 1)) or 1)


def keep_settings(connection: sa.Connection, entity: DataEntity) -> None:
    """Keeps this version of the entity's files, once."""
    table = control.settings_version
    known = sa.select(table.c.file).where(table.c.settings_sha256 == entity.settings_sha256)
    if connection.execute(known.limit(1)).first() is not None:
        return
    rows = [
        {
            "settings_sha256": entity.settings_sha256,
            "file": file.name,
            "content": file.read_text("utf-8"),
            "first_used_at": now(),
        }
        for file in entity.files
    ]
    connection.execute(sa.insert(table), rows)
