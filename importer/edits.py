"""THE STORY of a person's own edit: other fields at once, approval fields into that person's draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from importer.applying.approved import typed
from importer.entity import DataEntity, nearest
from importer.errors import SetupError
from importer.planning.behavior import treatments
from importer.session import Session
from importer.storage import control, locks
from importer.storage.control import KEYS, is_open
from importer.storage.migrate import ensure
from importer.storage.runs import Actor, keep_settings
from importer.storage.target import Target, canonical, find_target
from importer.validation.across import cross_checks, failing
from importer.validation.canonical import Refusal, check_value
from importer.validation.canonical import canonical as canonical_text
from importer.validation.numbers import arrow_type
from importer.vocabulary import Action, Behavior, ChangeStatus
from importer.workflow.listing import show_proposal

_proposal, _change = control.proposal, control.proposed_change


@dataclass(frozen=True)
class Edit:
    """One record's key and the values that it shall get (canonical texts; blank: None)."""

    key: dict[str, str]
    values: dict[str, str | None]


def set_values(
    session: Session, entity_name: str | None, key: tuple[str, ...], given: dict[str, str]
) -> dict[str, Any]:
    """`{written: [{field, old, new}], proposal: {…} or null}`. SetupError says what is wrong with the values."""
    entity = _entity(session, entity_name)
    edit = _checked(entity, key, given)
    ensure(session.database)
    with locks.deciding(session.database, session.entities) as connection:
        target = find_target(connection, entity)
        stored = _stored(connection, entity, target, edit)
        changed = {name: value for name, value in edit.values.items() if stored[name] != value}
        proposed = [name for name in changed if _needs_approval(entity, edit, name)]
        written = [name for name in changed if name not in proposed]
        _check_record(entity, stored, changed, written)
        actor = session.actor()
        _write(connection, entity, target, edit, written)
        _record(connection, actor, edit, stored, written)
        number = _draft(connection, entity, actor, edit, stored, proposed) if proposed else None
        proposal = None
        if number is not None:
            proposal = show_proposal(connection, session.entities, {entity.name: target}, number)
    return {
        "written": [{"field": name, "old": stored[name], "new": edit.values[name]} for name in written],
        "proposal": proposal,
    }


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


def _stored(connection: sa.Connection, entity: DataEntity, target: Target, edit: Edit) -> dict[str, str | None]:
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


def _needs_approval(entity: DataEntity, edit: Edit, name: str) -> bool:
    """A person's edit of an approval field always goes through the workflow, unless approvals are off."""
    decided = treatments(entity, entity.parameters.sources[0], None)
    treatment = next(
        (each for each in decided.overrides if all(edit.key[key] == value for key, value in each.when.items())),
        decided.general,
    )
    if treatment.behavior is Behavior.ALLOW:
        return False
    return treatment.action(name) is not Action.WRITTEN


def _check_record(
    entity: DataEntity, stored: dict[str, str | None], changed: dict[str, str | None], written: list[str]
) -> None:
    """Checks across fields, on the record as it would be now and as it would be approved."""
    now = {**stored, **{name: changed[name] for name in written}}
    for record in (now, {**stored, **changed}):
        frame = pa.table(
            {name: pa.array([record[name]]).cast(arrow_type(entity.by_name[name])) for name in entity.names}
        )
        numbers = failing(entity, frame)[0].as_py()
        if numbers:
            checks = cross_checks(entity)
            sentences = "; ".join(checks[int(number)].message for number in numbers.split())
            raise SetupError(f"the record would be invalid: {sentences}")


def _write(connection: sa.Connection, entity: DataEntity, target: Target, edit: Edit, written: list[str]) -> None:
    if not written:
        return
    values = {
        target.columns[name].column: typed(sa.literal(edit.values[name], sa.Text), target.columns[name], target.dialect)
        for name in entity.in_order(written)
    }
    connection.execute(sa.update(target.table).values(values).where(*_same_record(target, edit)))


def _record(
    connection: sa.Connection, actor: Actor, edit: Edit, stored: dict[str, str | None], written: list[str]
) -> None:
    for name in written:
        words = f"{' '.join(edit.key.values())} {name}: {stored[name] or '(blank)'} → {edit.values[name] or '(blank)'}"
        connection.execute(sa.insert(control.history).values(**actor.stamp, action="written", comment=words))


def _draft(
    connection: sa.Connection,
    entity: DataEntity,
    actor: Actor,
    edit: Edit,
    stored: dict[str, str | None],
    proposed: list[str],
) -> int:
    """The person's draft of this record: found or begun; each field has one open change."""
    keep_settings(connection, entity)
    keys = dict(zip(KEYS, [*edit.key.values(), "", "", ""], strict=False))
    _refuse_open_elsewhere(connection, entity, actor, keys, proposed)
    number = _find_draft(connection, entity, actor, keys)
    if number is None:
        number = _begin_draft(connection, entity, actor, keys, stored)
    else:
        _replace(connection, actor, number, proposed)
    version = connection.scalar(sa.select(_proposal.c.version).where(_proposal.c.id == number))
    for name in entity.in_order(proposed):
        values = {
            "proposal_id": number,
            "entity": entity.name,
            **keys,
            "ord": entity.names.index(name) + 1,
            "field": name,
            "original": stored[name],
            "proposed": edit.values[name],
            "status": str(ChangeStatus.DRAFT),
            "version": version,
            "settings_sha256": entity.settings_sha256,
            "first_proposed_at": actor.at,
        }
        change = connection.execute(sa.insert(_change).values(**values).returning(_change.c.id)).scalar_one()
        event = {"action": "edited", "proposal_id": number, "change_id": change, "to_status": str(ChangeStatus.DRAFT)}
        connection.execute(sa.insert(control.history).values(**actor.stamp, **event))
    return number


def _refuse_open_elsewhere(
    connection: sa.Connection, entity: DataEntity, actor: Actor, keys: dict[str, str], proposed: list[str]
) -> None:
    """One open change per field of a record, whoever proposed it; what is pending needs a recall."""
    rows = connection.execute(
        sa.select(_change.c.field, _change.c.proposal_id, _change.c.status, _proposal.c.person)
        .join_from(_change, _proposal, _proposal.c.id == _change.c.proposal_id)
        .where(
            _change.c.entity == entity.name,
            *(_change.c[name] == value for name, value in keys.items()),
            _change.c.field.in_(proposed),
            is_open(_change.c.status),
        )
    ).all()
    for row in rows:
        if row.person == actor.user and row.status in (ChangeStatus.DRAFT, ChangeStatus.CHANGES_REQUESTED):
            continue
        raise SetupError(
            f"a change of {row.field} is open already: proposal {row.proposal_id}, {row.status}",
            hint=f"importer proposals show {row.proposal_id}; editing what is pending needs a recall",
        )


def _find_draft(connection: sa.Connection, entity: DataEntity, actor: Actor, keys: dict[str, str]) -> int | None:
    return connection.scalars(
        sa.select(_proposal.c.id)
        .join_from(_proposal, _change, _change.c.proposal_id == _proposal.c.id)
        .where(
            _proposal.c.entity == entity.name,
            _proposal.c.person == actor.user,
            *(_proposal.c[name] == value for name, value in keys.items()),
            _change.c.status.in_([str(ChangeStatus.DRAFT), str(ChangeStatus.CHANGES_REQUESTED)]),
        )
        .limit(1)
    ).one_or_none()


def _begin_draft(
    connection: sa.Connection, entity: DataEntity, actor: Actor, keys: dict[str, str], stored: dict[str, str | None]
) -> int:
    context = entity.parameters.approvals.context
    values = {
        "entity": entity.name,
        **keys,
        "kind": "change",
        "name": stored[context[0]] if context else None,
        "version": 1,
        "person": actor.user,
        "submitted_by": actor.user,
        "workflow": entity.parameters.workflow.name,
        "settings_sha256": entity.settings_sha256,
        "first_proposed_at": actor.at,
    }
    number = int(connection.execute(sa.insert(_proposal).values(**values).returning(_proposal.c.id)).scalar_one())
    connection.execute(sa.insert(control.contributor).values(proposal_id=number, user_name=actor.user))
    return number


def _replace(connection: sa.Connection, actor: Actor, number: int, proposed: list[str]) -> None:
    """Editing again makes a new version; an earlier value of the same field is superseded."""
    connection.execute(sa.update(_proposal).values(version=_proposal.c.version + 1).where(_proposal.c.id == number))
    earlier = _change.c.proposal_id == number, _change.c.field.in_(proposed), is_open(_change.c.status)
    closed = {"status": str(ChangeStatus.SUPERSEDED), "decided_by": actor.user, "decided_at": actor.at}
    connection.execute(sa.update(_change).values(closed).where(*earlier))
