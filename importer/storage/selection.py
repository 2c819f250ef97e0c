"""The proposed changes that one action is about, as a temporary table: filled, locked, and marked with their fate."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.storage import control, statistics
from importer.storage.columns import insert_columns
from importer.storage.control import BIG, KEYS, is_open
from importer.storage.target import Target, canonical
from importer.vocabulary import ChangeStatus

_proposal, _change, _item = control.proposal, control.proposed_change, control.work_item

selection = sa.Table(
    "importer_selection",
    sa.MetaData(),
    sa.Column("change_id", BIG, nullable=False),
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
)
"""`fate`: null while nothing stands against it, else refused, already_decided or conflict, with `why` in words.

`work_item_id`: where the change waits. Without a key or an index: it is read and marked as a whole.
"""

_chosen = sa.Table(
    "importer_chosen",
    sa.MetaData(),
    sa.Column("change_id", BIG, nullable=False),
    sa.Column("proposal_id", BIG, nullable=False),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)

REFUSED, ALREADY_DECIDED, CONFLICT = "refused", "already_decided", "conflict"

DONE = ""
"""`next_step` of a change that needs no further step."""

Sure = Mapping[tuple[str, str], tuple[str, str | None]]
"""By workflow version and step where one response is enough: the verdict on what waits there, and the next step."""

EMPTY: Sure = MappingProxyType({})


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
    _choose(connection, request, statuses)
    _fill(connection)


def hold_changes(
    connection: sa.Connection,
    request: Request,
    statuses: Collection[ChangeStatus],
    *which: sa.ColumnElement[bool],
    sure: Sure = EMPTY,
) -> None:
    """The same (`which` narrows it further), and nobody else decides on these until we are done.

    Their whole proposals are held: what is done to one field depends on what waits beside it. Always in the same
    order, so that two who want the same wait for each other and not in a circle. What they say is read after that.
    SQLite has one writer anyway.
    """
    if request.tickets:
        _hold(connection, sa.select(_proposal.c.id).where(_proposal.c.id.in_(_numbers(request))))
        _choose(connection, request, statuses)
    else:
        _choose(connection, request, statuses, *which, held=True)
    _fill(connection, sure)


def hold_selected(connection: sa.Connection, sure: Sure) -> None:
    """Holds what is selected, and looks at it afresh."""
    _hold(connection, sa.select(_chosen.c.proposal_id))
    selection.drop(connection)
    _fill(connection, sure)


def _hold(connection: sa.Connection, numbers: sa.Select[tuple[int]]) -> None:
    if connection.dialect.name != "sqlite":
        held = sa.select(_proposal.c.id).where(_proposal.c.id.in_(numbers)).order_by(_proposal.c.id)
        connection.execute(sa.select(sa.func.count()).select_from(held.with_for_update().subquery()))


def _choose(
    connection: sa.Connection,
    request: Request,
    statuses: Collection[ChangeStatus],
    *which: sa.ColumnElement[bool],
    held: bool = False,
) -> None:
    _chosen.create(connection)
    rows = sa.select(_change.c.id, _change.c.proposal_id).where(*which)
    rows = rows.join_from(_change, _proposal, _proposal.c.id == _change.c.proposal_id)
    if request.filters.run_id is not None:
        rows = rows.join(control.run, control.run.c.sequence == _change.c.run_sequence)
    if request.fields:
        rows = rows.where(_change.c.field.in_(request.fields))
    if request.tickets:
        _require_known(connection, _numbers(request))
        rows = rows.where(_proposal.c.id.in_(_numbers(request)), _change.c.status != str(ChangeStatus.SUPERSEDED))
    else:
        wanted = [str(status) for status in statuses]
        rows = rows.where(*conditions(request.filters), _change.c.status.in_(wanted))
    if held:
        rows = rows.order_by(_proposal.c.id).with_for_update(of=_proposal)
    connection.execute(sa.insert(_chosen).from_select(["change_id", "proposal_id"], rows))


def _fill(connection: sa.Connection, sure: Sure = EMPTY) -> None:
    selection.create(connection)
    verdict = _of_step({place: said for place, (said, _) in sure.items()})
    next_step = _of_step({place: step for place, (_, step) in sure.items()})
    shared = ("entity", *KEYS, "field", "original", "proposed", "status", "step", "round", "settings_sha256")
    columns = [_change.c.id, _change.c.proposal_id, _proposal.c.version, _proposal.c.kind, _item.c.id]
    rows = (
        sa.select(*columns, *(_change.c[name] for name in shared), verdict, next_step)
        .join_from(_chosen, _change, _change.c.id == _chosen.c.change_id)
        .join(_proposal, _proposal.c.id == _chosen.c.proposal_id)
        .outerjoin(_item, waits_at())
    )
    names = ["change_id", "proposal_id", "version", "kind", "work_item_id", *shared, "verdict", "next_step"]
    filled = sa.insert(selection).from_select(names, rows)
    joined = ("change_id", "proposal_id", "entity", *KEYS, "field", "work_item_id")
    statistics.fill(connection, filled, *joined, "kind", "fate", "verdict", "next_step")


def _of_step(values: Mapping[tuple[str, str], str | None]) -> sa.ColumnElement[Any]:
    """What is said of the step where a pending change waits; null where nothing is."""
    pending = _change.c.status == str(ChangeStatus.PENDING)
    cases = [
        (sa.and_(pending, _change.c.settings_sha256 == version, _change.c.step == step), sa.literal(value, sa.Text))
        for (version, step), value in values.items()
    ]
    return sa.case(*cases, else_=sa.null()) if cases else sa.cast(sa.null(), sa.Text)


def waits_at() -> sa.ColumnElement[bool]:
    """The open work item of a proposed change."""
    return sa.and_(
        _item.c.proposal_id == _change.c.proposal_id,
        _item.c.settings_sha256 == _change.c.settings_sha256,
        _item.c.step == _change.c.step,
        _item.c.closed_at.is_(None),
    )


def _numbers(request: Request) -> list[int]:
    return [ticket.number for ticket in request.tickets]


def narrow(connection: sa.Connection, request: Request, statuses: Collection[ChangeStatus]) -> None:
    """Leaves what the action is about: of a listing only changes in these states, only the fields that are named."""
    others: sa.ColumnElement[bool] = selection.c.status.not_in([str(status) for status in statuses])
    if request.fields:
        others = sa.or_(others, selection.c.field.not_in(request.fields))
    connection.execute(sa.delete(selection).where(others))


def require_fields(connection: sa.Connection, request: Request) -> None:
    """SetupError where a proposal has none of the fields that are named."""
    if not request.tickets or not request.fields:
        return
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

    held = sa.Table(
        "importer_held",
        sa.MetaData(),
        sa.Column("change_id", BIG, primary_key=True, autoincrement=False),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    held.create(connection)
    insert_columns(connection, held, pa.table({"change_id": pa.array(sorted(change_ids), pa.int64())}))
    kept = sa.select(held.c.change_id)
    for table in (selection, _chosen):
        connection.execute(sa.delete(table).where(table.c.change_id.not_in(kept)))


def listing_digest(connection: sa.Connection) -> str:
    """What a bulk decision binds to: every change that is selected, with its version and values."""
    digest = hashlib.sha256()
    columns = [selection.c[name] for name in ("change_id", "version", "status", "step", "original", "proposed")]
    for row in connection.execute(sa.select(*columns).order_by(selection.c.change_id)):
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Overview:
    """What occurs among the selected changes: tests that can find nothing are left out."""

    versions: frozenset[tuple[str, str]]
    """(entity, settings_sha256)"""
    statuses: frozenset[str]
    kinds: frozenset[str]
    steps: frozenset[tuple[str, str]]
    """(settings_sha256, step) where changes are"""


def overview(connection: sa.Connection) -> Overview:
    columns = [selection.c[name] for name in ("entity", "settings_sha256", "status", "kind", "step")]
    rows = connection.execute(sa.select(*columns).distinct()).all()
    return Overview(
        frozenset((row.entity, row.settings_sha256) for row in rows),
        frozenset(row.status for row in rows),
        frozenset(row.kind for row in rows),
        frozenset((row.settings_sha256, row.step) for row in rows if row.step is not None),
    )


def fates(connection: sa.Connection) -> Mapping[str | None, int]:
    select = sa.select(selection.c.fate, sa.func.count()).group_by(selection.c.fate)
    found: dict[str | None, int] = dict(connection.execute(select).all())
    return found


MOST_REASONS = 100
"""An answer names at most so many changes that were not done; the history has all."""


def reasons(connection: sa.Connection) -> list[dict[str, Any]]:
    """Why something stands against a change: `id` of the proposal, `field`, `fate`, `why`."""
    names = ("proposal_id", "field", "fate", "why")
    rows = connection.execute(
        sa.select(*(selection.c[name] for name in names))
        .where(selection.c.fate.is_not(None))
        .order_by(selection.c.proposal_id, selection.c.change_id)
        .limit(MOST_REASONS)
    )
    return [dict(zip(("id", *names[1:]), row, strict=True)) for row in rows]


def same_record(entity: DataEntity, target: Target, table: Any) -> sa.ColumnElement[bool]:
    """The target's record of a control table's row; text keys are compared as they are, so that an index serves."""
    return sa.and_(
        *(
            canonical(target.columns[name].column, target.columns[name], target.dialect) == table.c[key]
            for name, key in zip(entity.key, KEYS, strict=False)
        )
    )
