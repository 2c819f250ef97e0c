"""What was done, kept for good: outcomes, old and new values, rejections with their source text.

Written in the applying transaction, so that record and effect are one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from importer.storage import control
from importer.storage.context import RunContext
from importer.storage.decided import ChangedFields, changed_values, packed_rejections, reason_rows


def write_journal(plan: RunContext, changed: ChangedFields, *, listed: bool) -> None:
    """Copies the run's outcomes, changes, reasons and rejected texts into the control tables.

    `listed`: the run's tables `change` and `rejection` are filled.
    """
    sequence = sa.literal(plan.space.sequence)
    outcome = plan.space.outcome
    names = [column.name for column in outcome.columns]
    _copy(plan, control.outcome, names, sa.select(sequence, *outcome.columns))
    names = [column.name for column in plan.space.change.columns]
    rows = sa.select(sequence, *plan.space.change.columns)
    if not listed:
        changes = changed_values(plan, changed.all).subquery()
        # In order, because on PostgreSQL the index knows blocks, not rows.
        rows = sa.select(sequence, *(changes.c[name] for name in names)).order_by(changes.c.row, changes.c.ord)
    _copy(plan, control.change, names, rows)
    reasons = reason_rows(plan).subquery()
    names = [column.name for column in reasons.columns]
    _copy(plan, control.reason, names, sa.select(sequence, *reasons.columns))
    if listed:
        names = [column.name for column in plan.space.rejection.columns]
        _copy(plan, control.rejection, names, sa.select(sequence, *plan.space.rejection.columns))
    else:
        _keep_texts(plan)


def _copy(plan: RunContext, table: sa.Table, names: list[str], rows: sa.Select[Any]) -> None:
    plan.run(sa.insert(table).from_select(["run_sequence", *names], rows))


def _keep_texts(plan: RunContext) -> None:
    for part, texts in enumerate(packed_rejections(plan)):
        values = {"run_sequence": plan.space.sequence, "part": part, "texts": texts}
        plan.connection.execute(sa.insert(control.rejection).values(**values))
