"""Ctrl-C and SIGTERM: an end within two seconds, the target unchanged or complete, staging dropped, a sentence."""

from __future__ import annotations

import signal
import time

import pytest
import sqlalchemy as sa

from .conftest import LONG, Stock, places
from .test_kills import COMPLETE, PLACES, check_again
from .workshop import Ended, Place, wait_until

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
SOONEST = 2.0 if LONG else 10.0  # seconds; other processes of a test run take their share
LAST_RESORT = "only the last resort leaves staging to the next run"


@pytest.mark.parametrize("where", places(PLACES, ("decided", "journalled", "write results.csv")))
def test_stopped_anywhere(stock: Stock, place: Place, where: str) -> None:
    number = signal.SIGTERM if PLACES.index(where) % 2 else signal.SIGINT
    ended = place.night(at=[where, 1], happens="signal", number=number).wait()
    check_stopped(ended, number)
    applied = [run for run in place.runs() if run["status"] == "applied" and run["started_at"] > stock.loaded]
    assert place.state == (stock.after if applied else stock.before)
    assert applied or not place.leftovers() or ended.err.startswith("\n"), LAST_RESORT
    check_again(stock, place, was_complete=where in COMPLETE)


@pytest.mark.parametrize("number", CODES, ids=["SIGINT", "SIGTERM"])
def test_stopped_inside_a_long_statement(stock: Stock, place: Place, number: signal.Signals) -> None:
    slow = Slow(place)
    running = place.night()
    slow.wait_for_it()
    start = time.monotonic()
    running.send(number)
    ended = running.wait()
    seconds = time.monotonic() - start
    check_stopped(ended, number)
    assert seconds < SOONEST
    assert place.state == stock.before
    assert not place.leftovers() or ended.err.startswith("\n"), LAST_RESORT
    slow.end()
    check_again(stock, place)


def check_stopped(ended: Ended, number: signal.Signals) -> None:
    assert ended.code == CODES[number], ended
    assert ended.err.strip().splitlines()[-1].startswith(WORDS[number]), ended.err


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
