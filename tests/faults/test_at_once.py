"""Runs at the same time, again and again, and with a clock that is wrong."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import closing

import pytest
import sqlalchemy as sa

from importer.storage import control
from importer.storage.database import Database

from .conftest import Stock, shortly_on, times
from .test_server_stops import Pause
from .workshop import Place, Reader, State, customers


@pytest.mark.parametrize("part", range(times(1, 5)))
def test_two_runs_of_the_same_file(stock: Stock, part: int) -> None:
    codes: Counter[int] = Counter()
    for _ in range(times(1, 10)):
        place = stock.place()
        pair = [place.start("run", "night.csv", "--output", f"out{number}", "--json") for number in range(2)]
        ended = [running.wait() for running in pair]
        codes.update(one.code for one in ended)
        assert {one.code for one in ended} <= {3, 75}, ended
        assert "target_changed" not in str([one.json.get("rejected_by_code") for one in ended]), "planned anew"
        state = place.state
        assert state.target == stock.after.target
        assert state.proposals == stock.after.proposals
        written = [line for line in state.journal if "written" in line]
        assert len(set(written)) == len(written) > 0, "nothing is written twice"
        assert not place.leftovers()
        stock.drop(place)
    assert codes[3] > 0


@shortly_on("sqlite")
def test_what_nobody_reviewed_is_planned_anew(stock: Stock, place: Place) -> None:
    """The second run of a file, planned before the first was applied, ends as if it had begun after it."""
    with Pause(place.folder) as pause:
        second = place.night(at=["planned", 1], happens="pause", pipes=pause.pipes)
        pause.wait()
        first = place.run("run", "night.csv", "--output", "first", "--json")
        pause.go_on()
    assert first.json["counts"] == stock.answer.json["counts"]
    ended = second.wait()
    assert ended.code == 3, ended
    assert "planning again" in ended.err
    assert ended.json["counts"] == stock.again.json["counts"]
    assert ended.json["proposals"] == stock.again.json["proposals"]
    assert [run["status"] for run in place.runs()] == ["applied", "failed", "applied", "applied"]
    assert place.state.target == stock.after.target
    assert place.state.proposals == stock.after.proposals
    assert not place.leftovers()
    place.check_reports()


@shortly_on("postgresql")
def test_a_run_takes_over_from_the_same_one_that_dies(stock: Stock, place: Place) -> None:
    """Whether the other's COMMIT comes is waited for."""
    with Pause(place.folder) as pause:
        first = place.start("run", "night.csv", "--json", at=["before commit", 1], happens="pause", pipes=pause.pipes)
        pause.wait()
        second = place.night()
        time.sleep(0.5)  # it waits now, or comes too late to wait: right in either case
        first.send(signal.SIGKILL)
        assert first.wait().code == -signal.SIGKILL
        ended = second.wait()
    assert ended.code == 3, ended
    assert ended.json["counts"] == stock.answer.json["counts"]
    assert place.state == stock.after
    assert [run["status"] for run in place.runs()] == ["applied", "failed", "applied"]
    assert not place.leftovers()


@shortly_on("postgresql")
def test_many_files_of_one_entity(stock: Stock, place: Place) -> None:
    number = times(3, 20)
    for at in range(number):
        lines = customers(60, sales_memo=f"file {at}").splitlines()
        mine = [line for row, line in enumerate(lines[1:]) if row % number == at]
        (place.folder / f"file{at}.csv").write_text("\n".join([lines[0], *mine]) + "\n", encoding="utf-8")
    together = [place.start("run", f"file{at}.csv", "--output", f"out{at}", "--json") for at in range(number)]
    ended = [running.wait() for running in together]
    assert {one.code for one in ended} <= {0, 75}, ended
    for at, one in enumerate(ended):
        if one.code == 75:  # told to come again, and coming again is right
            assert place.run("run", f"file{at}.csv", "--output", f"out{at}", "--json").code == 0
        place.check_reports(f"out{at}")
    applied = [run for run in place.runs() if run["status"] == "applied"]
    assert len(applied) == number + 1
    orders = [run["applied_order"] for run in applied]
    assert sorted(orders) == list(range(1, number + 2))
    memos = {row[1]: row for row in place.state.target}
    assert sum("file " in str(row) for row in memos.values()) == 20


@shortly_on("sqlite")
def test_the_same_small_file_again_and_again(stock: Stock, place: Place) -> None:
    (place.folder / "night.csv").write_text(customers(60, sales_memo="new"), encoding="utf-8")
    assert place.night().wait().code == 0
    before, state = rows(place), place.state
    repeats = times(1, 200)
    for _ in range(repeats):
        again = place.night().wait()
        assert again.code == 0, again
        assert again.json["counts"]["unchanged"] == 60
    after = rows(place)
    assert after.pop("importer_run") == before.pop("importer_run") + repeats
    assert after == before
    now = place.state
    assert (now.target, now.journal, now.outcomes) == (state.target, state.journal, state.outcomes)


def rows(place: Place) -> dict[str, int]:
    with closing(Reader(Database(place.url))) as read:
        return {
            table.name: read(sa.select(sa.func.count()).select_from(table))[0][0]
            for table in control.metadata.tables.values()
        }


@shortly_on("sqlite")
def test_a_clock_that_goes_back_between_plan_and_apply(stock: Stock, place: Place) -> None:
    """Sequence decides, not time: what was applied last is last."""
    (place.folder / "later.csv").write_text("customer_account,sales_memo\nC-0002,later\n", encoding="utf-8")
    planned = place.run("plan", "night.csv", "--output", "out", "--json").json
    assert place.run("apply", planned["run_id"], "--output", "out", "--json", clock=-3600).code == 3
    assert place.run("run", "later.csv", "--output", "later", "--json", clock=-7200).code == 0
    assert place.state.target[1] != stock.after.target[1]
    refused = place.run("run", "night.csv", "--output", "again", "--json", clock=-10800)
    assert refused.code == 5, "the file of before, though its clock says otherwise"
    orders = {run["file_path"].rpartition("/")[2]: run["applied_order"] for run in place.runs() if run["applied_order"]}
    assert orders["base.csv"] < orders["night.csv"] < orders["later.csv"]
    history = place.run("proposals", "history", "--json").json
    assert {event["action"] for event in history}
    assert State.of(place.url).proposals == stock.after.proposals
