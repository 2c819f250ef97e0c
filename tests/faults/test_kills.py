"""SIGKILL at every place of the story, and at any moment: before or after, never between; the same command is right."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from .conftest import KINDS, UNTIL_COMMITTED, Stock, on, places, times
from .workshop import REPORTS, Ended, Place

PLACES = (
    *UNTIL_COMMITTED,
    *(f"{step} {name}" for name in sorted(REPORTS) for step in ("write", "fsync", "rename")),
    "fsync folder",
    "published",
    "finished",
    "dropped",
)
COMPLETE = ("finished", "dropped")


SHORT = (
    ("sqlite", "staged"),
    ("sqlite", "before commit"),
    ("sqlite", "rename errors.csv"),
    ("postgresql", "committed"),
    ("postgresql", "finished"),
)
BOTH = tuple((kind, where) for kind in KINDS for where in PLACES)


@pytest.mark.parametrize(("databases", "where"), [on(*case) for case in places(BOTH, SHORT)], indirect=["databases"])
def test_killed_anywhere_the_same_command_is_right(stock: Stock, place: Place, where: str) -> None:
    assert place.night(at=[where, 1], happens="kill").wait().code == -signal.SIGKILL, "it did not come there"
    assert place.state in (stock.before, stock.after)
    check_again(stock, place, was_complete=where in COMPLETE)


@pytest.mark.parametrize("part", range(times(1, 10)))
def test_killed_at_any_moment_the_same_command_is_right(stock: Stock, part: int) -> None:
    dice = random.Random(20261120 + part)
    killed = 0
    for _ in range(times(1, 10)):
        place = stock.place()
        running = place.night()
        time.sleep(dice.uniform(0, stock.seconds * 1.1))
        running.send(signal.SIGKILL)
        ended = running.wait()
        killed += ended.code == -signal.SIGKILL
        assert place.state in (stock.before, stock.after)
        finished = [run for run in place.runs() if run["status"] == "applied" and run["unfinished"] is None]
        check_again(stock, place, was_complete=len(finished) > 1)
        stock.drop(place)
    assert killed > 0


@pytest.mark.parametrize(
    ("databases", "where"), [on("sqlite", where) for where in ("before commit", "committed")], indirect=["databases"]
)
def test_killed_with_its_machine_the_same_command_is_right(stock: Stock, place: Place, where: str) -> None:
    """The side file was never waited for: after the next start nobody takes what is left of it for whole."""
    assert place.night(at=[where, 1], happens="kill").wait().code == -signal.SIGKILL, "it did not come there"
    (side,) = place.side_folder.glob("*.db")
    if len(side.suffixes) == 1:
        pytest.skip("this system doesn't tell one start from another, so the side file is waited for")
    os.truncate(side, side.stat().st_size // 2)
    side.rename(side.with_name(f"{side.name.partition('.')[0]}.00000000.db"))
    check_again(stock, place)


def check_again(stock: Stock, place: Place, *, was_complete: bool = False) -> Ended:
    """The same command again ends as an undisturbed one."""
    again = place.night().wait()
    expected = stock.again if was_complete else stock.answer
    assert again.code == 3, again
    assert again.json["counts"] == expected.json["counts"]
    assert again.json["proposals"] == expected.json["proposals"]
    state = place.state
    assert state.target == stock.after.target
    assert state.proposals == stock.after.proposals
    if not was_complete:
        assert state == stock.after
    assert {run["status"] for run in place.runs()} <= {"applied", "failed"}
    assert not place.leftovers()
    place.check_reports()
    return again
