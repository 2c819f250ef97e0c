"""The workflow's definition: versions in use, conditions that can't be compiled or fail, show and test."""

from __future__ import annotations

import pytest
from contract.harness import SCHEMAS

from .office import ADMIN, Office, step

FAILING = {"name": "Risky", "when": "1 / record.payment_terms_base_days > 0", "action": "approve"}


def test_a_running_change_stays_with_the_version_it_started_with(office: Office) -> None:
    office.change({"workflow.steps": [step("First", "user:ann"), step("Second", "user:cfo")]})
    old = office.limit("C-01", "9000")
    office.change({"workflow.steps": [step("Only", "user:bob")]})
    new = office.limit("C-02", "9000")
    assert (office.work("ann"), office.work("bob")) == ([old], [new])
    assert office.fails("bob", "approve", old)
    office.do("ann", "approve", old)
    assert office.changes_of(old)["credit_limit"]["step"] == "Second"
    office.do("cfo", "approve", old)
    assert office.status(old) == "applied"
    office.do("bob", "approve", new)
    assert office.status(new) == "applied"


def test_both_versions_are_decided_in_one_go(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "group:credit", policy="single")]})
    office.limit("C-01", "9000")
    office.change({"workflow.steps": [step("Review", "group:credit", policy="all")]})
    office.limit("C-02", "9000")
    assert office.do("ann", "approve", "--status", "pending", "--yes")["done"] == 2
    assert (office.value("C-01", "credit_limit"), office.value("C-02", "credit_limit")) == ("9000.00", "1000.00")


def test_a_recalled_draft_starts_anew_with_the_version_in_force(office: Office) -> None:
    office.change({"workflow.steps": [step("First", "user:ann")]})
    number = office.limit("C-01", "9000")
    office.do("migration", "recall", number)
    office.change({"workflow.steps": [step("Other", "user:bob")]})
    office.do("migration", "submit", number)
    assert (office.work("ann"), office.work("bob")) == ([], [number])


def test_a_version_that_reads_value_lists_can_still_be_decided(office: Office) -> None:
    """The list of values stood beside the parameters; only the parameters themselves are kept."""
    (office.schemas / "terms.csv").write_text("old,new\n60,Net60\n", encoding="utf-8")
    office.change({"sources.0.values": {"payment_terms": {"file": "terms.csv"}}})
    number = int(office.tonight({"C-01": {"payment_terms": "60"}}).row(2)["proposal_id"])
    office.change({"sources.0.values": None})
    office.do("ann", "approve", number)
    assert office.value("C-01", "payment_terms") == "Net60"


@pytest.mark.parametrize(
    ("path", "when", "named"),
    [
        ("workflow.steps.0.when", "percnt > 5", "percent"),
        ("workflow.steps.0.when", "record.credit_limt > 5", "credit_limit"),
        ("workflow.automatic", [{"name": "a", "when": "field == ", "action": "approve"}], "workflow.automatic"),
        ("workflow.steps.0.approvers", ["group:{data_area}"], "data_area_id"),
        ("workflow.steps.0.policy", "most", "majority"),
    ],
    ids=["name", "field", "syntax", "approver", "policy"],
)
def test_a_wrong_definition_stops_every_command_that_uses_it_at_start(
    shared_office: Office, path: str, when: object, named: str
) -> None:
    office = shared_office
    office.change({"workflow.automatic": [], "workflow.steps": [step("Review", "group:credit")], path: when})
    file = office.write("x.csv", "customer_account,credit_limit\nC-01,9000\n")
    runs = len(office.importer("runs", "--json").json)
    for words in (["run", file], ["plan", file], ["workflow", "show"]):
        said = office.refused(2, *words)
        assert "customer.toml" in said
        assert named in said
    assert len(office.importer("runs", "--json").json) == runs, "it stops before a run begins"


def test_a_condition_that_fails_never_approves_and_is_reported(office: Office) -> None:
    office.change({"workflow.automatic": [FAILING]})
    run = office.tonight({"C-01": {"credit_limit": "1001"}})
    assert run.counts == {"read": 1, "proposed": 1}
    assert any("Risky" in warning for warning in run.summary["warnings"])
    assert "Risky" in (run.folder / "report.html").read_text(encoding="utf-8")


def test_a_step_whose_condition_fails_is_needed_and_that_is_reported(office: Office) -> None:
    failing = "1 / record.payment_terms_base_days > 0"
    office.change({"workflow.steps": [step("First", "user:ann"), step("Second", "user:cfo", when=failing)]})
    run = office.tonight({"C-01": {"credit_limit": "9000"}})
    number = int(run.row(2)["proposal_id"])
    answer = office.do("ann", "approve", number)
    assert "Second" in answer["failed_conditions"][0]
    assert office.changes_of(number)["credit_limit"]["step"] == "Second"
    office.change({"workflow.steps": [step("First", "user:ann", when=failing)]})
    run = office.tonight({"C-02": {"credit_limit": "9000"}})
    assert any("First" in warning for warning in run.summary["warnings"])


def test_show_prints_the_definition_in_force_and_who_would_be_asked(office: Office) -> None:
    office.change({"workflow.steps": [step("Credit", "group:credit", "group:nobody", "group:x-{data_area_id}")]})
    (shown,) = office.importer("workflow", "show", "--json").json
    assert (shown["entity"], shown["four_eyes"], shown["administrators"]) == ("customer", True, [ADMIN])
    (credit,) = shown["steps"]
    assert [each["people"] for each in credit["asked"]] == [["ann", "bob", "eve"], [], []]
    text = office.importer("workflow", "show").stdout
    for words in ("Credit", "ann, bob, eve", "Nobody to ask", "Proposed customer change workflow", "single", "root"):
        assert words in text, text


def test_test_says_what_each_action_and_step_would_take_before_anything_is_applied(office: Office) -> None:
    office.change(
        {
            "approvals.new_records": "propose",
            "workflow.automatic": [{"name": "Small", "when": "percent <= 5", "action": "approve"}],
            "workflow.steps": [
                step("Large", "user:cfo", when="field == 'credit_limit' && original != null && difference > 5000"),
                step("Terms", "user:ann", when="field == 'payment_terms'"),
                step("Newcomers", "user:bob", when="original == null"),
            ],
        }
    )
    names = "customer_account,organization_name,customer_group_id,sales_currency_code,credit_limit,payment_terms"
    rows = ["C-01,,,,1010,", "C-02,,,,1020,", "C-03,,,,9000,Net60", "C-04,,,,2000,", "N-01,New,10,USD,5,"]
    plan = office.plan(office.write("x.csv", "\n".join([names, *rows, ""])))
    found = office.importer("workflow", "test", "--run", plan.id, "--json").json
    assert found["automatic"] == {"Small": 2}
    assert found["steps"] == {"Large": 1, "Terms": 1, "Newcomers": 5, "Administrators": 1}
    assert office.proposals() == []
    assert office.refused(2, "workflow", "test", "--run", "20200101T000000Z-abcdef")
    office.apply(plan)
    steps = [change["step"] for each in office.proposals("--status", "pending") for change in each["changes"]]
    assert {name: steps.count(name) for name in steps} == found["steps"]


def test_a_change_under_the_shipped_parameters_is_decided_after_they_were_changed(office: Office) -> None:
    """One of the shipped sources reads a list of values from a file beside the parameters."""
    shipped = (SCHEMAS / "customer.toml").read_text(encoding="utf-8")
    numbers = []
    for account, share in (("C-01", "90%"), ("C-02", "80%")):
        text = shipped.replace('max_proposed = "10%"', f'max_proposed = "{share}"')
        (office.schemas / "customer.toml").write_text(text, encoding="utf-8")
        numbers.append(office.limit(account, "9000"))
    office.do("ann", "approve", *numbers)
    assert (office.value("C-01", "credit_limit"), office.value("C-02", "credit_limit")) == ("9000.00", "9000.00")
