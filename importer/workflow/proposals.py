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
from importer.storage.decided import fields_with, meets_open_changes
from importer.storage.numbers import new_numbers
from importer.storage.runs import Actor
from importer.vocabulary import WRITING, Action, ChangeStatus, Effect, Outcome
from importer.workflow.approved_values import SUBJECT, Subject, fields_to_follow
from importer.workflow.contributors import add_people_of_run
from importer.workflow.definition import load_steps
from importer.workflow.routing import sure_start

_proposal = control.proposal
_change = control.proposed_change
_history = control.history
_baseline = control.baseline


def number_proposals(run: RunContext) -> bool:
    """Every row that brings something into a change proposal, or repeats what is in one, gets its number in `outcome`:
    that of the record's open proposal of this source, else a new one. Where rows have theirs they keep them.

    Gives whether any row has one. What it relies on stands in the plan, so it may be done, and committed, before the
    plan is applied: then reports can be written meanwhile.
    """
    if not _concerns_proposals(run):
        return False
    if _are_numbered(run):
        return True
    meets_open = meets_open_changes(run)
    if meets_open:
        _find_open_proposals(run)
    _take_new_numbers(run, among_others=meets_open)
    if meets_open:
        _name_other_proposals(run)
    statistics.analyze(run.connection, run.space.outcome, "row", "proposal_id", roughly=True)
    return True


def submit_proposals(run: RunContext, actor: Actor, contributors: Collection[str]) -> None:
    """Carries out the effects of the plan on proposed changes.

    `contributors`: who ran, requested or released it; with four eyes none of them approves.
    """
    _follow_written_values(run, actor)
    if not number_proposals(run):
        return
    meets_open = meets_open_changes(run)
    _open_proposals(run, actor, among_others=meets_open)
    if meets_open:
        _renew_versions(run)
        _close(run, actor, Effect.WITHDRAWN, ChangeStatus.WITHDRAWN)
        _close(run, actor, Effect.SUPERSEDED, ChangeStatus.SUPERSEDED)
    _open_changes(run, actor, meets_open=meets_open)
    _add_ruled_changes(run, actor, meets_open=meets_open)
    add_people_of_run(run.connection, run.space.sequence, contributors)


def _concerns_proposals(run: RunContext) -> bool:
    return run.holds_any(run.space.effect) or run.holds_any(run.space.ruled)


def _are_numbered(run: RunContext) -> bool:
    outcome = run.space.outcome
    found = sa.select(outcome.c.row).where(outcome.c.proposal_id.is_not(None)).limit(1)
    return run.connection.execute(found).first() is not None


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


def _take_new_numbers(run: RunContext, *, among_others: bool) -> None:
    """In the order of the file. A run that is given up leaves a gap. `among_others`: some rows have theirs."""
    outcome, proposing = run.space.outcome, _proposing(run).subquery("proposing")
    row = proposing.c["_row"]
    rows = sa.select(row).order_by(row)
    if among_others:
        rows = rows.join(outcome, outcome.c.row == row).where(outcome.c.proposal_id.is_(None))
    numbered = new_numbers(run.connection, _proposal, rows).subquery("numbered")
    run.run(sa.update(outcome).values(proposal_id=numbered.c.id).where(outcome.c.row == numbered.c.row))


def _open_proposals(run: RunContext, actor: Actor, *, among_others: bool) -> None:
    """`among_others`: some rows go into proposals that are there."""
    outcome, diff = run.space.outcome, run.space.diff
    workflow = run.entity.parameters.workflow
    rows = (
        sa.select(
            outcome.c.proposal_id,
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
        .where(outcome.c.proposal_id.is_not(None))
        .order_by(outcome.c.row)
    )
    if among_others:
        there = sa.exists().where(_proposal.c.id == outcome.c.proposal_id)
        rows = rows.where(outcome.c.row.in_(_proposing(run)), sa.not_(there))
    names = ["id", "entity", *KEYS, "kind", "name", "version", "source", "run_sequence", "row", "submitted_by"]
    names += ["workflow", "settings_sha256", "first_proposed_at"]
    statistics.fill(run.connection, sa.insert(_proposal).from_select(names, rows), "id", "run_sequence")


def _name(run: RunContext) -> ColumnElement[Any]:
    """What people call the record: the first field of `context`, as it is when the row is applied."""
    field = run.entity.parameters.approvals.name_field
    planned = run.space.diff.c["_name"]
    if field is None or field not in run.space.values:
        return planned
    written = run.space.action(field).in_([str(action) for action in WRITING])
    new = run.canonical(run.space.new(field), field)
    return sa.case((written, new), else_=sa.func.coalesce(planned, new))


def _renew_versions(run: RunContext) -> None:
    """A proposal that was open before and gets other changes now has a new version, made by this run and row."""
    outcome = run.space.outcome
    earlier = sa.or_(_proposal.c.run_sequence != run.space.sequence, _proposal.c.run_sequence.is_(None))
    touched = outcome.c.proposal_id == _proposal.c.id, outcome.c.row.in_(_proposing(run)), earlier
    values = {"version": _proposal.c.version + 1, "run_sequence": run.space.sequence, "row": outcome.c.row}
    run.run(sa.update(_proposal).values(values).where(*touched))


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


def _open_changes(run: RunContext, actor: Actor, *, meets_open: bool) -> None:
    status = ChangeStatus.PENDING if run.entity.parameters.workflow.auto_submit else ChangeStatus.DRAFT
    effect = run.space.effect
    proposed = sa.select(effect.c.field).where(effect.c.effect.in_([str(Effect.OPENED), str(Effect.SUPERSEDED)]))
    start: dict[str, Any] = {}
    if status is ChangeStatus.PENDING:
        step, due = sure_start(load_steps(run.entity), actor.at)
        start = {"step": sa.literal(step, sa.Text), "due_at": sa.literal(due, sa.Text)}
    fields = run.entity.in_order(run.connection.scalars(proposed.distinct()))
    for field in fields:
        wanted = run.space.action(field).in_([str(Action.PROPOSED), str(Action.SUPERSEDING)])
        values = {"status": sa.literal(str(status)), **start}
        _insert_changes(run, actor, field, wanted, values, meets_open=meets_open, is_ruled=False)
    if fields:
        said = "submitted" if status is ChangeStatus.PENDING else "proposed"
        about = {"action": said, "run_sequence": run.space.sequence, "to_status": str(status)}
        run.run(sa.insert(_history).values(**actor.stamp, **about))


def _insert_changes(
    run: RunContext,
    actor: Actor,
    field: str,
    which: ColumnElement[bool],
    values: dict[str, Any],
    *,
    meets_open: bool,
    is_ruled: bool,
) -> None:
    """`is_ruled`: by an automatic action, with its name. Where changes are open already (`meets_open`), proposals have
    later versions, and a change that supersedes another keeps its first-proposed date and due time.
    """
    diff, outcome, ruled = run.space.diff, run.space.outcome, run.space.ruled
    earlier = _change.alias("earlier")
    columns: dict[str, Any] = {
        "proposal_id": outcome.c.proposal_id,
        "entity": sa.literal(run.entity.name),
        **{name: outcome.c[name] for name in KEYS},
        "ord": sa.literal(run.field_number(field)),
        "field": sa.literal(field),
        "original": run.canonical(run.space.old(field), field),
        "proposed": run.canonical(run.space.new(field), field),
        "version": sa.literal(1),
        "run_sequence": sa.literal(run.space.sequence),
        "row": outcome.c.row,
        "settings_sha256": sa.literal(run.entity.settings_sha256),
        "first_proposed_at": sa.literal(actor.at),
        "rule": ruled.c.rule if is_ruled else sa.null(),
        **values,
    }
    if meets_open:
        columns["version"] = _proposal.c.version
        columns["first_proposed_at"] = sa.func.coalesce(earlier.c.first_proposed_at, actor.at)
        columns["due_at"] = sa.func.coalesce(earlier.c.due_at, values.get("due_at", sa.null()))
    rows = sa.select(*columns.values()).join_from(diff, outcome, outcome.c.row == diff.c["_row"])
    if is_ruled:
        rows = rows.join(ruled, sa.and_(ruled.c["_row"] == diff.c["_row"], ruled.c.field == field))
    if meets_open:
        rows = _beside_earlier(run, rows, field, earlier)
    rows = rows.where(which, outcome.c.outcome != str(Outcome.REJECTED)).order_by(outcome.c.row)
    joined = ("id", "proposal_id", "run_sequence", "field", "status", "step")
    statistics.fill(run.connection, sa.insert(_change).from_select(list(columns), rows), *joined)


def _beside_earlier(run: RunContext, rows: sa.Select[Any], field: str, earlier: Any) -> sa.Select[Any]:
    """Each change beside its proposal and, where it supersedes one, the earlier change."""
    diff, outcome, effect = run.space.diff, run.space.outcome, run.space.effect
    superseded = sa.and_(
        effect.c["_row"] == diff.c["_row"], effect.c.field == field, effect.c.effect == str(Effect.SUPERSEDED)
    )
    return (
        rows.join(_proposal, _proposal.c.id == outcome.c.proposal_id)
        .outerjoin(effect, superseded)
        .outerjoin(earlier, earlier.c.id == effect.c.change_id)
    )


def _add_ruled_changes(run: RunContext, actor: Actor, *, meets_open: bool) -> None:
    """What an automatic action decided stands in the proposal too, with the rule's name; rejections are remembered."""
    ruled = run.space.ruled
    for field in run.entity.in_order(run.connection.scalars(sa.select(ruled.c.field).distinct())):
        approved = run.space.action(field) == str(Action.APPROVED)
        status = sa.case((approved, str(ChangeStatus.APPLIED)), else_=str(ChangeStatus.REJECTED))
        decided = {"status": status, "decided_by": sa.literal(AUTOMATIC), "decided_at": sa.literal(actor.at)}
        actions = [str(Action.APPROVED), str(Action.DECLINED)]
        which = run.space.action(field).in_(actions)
        _insert_changes(run, actor, field, which, decided, meets_open=meets_open, is_ruled=True)
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
