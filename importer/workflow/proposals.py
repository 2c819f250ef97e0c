"""Proposed changes of an import: opened, superseded, withdrawn as sets, in the applying transaction.

Each goes into the change proposal of its record and source: the one that is open already gets a new version, else a
new proposal starts. The workflow starts by itself (`auto_submit`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from importer.storage import control, statistics
from importer.storage.context import RunContext
from importer.storage.control import KEYS
from importer.storage.decided import fields_with
from importer.storage.expressions import insert_or
from importer.storage.runs import Actor
from importer.vocabulary import Action, ChangeStatus, Effect, Outcome
from importer.workflow.approved_values import SUBJECT, Subject, fields_to_follow
from importer.workflow.definition import load_steps
from importer.workflow.routing import sure_start

_proposal = control.proposal
_change = control.proposed_change
_history = control.history
_baseline = control.baseline


def submit_proposals(run: RunContext, actor: Actor, contributors: Collection[str]) -> None:
    """Carries out the effects of the plan on proposed changes.

    `contributors`: who ran, requested or released it; with four eyes none of them approves.
    """
    _follow_written_values(run, actor)
    effect, ruled = run.space.effect, run.space.ruled
    touched = sa.union_all(sa.select(effect.c["_row"]), sa.select(ruled.c["_row"])).subquery()
    if run.connection.execute(sa.select(touched.c["_row"]).limit(1)).first() is None:
        return
    _find_open_proposals(run)
    _open_proposals(run, actor)
    statistics.analyze(run.connection, run.space.outcome, "row", "proposal_id")
    _renew_versions(run)
    _close(run, actor, Effect.WITHDRAWN, ChangeStatus.WITHDRAWN)
    _close(run, actor, Effect.SUPERSEDED, ChangeStatus.SUPERSEDED)
    _open_changes(run, actor)
    _add_ruled_changes(run, actor)
    _add_contributors(run, contributors)
    _name_other_proposals(run)


def _proposing(run: RunContext) -> sa.CompoundSelect[Any]:
    """Rows that bring something new into a proposal: open changes, or what an automatic action decided."""
    effect, ruled = run.space.effect, run.space.ruled
    opening = effect.c.effect.in_([str(Effect.OPENED), str(Effect.SUPERSEDED)])
    ruling = sa.select(ruled.c["_row"]).where(sa.not_(run.is_refused(ruled.c["_row"])))
    return sa.union(sa.select(effect.c["_row"]).where(opening), ruling)


def _find_open_proposals(run: RunContext) -> None:
    """Rows that propose and whose record has an open proposal of this source: theirs is that one."""
    outcome, effect, diff = run.space.outcome, run.space.effect, run.space.diff
    same_kind = (_proposal.c.kind == "create") == diff.c["_new"].is_(sa.true())
    mine = (
        sa.select(effect.c["_row"], sa.func.max(effect.c.proposal_id).label("proposal_id"))
        .join_from(effect, _proposal, _proposal.c.id == effect.c.proposal_id)
        .join(diff, diff.c["_row"] == effect.c["_row"])
        .where(effect.c.same_source.is_(sa.true()), same_kind, effect.c["_row"].in_(_proposing(run)))
        .group_by(effect.c["_row"])
        .subquery()
    )
    run.run(sa.update(outcome).values(proposal_id=mine.c.proposal_id).where(outcome.c.row == mine.c["_row"]))


def _open_proposals(run: RunContext, actor: Actor) -> None:
    outcome, diff = run.space.outcome, run.space.diff
    workflow = run.entity.parameters.workflow
    rows = (
        sa.select(
            sa.literal(run.entity.name),
            *(outcome.c[name] for name in KEYS),
            sa.case((diff.c["_new"].is_(sa.true()), "create"), else_="change"),
            _name(run),
            sa.literal(1),
            sa.literal(run.source.name),
            sa.literal(run.space.sequence),
            outcome.c.row,
            sa.literal(actor.submitter),
            sa.literal(workflow.name),
            sa.literal(run.entity.settings_sha256),
            sa.literal(actor.at),
        )
        .join_from(outcome, diff, diff.c["_row"] == outcome.c.row)
        .where(outcome.c.proposal_id.is_(None), outcome.c.row.in_(_proposing(run)))
        .order_by(outcome.c.row)
    )
    if run.target.exists:
        rows = rows.outerjoin(run.target.table, run.same_key(diff))
    names = ["entity", *KEYS, "kind", "name", "version", "source", "run_sequence", "row", "submitted_by", "workflow"]
    names += ["settings_sha256", "first_proposed_at"]
    statistics.fill(run.connection, sa.insert(_proposal).from_select(names, rows), "id", "run_sequence", "row")
    mine = _proposal.c.run_sequence == run.space.sequence, _proposal.c.row == outcome.c.row
    new = sa.and_(*mine, outcome.c.proposal_id.is_(None))
    run.run(sa.update(outcome).values(proposal_id=_proposal.c.id).where(new))


def _name(run: RunContext) -> ColumnElement[Any]:
    """What people call the record: the first field of `context`, as stored; for a new record as proposed."""
    context = run.entity.parameters.approvals.context
    if not context:
        return sa.cast(sa.null(), sa.Text)
    field = context[0]
    stored: ColumnElement[Any] = sa.cast(sa.null(), sa.Text)
    if run.target.exists:
        stored = run.canonical(run.target.columns[field].stored, field)
    if field in run.space.values:
        return sa.func.coalesce(stored, run.canonical(run.space.new(field), field))
    return stored


def _renew_versions(run: RunContext) -> None:
    """A proposal that was open before and gets other changes now has a new version, made by this run and row."""
    outcome = run.space.outcome
    earlier = sa.or_(_proposal.c.run_sequence != run.space.sequence, _proposal.c.run_sequence.is_(None))
    touched = outcome.c.proposal_id == _proposal.c.id, outcome.c.row.in_(_proposing(run)), earlier
    values = {"version": _proposal.c.version + 1, "run_sequence": run.space.sequence, "row": outcome.c.row}
    run.run(sa.update(_proposal).values(values).where(*touched))


def _add_contributors(run: RunContext, contributors: Collection[str]) -> None:
    table, outcome = control.contributor, run.space.outcome
    proposals = sa.select(outcome.c.proposal_id).where(
        outcome.c.row.in_(_proposing(run)), outcome.c.proposal_id.is_not(None)
    )
    for name in sorted(contributors):
        rows = sa.select(_proposal.c.id, sa.literal(name)).where(_proposal.c.id.in_(proposals))
        new = insert_or(table, run.dialect).from_select(["proposal_id", "user_name"], rows)
        run.run(new.on_conflict_do_nothing())


def _close(run: RunContext, actor: Actor, effect: Effect, status: ChangeStatus) -> None:
    """Ends open changes; the history says from which state."""
    effects = run.space.effect
    ended = sa.select(effects.c.change_id).where(effects.c.effect == str(effect))
    stamp = actor.stamp
    rows = sa.select(
        *(sa.literal(value) for value in stamp.values()),
        sa.literal(str(effect)),
        _change.c.proposal_id,
        _change.c.id,
        sa.literal(run.space.sequence),
        _change.c.status,
        sa.literal(str(status)),
    ).where(_change.c.id.in_(ended))
    names = [*stamp, "action", "proposal_id", "change_id", "run_sequence", "from_status", "to_status"]
    run.run(sa.insert(_history).from_select(names, rows))
    closed = {"status": str(status), "decided_at": actor.at, "decided_by": actor.user}
    run.run(sa.update(_change).values(closed).where(_change.c.id.in_(ended)))


def _open_changes(run: RunContext, actor: Actor) -> None:
    status = ChangeStatus.PENDING if run.entity.parameters.workflow.auto_submit else ChangeStatus.DRAFT
    effect = run.space.effect
    proposed = sa.select(effect.c.field).where(effect.c.effect.in_([str(Effect.OPENED), str(Effect.SUPERSEDED)]))
    start: dict[str, Any] = {}
    if status is ChangeStatus.PENDING:
        step, due = sure_start(load_steps(run.entity), actor.at)
        start = {"step": sa.literal(step, sa.Text), "due_at": sa.literal(due, sa.Text)}
    for field in run.entity.in_order(run.connection.scalars(proposed.distinct())):
        wanted = run.space.action(field).in_([str(Action.PROPOSED), str(Action.SUPERSEDING)])
        _insert_changes(run, actor, field, wanted, {"status": sa.literal(str(status)), **start})
    stamp = actor.stamp
    opened = sa.select(
        *(sa.literal(value) for value in stamp.values()),
        sa.literal("submitted" if status is ChangeStatus.PENDING else "proposed"),
        _change.c.proposal_id,
        _change.c.id,
        sa.literal(run.space.sequence),
        sa.literal(str(status)),
    ).where(_change.c.run_sequence == run.space.sequence, control.is_open(_change.c.status))
    names = [*stamp, "action", "proposal_id", "change_id", "run_sequence", "to_status"]
    run.run(sa.insert(_history).from_select(names, opened))


def _insert_changes(
    run: RunContext, actor: Actor, field: str, which: ColumnElement[bool], values: dict[str, Any]
) -> None:
    """A change that supersedes another keeps its first-proposed date and due time."""
    diff, outcome, effect, ruled = run.space.diff, run.space.outcome, run.space.effect, run.space.ruled
    earlier = _change.alias("earlier")
    superseded = sa.and_(
        effect.c["_row"] == diff.c["_row"], effect.c.field == field, effect.c.effect == str(Effect.SUPERSEDED)
    )
    columns: dict[str, Any] = {
        "proposal_id": outcome.c.proposal_id,
        "entity": sa.literal(run.entity.name),
        **{name: outcome.c[name] for name in KEYS},
        "ord": sa.literal(run.field_number(field)),
        "field": sa.literal(field),
        "original": run.canonical(run.space.old(field), field),
        "proposed": run.canonical(run.space.new(field), field),
        "version": _proposal.c.version,
        "run_sequence": sa.literal(run.space.sequence),
        "row": outcome.c.row,
        "settings_sha256": sa.literal(run.entity.settings_sha256),
        "first_proposed_at": sa.func.coalesce(earlier.c.first_proposed_at, actor.at),
        "rule": ruled.c.rule,
        **values,
        "due_at": sa.func.coalesce(earlier.c.due_at, values.get("due_at", sa.null())),
    }
    rows = (
        sa.select(*columns.values())
        .join_from(diff, outcome, outcome.c.row == diff.c["_row"])
        .join(_proposal, _proposal.c.id == outcome.c.proposal_id)
        .outerjoin(effect, superseded)
        .outerjoin(earlier, earlier.c.id == effect.c.change_id)
        .outerjoin(ruled, sa.and_(ruled.c["_row"] == diff.c["_row"], ruled.c.field == field))
        .where(which, outcome.c.outcome != str(Outcome.REJECTED))
        .order_by(outcome.c.row)
    )
    joined = ("id", "proposal_id", "run_sequence", "field", "status", "step")
    statistics.fill(run.connection, sa.insert(_change).from_select(list(columns), rows), *joined)


def _add_ruled_changes(run: RunContext, actor: Actor) -> None:
    """What an automatic action decided stands in the proposal too, with the rule's name; rejections are remembered."""
    ruled = run.space.ruled
    for field in run.entity.in_order(run.connection.scalars(sa.select(ruled.c.field).distinct())):
        approved = run.space.action(field) == str(Action.APPROVED)
        status = sa.case((approved, str(ChangeStatus.APPLIED)), else_=str(ChangeStatus.REJECTED))
        decided = {"status": status, "decided_by": sa.literal(AUTOMATIC), "decided_at": sa.literal(actor.at)}
        actions = [str(Action.APPROVED), str(Action.DECLINED)]
        _insert_changes(
            run, actor, field, sa.and_(run.space.action(field).in_(actions), ruled.c.rule.is_not(None)), decided
        )
        _keep_first_original(run, actor, field)
    stamp = {**actor.stamp, "user_name": AUTOMATIC}
    rows = sa.select(
        *(sa.literal(value) for value in stamp.values()),
        sa.case((_change.c.status == str(ChangeStatus.APPLIED), "approved"), else_="rejected"),
        _change.c.proposal_id,
        _change.c.id,
        sa.literal(run.space.sequence),
        _change.c.status,
        _change.c.rule,
    ).where(_change.c.run_sequence == run.space.sequence, _change.c.rule.is_not(None))
    names = [*stamp, "action", "proposal_id", "change_id", "run_sequence", "to_status", "comment"]
    run.run(sa.insert(_history).from_select(names, rows))


AUTOMATIC = "automatic action"
"""Who decided, where no person did."""


def _keep_first_original(run: RunContext, actor: Actor, field: str) -> None:
    """Drift is measured from the value before the first automatic approval, until a person approves one."""
    rows = sa.select(*(_change.c[name] for name in SUBJECT), _change.c.original, sa.literal(actor.at)).where(
        _change.c.run_sequence == run.space.sequence,
        _change.c.field == field,
        _change.c.rule.is_not(None),
        _change.c.status == str(ChangeStatus.APPLIED),
        sa.not_(Subject.of(_change).is_known),
    )
    statistics.fill(run.connection, sa.insert(_baseline).from_select([*SUBJECT, "value", "at"], rows))


def _follow_written_values(run: RunContext, actor: Actor) -> None:
    """A value written without workflow is, from then on, what drift is measured from."""
    followed = set(fields_to_follow(run.connection, run.entity.name))
    if not followed:
        return
    diff = run.space.diff
    keys = [part.element if isinstance(part, sa.Label) else part for part in run.keys(diff)]
    for field in run.entity.in_order(followed.intersection(fields_with(run, (Action.WRITTEN,)))):
        subject = Subject(run.entity.name, keys, field)
        written = run.space.action(field) == str(Action.WRITTEN), sa.not_(run.is_refused(diff.c["_row"]))
        value = run.canonical(run.space.new(field), field)
        run.run(sa.update(_baseline).values(value=value, at=actor.at).where(subject.baseline, *written))
        stands = sa.exists(sa.select(sa.literal(1)).select_from(_baseline).where(subject.baseline).correlate(diff))
        parts = [part if isinstance(part, sa.ColumnElement) else sa.literal(part) for part in subject.parts]
        rows = sa.select(*parts, value, sa.literal(actor.at)).where(*written, subject.is_approved, sa.not_(stands))
        run.run(sa.insert(_baseline).from_select([*SUBJECT, "value", "at"], rows))


def _name_other_proposals(run: RunContext) -> None:
    """Rows that propose nothing new still name the proposal that has their value."""
    outcome, effect = run.space.outcome, run.space.effect
    named = (
        sa.select(effect.c["_row"], sa.func.max(effect.c.proposal_id).label("proposal_id"))
        .group_by(effect.c["_row"])
        .subquery()
    )
    others = outcome.c.row == named.c["_row"], outcome.c.proposal_id.is_(None)
    run.run(sa.update(outcome).values(proposal_id=named.c.proposal_id).where(*others))
