"""Who works where: what the command line hands to the stories."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from importer.entity import DataEntity
from importer.storage import runs
from importer.storage.database import Database
from importer.storage.holder import Holder
from importer.storage.runs import Actor
from importer.storage.target import Target


class Progress(Protocol):
    """Hears how far an import is; the command line shows it."""

    def phase(self, name: str) -> None: ...
    def rows(self, rows: int, share: float) -> None: ...
    def note(self, sentence: str) -> None: ...


class Silent:
    """Nobody watches."""

    def phase(self, name: str) -> None:
        """Not shown."""

    def rows(self, rows: int, share: float) -> None:
        """Not shown."""

    def note(self, sentence: str) -> None:
        """Not shown."""


@dataclass
class Timings:
    """Seconds per phase, for the summary."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str, progress: Progress) -> Iterator[None]:
        progress.phase(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


@dataclass(frozen=True)
class Session:
    """Entities, database, and what is known of the person. `user` is trusted and recorded beside `login` and `host`.

    `targets`: the entities' tables as this command has seen them last. Who plans or applies looks anew; reports, of a
    run whose tables were made for a target that was seen, need not.
    """

    entities: Mapping[str, DataEntity]
    database: Database
    user: str
    login: str
    host: str
    command: str
    progress: Progress = field(default_factory=Silent)
    timings: Timings = field(default_factory=Timings)
    targets: dict[str, Target] = field(default_factory=dict)

    def actor(self, requested_by: str | None = None) -> Actor:
        return Actor(self.user, self.login, self.host, runs.now(), requested_by)

    def holder(self, run_id: str) -> Holder:
        """Who is named to others that wait for the run."""
        return Holder(run_id, self.user, self.host, runs.now())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        with self.timings.phase(name, self.progress):
            yield
