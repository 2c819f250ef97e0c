"""Places to work in, for each database: a folder, the night's file, and a database stocked with customers."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import pytest
import sqlalchemy as sa
from contract.harness import SCHEMAS

from .workshop import PASSWORD, Ended, Launcher, Place, State, customers, night

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from ..conftest import Databases

T = TypeVar("T")
ROWS = 60
KINDS = ("sqlite", "postgresql")
UNTIL_COMMITTED = (
    "started",
    "staged",
    "decided",
    "planned",
    "announced",
    "numbered",
    "rechecked",
    "written",
    "proposed",
    "journalled",
    "before commit",
    "committed",
)
"""Places of the story before the reports, in order."""
LONG = os.environ.get("IMPORTER_TEST_FAULTS") == "long"
"""`make faults`: as often as the project promises."""


def times(short: int, long: int) -> int:
    return long if LONG else short


def on(kind: str, *others: object) -> ParameterSet:
    """A case for this kind of database."""
    return pytest.param(kind, *others, marks=[pytest.mark.postgres] if kind == "postgresql" else [])


def shortly_on(kind: str) -> pytest.MarkDecorator:
    """Both databases in the long version, the short one makes do with one."""
    return pytest.mark.parametrize("databases", [on(each) for each in (KINDS if LONG else [kind])], indirect=True)


def places(every: Sequence[T], short: Sequence[T]) -> Sequence[T]:
    assert set(short) <= set(every)
    return every if LONG else short


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    found = Launcher()
    yield found
    found.close()


class Stock:
    """Databases with customers to start from, and what an undisturbed night makes of them.

    `like`: another server's, where the night has been seen already.
    """

    def __init__(
        self, launcher: Launcher, databases: Databases, folders: pytest.TempPathFactory, like: Stock | None = None
    ) -> None:
        self._launcher = launcher
        self._databases = databases
        self._folders = folders
        self.schemas = folders.mktemp("schemas") / "schemas"
        shutil.copytree(SCHEMAS, self.schemas, ignore=shutil.ignore_patterns("__pycache__"))
        text = (self.schemas / "customer.toml").read_text(encoding="utf-8")
        for limit in ("max_rejected", "max_changed", "max_proposed", "max_cleared"):
            text = text.replace(f"\n{limit} ", f'\n{limit} = "100%" # ')
        (self.schemas / "customer.toml").write_text(text, encoding="utf-8")
        self._template: str | None = None
        base = self.place()
        (base.folder / "base.csv").write_text(customers(ROWS), encoding="utf-8")
        loaded = base.run("run", "base.csv", "--output", "base", "--json")
        assert loaded.code == 0, loaded
        self._template = base.url
        self.before = base.state
        self.loaded: str = base.runs()[0]["finished_at"]
        if like is None:
            self._see_a_night()
        else:
            self.seconds, self.answer, self.after, self.again = like.seconds, like.answer, like.after, like.again

    def _see_a_night(self) -> None:
        once = self.place()
        begun = time.monotonic()
        self.answer: Ended = once.night().wait()
        self.seconds = time.monotonic() - begun
        assert self.answer.code == 3, self.answer
        self.after: State = once.state
        self.again: Ended = once.night().wait()
        assert self.again.code == 3, self.again
        assert once.state.target == self.after.target
        assert not once.leftovers()

    def place(self) -> Place:
        url = with_password(self._databases.create(self._template))
        folder = self._folders.mktemp("place")
        (folder / "night.csv").write_text(night(ROWS), encoding="utf-8")
        return Place(self._launcher, folder, url, self.schemas)

    def drop(self, place: Place) -> None:
        self._databases.drop(place.url)
        shutil.rmtree(place.folder, ignore_errors=True)


def with_password(url: str) -> str:
    """With one that nobody may ever say; a server that trusts asks for none."""
    parts = sa.make_url(url)
    if parts.get_backend_name() == "postgresql" and not parts.password:
        parts = parts.set(password=PASSWORD)
    return parts.render_as_string(hide_password=False)


class Stocks:
    """One stock for each place that databases come from, made when it is asked for first."""

    def __init__(self, launcher: Launcher, folders: pytest.TempPathFactory) -> None:
        self._launcher = launcher
        self._folders = folders
        self._made: dict[int, Stock] = {}

    def of(self, databases: Databases) -> Stock:
        if id(databases) not in self._made:
            self._made[id(databases)] = Stock(self._launcher, databases, self._folders)
        return self._made[id(databases)]


@pytest.fixture(scope="session")
def stocks(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Stocks:
    return Stocks(launcher, tmp_path_factory)


@pytest.fixture(scope="module")
def stock(databases: Databases, stocks: Stocks) -> Stock:
    return stocks.of(databases)


@pytest.fixture
def place(stock: Stock) -> Iterator[Place]:
    found = stock.place()
    yield found
    stock.drop(found)
