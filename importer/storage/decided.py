"""What a run's tables say, in the form of the journal and of the reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.sql.elements import ColumnElement

from importer.storage.blocks import pack, unpack
from importer.storage.context import RunContext
from importer.storage.control import KEYS
from importer.storage.runspace import RunSpace, refill
from importer.storage.statistics import beside_others
from importer.vocabulary import PROPOSING, WRITING, Action, Disposition, Outcome

REJECTED_OUTCOMES = (str(Outcome.REJECTED), str(Outcome.PARTLY_REJECTED))


def fields_by_group(run: RunContext, groups: Mapping[str, tuple[Action, ...]]) -> dict[str, list[str]]:
    """For each group of actions the fields of which at least one value has, or had at first, one of them."""
    found = _actions_by_field(run)
    return {
        name: [field for field in run.space.values if not found[field].isdisjoint(actions)]
        for name, actions in groups.items()
    }


def keep_actions(run: RunContext) -> None:
    """Fills `acting` from `diff`; from here on `set_action` keeps it."""
    found = _counted_actions(run)
    rows = [{"field": field, "action": str(action)} for field, actions in found.items() for action in actions]
    if rows:
        run.connection.execute(sa.insert(run.space.acting), rows)


def set_action(run: RunContext, field: str, action: Action, *which: ColumnElement[bool]) -> int:
    """Another action for those values of a field for which `which` holds; gives their number."""
    changed = run.run(sa.update(run.space.diff).where(*which).values({run.space.action(field): str(action)}))
    if changed:
        run.connection.execute(sa.insert(run.space.acting).values(field=field, action=str(action)))
    return changed


def _actions_by_field(run: RunContext) -> dict[str, set[Action]]:
    """Those that were kept, or else counted."""
    kept = run.connection.execute(sa.select(run.space.acting)).all()
    if not kept:
        return _counted_actions(run)
    found: dict[str, set[Action]] = {field: set() for field in run.space.values}
    for field, action in kept:
        found[field].add(Action(action))
    return found


def _counted_actions(run: RunContext) -> dict[str, set[Action]]:
    """Counted in one look at the rows; only where values of a field are not simply written it takes a second one."""
    fields = run.space.values
    if not fields:
        return {}
    counts: list[ColumnElement[int]] = []
    for column in map(run.space.action, fields):
        counts += [sa.func.count(column), sa.func.count(sa.case((column == str(Action.WRITTEN), 1)))]
    counted = iter(run.connection.execute(sa.select(*counts)).one())
    found: dict[str, set[Action]] = {}
    mixed = []
    for field, total, written in zip(fields, counted, counted, strict=True):
        found[field] = {Action.WRITTEN} if written else set()
        if total > written:
            mixed.append(field)
    pairs = [(field, action) for field in mixed for action in Action if action is not Action.WRITTEN]
    if pairs:
        marks = [sa.func.max(sa.case((run.space.action(field) == str(action), 1), else_=0)) for field, action in pairs]
        for (field, action), mark in zip(pairs, run.connection.execute(sa.select(*marks)).one(), strict=True):
            if mark:
                found[field].add(action)
    return found


def fields_with(run: RunContext, actions: tuple[Action, ...]) -> list[str]:
    """Fields of which at least one value has, or had at first, one of these actions."""
    return fields_by_group(run, {"": actions})[""]


def meets_open_changes(run: RunContext) -> bool:
    """Whether any record of the file has an open change: mostly there is none, and all that `effect` says is opened."""
    effect = run.space.effect
    found = sa.select(effect.c["_row"]).where(effect.c.change_id.is_not(None)).limit(1)
    return run.connection.execute(found).first() is not None


@dataclass(frozen=True)
class ChangedFields:
    """Fields that any row of `diff` changes, and those of them that any row writes; in entity order. `others`: those
    whose values are not all written.
    """

    all: list[str]
    written: list[str]
    others: list[str]

    @classmethod
    def of(cls, run: RunContext) -> Self:
        rest = tuple(action for action in Action if action not in WRITING)
        return cls(**fields_by_group(run, {"all": tuple(Action), "written": WRITING, "others": rest}))


def changed_values(plan: RunContext, fields: list[str]) -> sa.Select[Any]:
    """Every changed value of `fields` once: row, key, ord, field, old, new, disposition, proposal_id, rule."""
    if not fields:
        nothing = (sa.cast(sa.null(), column.type).label(column.name) for column in plan.space.change.columns)
        return sa.select(*nothing).where(sa.false())
    reason = plan.space.reason
    ruled = set(plan.connection.scalars(sa.select(plan.space.ruled.c.field).distinct()))
    numbered = ruled.union(fields_with(plan, PROPOSING))
    parts = (_numbered(plan, field, field in ruled) if field in numbered else _changed(plan, field) for field in fields)
    values = sa.union_all(*parts).subquery("changed")
    refused_rows = sa.select(reason.c.row).where(reason.c.scope == "row").distinct().subquery("refused")
    refused = sa.and_(refused_rows.c.row.is_not(None), values.c.action != str(Action.DECLINED))
    proposed = values.c.action.in_([str(action) for action in PROPOSING])
    disposition = sa.case(
        (refused, str(Disposition.REJECTED)),
        (proposed, str(Disposition.PROPOSED)),
        (values.c.action.in_([str(action) for action in WRITING]), str(Disposition.WRITTEN)),
        else_=values.c.action,
    )
    named = sa.and_(sa.not_(refused), sa.or_(proposed, values.c.rule.is_not(None)))
    return sa.select(
        values.c.row,
        *(values.c[name] for name in KEYS),
        values.c.ord,
        values.c.field,
        values.c.old,
        values.c.new,
        disposition.label("disposition"),
        sa.case((named, values.c.proposal_id)).label("proposal_id"),
        sa.case((sa.not_(refused), values.c.rule)).label("rule"),
    ).select_from(values.outerjoin(refused_rows, refused_rows.c.row == values.c.row))


def _changed(plan: RunContext, field: str) -> sa.Select[Any]:
    """The rows that change a field, with its values; nobody was asked about any of them."""
    number = sa.cast(sa.null(), plan.space.outcome.c.proposal_id.type)
    return _values(plan, field, number, sa.cast(sa.null(), sa.Text))


def _numbered(plan: RunContext, field: str, by_rule: bool) -> sa.Select[Any]:
    """The same with the proposal of each row and, if any was decided `by_rule`, the name of the rule."""
    diff, outcome, ruled = plan.space.diff, plan.space.outcome, plan.space.ruled
    rule = sa.cast(ruled.c.rule if by_rule else sa.null(), sa.Text)
    rows = _values(plan, field, outcome.c.proposal_id, rule).join_from(diff, outcome, outcome.c.row == diff.c["_row"])
    if by_rule:
        rows = rows.outerjoin(ruled, sa.and_(ruled.c["_row"] == diff.c["_row"], ruled.c.field == field))
    return rows


def _values(plan: RunContext, field: str, number: ColumnElement[Any], rule: ColumnElement[Any]) -> sa.Select[Any]:
    diff, action = plan.space.diff, plan.space.action(field)
    return sa.select(
        diff.c["_row"].label("row"),
        *plan.keys(diff),
        sa.literal(plan.field_number(field)).label("ord"),
        sa.literal(field).label("field"),
        plan.canonical(plan.space.old(field), field).label("old"),
        plan.canonical(plan.space.new(field), field).label("new"),
        action.label("action"),
        number.label("proposal_id"),
        rule.label("rule"),
    ).where(action.is_not(None))


def list_for_journal(run: RunContext) -> None:
    """Fills `change`, in order, and `rejection`: where it is done beside the applying transaction, that one only
    copies them. `change` is made anew, so whoever waits for this must not have looked into it before.
    """
    change, rejection = run.space.listed
    for table in run.space.listed:
        table.create(run.connection, checkfirst=True)
    listed = changed_values(run, ChangedFields.of(run).all).subquery()
    select = sa.select(*(listed.c[column.name] for column in change.columns))
    with beside_others(run.connection):
        refill(run.connection, change, select.order_by(listed.c.row, listed.c.ord))
    run.connection.execute(sa.delete(rejection))
    for part, texts in enumerate(packed_rejections(run)):
        run.connection.execute(sa.insert(rejection).values(part=part, texts=texts))


def reason_rows(plan: RunContext) -> sa.Select[Any]:
    """Every reason once, with the key of its row."""
    reason, stage = plan.space.reason, plan.space.stage
    return sa.select(
        reason.c.row,
        *plan.keys(stage),
        reason.c.ord,
        reason.c.column_name,
        reason.c.field,
        reason.c.value,
        reason.c.code,
        reason.c.message,
        reason.c.repeated,
    ).join_from(reason, stage, stage.c["_row"] == reason.c.row)


def rejected_rows(connection: sa.Connection, outcome: sa.Table, *where: Any) -> NDArray[np.int64]:
    """Row numbers of rejected and partly rejected rows, in order."""
    select = sa.select(outcome.c.row).where(outcome.c.outcome.in_(REJECTED_OUTCOMES), *where).order_by(outcome.c.row)
    return np.fromiter(connection.scalars(select), dtype=np.int64)


def packed_rejections(run: RunContext) -> Iterator[bytes]:
    """The source text of rejected rows in blocks, as the journal keeps it."""
    for table in source_texts(run.connection, run.space, rejected_rows(run.connection, run.space.outcome)):
        yield pack(table)


def source_texts(connection: sa.Connection, space: RunSpace, rows: NDArray[np.int64]) -> Iterator[pa.Table]:
    """The source text of `rows`, block by block: row, c0 … cn, text."""
    batch = space.batch
    blocks = connection.execute(
        sa.select(batch.c.number, batch.c.first_row, batch.c.last_row).order_by(batch.c.first_row)
    ).all()
    for number, first, last in blocks:
        start, stop = np.searchsorted(rows, [first, last + 1])
        if start == stop:
            continue
        texts = connection.scalar(sa.select(batch.c.texts).where(batch.c.number == number))
        table = unpack(texts)
        wanted = pc.is_in(table["row"], value_set=pa.array(rows[start:stop]))
        yield table.filter(wanted).combine_chunks()
