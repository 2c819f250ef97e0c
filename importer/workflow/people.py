"""Users and groups: who may be asked. Administrators only, once one exists; the first user added is one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from importer.entity import nearest
from importer.errors import SetupError
from importer.storage import control
from importer.storage.runs import Actor

_user = control.user
_member = control.group_member


class NotAllowed(SetupError):
    """Only administrators manage people, once there is one."""


def record_refusal(connection: sa.Connection, actor: Actor, action: str, error: NotAllowed) -> None:
    _record(connection, actor, f"{action}_refused", error.message)


def active_users(connection: sa.Connection) -> dict[str, bool]:
    """Every user that was not removed, and whether they administer."""
    rows = connection.execute(sa.select(_user.c.name, _user.c.is_admin).where(_user.c.removed_at.is_(None)))
    return {name: bool(is_admin) for name, is_admin in rows}


def is_administrator(connection: sa.Connection, name: str) -> bool:
    return active_users(connection).get(name, False)


def add_user(connection: sa.Connection, actor: Actor, name: str, *, admin: bool) -> dict[str, Any]:
    """The first user is an administrator. Adding again changes the rights or brings a removed user back."""
    users = active_users(connection)
    _require_administrator(users, actor)
    is_admin = admin or not any(users.values())
    connection.execute(sa.delete(_user).where(_user.c.name == name))
    values = {"name": name, "is_admin": is_admin, "added_at": actor.at, "added_by": actor.user}
    connection.execute(sa.insert(_user).values(**values))
    _record(connection, actor, "user_added", f"{name}{' (administrator)' if is_admin else ''}")
    return {"name": name, "admin": is_admin, "groups": groups_of(connection, name)}


def remove_user(connection: sa.Connection, actor: Actor, name: str) -> dict[str, Any]:
    users = active_users(connection)
    _require_administrator(users, actor)
    _require_user(users, name)
    if users[name] and sum(users.values()) == 1 and len(users) > 1:
        raise SetupError(
            f"{name} is the only administrator", hint="make somebody else one first: users add NAME --admin"
        )
    connection.execute(sa.update(_user).where(_user.c.name == name).values(removed_at=actor.at))
    connection.execute(sa.delete(_member).where(_member.c.user_name == name))
    _record(connection, actor, "user_removed", name)
    return {"name": name, "removed": True}


def list_users(connection: sa.Connection) -> list[dict[str, Any]]:
    users = active_users(connection)
    return [{"name": name, "admin": users[name], "groups": groups_of(connection, name)} for name in sorted(users)]


def groups_of(connection: sa.Connection, name: str) -> list[str]:
    select = sa.select(_member.c.group_name).where(_member.c.user_name == name).order_by(_member.c.group_name)
    return list(connection.scalars(select))


def add_members(connection: sa.Connection, actor: Actor, group: str, names: tuple[str, ...]) -> dict[str, Any]:
    users = active_users(connection)
    _require_administrator(users, actor)
    for name in names:
        _require_user(users, name)
    known = set(connection.scalars(sa.select(_member.c.user_name).where(_member.c.group_name == group)))
    for name in dict.fromkeys(names):
        if name not in known:
            values = {"group_name": group, "user_name": name, "added_at": actor.at, "added_by": actor.user}
            connection.execute(sa.insert(_member).values(**values))
            _record(connection, actor, "member_added", f"{group}: {name}")
    return {"group": group, "members": members_of(connection, group)}


def remove_members(connection: sa.Connection, actor: Actor, group: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Without names the whole group."""
    _require_administrator(active_users(connection), actor)
    members = members_of(connection, group)
    if not members:
        groups = connection.scalars(sa.select(_member.c.group_name).distinct()).all()
        raise SetupError(f"there is no group {group!r}{nearest(group, groups) if groups else ''}")
    for name in names:
        if name not in members:
            raise SetupError(f"{name!r} is not in the group {group!r}{nearest(name, members)}")
    gone = names or tuple(members)
    connection.execute(sa.delete(_member).where(_member.c.group_name == group, _member.c.user_name.in_(gone)))
    _record(connection, actor, "member_removed", f"{group}: {', '.join(gone)}")
    return {"group": group, "members": members_of(connection, group)}


def members_of(connection: sa.Connection, group: str) -> list[str]:
    select = sa.select(_member.c.user_name).where(_member.c.group_name == group).order_by(_member.c.user_name)
    return list(connection.scalars(select))


def list_groups(connection: sa.Connection) -> list[dict[str, Any]]:
    names = connection.scalars(sa.select(_member.c.group_name).distinct().order_by(_member.c.group_name)).all()
    return [{"group": name, "members": members_of(connection, name)} for name in names]


def _require_administrator(users: dict[str, bool], actor: Actor) -> None:
    if any(users.values()) and not users.get(actor.user, False):
        admins = ", ".join(sorted(name for name, is_admin in users.items() if is_admin))
        raise NotAllowed(
            f"{actor.user} is no administrator: users and groups are theirs to change", hint=f"ask {admins}"
        )


def _require_user(users: dict[str, bool], name: str) -> None:
    if name not in users:
        raise SetupError(
            f"there is no user {name!r}{nearest(name, users) if users else ''}", hint=f"importer users add {name}"
        )


def _record(connection: sa.Connection, actor: Actor, action: str, comment: str) -> None:
    connection.execute(sa.insert(control.history).values(**actor.stamp, action=action, comment=comment))
