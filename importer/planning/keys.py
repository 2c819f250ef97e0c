"""Keys over the whole file: duplicates and near duplicates, as sets (`1-product.md`, rule 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from importer.storage.columns import insert_columns
from importer.storage.context import RunContext
from importer.storage.expressions import add_functions, case_collation, fold, joined_words, message
from importer.storage.target import holds_records
from importer.vocabulary import Duplicates, RejectionCode

NAMED_ROWS = 10
"""A message names at most so many other rows."""


def settle_duplicates(plan: RunContext, named: NDArray[np.int64] | None) -> None:
    """Rows that share a key: identical ones collapse, different ones are treated as `duplicates` says.

    `named`: rows among which is one of every shared key (not necessarily all that share it); None: any row may be.
    """
    if (named is not None and not len(named)) or not _find_twins(plan, named):
        return
    match plan.source.duplicates:
        case Duplicates.REJECT:
            _refuse_different(plan)
            _collapse_identical(plan)
        case Duplicates.FIRST:
            _keep_one(plan, sa.func.min)
        case Duplicates.LAST:
            _keep_one(plan, sa.func.max)


def _find_twins(plan: RunContext, named: NDArray[np.int64] | None) -> int:
    stage, twin, suspect = plan.space.stage, plan.space.twin, plan.space.suspect
    keys = [stage.c[name] for name in plan.target.key]
    every = sa.select(*keys).where(plan.has_key(stage))
    if named is not None:
        insert_columns(plan.connection, suspect, pa.table({"_row": named}))
        some = sa.select(*keys).join(suspect, suspect.c["_row"] == stage.c["_row"]).distinct().subquery()
        every = every.join(some, plan.same_key(stage, some))
    shared = every.group_by(*keys).having(sa.func.count() > 1).subquery()
    alike = [stage.c[name] for name in (*plan.space.values, "_cleared", "_bad")]
    select = sa.select(
        stage.c["_row"],
        sa.func.dense_rank().over(order_by=keys),
        sa.func.dense_rank().over(partition_by=keys, order_by=alike),
    ).join_from(stage, shared, plan.same_key(stage, shared))
    return plan.run(sa.insert(twin).from_select(["_row", "key_group", "variant"], select))


def _different(plan: RunContext) -> sa.Select[Any]:
    twin = plan.space.twin
    return sa.select(twin.c.key_group).group_by(twin.c.key_group).having(sa.func.max(twin.c.variant) > 1)


def _refuse_different(plan: RunContext) -> None:
    stage, twin = plan.space.stage, plan.space.twin
    place = sa.func.row_number().over(partition_by=twin.c.key_group, order_by=twin.c["_row"]).label("place")
    ranked = sa.select(twin.c["_row"], twin.c.key_group, place).where(twin.c.key_group.in_(_different(plan))).subquery()
    first = sa.select(ranked).where(ranked.c.place <= NAMED_ROWS + 1).order_by(ranked.c["_row"]).subquery()
    names = (
        sa.select(first.c.key_group, joined_words(sa.cast(first.c["_row"], sa.Text), plan.dialect).label("rows"))
        .group_by(first.c.key_group)
        .subquery()
    )
    rows = (
        sa.select(stage.c["_row"])
        .join_from(stage, ranked, stage.c["_row"] == ranked.c["_row"])
        .join(names, names.c.key_group == ranked.c.key_group)
    )
    others = _without(names.c.rows, sa.cast(stage.c["_row"], sa.Text))
    sentence = message(RejectionCode.DUPLICATE_KEY, value=plan.key_words(stage), rows=others)
    plan.refuse(rows, RejectionCode.DUPLICATE_KEY, sentence, field=plan.target.key[-1], value=_last_key(plan, stage))


def _without(rows: ColumnElement[str], own: ColumnElement[str]) -> ColumnElement[str]:
    """'3 7 9' without the row's own number, as '3, 9'."""
    bare = sa.func.replace(sa.literal(" ").concat(rows).concat(" "), sa.literal(" ").concat(own).concat(" "), " ")
    return sa.func.replace(sa.func.trim(bare), " ", ", ")


def _last_key(plan: RunContext, columns: FromClause) -> ColumnElement[str]:
    return plan.canonical(columns.c[plan.target.key[-1]], plan.target.key[-1])


def _collapse_identical(plan: RunContext) -> None:
    twin = plan.space.twin
    kept = sa.select(sa.func.min(twin.c["_row"])).group_by(twin.c.key_group).having(sa.func.max(twin.c.variant) == 1)
    identical = sa.select(twin.c.key_group).group_by(twin.c.key_group).having(sa.func.max(twin.c.variant) == 1)
    rows = sa.select(twin.c["_row"], sa.literal(str(RejectionCode.IDENTICAL_DUPLICATE))).where(
        twin.c.key_group.in_(identical), twin.c["_row"].not_in(kept)
    )
    plan.run(sa.insert(plan.space.notice).from_select(["_row", "code"], rows))


def _keep_one(plan: RunContext, which: Any) -> None:
    """`duplicates = first | last`: one row of each key is taken, the others are left out with a notice."""
    twin = plan.space.twin
    kept = sa.select(twin.c.key_group, which(twin.c["_row"]).label("kept")).group_by(twin.c.key_group).subquery()
    winner = twin.alias("winner")
    code = sa.case(
        (winner.c.variant == twin.c.variant, sa.literal(str(RejectionCode.IDENTICAL_DUPLICATE))),
        else_=sa.literal(str(RejectionCode.DUPLICATE_LEFT_OUT)),
    )
    rows = (
        sa.select(twin.c["_row"], code)
        .join_from(twin, kept, twin.c.key_group == kept.c.key_group)
        .join(winner, winner.c["_row"] == kept.c.kept)
        .where(twin.c["_row"] != kept.c.kept)
    )
    plan.run(sa.insert(plan.space.notice).from_select(["_row", "code"], rows))


def refuse_similar_keys(plan: RunContext, named: NDArray[np.int64] | None) -> None:
    """New records whose key is a stored or another new one but for case, blanks or leading zeros.

    `named`: rows among which is one of all whose keys are similar; None: any row may be.
    """
    if plan.source.similar_keys == "allow" or not plan.holds_any(plan.space.fresh):
        return
    add_functions(plan.connection)
    new = _new_keys(plan, case_collation(plan.connection))
    if holds_records(plan.connection, plan.target):
        _refuse_like_stored(plan, new, _stored_keys(plan, case_collation(plan.connection)))
    if named is None or len(named):
        _refuse_like_each_other(plan, new)


def _folds(plan: RunContext, columns: Mapping[str, ColumnElement[Any]], collation: str | None) -> list[Any]:
    fields = plan.entity.by_name
    return [fold(columns[name], fields[name], plan.dialect, collation).label(f"f_{name}") for name in plan.target.key]


def _new_keys(plan: RunContext, collation: str | None) -> sa.CTE:
    """Row, key and folded key of every new record. Materialized, so that joins find an index on it (SQLite)."""
    fresh = plan.space.fresh
    columns = {name: fresh.c[name] for name in plan.target.key}
    rows = sa.select(fresh.c["_row"], *columns.values(), *_folds(plan, columns, collation))
    return rows.cte("new").prefix_with("MATERIALIZED")


def _stored_keys(plan: RunContext, collation: str | None) -> sa.CTE:
    columns = {name: plan.target.columns[name].column.label(name) for name in plan.target.key}
    folds = _folds(plan, {name: column.element for name, column in columns.items()}, collation)
    return sa.select(*columns.values(), *folds).cte("known").prefix_with("MATERIALIZED")


def _same_fold(plan: RunContext, one: FromClause, other: FromClause) -> list[ColumnElement[bool]]:
    return [one.c[f"f_{name}"] == other.c[f"f_{name}"] for name in plan.target.key]


def _refuse_like_stored(plan: RunContext, new: sa.CTE, known: sa.CTE) -> None:
    """A new key is in no case the stored one itself: then the record would not be new."""
    pairs = (
        sa.select(new.c["_row"], sa.func.min(plan.key_words(known)).label("other"))
        .join_from(known, new, sa.and_(*_same_fold(plan, known, new)))
        .group_by(new.c["_row"])
        .subquery("pairs")
    )
    _refuse_pairs(plan, pairs)


def _refuse_like_each_other(plan: RunContext, new: sa.CTE) -> None:
    folds = [new.c[f"f_{name}"] for name in plan.target.key]
    shared = sa.select(*folds).group_by(*folds).having(sa.func.count() > 1).subquery("shared")
    words = plan.key_words(new)
    groups = (
        sa.select(
            new.c["_row"],
            words.label("own"),
            sa.func.min(words).over(partition_by=folds).label("first"),
            sa.func.max(words).over(partition_by=folds).label("last"),
        )
        .join_from(new, shared, sa.and_(*_same_fold(plan, new, shared)))
        .subquery("groups")
    )
    other = sa.case((groups.c.own == groups.c.first, groups.c["last"]), else_=groups.c.first).label("other")
    # Rows of one exact key that stand in the file twice are duplicates, not near duplicates.
    pairs = sa.select(groups.c["_row"], other).where(groups.c.first != groups.c["last"]).subquery("pairs")
    _refuse_pairs(plan, pairs)


def _refuse_pairs(plan: RunContext, pairs: FromClause) -> None:
    stage = plan.space.stage
    rows = sa.select(stage.c["_row"]).join_from(stage, pairs, pairs.c["_row"] == stage.c["_row"])
    sentence = message(RejectionCode.SIMILAR_KEY, value=plan.key_words(stage), other=pairs.c.other)
    plan.refuse(rows, RejectionCode.SIMILAR_KEY, sentence, field=plan.target.key[-1], value=_last_key(plan, stage))
