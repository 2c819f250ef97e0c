"""Proposals as people and programs read them: `proposals list` and their history. Streamed: a listing may be long."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.storage import control
from importer.storage.control import KEYS, is_open
from importer.storage.selection import Filters, conditions, same_record
from importer.storage.target import Target, canonical
from importer.vocabulary import OPEN_STATUSES, ChangeStatus, ValueKind

Answer = dict[str, Any]

_proposal = control.proposal
_change = control.proposed_change
_said = control.history

_ENDED = (ChangeStatus.APPLIED, ChangeStatus.REJECTED, ChangeStatus.DISCARDED, ChangeStatus.WITHDRAWN)
_BY_RANK = (*OPEN_STATUSES, *_ENDED, ChangeStatus.SUPERSEDED)
"""A proposal has the first of these that any of its changes has (`1-product.md`)."""

_AT_ONCE = 5_000
"""So many rows are fetched at a time."""


def list_proposals(
    connection: sa.Connection,
    entities: Mapping[str, DataEntity],
    targets: Mapping[str, Target],
    *which: ColumnElement[bool],
) -> Iterator[Answer]:
    """Proposals with those changes for which `which` holds, in the order of their ids; the shape is the contract's."""
    number = _proposal.c.id
    parts = [_grouped(connection, entity, targets[name], number, which) for name, entity in entities.items()]
    for _, proposal in heapq.merge(*parts, key=itemgetter(0)):
        yield proposal


def listed_proposals(
    connection: sa.Connection,
    entities: Mapping[str, DataEntity],
    targets: Mapping[str, Target],
    filters: Filters,
) -> Iterator[Answer]:
    """What the filters choose; superseded changes are history, their successors stand in the same proposals."""
    which = [_change.c.status != str(ChangeStatus.SUPERSEDED), *conditions(filters)]
    return list_proposals(connection, entities, targets, *which)


def only(proposals: Iterator[Answer], change_ids: set[int]) -> Iterator[Answer]:
    """The proposals with just these changes."""
    for proposal in proposals:
        changes = [change for change in proposal["changes"] if change["id"] in change_ids]
        if changes:
            yield {**proposal, "changes": changes}


def history(connection: sa.Connection, number: int | None, filters: Filters) -> list[dict[str, Any]]:
    """Every action, or those on one proposal, one record, or what one run proposed, in the order they were made."""
    if number is not None and connection.scalar(sa.select(_proposal.c.id).where(_proposal.c.id == number)) is None:
        raise SetupError(f"there is no proposal {number}", hint="importer proposals list")
    parts = [_on_one_change(number, filters), _by_one_run(number, filters)]
    rows = connection.execute(sa.union_all(*parts).order_by("line", "change"))
    return [{name.removesuffix("_name"): getattr(row, name) for name in _HISTORY} for row in rows]


def _on_one_change(number: int | None, filters: Filters) -> sa.Select[Any]:
    """Lines that name their change, and those that concern none: a value without a proposal, users."""
    select = _lines(_said.c.proposal_id, sa.func.coalesce(_change.c.field, _said.c.field))
    select = select.outerjoin_from(_said, _change, _change.c.id == _said.c.change_id)
    select = select.where(sa.not_(_of_whole_run()))
    if filters.key is not None:
        own = [_said.c[name] == value for name, value in zip(KEYS, filters.key, strict=False)]
        select = select.where(sa.or_(sa.and_(*own), sa.and_(*conditions(Filters(key=filters.key)))))
    if number is not None:
        select = select.where(_said.c.proposal_id == number)
    return _beside_run(select, filters)


def _by_one_run(number: int | None, filters: Filters) -> sa.Select[Any]:
    """What a run opened was submitted by one act, in one line: here it is one line for each change."""
    select = _lines(_change.c.proposal_id, _change.c.field)
    select = select.join_from(_said, _change, _change.c.run_sequence == _said.c.run_sequence)
    select = select.where(_of_whole_run(), _change.c.rule.is_(None))
    select = select.where(*conditions(Filters(key=filters.key)))
    if number is not None:
        select = select.where(_change.c.proposal_id == number)
    return _beside_run(select, filters)


def _of_whole_run() -> ColumnElement[bool]:
    return sa.and_(_said.c.proposal_id.is_(None), _said.c.run_sequence.is_not(None))


def _lines(proposal_id: ColumnElement[int], field: ColumnElement[str]) -> sa.Select[Any]:
    own = ("proposal_id", "field", "run_id")
    columns: list[Any] = [_said.c[name] for name in _HISTORY if name not in own]
    columns += [proposal_id.label("proposal_id"), field.label("field"), control.run.c.run_id]
    return sa.select(*columns, _said.c.id.label("line"), _change.c.id.label("change"))


def _beside_run(select: sa.Select[Any], filters: Filters) -> sa.Select[Any]:
    select = select.outerjoin(control.run, control.run.c.sequence == _said.c.run_sequence)
    select = select.outerjoin(_proposal, _proposal.c.id == sa.func.coalesce(_said.c.proposal_id, _change.c.proposal_id))
    if filters.run_id is None:
        return select
    by_run = sa.select(control.run.c.sequence).where(control.run.c.run_id == filters.run_id).scalar_subquery()
    return select.where(sa.or_(_said.c.run_sequence == by_run, _change.c.run_sequence == by_run))


_HISTORY = (
    "at",
    "action",
    "proposal_id",
    "field",
    "run_id",
    "user_name",
    "login",
    "host",
    "on_behalf_of",
    "from_status",
    "to_status",
    "comment",
)


def _grouped(
    connection: sa.Connection,
    entity: DataEntity,
    target: Target,
    number: ColumnElement[int],
    which: tuple[ColumnElement[bool], ...],
) -> Iterator[tuple[int, Answer]]:
    select = proposal_rows(entity, target, number).where(*which).order_by(number, _change.c.ord, _change.c.id)
    for at, rows in groupby(stream(connection, select), itemgetter(0)):
        yield at, read_proposal(entity, list(rows))


def stream(connection: sa.Connection, select: sa.Select[*tuple[Any, ...]]) -> Iterator[Any]:
    """The rows, fetched in blocks."""
    with connection.execution_options(yield_per=_AT_ONCE).execute(select) as result:
        for block in result.partitions():
            yield from block


_ENVELOPE = (
    _proposal.c.id,
    _proposal.c.version,
    _proposal.c.kind,
    *(_proposal.c[name] for name in KEYS),
    _proposal.c.name,
    _proposal.c.source,
    _proposal.c.row,
    _proposal.c.submitted_by,
    _proposal.c.workflow,
    _proposal.c.first_proposed_at,
)
_CHANGE = tuple(
    _change.c[name]
    for name in (
        *("id", "field", "original", "proposed", "status", "step", "decided_by", "decided_at", "comment", "rule"),
        *("first_proposed_at", "due_at"),
    )
)


def proposal_rows(entity: DataEntity, target: Target, *leading: ColumnElement[Any]) -> sa.Select[Any]:
    """A row for every change, for `read_proposal`, with columns of the caller before; joins proposal and change."""
    run, made_by = control.run, control.run.alias("made_by")
    states = _states()
    select = (
        sa.select(*leading, *_ENVELOPE, made_by.c.run_id, states.c.rank, states.c.due_at, *_CHANGE)
        .add_columns(_current(entity, target).label("current"))
        .join_from(_proposal, _change, _change.c.proposal_id == _proposal.c.id)
        .join(states, states.c.proposal_id == _proposal.c.id)
        .outerjoin(run, run.c.sequence == _change.c.run_sequence)
        .outerjoin(made_by, made_by.c.sequence == _proposal.c.run_sequence)
        .where(_proposal.c.entity == entity.name)
    )
    if target.exists:
        select = select.outerjoin(target.table, same_record(entity, target, _proposal))
    return select


def _states() -> sa.Subquery:
    """Of each proposal the status that all its changes make, as a number, and the earliest due time of open ones."""
    every = _change.alias("every")
    rank = sa.case({str(status): at for at, status in enumerate(_BY_RANK)}, value=every.c.status)
    due = sa.case((is_open(every.c.status), every.c.due_at))
    columns = every.c.proposal_id, sa.func.min(rank).label("rank"), sa.func.min(due).label("due_at")
    return sa.select(*columns).group_by(every.c.proposal_id).subquery("states")


def _current(entity: DataEntity, target: Target) -> ColumnElement[Any]:
    """The value that the record has now, whichever field the change is about."""
    if not target.exists:
        return sa.cast(sa.null(), sa.Text)
    cases = [
        (_change.c.field == name, canonical(target.columns[name].stored, target.columns[name], target.dialect))
        for name in entity.names
    ]
    return sa.case(*cases)


def read_proposal(entity: DataEntity, rows: list[Any], leading: int = 1) -> Answer:
    """The answer for one proposal from its rows of `proposal_rows`; `leading`: columns that are the caller's."""
    first = rows[0][leading:]
    number, version, kind, *keys, name, source, row, submitted_by, workflow, proposed_at, run_id, rank, due_at = first[
        : len(_ENVELOPE) + 3
    ]
    start = leading + len(_ENVELOPE) + 3
    return {
        "id": number,
        "version": version,
        "kind": kind,
        "entity": entity.name,
        "key": dict(zip(entity.key, keys, strict=False)),
        "name": name,
        "status": str(_BY_RANK[rank]),
        "source": source,
        "run_id": run_id,
        "row": row,
        "submitted_by": submitted_by,
        "workflow": workflow,
        "first_proposed_at": proposed_at,
        "due_at": due_at,
        "changes": [_read_change(entity, each[start:]) for each in rows],
    }


def _read_change(entity: DataEntity, row: Any) -> Answer:
    number, field, original, proposed, status, step, by, at, comment, rule, proposed_at, due_at, current = row
    difference, percent = distance(entity, field, original, proposed)
    return {
        "id": number,
        "field": field,
        "original": original,
        "proposed": proposed,
        "current": current,
        "status": status,
        "step": step,
        "decided_by": by,
        "decided_at": at,
        "comment": comment,
        "rule": rule,
        "first_proposed_at": proposed_at,
        "due_at": due_at,
        "difference": difference,
        "percent": percent,
    }


_NUMBERS = (ValueKind.DECIMAL, ValueKind.INTEGER)
_EXACT = Context(prec=60)


def distance(
    entity: DataEntity, name: str, original: str | None, proposed: str | None
) -> tuple[str | None, str | None]:
    """Difference and percent as people read them: with a sign, the percent rounded to a hundredth."""
    field = entity.by_name.get(name)
    if field is None or field.kind not in _NUMBERS or not original or not proposed:
        return None, None
    start = Decimal(original)
    difference = _EXACT.subtract(Decimal(proposed), start)
    if not start:
        return f"{difference:f}", None
    return f"{difference:f}", f"{_EXACT.divide(_EXACT.multiply(difference, 100), abs(start)):.2f}"
