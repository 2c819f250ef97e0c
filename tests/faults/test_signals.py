"""Ctrl-C and SIGTERM: an end within two seconds, the target unchanged or complete, staging dropped, a sentence."""

from __future__ import annotations

import signal
import time

import pytest
import sqlalchemy as sa

from importer.cli.signals import LONGEST

from .conftest import LONG, Stock, places
from .test_kills import COMPLETE, PLACES, check_again
from .test_server_stops import Pause
from .workshop import Ended, Place, Running, wait_until

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
SOONEST = 2.0 if LONG else 4.0  # seconds; other processes of a test run take their share


@pytest.mark.parametrize("where", places(PLACES, ("decided", "journalled", "write changes.csv", "write results.csv")))
def test_stopped_anywhere(stock: Stock, place: Place, where: str) -> None:
    number = signal.SIGTERM if PLACES.index(where) % 2 else signal.SIGINT
    noted = place.folder.parent / f"{place.folder.name}.signalled"
    ended = place.night(at=[where, 1], happens="signal", number=number, noted=str(noted)).wait()
    seconds = time.monotonic() - float(noted.read_text(encoding="utf-8"))
    check_stopped(ended, number, seconds)
    assert is_applied(stock, place) or not place.leftovers()
    check_again(stock, place, was_complete=where in COMPLETE)


@pytest.mark.parametrize("number", CODES, ids=["SIGINT", "SIGTERM"])
def test_stopped_inside_a_long_statement(stock: Stock, place: Place, number: signal.Signals) -> None:
    slow = Slow(place)
    running = place.night()
    slow.wait_for_it()
    ended, seconds = stop(running, number)
    check_stopped(ended, number, seconds)
    assert not is_applied(stock, place)
    assert not place.leftovers()
    slow.end()
    check_again(stock, place)


def test_the_last_resort_leaves_staging_to_the_next_run(stock: Stock, place: Place) -> None:
    """Who writes a report does not come back, as with a disk that is gone: the way out would wait for ever."""
    with Pause(place.folder) as pause:
        running = place.night(at=["write results.csv", 1], happens="pause", pipes=pause.pipes)
        pause.wait()
        ended, seconds = stop(running, signal.SIGTERM)
    check_stopped(ended, signal.SIGTERM, seconds)
    assert seconds >= LONGEST
    is_applied(stock, place)
    assert place.leftovers()
    check_again(stock, place)  # and nothing is left after it


def stop(running: Running, number: signal.Signals) -> tuple[Ended, float]:
    """How it ended, and in how many seconds."""
    start = time.monotonic()
    running.send(number)
    ended = running.wait()
    return ended, time.monotonic() - start


def is_applied(stock: Stock, place: Place) -> bool:
    """By what the run says; the state of everything else agrees."""
    applied = any(run["status"] == "applied" and run["started_at"] > stock.loaded for run in place.runs())
    assert place.state == (stock.after if applied else stock.before)
    return applied


def check_stopped(ended: Ended, number: signal.Signals, seconds: float) -> None:
    assert ended.code == CODES[number], ended
    assert ended.err.strip().splitlines()[-1].startswith(WORDS[number]), ended.err
    assert seconds < SOONEST


class Slow:
    """The table's owner has a trigger that takes minutes."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._is_sqlite = place.url.startswith("sqlite")
        if self._is_sqlite:
            count = (
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1e9) SELECT count(*) FROM c"
            )
            self._do(f"CREATE TRIGGER slow BEFORE INSERT ON customer BEGIN {count}; END")
            return
        self._do(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(300); RETURN NEW; END'"
        )
        self._do("CREATE TRIGGER slow BEFORE INSERT ON customer FOR EACH ROW EXECUTE FUNCTION slow()")

    def wait_for_it(self) -> None:
        wait_until(self._is_there, "the slow statement")
        time.sleep(0.5)  # from the announcement of applying to the statement on SQLite, which nobody sees from outside

    def _is_there(self) -> bool:
        if self._is_sqlite:
            return any(run["status"] == "applying" for run in self._place.runs())
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        return bool(self._do(sleeping))

    def end(self) -> None:
        self._do("DROP TRIGGER slow" + ("" if self._is_sqlite else " ON customer"))

    def _do(self, statement: str) -> int:
        engine = sa.create_engine(self._place.url, poolclass=sa.pool.NullPool)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return int(result.scalar() or 0) if result.returns_rows else 0
