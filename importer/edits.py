"""THE STORY of a person's own edit: other fields at once, approval fields into that person's draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError

from importer.applying.approved import typed
from importer.entity import DataEntity, nearest
from importer.errors import SetupError
from importer.planning.behavior import fields_to_approve
from importer.session import Session
from importer.storage import control, locks
from importer.storage.control import KEYS
from importer.storage.database import reason
from importer.storage.migrate import ensure
from importer.storage.runs import Actor
from importer.storage.target import Target, canonical, find_target
from importer.validation.across import cross_checks, failing
from importer.validation.canonical import Refusal, check_value
from importer.validation.canonical import canonical as canonical_text
from importer.validation.numbers import arrow_type
from importer.workflow import drafts
from importer.workflow.approved_values import SUBJECT, Subject
from importer.workflow.drafts import Draft, OpenChange
from importer.workflow.showing import show_proposal

Record = dict[str, str | None]
"""Canonical texts by field; blank: None."""


@dataclass(frozen=True)
class Edit:
    """One record's key and the values that it shall get (canonical texts; blank: None)."""

    key: dict[str, str]
    values: Record

    @property
    def keys(self) -> dict[str, str]:
        """The key as in the control tables."""
        return dict(zip(KEYS, [*self.key.values(), "", "", ""], strict=False))


def set_values(
    session: Session, entity_name: str | None, key: tuple[str, ...], given: dict[str, str]
) -> dict[str, Any]:
    """`{written: [{field, old, new}], proposal: {…} or null}`. SetupError says what is wrong with the values."""
    entity = _entity(session, entity_name)
    edit = _checked(entity, key, given)
    ensure(session.database)
    return locks.repeated(lambda: _set_values(session, entity, edit))


def _set_values(session: Session, entity: DataEntity, edit: Edit) -> dict[str, Any]:
    with locks.deciding(session.database, session.entities) as connection:
        actor = session.actor()
        target = find_target(connection, entity)
        drafts.hold_open(connection, entity, edit.keys)
        stored = _stored(connection, entity, target, edit)
        drafts.hold_open(connection, entity, edit.keys)  # what somebody began while we waited for the record
        waiting = drafts.open_changes(connection, entity, edit.keys)
        written, proposed = _split(entity, edit, stored, waiting)
        _write(connection, target, edit, written)
        _record(connection, actor, entity, edit, stored, written)
        touched = _propose(connection, entity, actor, edit, stored, waiting, proposed)
        proposal = None
        if touched is not None:
            proposal = show_proposal(connection, session.entities, {entity.name: target}, touched, actor.at)
    return {
        "written": [{"field": name, "old": stored[name], "new": edit.values[name]} for name in written],
        "proposal": proposal,
    }


def _split(
    entity: DataEntity, edit: Edit, stored: Record, waiting: Mapping[str, OpenChange]
) -> tuple[list[str], list[str]]:
    """Fields that are written at once, and those that need approval: all where only so the record is valid."""
    changed = {name: value for name, value in edit.values.items() if stored[name] != value}
    to_approve = fields_to_approve(entity.parameters.approvals, edit.key)
    written = entity.in_order(name for name in changed if name not in to_approve)
    kept = {name: change.proposed for name, change in waiting.items() if name not in edit.values}
    wrong = _wrong(entity, {**stored, **kept, **changed})
    if wrong:
        raise SetupError(f"the record would be invalid: {wrong}")
    if written and _wrong(entity, {**stored, **{name: changed[name] for name in written}}):
        written = []
    return written, entity.in_order(name for name in changed if name not in written)


def _wrong(entity: DataEntity, record: Record) -> str:
    """Checks across fields that the record would fail, in words."""
    frame = pa.table({name: pa.array([record[name]]).cast(arrow_type(entity.by_name[name])) for name in entity.names})
    numbers = failing(entity, frame)[0].as_py() or ""
    checks = cross_checks(entity)
    return "; ".join(checks[int(number)].message for number in numbers.split())


def _propose(
    connection: sa.Connection,
    entity: DataEntity,
    actor: Actor,
    edit: Edit,
    stored: Record,
    waiting: Mapping[str, OpenChange],
    proposed: list[str],
) -> int | None:
    """Approval fields go into the person's draft; gives the proposal that this edit is about."""
    new = [name for name in proposed if name not in waiting or waiting[name].proposed != edit.values[name]]
    earlier = [waiting[name] for name in new if name in waiting]
    drafts.refuse_open_elsewhere(earlier, actor.user)
    back = [waiting[name] for name, value in edit.values.items() if name in waiting and value == stored[name]]
    mine = [change for change in back if change.is_draft_of(actor.user)]
    drafts.take_back(connection, actor, mine)
    if new:
        draft = Draft(entity, edit.keys, stored, {name: edit.values[name] for name in new})
        return drafts.add_to_draft(connection, actor, draft, earlier)
    touched = [*(waiting[name] for name in proposed), *mine]
    return touched[0].proposal_id if touched else None


def _entity(session: Session, name: str | None) -> DataEntity:
    if name is None and len(session.entities) > 1:
        raise SetupError(f"which entity? there are {', '.join(session.entities)}", hint="say it with --entity")
    if name is not None and name not in session.entities:
        raise SetupError(f"there is no entity {name!r}{nearest(name, session.entities)}")
    return session.entities[name] if name else next(iter(session.entities.values()))


def _checked(entity: DataEntity, key: tuple[str, ...], given: dict[str, str]) -> Edit:
    if len(key) != len(entity.key):
        raise SetupError(f"the key of {entity.name} has {len(entity.key)} parts: {', '.join(entity.key)}")
    if not given:
        raise SetupError("nothing to set: give FIELD=VALUE")
    keys = {name: _value(entity, name, text) or "" for name, text in zip(entity.key, key, strict=True)}
    values = {}
    for name, text in given.items():
        if name not in entity.by_name:
            raise SetupError(f"unknown field {name!r}{nearest(name, entity.names)}")
        if name in entity.key:
            raise SetupError(f"{name} is part of the key: a key doesn't change")
        values[name] = _value(entity, name, text)
        if values[name] is None and entity.by_name[name].required:
            raise SetupError(f"{entity.by_name[name].title} must not be empty")
    return Edit(keys, values)


def _value(entity: DataEntity, name: str, text: str) -> str | None:
    value = check_value(entity, name, text)
    if isinstance(value, Refusal):
        raise SetupError(value.message, hint=f"code {value.code}")
    return canonical_text(entity.by_name[name], value)


def _same_record(target: Target, edit: Edit) -> list[sa.ColumnElement[bool]]:
    return [
        canonical(target.columns[name].column, target.columns[name], target.dialect) == value
        for name, value in edit.key.items()
    ]


def _stored(connection: sa.Connection, entity: DataEntity, target: Target, edit: Edit) -> Record:
    """The record as canonical texts, locked until the edit is done."""
    row = None
    if target.exists:
        columns = [
            canonical(target.columns[name].stored, target.columns[name], target.dialect).label(name)
            for name in entity.names
        ]
        select = sa.select(*columns).where(*_same_record(target, edit))
        row = connection.execute(select if target.dialect == "sqlite" else select.with_for_update()).first()
    if row is None:
        raise SetupError(f"there is no record {' '.join(edit.key.values())} in {entity.table}")
    return {name: getattr(row, name) for name in entity.names}


def _write(connection: sa.Connection, target: Target, edit: Edit, written: list[str]) -> None:
    if not written:
        return
    values = {
        target.columns[name].column: typed(sa.literal(edit.values[name], sa.Text), target.columns[name], target.dialect)
        for name in written
    }
    try:
        connection.execute(sa.update(target.table).values(values).where(*_same_record(target, edit)))
    except (IntegrityError, DataError) as error:
        raise SetupError(f"the database refuses the record: {reason(error)}") from None


def _record(
    connection: sa.Connection, actor: Actor, entity: DataEntity, edit: Edit, stored: Record, written: list[str]
) -> None:
    """In the history; and what is written without workflow is, from then on, what drift is measured from."""
    for name in written:
        words = f"{' '.join(edit.key.values())} {name}: {stored[name] or '(blank)'} → {edit.values[name] or '(blank)'}"
        about = {"entity": entity.name, **edit.keys, "field": name}
        connection.execute(sa.insert(control.history).values(**actor.stamp, **about, action="written", comment=words))
        _follow_written_value(
            connection, actor, Subject(entity.name, list(edit.keys.values()), name), edit.values[name]
        )


def _follow_written_value(connection: sa.Connection, actor: Actor, subject: Subject, value: str | None) -> None:
    baseline, kept = control.baseline, {"value": value, "at": actor.at}
    if connection.scalar(sa.select(subject.is_known)):
        connection.execute(sa.delete(baseline).where(subject.baseline))
        named = dict(zip(SUBJECT, subject.parts, strict=True))
        connection.execute(sa.insert(baseline).values(**named, **kept))
