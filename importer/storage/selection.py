"""The proposed changes that one action is about, as a temporary table: filled, locked, and marked with their fate."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.storage import control, statistics
from importer.storage.columns import insert_columns
from importer.storage.control import BIG, KEYS, is_open
from importer.storage.target import Target, canonical
from importer.vocabulary import ChangeStatus

_proposal, _change = control.proposal, control.proposed_change

selection = sa.Table(
    "importer_selection",
    sa.MetaData(),
    sa.Column("change_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("proposal_id", BIG, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in KEYS),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("original", sa.Text),
    sa.Column("proposed", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("step", sa.Text),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("settings_sha256", sa.Text, nullable=False),
    sa.Column("work_item_id", BIG),
    sa.Column("fate", sa.Text),
    sa.Column("why", sa.Text),
    sa.Column("verdict", sa.Text),
    sa.Column("next_step", sa.Text),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
    postgresql_with={"fillfactor": 40},  # every row is marked several times: in its place
)
"""`fate`: null while nothing stands against it, else refused, already_decided or conflict, with `why` in words."""

REFUSED, ALREADY_DECIDED, CONFLICT = "refused", "already_decided", "conflict"


@dataclass(frozen=True)
class Ticket:
    """`12`, or `12@3` for the version that was seen."""

    number: int
    version: int | None = None

    @classmethod
    def read(cls, text: str) -> Ticket:
        number, _, version = text.partition("@")
        if not number.isdigit() or (version and not version.isdigit()) or text.endswith("@"):
            raise SetupError(f"{text!r} is no proposal: give its id (12), or id@version (12@3)")
        return cls(int(number), int(version) if version else None)


@dataclass(frozen=True)
class Filters:
    """Which proposed changes are meant; None: any. `key`: the key's values in order; `where`: a CEL condition."""

    run_id: str | None = None
    source: str | None = None
    field: str | None = None
    key: tuple[str, ...] | None = None
    status: str | None = None
    where: str | None = None

    @property
    def given(self) -> bool:
        return any(value is not None for value in vars(self).values())


@dataclass(frozen=True)
class Request:
    """What is asked for: proposals by ticket, or changes by filters; `fields` narrows both."""

    tickets: tuple[Ticket, ...] = ()
    filters: Filters = field(default_factory=Filters)
    fields: tuple[str, ...] = ()


def conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """The filters but for `where`, on proposal, change and run."""
    tests: list[sa.ColumnElement[bool]] = []
    if filters.run_id is not None:
        tests.append(control.run.c.run_id == filters.run_id)
    if filters.source is not None:
        tests.append(_proposal.c.source == filters.source)
    if filters.field is not None:
        tests.append(_change.c.field == filters.field)
    if filters.status is not None:
        tests.append(_change.c.status == filters.status)
    for name, value in zip(KEYS, filters.key or (), strict=False):
        tests.append(_proposal.c[name] == value)
    return tests


def select_changes(connection: sa.Connection, request: Request, statuses: Collection[ChangeStatus]) -> None:
    """Fills the selection. SetupError: an id that doesn't exist. `statuses`: what filters may bring."""
    selection.create(connection)
    columns = [_change.c.id, _change.c.proposal_id, _proposal.c.version, _proposal.c.kind, _change.c.entity]
    columns += [_change.c[name] for name in (*KEYS, "field", "original", "proposed", "status", "step", "round")]
    rows = (
        sa.select(*columns, _change.c.settings_sha256)
        .join_from(_change, _proposal, _proposal.c.id == _change.c.proposal_id)
        .outerjoin(control.run, control.run.c.sequence == _change.c.run_sequence)
    )
    if request.fields:
        rows = rows.where(_change.c.field.in_(request.fields))
    if request.tickets:
        numbers = [ticket.number for ticket in request.tickets]
        _require_known(connection, numbers)
        rows = rows.where(_proposal.c.id.in_(numbers), _change.c.status != str(ChangeStatus.SUPERSEDED))
    else:
        wanted = [str(status) for status in statuses]
        rows = rows.where(*conditions(request.filters), _change.c.status.in_(wanted))
    names = ["change_id", "proposal_id", "version", "kind", "entity", *KEYS, "field", "original", "proposed"]
    names += ["status", "step", "round", "settings_sha256"]
    statistics.fill(connection, sa.insert(selection).from_select(names, rows))


def narrow(connection: sa.Connection, request: Request, statuses: Collection[ChangeStatus]) -> None:
    """Leaves what the action is about: of a listing only changes in these states; only the fields that are named."""
    tests: list[sa.ColumnElement[bool]] = []
    if request.fields:
        tests.append(selection.c.field.not_in(request.fields))
    if not request.tickets:
        tests.append(selection.c.status.not_in([str(status) for status in statuses]))
    if tests:
        connection.execute(sa.delete(selection).where(sa.or_(*tests)))
    if request.tickets and request.fields:
        _require_fields(connection, request)


def _require_fields(connection: sa.Connection, request: Request) -> None:
    found = set(connection.scalars(sa.select(selection.c.proposal_id).distinct()))
    without = [str(ticket.number) for ticket in request.tickets if ticket.number not in found]
    if without:
        fields, numbers = ", ".join(request.fields), ", ".join(without)
        raise SetupError(f"proposal {numbers} has no change of {fields}", hint=f"importer proposals show {without[0]}")


def leave_aside(connection: sa.Connection, request: Request) -> None:
    """Deciding on a proposal decides on all its changes that wait for that person; the others are left alone."""
    if not request.tickets or request.fields:
        return
    others = selection.alias("others")
    waits = sa.exists().where(others.c.proposal_id == selection.c.proposal_id, others.c.fate.is_(None))
    connection.execute(sa.delete(selection).where(selection.c.fate.is_not(None), waits))


def _require_known(connection: sa.Connection, numbers: list[int]) -> None:
    known = set(connection.scalars(sa.select(_proposal.c.id).where(_proposal.c.id.in_(numbers))))
    unknown = [str(number) for number in numbers if number not in known]
    if unknown:
        raise SetupError(f"there is no proposal {', '.join(unknown)}", hint="importer proposals list")


def lock_changes(connection: sa.Connection) -> None:
    """Nobody else decides on these until we are done; then looks at them afresh. SQLite has one writer anyway.

    Their whole proposals are held: what is done to one field depends on what waits beside it. Always in the same
    order, so that two who want the same wait for each other and not in a circle.
    """
    if connection.dialect.name != "sqlite":
        for table, column in ((_proposal, selection.c.proposal_id), (_change, selection.c.change_id)):
            held = sa.select(table.c.id).where(table.c.id.in_(sa.select(column))).order_by(table.c.id)
            connection.execute(sa.select(sa.func.count()).select_from(held.with_for_update().subquery()))
    names = ("status", "step", "round", "settings_sha256")
    now: dict[str, Any] = {name: _change.c[name] for name in names}
    moved = [selection.c[name].is_distinct_from(_change.c[name]) for name in names]
    moved.append(selection.c.version != _proposal.c.version)
    same = selection.c.change_id == _change.c.id, selection.c.proposal_id == _proposal.c.id
    refreshed = sa.update(selection).values({**now, "version": _proposal.c.version})
    connection.execute(refreshed.where(*same, sa.or_(*moved)))


def mark(
    connection: sa.Connection, fate: str, why: sa.ColumnElement[Any] | str, *which: sa.ColumnElement[bool]
) -> None:
    """Rows to which nothing has happened yet, and of which `which` holds, get a fate."""
    reason = sa.literal(why) if isinstance(why, str) else why
    free = selection.c.fate.is_(None), *which
    connection.execute(sa.update(selection).values(fate=fate, why=reason).where(*free))


def mark_decided(connection: sa.Connection) -> None:
    """Whoever comes second hears who was first."""
    decided = (
        sa.select(
            sa.literal("already ")
            .concat(_change.c.status)
            .concat(sa.func.coalesce(sa.literal(" by ").concat(_change.c.decided_by), ""))
            .concat(sa.func.coalesce(sa.literal(" at ").concat(_change.c.decided_at), ""))
        )
        .where(_change.c.id == selection.c.change_id)
        .scalar_subquery()
    )
    mark(connection, ALREADY_DECIDED, decided, sa.not_(is_open(selection.c.status)))


def mark_unseen_versions(connection: sa.Connection, request: Request) -> None:
    """A decision binds to the version that was seen; a newer one makes it fail, saying what changed."""
    for ticket in request.tickets:
        if ticket.version is not None:
            changed = sa.func.coalesce(_changed_since(ticket), "")
            why = sa.literal(f"version {ticket.version} was seen, there is version ").concat(
                sa.cast(selection.c.version, sa.Text).concat(changed)
            )
            mark(
                connection,
                REFUSED,
                why,
                selection.c.proposal_id == ticket.number,
                selection.c.version != ticket.version,
            )


def _changed_since(ticket: Ticket) -> sa.ScalarSelect[Any]:
    """What one of the newer changes says now."""
    newer = (
        sa.select(
            sa.literal(": ")
            .concat(_change.c.field)
            .concat(" is now proposed as ")
            .concat(sa.func.coalesce(_change.c.proposed, "(blank)"))
        )
        .where(
            _change.c.proposal_id == ticket.number, _change.c.version > (ticket.version or 0), is_open(_change.c.status)
        )
        .order_by(_change.c.id.desc())
        .limit(1)
    )
    return newer.scalar_subquery()


def keep_only(connection: sa.Connection, change_ids: Collection[int]) -> None:
    """Drops what a condition did not choose."""
    import pyarrow as pa

    chosen = sa.Table(
        "importer_chosen",
        sa.MetaData(),
        sa.Column("change_id", BIG, primary_key=True, autoincrement=False),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    chosen.create(connection)
    insert_columns(connection, chosen, pa.table({"change_id": pa.array(sorted(change_ids), pa.int64())}))
    kept = sa.select(chosen.c.change_id)
    connection.execute(sa.delete(selection).where(selection.c.change_id.not_in(kept)))


def listing_digest(connection: sa.Connection) -> str:
    """What a bulk decision binds to: every change that is selected, with its version and values."""
    digest = hashlib.sha256()
    columns = [selection.c[name] for name in ("change_id", "version", "status", "step", "original", "proposed")]
    for row in connection.execute(sa.select(*columns).order_by(selection.c.change_id)):
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()[:16]


def fates(connection: sa.Connection) -> Mapping[str | None, int]:
    select = sa.select(selection.c.fate, sa.func.count()).group_by(selection.c.fate)
    found: dict[str | None, int] = dict(connection.execute(select).all())
    return found


def same_record(entity: DataEntity, target: Target, table: Any) -> sa.ColumnElement[bool]:
    """The target's record of a control table's row; text keys are compared as they are, so that an index serves."""
    return sa.and_(
        *(
            canonical(target.columns[name].column, target.columns[name], target.dialect) == table.c[key]
            for name, key in zip(entity.key, KEYS, strict=False)
        )
    )


def same_change(one: Any, other: Any) -> sa.ColumnElement[bool]:
    """The same field of the same record."""
    return sa.and_(*(one.c[name] == other.c[name] for name in ("entity", *KEYS, "field")))
