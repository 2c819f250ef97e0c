"""Who is asked at the moment: the people behind a work item, found anew each time.

Named users and members of named groups, less removed ones and (four eyes) those who contributed to the proposal. Where
nobody is left the work is with the administrators.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import CTE

from importer.storage import control
from importer.workflow.contributors import contributed_by, has_contributed
from importer.workflow.people import active_users, groups_of

_item, _approver = control.work_item, control.work_approver
_user, _member = control.user, control.group_member

Items = sa.Select[tuple[int]]
"""A select of work item ids."""


def panel(items: Items, two_eyes: Collection[str] = ()) -> CTE:
    """`work_item_id, user_name, proposal_id, by_fallback` for these items, each person once.

    `two_eyes`: the workflow versions in which people may approve what they contributed to.
    """
    asked = _asked(items, two_eyes).cte("asked")
    fallback = _administrators(items, asked, two_eyes)
    named = sa.select(asked.c.work_item_id, asked.c.proposal_id, asked.c.user_name, sa.false().label("by_fallback"))
    return sa.union_all(named, fallback).cte("panel")


@dataclass(frozen=True)
class Place:
    """Where somebody may be asked, as columns: the work item, its proposal, and the workflow version."""

    item: ColumnElement[int]
    proposal: ColumnElement[int]
    version: ColumnElement[str]


_HERE = Place(_item.c.id, _item.c.proposal_id, _item.c.settings_sha256)


def seats_of(
    connection: sa.Connection, user: str, items: Items, two_eyes: Collection[str] = ()
) -> sa.Select[tuple[int, bool]] | sa.CompoundSelect[tuple[int, bool]]:
    """`work_item_id, by_fallback` of those items at which `user` is asked: without listing everybody else."""
    items = sa.select(items.cte("chosen").c[0])  # subqueries in subqueries are soon more than SQLite's parser takes
    mine = sa.select(_item.c.id.label("work_item_id"), sa.false().label("by_fallback"))
    mine = mine.where(_item.c.id.in_(items), is_named(connection, user, _HERE, two_eyes))
    if not active_users(connection).get(user, False):
        return mine
    fallen = sa.select(_item.c.id, sa.true()).where(_item.c.id.in_(left_over(items, two_eyes)))
    return sa.union_all(mine, fallen.where(_independent(two_eyes, user, _HERE)))


def is_named(connection: sa.Connection, user: str, place: Place, two_eyes: Collection[str] = ()) -> ColumnElement[bool]:
    """The user has a seat there: their own, or one of a group unless they had somebody else respond."""
    if user not in active_users(connection):
        return sa.false()
    own = sa.select(_approver.c.work_item_id).where(_approver.c.kind == "user", _approver.c.name == user)
    seats: list[ColumnElement[bool]] = [place.item.in_(own)]
    groups = groups_of(connection, user)
    if groups:
        theirs = sa.select(_approver.c.work_item_id).where(_approver.c.kind == "group", _approver.c.name.in_(groups))
        given = sa.select(_approver.c.work_item_id).where(_approver.c.on_behalf_of == user)
        seats.append(sa.and_(place.item.in_(theirs), place.item.not_in(given)))
    return sa.and_(sa.or_(*seats), _independent(two_eyes, user, place))


def left_over(items: Items, two_eyes: Collection[str] = ()) -> Items:
    """Those items for which nobody who is named can be asked: the work is with the administrators."""
    doubtful = sa.select(_doubtful(items).cte("doubtful").c.id)
    asked = _asked(doubtful, two_eyes).cte("somebody")
    fallen = sa.select(_item.c.id).where(_item.c.id.in_(doubtful), _item.c.id.not_in(sa.select(asked.c.work_item_id)))
    return sa.select(fallen.cte("fallen").c.id)


def _doubtful(items: Items) -> Items:
    """Items at which somebody is missing: all others have a person behind an approver, and nobody has to stand back."""
    present = sa.select(_user.c.name).where(_active())
    groups = sa.select(_member.c.group_name).where(_member.c.user_name.in_(present))
    has_people = sa.or_(
        sa.and_(_approver.c.kind == "user", _approver.c.name.in_(present)),
        sa.and_(_approver.c.kind == "group", _approver.c.name.in_(groups)),
    )
    seated = sa.select(_approver.c.work_item_id).where(has_people)
    delegated = sa.select(_approver.c.work_item_id).where(_approver.c.on_behalf_of.is_not(None))
    return sa.select(_item.c.id).where(
        _item.c.id.in_(items),
        sa.or_(_item.c.id.not_in(seated), _item.c.id.in_(delegated), _item.c.proposal_id.in_(contributed_by(present))),
    )


def _active() -> ColumnElement[bool]:
    return _user.c.removed_at.is_(None)


def _asked(items: Items, two_eyes: Collection[str], *who: ColumnElement[bool]) -> sa.CompoundSelect[Any]:
    users = (
        sa.select(_item.c.id.label("work_item_id"), _item.c.proposal_id, _user.c.name.label("user_name"))
        .join_from(_item, _approver, _approver.c.work_item_id == _item.c.id)
        .join(_user, sa.and_(_approver.c.kind == "user", _user.c.name == _approver.c.name, _active()))
    )
    members = (
        sa.select(_item.c.id.label("work_item_id"), _item.c.proposal_id, _user.c.name.label("user_name"))
        .join_from(_item, _approver, _approver.c.work_item_id == _item.c.id)
        .join(_member, sa.and_(_approver.c.kind == "group", _member.c.group_name == _approver.c.name))
        .join(_user, sa.and_(_user.c.name == _member.c.user_name, _active()))
        .where(_keeps_seat())
    )
    meant = _item.c.id.in_(items), _independent(two_eyes), *who
    return sa.union(users.where(*meant), members.where(*meant))


def _keeps_seat() -> ColumnElement[bool]:
    """A member of a group who had somebody else respond is asked no more."""
    given = _approver.alias("given")
    return sa.not_(sa.exists().where(given.c.work_item_id == _item.c.id, given.c.on_behalf_of == _user.c.name))


def _administrators(items: Items, asked: CTE, two_eyes: Collection[str]) -> sa.Select[Any]:
    nobody = sa.not_(sa.exists().where(asked.c.work_item_id == _item.c.id))
    return (
        sa.select(_item.c.id, _item.c.proposal_id, _user.c.name, sa.true())
        .join_from(_item, _user, sa.and_(_user.c.is_admin.is_(sa.true()), _active()))
        .where(_item.c.id.in_(items), nobody, _independent(two_eyes))
    )


def _independent(two_eyes: Collection[str], user: str | None = None, place: Place = _HERE) -> ColumnElement[bool]:
    """Four eyes: nobody approves what they contributed to; `user`: one, or else whichever the statement is about."""
    if user is None:
        contributed = has_contributed(place.proposal, _user.c.name)
    else:
        contributed = place.proposal.in_(contributed_by(user))
    if not two_eyes:
        return sa.not_(contributed)
    return sa.or_(sa.not_(contributed), place.version.in_(list(two_eyes)))
