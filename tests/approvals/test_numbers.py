"""Numbers of proposals: in the order of the file, each once, and seen by nobody before the run is applied."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from .office import Office

CHANGES = {f"C-{at:02}": {"credit_limit": str(2000 + at)} for at in (7, 3, 5)}


def test_new_proposals_are_numbered_in_the_order_of_the_rows(office: Office) -> None:
    first = [int(line["proposal_id"]) for line in office.tonight(CHANGES).results]
    assert first == list(range(first[0], first[0] + 3))
    later = office.tonight({**CHANGES, "C-09": {"credit_limit": "2009"}})
    assert [int(line["proposal_id"]) for line in later.results] == [*first, first[-1] + 1]
    assert office.set("anna", "usmf", "C-11", "credit_limit=2011")["proposal"]["id"] == first[-1] + 2


def test_a_number_that_was_taken_stays_unseen_until_the_run_is_applied(office: Office) -> None:
    rows = "".join(f"{account},{row['credit_limit']}\n" for account, row in CHANGES.items())
    plan = office.plan(office.write("plan.csv", f"customer_account,credit_limit\n{rows}"))
    _take_numbers(office, plan.summary["run_id"], plan.summary["sequence"])
    office.importer("report", plan.summary["run_id"], "--output", "again")
    results = (office.folder / "again" / "results.csv").read_text(encoding="utf-8-sig")
    assert results.count(",proposed,no,") == 3
    assert "777" not in results
    assert "777" not in (office.folder / "again" / "changes.csv").read_text(encoding="utf-8-sig")
    applied = office.apply(plan)
    assert [line["proposal_id"] for line in applied.results] == ["777002", "777003", "777004"]


def _take_numbers(office: Office, run_id: str, sequence: int) -> None:
    """As a run leaves them that ended between numbering and applying."""
    if not office.database.startswith("sqlite"):
        office.sql(f"UPDATE importer.run_{sequence}_outcome SET proposal_id = 777000 + row")
        return
    main = Path(office.database.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(main.with_name(f"{main.name}.runs") / f"{run_id}.db")) as side:
        side.execute("UPDATE outcome SET proposal_id = 777000 + row")
        side.commit()
