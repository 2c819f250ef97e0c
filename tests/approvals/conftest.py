"""Offices to work in: sixty-two customers, ten users, groups; a database of its own each, copied from one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from .office import ADMIN, GROUPS, RUNNER, USERS, Office, customers

if TYPE_CHECKING:
    from ..conftest import Databases

MakeOffice = Callable[[], Office]


@pytest.fixture(scope="session")
def furnished() -> dict[str, str]:
    """Databases with customers and people, to be copied: by kind."""
    return {}


class Builder:
    """Makes offices and takes their databases away again."""

    def __init__(self, databases: Databases, furnished: dict[str, str], folders: pytest.TempPathFactory) -> None:
        self._databases = databases
        self._furnished = furnished
        self._folders = folders
        self._made: list[str] = []

    def make(self) -> Office:
        kind = self._databases.kind
        if kind not in self._furnished:
            self._furnished[kind] = self._furnish()
        url = self._databases.create(self._furnished[kind])
        self._made.append(url)
        return Office(self._folders.mktemp("office"), url)

    def _furnish(self) -> str:
        url = self._databases.create()
        office = Office(self._folders.mktemp("furnished"), url)
        loaded = office.night(customers(), source="base")
        assert loaded.exit_code == 0, loaded.answer
        assert office.as_user(RUNNER, "users", "add", ADMIN).exit_code == 0
        for user in USERS:
            assert office.as_user(ADMIN, "users", "add", user).exit_code == 0
        for group, members in GROUPS.items():
            assert office.as_user(ADMIN, "groups", "add", group, *members).exit_code == 0
        return url

    def close(self) -> None:
        for url in self._made:
            self._databases.drop(url)


@pytest.fixture(scope="module")
def shared_office(
    databases: Databases, furnished: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """For tests of one module that each use customers of their own."""
    builder = Builder(databases, furnished, tmp_path_factory)
    yield builder.make()
    builder.close()


@pytest.fixture
def office(
    databases: Databases, furnished: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    builder = Builder(databases, furnished, tmp_path_factory)
    yield builder.make()
    builder.close()
