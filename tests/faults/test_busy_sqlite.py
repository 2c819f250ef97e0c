"""A SQLite file has one writer: whoever comes second waits as long as it was told."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from .conftest import Stock
from .test_kills import check_again
from .test_server_stops import Pause
from .workshop import Place, wait_until

if TYPE_CHECKING:
    from ..conftest import SqliteDatabases


@pytest.fixture(scope="module", params=["sqlite"])
def databases(sqlite_databases: SqliteDatabases) -> SqliteDatabases:
    return sqlite_databases


@pytest.mark.parametrize("wait", ["0", "20"])
def test_a_busy_file(stock: Stock, place: Place, wait: str) -> None:
    other = sqlite3.connect(sa.make_url(place.url).database or "", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    let_go = threading.Timer(1.5, other.execute, ("ROLLBACK",))
    if wait != "0":
        let_go.start()
    begun = time.monotonic()
    ended = place.run("run", "night.csv", "--output", "out", "--json", "--wait", wait)
    if wait == "0":
        assert ended.code == 75, ended
        assert time.monotonic() - begun < 30
        assert place.state == stock.before
        other.execute("ROLLBACK")
        check_again(stock, place)
    else:
        assert ended.code == 3, ended
        assert place.state == stock.after
    other.close()


def test_who_reads_the_side_file_keeps_nobody_from_applying(stock: Stock, place: Place) -> None:
    """As the thread does that writes tables ahead: applying begins, and ends when nobody reads any more."""
    with Pause(place.folder) as pause:
        running = place.night(at=["planned", 1], happens="pause", pipes=pause.pipes)
        pause.wait()
        (side,) = place.side_folder.glob("*.db")
        reader = sqlite3.connect(side, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM stage").fetchall()
        pause.go_on()
        wait_until(lambda: place.runs()[-1]["status"] == "applying", "the run to be applied")
        reader.execute("ROLLBACK")
        reader.close()
    assert running.wait().code == 3
    assert place.state == stock.after
