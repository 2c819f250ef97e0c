"""Who holds an entity is named: which run, of whom, where, since when."""

from __future__ import annotations

from .conftest import Stock
from .test_server_stops import Pause
from .workshop import Place


def test_who_holds_the_entity_is_named(stock: Stock, place: Place) -> None:
    """While one run applies, the second hears of whom it is, where, and since when."""
    (place.folder / "other.csv").write_text("customer_account,sales_memo\nC-0001,other\n", encoding="utf-8")
    planned = place.run("plan", "other.csv", "--output", "other", "--json").json["run_id"]
    with Pause(place.folder) as pause:
        first = place.start(
            *("run", "night.csv", "--output", "out", "--json"), at=["written", 1], happens="pause", pipes=pause.pipes
        )
        pause.wait()
        second = place.run("apply", planned, "--wait", "0.2", "--json")
        pause.go_on()
    assert first.wait().code == 3
    assert second.code == 75, second
    holder = next(run for run in place.runs() if run["file_path"].endswith("night.csv"))
    message = second.json["error"]["message"]
    assert [word for word in (holder["run_id"], "rosa", holder["host"][:8]) if word not in message] == []
    assert "since" in message or "started" in message
    again = place.run("apply", planned, "--json", "--output", "other")
    assert again.code in (0, 3), "the plan that was reviewed still stands"
