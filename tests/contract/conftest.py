"""Projects to work in: empty, or stocked with the customers of `tests/golden/current.csv`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .harness import REPOSITORY, Project

GOLDEN = REPOSITORY / "tests" / "golden"
CURRENT = (GOLDEN / "current.csv").read_text(encoding="utf-8")
MakeProject = Callable[..., Project]


@pytest.fixture(scope="session")
def stocked_databases() -> dict[tuple[str, str], str]:
    """Databases already filled, to be copied: by kind and hash of what was loaded."""
    return {}


@pytest.fixture(scope="module")
def make_project(
    databases, stocked_databases: dict[tuple[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeProject]:
    """Makes projects whose table holds `current` (CSV with all columns named, loaded by the importer itself)."""
    made = []

    def stocked(current: str) -> str:
        place = (databases.kind, hashlib.sha256(current.encode()).hexdigest())
        if place not in stocked_databases:
            stocked_databases[place] = databases.create()
            project = Project(tmp_path_factory.mktemp("stock"), stocked_databases[place])
            loaded = project.run(project.write("base.csv", current), "--source", "base")
            assert loaded.exit_code == 0, loaded.answer
        return stocked_databases[place]

    def make(current: str | None = CURRENT) -> Project:
        url = databases.create(stocked(current) if current else None)
        made.append(url)
        return Project(tmp_path_factory.mktemp("project"), url)

    yield make
    for url in made:
        databases.drop(url)


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
