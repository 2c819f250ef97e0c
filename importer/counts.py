"""What a plan comes to, counted from the run's tables with a handful of statements; keys as in `summary.json`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from importer.entity import DataEntity
from importer.planning.limits import PlanCounts, Verdict, verdicts
from importer.staging import Staged
from importer.storage import control
from importer.storage.context import RunContext
from importer.storage.decided import fields_with
from importer.storage.expressions import contains_word, has_bad
from importer.storage.runs import StoredRun
from importer.validation.canonical import canonical
from importer.vocabulary import WRITING, Action, Effect, Outcome


def outcome_counts(run: RunContext, read: int) -> dict[str, int]:
    """`read`, then one number per outcome; they add up. Rows that the table doesn't name are unchanged."""
    outcome = run.space.outcome
    select = sa.select(outcome.c.outcome, sa.func.count()).group_by(outcome.c.outcome)
    found: dict[str, int] = dict(run.connection.execute(select).all())
    counts = {str(name): int(found.get(str(name), 0)) for name in Outcome}
    counts[str(Outcome.UNCHANGED)] += read - sum(counts.values())
    return {"read": read, **counts}


def reason_counts(run: RunContext) -> dict[str, Any]:
    """`rejected_by_code`, `rejected_new`, `rejected_repeated`: one for each reason."""
    reason = run.space.reason
    select = sa.select(reason.c.code, reason.c.repeated, sa.func.count()).group_by(reason.c.code, reason.c.repeated)
    by_code: dict[str, int] = {}
    new = repeated = 0
    for code, is_repeated, number in run.connection.execute(select.order_by(reason.c.code)):
        by_code[code] = by_code.get(code, 0) + number
        repeated += number if is_repeated else 0
        new += 0 if is_repeated else number
    return {"rejected_by_code": by_code, "rejected_new": new, "rejected_repeated": repeated}


def mark_repeated(run: RunContext, previous: StoredRun | None) -> None:
    """Rejections whose key, field, value and code stood in the source's previous applied run (rule 11)."""
    reason, earlier, stage = run.space.reason, control.reason, run.space.stage
    if previous is None or not run.connection.execute(sa.select(reason.c.row).limit(1)).first():
        return
    keys = zip(run.keys(stage), control.KEYS, strict=True)
    same_key = sa.and_(*(key.element == earlier.c[name] for key, name in keys if isinstance(key, sa.Label)))
    known = (
        sa.select(reason.c.row, reason.c.field, reason.c.code, reason.c.value)
        .join_from(reason, stage, stage.c["_row"] == reason.c.row)
        .join(
            earlier,
            sa.and_(
                earlier.c.run_sequence == previous.sequence,
                same_key,
                earlier.c.code == reason.c.code,
                earlier.c.field.is_not_distinct_from(reason.c.field),
                earlier.c.value.is_not_distinct_from(reason.c.value),
            ),
        )
        .distinct()
        .subquery("known")
    )
    again = sa.and_(
        known.c.row == reason.c.row,
        known.c.code == reason.c.code,
        known.c.field.is_not_distinct_from(reason.c.field),
        known.c.value.is_not_distinct_from(reason.c.value),
    )
    run.run(sa.update(reason).values(repeated=sa.true()).where(again))


def proposal_counts(run: RunContext) -> dict[str, int]:
    effect, diff, ruled = run.space.effect, run.space.diff, run.space.ruled
    select = sa.select(effect.c.effect, sa.func.count()).group_by(effect.c.effect)
    found: dict[str, int] = dict(run.connection.execute(select).all())
    counts = {str(name): int(found.get(str(name), 0)) for name in Effect}
    competing = sa.select(sa.func.count()).select_from(effect).where(effect.c.competes.is_(sa.true()))
    declined = sum(
        int(
            run.connection.scalar(
                sa.select(sa.func.count())
                .select_from(diff)
                .where(run.space.action(field) == str(Action.DECLINED), sa.not_(run.is_refused(diff.c["_row"])))
            )
            or 0
        )
        for field in fields_with(run, (Action.DECLINED,))
    )
    order = ("opened", "kept", "superseded", "withdrawn")
    return {
        **{name: counts[name] for name in order},
        "declined": declined,
        "competing": int(run.connection.scalar(competing) or 0),
        "approved_automatically": run.count(
            sa.select(ruled.c["_row"]).where(
                ruled.c.ruling == str(Action.APPROVED), sa.not_(run.is_refused(ruled.c["_row"]))
            )
        ),
    }


def blanks_kept(run: RunContext, staged: Staged, stored: int) -> dict[str, int]:
    """Blank cells of records that exist: what was counted while reading, less those of new records."""
    if stored == 0:
        return {}
    left = {name: number for name, number in staged.blanks.items() if number}
    if left and run.holds_any(run.space.fresh):
        left = {name: left[name] - number for name, number in _blanks_of_new(run, list(left)).items()}
    return {name: left[name] for name in run.entity.in_order(left) if left[name] > 0}


def _blanks_of_new(run: RunContext, fields: list[str]) -> dict[str, int]:
    """Blank cells of new records, by field."""
    stage, fresh = run.space.stage, run.space.fresh
    blank = [
        sa.func.coalesce(
            sa.func.sum(
                sa.case(
                    (
                        sa.and_(
                            stage.c[name].is_(None),
                            sa.not_(sa.func.coalesce(has_bad(stage.c["_bad"], name, run.dialect), sa.false())),
                            sa.not_(contains_word(stage.c["_cleared"], name, run.dialect)),
                        ),
                        1,
                    ),
                    else_=0,
                )
            ),
            0,
        )
        for name in fields
    ]
    new = run.connection.execute(sa.select(*blank).join_from(fresh, stage, stage.c["_row"] == fresh.c["_row"])).one()
    return {name: int(number) for name, number in zip(fields, new, strict=True)}


def control_totals(entity: DataEntity, totals: dict[str, Decimal]) -> dict[str, str | None]:
    return {name: canonical(entity.by_name[name], totals[name]) for name in entity.in_order(totals)}


def records_stored(run: RunContext) -> int:
    if not run.target.exists:
        return 0
    return int(run.connection.scalar(sa.select(sa.func.count()).select_from(run.target.table)) or 0)


def check_limits(
    run: RunContext, counts: dict[str, int], stored: int, last: StoredRun | None, *, clears: bool, is_correction: bool
) -> tuple[Verdict, ...]:
    """The limits of the parameters against the plan. `clears`: whether the file empties any value at all."""
    outcome, effect = run.space.outcome, run.space.effect
    changed = sa.select(outcome.c.row).where(outcome.c.fields_updated.is_not(None))
    proposing = sa.select(effect.c["_row"]).where(effect.c.effect.in_([str(Effect.OPENED), str(Effect.SUPERSEDED)]))
    return verdicts(
        run.entity.parameters.limits,
        PlanCounts(
            read=counts["read"],
            rejected=counts[str(Outcome.REJECTED)] + counts[str(Outcome.PARTLY_REJECTED)],
            stored=stored,
            changed=run.count(changed),
            proposed=run.count(proposing.distinct()),
            cleared=_cleared(run) if clears else 0,
            last_rows=last.rows_read if last is not None else None,
            is_correction=is_correction,
        ),
    )


def _cleared(run: RunContext) -> int:
    diff = run.space.diff
    emptied = [
        sa.and_(run.space.action(name).in_([str(action) for action in WRITING]), run.space.new(name).is_(None))
        for name in run.space.values
    ]
    if not emptied:
        return 0
    return run.count(sa.select(diff.c["_row"]).where(sa.or_(*emptied), sa.not_(run.is_refused(diff.c["_row"]))))
