"""Decisions are remembered, sources that disagree, and small steps that add up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .office import Office

SMALL = {
    "name": "Small change",
    "when": "field == 'credit_limit' && percent <= 5.0 && drift <= 100.0",
    "action": "approve",
}


@pytest.mark.parametrize("how", ["reject", "discard"])
def test_a_declined_value_does_not_come_back_and_the_rest_of_the_row_is_written(office: Office, how: str) -> None:
    number = office.limit("C-01", "9000")
    if how == "reject":
        office.do("ann", "reject", number, "--comment", "too much")
    else:
        office.do("migration", "recall", number)
        office.do("migration", "discard", number)
    run = office.tonight({"C-01": {"credit_limit": "9000", "sales_memo": "second night"}})
    assert (run.exit_code, run.counts) == (0, {"read": 1, "updated": 1})
    assert run.row(2)["fields_declined"] == "credit_limit"
    assert run.summary["proposals"]["declined"] == 1
    assert office.value("C-01", "sales_memo") == "second night"
    decider = "ann" if how == "reject" else "migration"
    (declined,) = [change for change in run.changes if change["disposition"] == "declined"]
    assert (declined["field"], declined["new"]) == ("credit_limit", "9000.00")
    (named,) = run.summary["declined"]
    assert (named["key"], named["field"], named["value"]) == (["usmf", "C-01"], "credit_limit", "9000.00")
    assert named["by"] == decider
    assert named["at"].startswith("20")
    assert office.tonight({"C-01": {"credit_limit": "8999"}}).counts == {"read": 1, "proposed": 1}


def test_alone_in_its_row_a_declined_value_leaves_it_unchanged(office: Office) -> None:
    office.do("ann", "reject", office.limit("C-01", "9000"))
    run = office.tonight({"C-01": {"credit_limit": "9000"}})
    assert (run.exit_code, run.counts) == (0, {"read": 1, "unchanged": 1})


def test_beside_a_declined_value_the_record_as_it_stays_has_to_be_valid(office: Office) -> None:
    office.change({"approvals.fields": ["credit_limit"]})
    office.sql("UPDATE customer SET credit_limit = 0 WHERE customer_account = 'C-01'")
    office.do("ann", "reject", office.limit("C-01", "9000"))
    run = office.tonight({"C-01": {"credit_limit": "9000", "credit_limit_is_mandatory": "Yes"}})
    assert (run.exit_code, run.counts) == (3, {"read": 1, "rejected": 1})
    assert run.row(2)["codes"] == "check_failed"


def test_against_another_original_value_it_is_asked_again(office: Office) -> None:
    office.do("ann", "reject", office.limit("C-01", "9000"))
    office.sql("UPDATE customer SET credit_limit = 1500 WHERE customer_account = 'C-01'")
    assert office.tonight({"C-01": {"credit_limit": "9000"}}).counts == {"read": 1, "proposed": 1}


def test_after_remember_decisions_it_is_asked_again(office: Office) -> None:
    office.do("ann", "reject", office.limit("C-01", "9000"))
    office.change({"approvals.remember_decisions": "30 days"})
    assert office.tonight({"C-01": {"credit_limit": "9000"}}).counts == {"read": 1, "unchanged": 1}
    table = office.control("proposed_change")
    office.sql(f"UPDATE {table} SET decided_at = '2020-01-01T00:00:00.000000Z'")
    assert office.tonight({"C-01": {"credit_limit": "9000"}}).counts == {"read": 1, "proposed": 1}


def test_zero_days_ask_every_time(office: Office) -> None:
    office.change({"approvals.remember_decisions": "0 days"})
    office.do("ann", "reject", office.limit("C-01", "9000"))
    assert office.tonight({"C-01": {"credit_limit": "9000"}}).counts == {"read": 1, "proposed": 1}


def test_two_sources_that_disagree(office: Office) -> None:
    """The first stays, the other is a competing change, and quiet the second night."""
    number = office.limit("C-01", "9000")
    office.change({"limits.exit_on_rejected": "new"})
    first = office.tonight({"C-01": {"credit_limit": "8000"}}, source="crm")
    assert (first.exit_code, first.codes) == (3, {2: {"competing_change"}})
    second = office.tonight({"C-01": {"credit_limit": "8000"}}, source="crm")
    assert (second.exit_code, second.summary["rejected_repeated"]) == (0, 1)
    assert office.changes_of(number)["credit_limit"]["proposed"] == "9000.00"


def test_an_automatic_rejection_counts_as_declined_and_is_remembered(office: Office) -> None:
    rule = {"name": "No giants", "when": "field == 'credit_limit' && proposed > 100000", "action": "reject"}
    office.change({"workflow.automatic": [rule]})
    run = office.tonight({"C-01": {"credit_limit": "200000", "sales_memo": "x"}})
    assert (run.exit_code, run.counts) == (0, {"read": 1, "updated": 1})
    assert run.row(2)["fields_declined"] == "credit_limit"
    (line,) = [change for change in run.changes if change["field"] == "credit_limit"]
    assert (line["disposition"], line["rule"]) == ("declined", "No giants")
    number = int(run.row(2)["proposal_id"])
    assert line["proposal_id"] == str(number)
    assert office.changes_of(number)["credit_limit"]["status"] == "rejected"
    office.change({"workflow.automatic": []})
    again = office.tonight({"C-01": {"credit_limit": "200000"}})
    assert again.counts == {"read": 1, "unchanged": 1}
    assert again.summary["proposals"]["declined"] == 1


def test_ten_nights_of_four_percent_stop_where_drift_says_so(office: Office) -> None:
    office.change({"workflow.automatic": [SMALL]})
    limit, outcomes, stored = Decimal(1000), [], []
    for _ in range(4):
        limit = (limit * Decimal("1.04")).quantize(Decimal("0.01"))
        run = office.tonight({"C-01": {"credit_limit": str(limit)}})
        outcomes.append(next(iter(name for name in run.counts if name != "read")))
        stored.append(office.value("C-01", "credit_limit"))
    assert outcomes == ["updated", "updated", "proposed", "proposed"]
    assert stored == ["1040.00", "1081.60", "1081.60", "1081.60"]
    (change,) = office.proposals("--status", "pending")[0]["changes"]
    assert change["original"] == "1081.60"
    office.do("ann", "approve", office.proposals("--status", "pending")[0]["id"])
    assert office.value("C-01", "credit_limit") == str(limit)
    for _ in range(6):
        limit = (limit * Decimal("1.04")).quantize(Decimal("0.01"))
        run = office.tonight({"C-01": {"credit_limit": str(limit)}})
        outcomes.append(next(iter(name for name in run.counts if name != "read")))
    assert outcomes[4:7] == ["updated", "updated", "proposed"]


def test_automatic_approval_counts_as_written_and_names_proposal_and_rule(office: Office) -> None:
    office.change({"workflow.automatic": [SMALL]})
    run = office.tonight({"C-01": {"credit_limit": "1040"}, "C-02": {"credit_limit": "5000"}})
    assert run.counts == {"read": 2, "updated": 1, "proposed": 1}
    assert run.summary["proposals"]["approved_automatically"] == 1
    assert run.summary["proposals"]["opened"] == 1
    line = {change["customer_account"]: change for change in run.changes}["C-01"]
    assert (line["disposition"], line["rule"]) == ("written", "Small change")
    assert line["proposal_id"] == run.row(2)["proposal_id"] != ""
    change = office.changes_of(int(line["proposal_id"]))["credit_limit"]
    assert (change["status"], change["rule"]) == ("applied", "Small change")
    assert office.value("C-01", "credit_limit") == "1040.00"


def test_a_value_that_a_step_approved_when_it_was_overdue_is_no_persons(office: Office) -> None:
    """Drift is measured from what a person approved."""
    office.change({"workflow.steps.0.overdue": "approve"})
    office.limit("C-01", "1090")
    office.sql(f"UPDATE {office.control('work_item')} SET due_at = '2020-01-01T00:00:00.000000Z'")
    assert office.importer("tick", "--json").json["approved"] == 1
    assert office.value("C-01", "credit_limit") == "1090.00"
    office.change({"workflow.automatic": [SMALL]})
    assert office.tonight({"C-01": {"credit_limit": "1120"}}).counts == {"read": 1, "proposed": 1}


def test_an_automatic_approval_never_leaves_an_invalid_record(office: Office) -> None:
    """The limit alone would be approved; with the flag still set the record would be invalid."""
    any_limit = {"name": "Any limit", "when": "field == 'credit_limit'", "action": "approve"}
    office.change({"workflow.automatic": [any_limit]})
    office.sql("UPDATE customer SET credit_limit_is_mandatory = '1' WHERE customer_account = 'C-01'")
    run = office.tonight({"C-01": {"credit_limit": "0", "credit_limit_is_mandatory": "No"}})
    assert run.counts == {"read": 1, "proposed": 1}
    assert run.row(2)["fields_proposed"].split() == ["credit_limit", "credit_limit_is_mandatory"]
    assert office.value("C-01", "credit_limit") == "1000.00"
