"""Automatic actions: decided in the plan, applied with the run. In: proposed values of `diff`. Out: `ruled`, actions.

Whole new records are decided by people only. A condition that fails to evaluate never approves; it is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from importer.storage import control, statistics
from importer.storage.columns import insert_columns, read_texts
from importer.storage.context import RunContext
from importer.storage.decided import fields_with, set_action
from importer.vocabulary import Action
from importer.workflow.approved_values import Subject, fields_to_follow
from importer.workflow.change_columns import ChangeColumns
from importer.workflow.definition import Ruling, WorkflowDefinition, automatic_decisions

_PROPOSED = (Action.PROPOSED, Action.SUPERSEDING)


def rule_automatically(run: RunContext, definition: WorkflowDefinition, submitter: str) -> list[str]:
    """Marks what an action approves or rejects; gives the conditions that failed, in words."""
    run.run(sa.delete(run.space.ruled))
    if not definition.automatic:
        return []
    failed: dict[str, None] = {}
    existing = run.space.diff.c["_new"].is_(sa.false())
    for field in fields_with(run, _PROPOSED):
        rows: list[dict[str, Any]] = []
        for numbers, changes in proposed_columns(run, definition, field, submitter, existing):
            for number, decision in zip(numbers, automatic_decisions(definition, changes), strict=True):
                failed |= {f"{each.rule}: {each.reason}": None for each in decision.failed}
                if decision.ruling is not None:
                    ruling = Action.APPROVED if decision.ruling is Ruling.APPROVE else Action.DECLINED
                    rows.append({"_row": int(number), "field": field, "ruling": str(ruling), "rule": decision.rule})
        if rows:
            insert_columns(run.connection, run.space.ruled, pa.Table.from_pylist(rows))
            statistics.analyze(run.connection, run.space.ruled)
            _carry_out(run, field)
    return list(failed)


def proposed_columns(
    run: RunContext, definition: WorkflowDefinition, field: str, submitter: str, *which: sa.ColumnElement[bool]
) -> Iterator[tuple[list[str], ChangeColumns]]:
    """Row numbers and facts of the changes of one field that would be opened, block by block."""
    diff = run.space.diff
    original = run.canonical(run.space.old(field), field)
    source: Any = diff
    approved = []
    if field in fields_to_follow(run.connection, run.entity.name):  # elsewhere it is the original value
        subject = Subject(run.entity.name, _keys(run), field)
        source = source.outerjoin(control.baseline, subject.baseline)
        approved = [subject.approved(original).label("approved")]
    names = definition.record_fields
    if names and run.target.exists:
        source = source.outerjoin(run.target.table, run.same_key(diff))
    columns: list[Any] = [
        sa.cast(diff.c["_row"], sa.Text).label("number"),
        original.label("original"),
        run.canonical(run.space.new(field), field).label("proposed"),
        *approved,
        *(_stored(run, name).label(f"r_{name}") for name in names),
    ]
    select = sa.select(*columns).select_from(source)
    wanted = [str(action) for action in _PROPOSED]
    proposed = run.space.action(field).in_(wanted), *which
    changed = run.entity.by_name[field]
    for table in read_texts(run.connection, select.where(*proposed, sa.not_(run.is_refused(diff.c["_row"])))):
        numbers, old, new, *rest = (column.to_pylist() for column in table.columns)
        before = rest.pop(0) if approved else old
        record = dict(zip(names, rest, strict=True))
        count = len(numbers)
        yield (
            numbers,
            ChangeColumns(
                changed, old, new, before, record, source=[run.source.name] * count, submitter=[submitter] * count
            ),
        )


def _keys(run: RunContext) -> list[Any]:
    """As they stand, without a name: so an index serves."""
    return [label.element if isinstance(label, sa.Label) else label for label in run.keys(run.space.diff)]


def _stored(run: RunContext, name: str) -> sa.ColumnElement[Any]:
    if name in run.target.key:
        return run.canonical(run.space.diff.c[name], name)
    stored = run.canonical(run.target.columns[name].stored, name) if run.target.exists else sa.cast(sa.null(), sa.Text)
    if name not in run.space.values:
        return stored
    is_new = run.space.diff.c["_new"].is_(sa.true())
    return sa.case((is_new, run.canonical(run.space.new(name), name)), else_=stored)


def _carry_out(run: RunContext, field: str) -> None:
    diff, ruled = run.space.diff, run.space.ruled
    action = run.space.action(field)
    for ruling in (Action.APPROVED, Action.DECLINED):
        rows = sa.select(ruled.c["_row"]).where(ruled.c.field == field, ruled.c.ruling == str(ruling))
        proposed = action.in_([str(each) for each in _PROPOSED]), diff.c["_row"].in_(rows)
        set_action(run, field, ruling, *proposed)
