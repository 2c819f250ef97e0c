"""Who is asked at the moment: the people behind a work item, found anew each time.

Named users and members of named groups, less removed ones and (four eyes) those who contributed to the proposal. Where
nobody is left the work is with the administrators.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.selectable import CTE

from importer.storage import control
from importer.workflow.people import is_administrator

_item, _approver = control.work_item, control.work_approver
_user, _member, _contributor = control.user, control.group_member, control.contributor

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


def seats_of(connection: sa.Connection, user: str, items: Items, two_eyes: Collection[str] = ()) -> sa.Subquery:
    """`work_item_id` of those items at which `user` is asked: `panel` without listing everybody else."""
    if is_administrator(connection, user):  # where nobody is left: that takes a look at everybody
        everybody = panel(items, two_eyes)
        return sa.select(everybody.c.work_item_id).where(everybody.c.user_name == user).subquery("mine")
    return _asked(items, two_eyes, _user.c.name == user).subquery("mine")


def _active() -> sa.ColumnElement[bool]:
    return _user.c.removed_at.is_(None)


def _asked(items: Items, two_eyes: Collection[str], *who: sa.ColumnElement[bool]) -> sa.CompoundSelect[Any]:
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


def _keeps_seat() -> sa.ColumnElement[bool]:
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


def _independent(two_eyes: Collection[str]) -> sa.ColumnElement[bool]:
    """Four eyes: nobody approves what they contributed to."""
    contributed = sa.exists().where(
        _contributor.c.proposal_id == _item.c.proposal_id, _contributor.c.user_name == _user.c.name
    )
    if not two_eyes:
        return sa.not_(contributed)
    return sa.or_(sa.not_(contributed), _item.c.settings_sha256.in_(list(two_eyes)))
