"""The story of a plan: every step decides on sets of rows, none of them writes to the target."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.sql.elements import ColumnElement

from importer.planning import compare, keys, merged, open_changes, outcomes, refusals
from importer.planning.behavior import Treatments
from importer.planning.texts import quote_source_texts
from importer.storage import statistics
from importer.storage.context import RunContext
from importer.storage.decided import keep_actions
from importer.storage.expressions import constant
from importer.validation.across import cross_checks
from importer.validation.canonical import Value


@dataclass(frozen=True)
class PlanInput:
    """What a plan needs beside the run's tables.

    `defaults`: typed values for blanks of new records; `positions`: the source's column of each field that it brings;
    `rule`: the workflow's automatic actions, which refine what is proposed. While the file was read was seen:
    `repeated` (see `settle_duplicates`), `similar` (see `refuse_similar_keys`), `incomplete`: fields that a row leaves
    without a value, `fails_across`: whether any row taken as a new record fails a check across fields.
    """

    treatments: Treatments
    defaults: Mapping[str, Value]
    positions: Mapping[str, int]
    rule: Callable[[RunContext], None]
    repeated: NDArray[np.int64] | None
    similar: NDArray[np.int64] | None
    incomplete: Collection[str]
    fails_across: bool


def make_plan(plan: RunContext, given: PlanInput) -> None:
    """Decides the fate of every staged row."""
    treatments = given.treatments
    filling = filling_constants(plan, given.defaults)
    analyze(plan, plan.space.stage)
    keys.settle_duplicates(plan, given.repeated)
    compare.refuse_ambiguous_records(plan)
    compare.compare_records(plan, treatments)
    keys.refuse_similar_keys(plan, given.similar)
    analyze(plan, plan.space.fresh, plan.space.diff)
    compare.refuse_missing_required(plan, filling, given.incomplete)
    if given.fails_across:
        _check_new_records(plan)
    compare.treat_new_records(plan, treatments, filling)
    keep_actions(plan)
    open_changes.settle_open_changes(plan, treatments)
    if treatments.may_propose:
        given.rule(plan)
    merged.check_merged_records(plan, treatments, given.incomplete, fails_across=given.fails_across)
    compare.refuse_unapproved(plan, treatments)
    refusals.refuse_violations(plan, inserted_values(plan, filling))
    quote_source_texts(plan, given.positions)
    open_changes.forget_refused(plan)
    open_changes.add_opened(plan)
    analyze(plan, plan.space.reason, plan.space.notice, plan.space.effect)
    outcomes.settle_outcomes(plan)
    analyze(plan, plan.space.outcome)


def filling_constants(plan: RunContext, defaults: Mapping[str, Value]) -> dict[str, ColumnElement[Any]]:
    """`[entity.defaults]` in the types of the target's columns."""
    return {
        name: constant(value, plan.target.columns[name], plan.dialect)
        for name, value in defaults.items()
        if value is not None
    }


def inserted_values(plan: RunContext, filling: Mapping[str, ColumnElement[Any]]) -> dict[str, ColumnElement[Any]]:
    """For each staged field the value that a new record gets: the cell, else the default, else the column's own."""
    stage = plan.space.stage
    values: dict[str, ColumnElement[Any]] = {}
    for field in plan.space.fields:
        choices: list[ColumnElement[Any]] = [stage.c[field]]
        if field in filling:
            choices.append(filling[field])
        own = plan.target.columns[field].column.server_default
        if isinstance(own, sa.DefaultClause) and isinstance(own.arg, sa.TextClause):
            choices.append(sa.literal_column(f"({own.arg.text})"))
        values[field] = sa.func.coalesce(*choices) if len(choices) > 1 else choices[0]
    return values


def analyze(plan: RunContext, *tables: sa.Table) -> None:
    """Tells how large the run's tables became.

    Row numbers and keys are all that joins go by, so only they are sampled.
    """
    joined = ("_row", "row", *plan.target.key)
    for table in tables:
        statistics.analyze(plan.connection, table, *(name for name in joined if name in table.columns), roughly=True)


def _check_new_records(plan: RunContext) -> None:
    sentences = [
        (check.number, check.fields[0], merged.check_sentence(plan, check)) for check in cross_checks(plan.entity)
    ]
    compare.refuse_across(plan, sentences)
