"""Projects to work in: empty, or stocked with the customers of `tests/golden/current.csv`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .harness import REPOSITORY, Project

if TYPE_CHECKING:
    from ..conftest import Databases

GOLDEN = REPOSITORY / "tests" / "golden"
CURRENT = (GOLDEN / "current.csv").read_text(encoding="utf-8")
MakeProject = Callable[..., Project]


@pytest.fixture(scope="session")
def stocked_databases() -> dict[tuple[str, str], str]:
    """Databases already filled, to be copied: by kind and hash of what was loaded."""
    return {}


class Workshop:
    """Makes projects, each with a database of its own, and takes the databases away again."""

    def __init__(
        self, databases: Databases, stocked: dict[tuple[str, str], str], folders: pytest.TempPathFactory
    ) -> None:
        self._databases = databases
        self._stocked = stocked
        self._folders = folders
        self._made: list[str] = []

    def make(self, current: str | None = CURRENT) -> Project:
        """A project whose table holds `current` (CSV, all columns named), loaded by the importer itself."""
        url = self._databases.create(self._stock(current) if current else None)
        self._made.append(url)
        return Project(self._folders.mktemp("project"), url)

    def _stock(self, current: str) -> str:
        place = (self._databases.kind, hashlib.sha256(current.encode()).hexdigest())
        if place not in self._stocked:
            self._stocked[place] = self._databases.create()
            project = Project(self._folders.mktemp("stock"), self._stocked[place])
            loaded = project.run(project.write("base.csv", current), "--source", "base")
            assert loaded.exit_code == 0, loaded.answer
        return self._stocked[place]

    def close(self) -> None:
        for url in self._made:
            self._databases.drop(url)


@pytest.fixture(scope="module")
def make_module_project(
    databases: Databases, stocked_databases: dict[tuple[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeProject]:
    """For projects that the tests of a module share."""
    workshop = Workshop(databases, stocked_databases, tmp_path_factory)
    yield workshop.make
    workshop.close()


@pytest.fixture
def make_project(
    databases: Databases, stocked_databases: dict[tuple[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeProject]:
    """For projects of one test: on PostgreSQL a database that is dropped at once was never written to disk."""
    workshop = Workshop(databases, stocked_databases, tmp_path_factory)
    yield workshop.make
    workshop.close()


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """A project whose table holds the seven customers of `tests/golden/current.csv`."""
    return make_project()


@pytest.fixture
def empty_project(make_project: MakeProject) -> Project:
    return make_project(None)


@pytest.fixture
def plain_project(tmp_path: Path) -> Project:
    """For what does not depend on the database: an empty SQLite file."""
    return Project(tmp_path / "plain", f"sqlite:///{tmp_path}/importer.db")
