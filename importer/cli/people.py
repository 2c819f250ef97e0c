"""`importer users` and `groups`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from importer.cli.answer import print_json, printable
from importer.cli.options import common, make_session


def _call(given: dict[str, Any], work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """One call on people, in a transaction of its own."""
    from importer.storage.migrate import ensure
    from importer.workflow import people

    session = make_session(given, "people", quiet=True)
    ensure(session.database)
    try:
        with session.database.begin(immediate=True) as connection:
            if work.__name__.startswith("list"):
                return work(connection)
            return work(connection, session.actor(), *arguments, **options)
    except people.NotAllowed as error:
        with session.database.begin(immediate=True) as connection:
            people.record_refusal(connection, session.actor(), work.__name__, error)
        raise


def _print_user(user: dict[str, Any]) -> None:
    rights = ", administrator" if user.get("admin") else ""
    groups = f"  ({', '.join(user['groups'])})" if user.get("groups") else ""
    click.echo(printable(f"{user['name']}{rights}{groups}"))


@click.group()
def users() -> None:
    """People who may be asked; the first user added is an administrator."""


@users.command("add")
@click.argument("name")
@click.option("--admin", is_flag=True, help="An administrator: manages users, groups, reassignment.")
@common
def add_user(name: str, admin: bool, **given: Any) -> None:
    """Add a user, or change their rights."""
    from importer.workflow import people

    answer = _call(given, people.add_user, name, admin=admin)
    if given["as_json"]:
        print_json(answer)
    else:
        _print_user(answer)


@users.command("remove")
@click.argument("name")
@common
def remove_user(name: str, **given: Any) -> None:
    """Remove a user; what they decided stays on record."""
    from importer.workflow import people

    answer = _call(given, people.remove_user, name)
    if given["as_json"]:
        print_json(answer)
    else:
        click.echo(printable(f"{name} is no user any more."))


@users.command("list")
@common
def list_users(**given: Any) -> None:
    """Every user, with rights and groups."""
    from importer.workflow import people

    answer = _call(given, people.list_users)
    if given["as_json"]:
        print_json(answer)
        return
    for user in answer:
        _print_user(user)


@click.group()
def groups() -> None:
    """Groups of users, asked together."""


def _print_group(group: dict[str, Any]) -> None:
    click.echo(printable(f"{group['group']}: {', '.join(group['members']) or '(nobody)'}"))


@groups.command("add")
@click.argument("group")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@common
def add_members(group: str, names: tuple[str, ...], **given: Any) -> None:
    """Add users to a group."""
    from importer.workflow import people

    answer = _call(given, people.add_members, group, names)
    if given["as_json"]:
        print_json(answer)
    else:
        _print_group(answer)


@groups.command("remove")
@click.argument("group")
@click.argument("names", nargs=-1, metavar="[NAME…]")
@common
def remove_members(group: str, names: tuple[str, ...], **given: Any) -> None:
    """Take users out of a group; without names the whole group."""
    from importer.workflow import people

    answer = _call(given, people.remove_members, group, names)
    if given["as_json"]:
        print_json(answer)
    else:
        _print_group(answer)


@groups.command("list")
@common
def list_groups(**given: Any) -> None:
    """Every group and its members."""
    from importer.workflow import people

    answer = _call(given, people.list_groups)
    if given["as_json"]:
        print_json(answer)
        return
    for group in answer:
        _print_group(group)
