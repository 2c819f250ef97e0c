"""Nobody approves what they contributed to: by run, request, release, edit or submit, or by detour."""

from __future__ import annotations

import pytest

from .office import ADMIN, Office, step


def test_who_ran_the_import(office: Office) -> None:
    answer = office.importer(
        "run",
        office.write("x.csv", "customer_account,credit_limit\nC-01,9000\n"),
        "--json",
        env={"IMPORTER_USER": "ann"},
    )
    assert answer.exit_code == 0
    (proposal,) = office.proposals()
    assert "four eyes" in office.fails("ann", "approve", proposal["id"])
    assert "four eyes" in office.fails("ann", "reject", proposal["id"])
    assert office.work("ann") == []
    assert "four eyes" in office.fails("ann", "approve", "--run", answer.json["run_id"], "--yes")
    office.do("bob", "approve", proposal["id"])


def test_for_whom_it_was_run(office: Office) -> None:
    number = office.limit("C-01", "9000", "--requested-by", "ann")
    assert "four eyes" in office.fails("ann", "approve", number)
    submitted = next(each for each in office.history(number) if each["action"] == "submitted")
    assert (submitted["user"], submitted["on_behalf_of"]) == ("rosa", "ann")
    office.do("bob", "approve", number)


def test_who_planned_and_who_applied(office: Office) -> None:
    file = office.write("x.csv", "customer_account,credit_limit\nC-01,9000\n")
    run = office.as_user("ann", "plan", file, "--json").json["run_id"]
    assert office.as_user("bob", "apply", run, "--json").exit_code == 0
    (proposal,) = office.proposals()
    for user in ("ann", "bob"):
        assert "four eyes" in office.fails(user, "approve", proposal["id"])
    office.do("eve", "approve", proposal["id"])


def test_who_released_a_held_plan(office: Office) -> None:
    office.change({"limits.max_proposed": 0})
    file = office.write("x.csv", "customer_account,credit_limit\nC-01,9000\n")
    held = office.importer("run", file, "--json")
    assert held.exit_code == 4
    released = office.as_user("ann", "apply", held.json["run_id"], "--accept-limits", "--comment", "fine", "--json")
    assert released.exit_code == 0
    (proposal,) = office.proposals()
    assert "four eyes" in office.fails("ann", "approve", proposal["id"])
    office.do("bob", "approve", proposal["id"])


def test_who_edited_or_submitted(office: Office) -> None:
    number = office.set("ann", "usmf", "C-01", "credit_limit=9000")["proposal"]["id"]
    office.do("ann", "submit", number)
    assert "four eyes" in office.fails("ann", "approve", number)
    office.change({"workflow.auto_submit": False, "sources.0.owner": "user:bob"})
    drafted = office.limit("C-02", "9000")
    office.do("bob", "submit", drafted)
    assert "four eyes" in office.fails("bob", "approve", drafted)
    office.do("ann", "approve", drafted)


@pytest.mark.parametrize("way", ["delegation", "reassignment", "escalation", "fallback"])
def test_not_by_a_detour_either(office: Office, way: str) -> None:
    approvers = ["group:empty"] if way == "fallback" else ["group:credit"]
    office.change({"workflow.steps": [step("Review", *approvers, due="1 days", escalate_to=["user:cfo"])]})
    user = {"escalation": "cfo", "fallback": ADMIN}.get(way, "carl")
    file = office.write("x.csv", "customer_account,credit_limit\nC-01,9000\n")
    office.as_user(user, "run", file)
    number = office.proposals()[0]["id"]
    match way:
        case "delegation":
            assert "four eyes" in office.fails("ann", "delegate", number, "--to", user)
        case "reassignment":
            assert "four eyes" in office.fails(ADMIN, "reassign", number, "--to", user)
        case "escalation":
            name = office.control("work_item")
            office.sql(f"UPDATE {name} SET due_at = '2020-01-01T00:00:00.000000Z'")
            assert office.importer("tick", "--json").json["escalated"] == 1
            assert office.work(ADMIN) == [number], "only who contributed is left: the administrators"
    assert office.work(user) == []
    assert "four eyes" in office.fails(user, "approve", number)
    assert office.value("C-01", "credit_limit") == "1000.00"


def test_a_later_version_adds_its_contributors(office: Office) -> None:
    number = office.limit("C-01", "9000")
    second = office.write("x.csv", "customer_account,credit_limit\nC-01,8000\n")
    office.as_user("ann", "run", second)
    assert "four eyes" in office.fails("ann", "approve", number)
    third = office.write("y.csv", "customer_account,credit_limit\nC-01,8000.0\n")
    office.as_user("bob", "run", third)
    office.do("bob", "approve", number)


def test_without_four_eyes_it_is_possible_and_stands_in_every_summary_and_report(office: Office) -> None:
    office.change({"workflow.four_eyes": False})
    run = office.night("customer_account,credit_limit\nC-01,9000\n", "--requested-by", "ann")
    number = int(run.row(2)["proposal_id"])
    assert run.summary["four_eyes"] is False
    assert any("four_eyes" in warning for warning in run.summary["warnings"])
    assert "four_eyes = false" in (run.folder / "report.html").read_text(encoding="utf-8")
    assert "four_eyes" in office.importer("show", run.id).stdout
    assert office.work("ann") == [number]
    office.do("ann", "approve", number)
    assert office.value("C-01", "credit_limit") == "9000.00"
    quiet = office.tonight({"C-02": {"sales_memo": "x"}})
    assert quiet.summary["four_eyes"] is False


def test_a_change_keeps_the_four_eyes_it_started_with(office: Office) -> None:
    number = office.limit("C-01", "9000", "--requested-by", "ann")
    office.change({"workflow.four_eyes": False})
    assert office.work("ann") == []
    assert "four eyes" in office.fails("ann", "approve", number)
    second = office.limit("C-02", "9000", "--requested-by", "ann")
    office.change({"workflow.four_eyes": True})
    assert office.work("ann") == [second]
    assert "ann" in office.shown(second)["waits_for"][0]["people"]
    office.do("ann", "approve", second)
