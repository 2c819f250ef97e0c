"""Connections that break: at COMMIT the run's own row tells what happened, anywhere else nothing did."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
import sqlalchemy as sa

from .conftest import LONG, Stock, times
from .proxy import Chooser, Cut, Proxy
from .test_kills import check_again
from .test_signals import check_stopped
from .workshop import PASSWORD, Place

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module", params=[pytest.param("postgresql", marks=pytest.mark.postgres)])
def databases(request: pytest.FixtureRequest):
    return request.getfixturevalue("postgres_databases")


def upstream(url: str) -> str:
    where = sa.make_url(url)
    folder = where.query.get("host") or where.host
    return f"{folder}/.s.PGSQL.{where.port or 5432}"


def through(place: Place, proxy: Proxy) -> Place:
    """The same place, its database reached through the proxy, with a password that nobody may ever say."""
    where = sa.make_url(place.url)
    query = {"sslmode": "disable", "gssencmode": "disable"}
    url = where.set(host="127.0.0.1", port=proxy.port, password=PASSWORD, query=query)
    return replace(place, url=url.render_as_string(hide_password=False), folder=place.folder)


def at_commit(cut: Cut) -> Chooser:
    """At the COMMIT of the transaction that applies the run."""

    def choose(statement: str, said: set[str]) -> Cut | None:
        applies = any("applied_order=" in other for other in said)
        return cut if statement == "COMMIT" and applies else None

    return choose


def at_message(number: int, cut: Cut) -> Chooser:
    numbers = count(1)
    return lambda _statement, _said: cut if next(numbers) == number else None


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    made: list[Proxy] = []
    yield made
    for proxy in made:
        proxy.close()


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER, Cut.AT_ONCE] if LONG else [Cut.AFTER], ids=lambda cut: cut.name)
@pytest.mark.parametrize("stays_down", [False, True], ids=["back", "down"])
def test_cut_at_commit(stock: Stock, proxies: list[Proxy], cut: Cut, stays_down: bool) -> None:
    for _ in range(times(1, 17)):
        place = stock.place()
        proxy = Proxy(upstream(place.url), at_commit(cut))
        proxies.append(proxy)
        proxy.stays_down = stays_down
        ended = through(place, proxy).run("run", "night.csv", "--output", "out", "--json", "--wait", "1")
        assert proxy.has_cut.is_set()
        if stays_down:
            assert ended.code == 75, ended
            assert ended.json["error"]["message"]
            assert place.state in (stock.before, stock.after)
            check_again(stock, place)
        else:
            assert ended.code == 3, ended
            assert ended.json["counts"] == stock.answer.json["counts"]
            assert place.state == stock.after
            assert not place.leftovers()
            place.check_reports()
        stock.drop(place)


@pytest.mark.parametrize("part", range(times(1, 6)))
def test_cut_anywhere(stock: Stock, proxies: list[Proxy], part: int) -> None:
    """Lost in any phase: 75 and nothing done, or done and said; the same command again is right."""
    dice = random.Random(6 + part)
    for number in range(times(2, 10)):
        place = stock.place()
        proxy = Proxy(upstream(place.url), at_message(dice.randrange(1, 260), dice.choice([Cut.BEFORE, Cut.AT_ONCE])))
        proxies.append(proxy)
        proxy.stays_down = number % 2 == 1
        ended = through(place, proxy).run("run", "night.csv", "--output", "out", "--json", "--wait", "1")
        assert ended.code in (3, 6, 75), ended
        state = place.state
        assert state in (stock.before, stock.after)
        if ended.code in (3, 6):
            assert state == stock.after
        finished = [run for run in place.runs() if run["status"] == "applied" and run["unfinished"] is None]
        check_again(stock, place, was_complete=len(finished) > 1)
        stock.drop(place)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM] if LONG else [signal.SIGTERM], ids=lambda n: n.name)
@pytest.mark.parametrize("text", ["COPY (", "FROM STDIN", "UPDATE customer", "COMMIT"] if LONG else ["COPY ("])
def test_stopped_while_the_server_is_silent(
    stock: Stock, place: Place, proxies: list[Proxy], text: str, number: signal.Signals
) -> None:
    """No answer comes any more: a signal is heard all the same."""
    proxy = Proxy(upstream(place.url), lambda statement, _said: Cut.STALL if text in statement else None)
    proxies.append(proxy)
    running = through(place, proxy).night()
    assert proxy.has_cut.wait(60)
    time.sleep(0.3)
    start = time.monotonic()
    running.send(number)
    ended = running.wait()
    check_stopped(ended, number, time.monotonic() - start)
    state = place.state
    assert state in (stock.before, stock.after)
    proxy.close()
    finished = [run for run in place.runs() if run["status"] == "applied" and run["unfinished"] is None]
    check_again(stock, place, was_complete=len(finished) > 1)
