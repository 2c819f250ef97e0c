"""What an approver sees (page 1), as JSON and in a terminal; my work; the history."""

from __future__ import annotations

import pytest

from .office import Office, step

TEN_DAYS_AGO = "2026-01-01T00:00:00.000000Z"


@pytest.fixture(scope="module")
def seen(shared_office: Office) -> tuple[Office, int]:
    """An office, and a proposal with everything that can be said about one."""
    office = shared_office
    office.change({"workflow.steps": [step("Review", "group:credit", policy="majority", due="3 days")]})
    office.do("ann", "reject", office.limit("C-01", "8000"), "--comment", "too much")
    office.do("bob", "reject", office.proposals()[0]["id"], "--comment", "far too much")
    run = office.tonight({"C-01": {"credit_limit": "1250", "payment_terms": "Net60", "sales_memo": "new"}})
    number = int(run.row(2)["proposal_id"])
    office.sql(f"UPDATE {office.control('proposal')} SET first_proposed_at = '{TEN_DAYS_AGO}' WHERE id = {number}")
    office.do("ann", "approve", number, "--fields", "credit_limit")
    return office, number


def test_show_has_all_that_an_approver_needs(seen: tuple[Office, int]) -> None:
    office, number = seen
    proposal = office.shown(number)
    assert proposal["key"] == {"data_area_id": "usmf", "customer_account": "C-01"}
    assert (proposal["name"], proposal["file"], proposal["row"]) == ("Customer 1", "night2.csv", 2)
    assert proposal["source"] == "legacy"
    assert proposal["run_id"]
    assert proposal["age_days"] > 100
    assert proposal["context"] == {
        "organization_name": "Customer 1",
        "customer_group_id": "10",
        "sales_currency_code": "USD",
    }
    assert proposal["also_written"] == [{"field": "sales_memo", "old": "memo", "new": "new"}]
    assert proposal["waits_for"][0]["people"] == ["ann", "bob", "eve"]
    limit, terms = proposal["changes"]
    assert (limit["difference"], limit["percent"]) == ("250.00", "25.00")
    assert (terms["difference"], terms["percent"]) == (None, None)
    assert proposal["due_at"] == limit["due_at"] == terms["due_at"] > limit["first_proposed_at"]
    (earlier,) = proposal["earlier"]
    assert earlier["field"] == "credit_limit"
    assert (earlier["proposed"], earlier["status"], earlier["decided_by"]) == ("8000.00", "rejected", "bob")
    assert earlier["comment"] == "far too much"
    said = [(each["field"], each["user"], each["approved"]) for each in proposal["responses"]]
    assert said == [("credit_limit", "ann", True)]


def test_the_terminal_says_it_too(seen: tuple[Office, int]) -> None:
    office, number = seen
    said = office.importer("proposals", "show", number).stdout
    for words in (
        "usmf C-01",
        "Customer 1",
        "Changes pending approval",
        "1000.00",
        "1250.00",
        "+250.00, +25.00 %",
        "night2.csv",
        "row 2",
        "days ago",
        "Due",
        "ann, bob, eve (Review)",
        "approved by ann",
        "earlier: rejected by bob",
        "8000.00",
        "sales_memo",
        "memo → new",
        "customer_group_id",
    ):
        assert words in said, said
    listed = office.importer("proposals", "list", "--status", "pending").stdout
    assert "1000.00 → 1250.00" in listed
    assert "+25.00 %" in listed


def test_a_decrease_has_a_sign_and_a_blank_has_no_percent(office: Office) -> None:
    office.sql("UPDATE customer SET credit_limit = NULL WHERE customer_account = 'C-02'")
    run = office.tonight({"C-01": {"credit_limit": "900"}, "C-02": {"credit_limit": "500"}})
    less, first = (office.changes_of(int(row["proposal_id"]))["credit_limit"] for row in run.results)
    assert (less["difference"], less["percent"]) == ("-100.00", "-10.00")
    assert (first["difference"], first["percent"]) == (None, None)


def test_my_work_is_what_waits_for_me_the_most_urgent_first(office: Office) -> None:
    steps = [
        step("Terms", "user:ann", when="field == 'payment_terms'", due="9 days"),
        step("Credit", "group:credit", due="2 days"),
    ]
    office.change({"workflow.steps": steps})
    office.tonight({"C-01": {"payment_terms": "Net60"}, "C-02": {"credit_limit": "9000", "payment_terms": "Net60"}})
    items = office.as_user("ann", "work", "--json").json
    assert [item["step"] for item in items] == ["Credit", "Terms", "Terms"]
    assert [item["due_at"] for item in items] == sorted(item["due_at"] for item in items)
    assert [change["field"] for change in items[0]["proposal"]["changes"]] == ["credit_limit"]
    assert "C-02" in office.as_user("ann", "work").stdout
    assert "Nothing waits for carl" in office.as_user("carl", "work").stdout


def test_the_history_says_who_when_for_whom_from_and_to_state(office: Office) -> None:
    number = office.limit("C-01", "9000")
    office.do("ann", "delegate", number, "--to", "carl", "--comment", "on holiday")
    office.do("carl", "approve", number, "--comment", "fine")
    events = office.history(number)
    found = [(each["user"], each["action"], each["on_behalf_of"], each["to_status"]) for each in events]
    assert found == [
        ("rosa", "submitted", None, "pending"),
        ("ann", "delegated", None, None),
        ("carl", "approved", "ann", "applied"),
    ]
    assert all(each["at"] and each["login"] and each["host"] and each["field"] == "credit_limit" for each in events)
    assert events[0]["run_id"]
    assert (events[2]["from_status"], events[2]["comment"]) == ("pending", "fine")
    said = office.importer("proposals", "history", number).stdout
    assert "carl for ann" in said
    assert "pending → applied" in said
    everything = office.importer("proposals", "history", "--json").json
    assert {each["action"] for each in everything} >= {"user_added", "member_added", "submitted", "approved"}


def test_run_and_record_have_a_history_too(office: Office) -> None:
    run = office.tonight({"C-01": {"credit_limit": "9000"}, "C-02": {"credit_limit": "9000"}})
    office.tonight({"C-02": {"credit_limit": "8000"}})
    first = office.importer("proposals", "history", "--run", run.id, "--json").json
    assert [each["action"] for each in first] == ["submitted", "submitted", "superseded"]
    record = office.importer("proposals", "history", "--key", "usmf,C-02", "--json").json
    assert [each["action"] for each in record] == ["submitted", "superseded", "submitted"]


def test_of_one_run_only_what_waits_was_submitted(office: Office) -> None:
    """Its submission is kept once; what an automatic action decided in the same proposal is not told as submitted."""
    office.change({"workflow.automatic": [{"name": "Small", "when": "percent <= 5", "action": "approve"}]})
    run = office.tonight({"C-01": {"credit_limit": "1010", "payment_terms": "Net60"}, "C-02": {"credit_limit": "9000"}})
    office.tonight({"C-03": {"credit_limit": "1020"}})
    told = office.importer("proposals", "history", "--run", run.id, "--json").json
    assert sorted((each["action"], each["field"], each["to_status"]) for each in told) == [
        ("approved", "credit_limit", "applied"),
        ("submitted", "credit_limit", "pending"),
        ("submitted", "payment_terms", "pending"),
    ]
    alone = office.importer("proposals", "history", "--key", "usmf,C-03", "--json").json
    assert [(each["action"], each["user"]) for each in alone] == [("approved", "automatic action")]


def test_a_value_that_is_written_at_once_stands_in_the_history_of_its_record(office: Office) -> None:
    office.set("carl", "usmf", "C-01", "sales_memo=hello", "credit_limit=5000")
    events = office.importer("proposals", "history", "--key", "usmf,C-01", "--json").json
    assert [(each["action"], each["field"]) for each in events] == [
        ("written", "sales_memo"),
        ("edited", "credit_limit"),
    ]
    assert office.importer("proposals", "history", "--key", "usmf,C-02", "--json").json == []
