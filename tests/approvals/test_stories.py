"""The two stories of the seed page, told in commands: an import that proposes, and a person's own edit."""

from __future__ import annotations

from .office import Office, step


def test_an_import_proposes_each_step_approves_then_the_field_has_the_value(office: Office) -> None:
    office.change({"workflow.steps": [step("Credit review", "group:credit"), step("Finance", "user:cfo")]})
    run = office.tonight({"C-01": {"credit_limit": "9000", "sales_memo": "new memo"}})
    assert run.exit_code == 0
    assert run.counts == {"read": 1, "partly_proposed": 1}
    number = int(run.row(2)["proposal_id"])
    (change,) = office.shown(number)["changes"]
    assert (change["original"], change["proposed"], change["current"]) == ("1000.00", "9000.00", "1000.00")
    assert (change["status"], change["step"]) == ("pending", "Credit review")
    assert office.value("C-01", "credit_limit") == "1000.00"
    assert office.value("C-01", "sales_memo") == "new memo"
    assert "Changes pending approval" in office.importer("proposals", "show", number).stdout
    assert office.work("ann") == office.work("eve") == [number]
    assert office.work("cfo") == office.work("carl") == []

    answer = office.do("ann", "approve", f"{number}@1")
    assert answer["done"] == 1
    assert answer["ids"] == [number]
    assert office.value("C-01", "credit_limit") == "1000.00"
    assert office.changes_of(number)["credit_limit"]["step"] == "Finance"
    assert office.work("bob") == []
    assert office.work("cfo") == [number]

    office.do("cfo", "approve", number, "--comment", "good customer")
    assert office.value("C-01", "credit_limit") == "9000.00"
    change = office.changes_of(number)["credit_limit"]
    assert (change["status"], change["decided_by"], change["comment"]) == ("applied", "cfo", "good customer")
    assert change["decided_at"]
    assert office.status(number) == "applied"
    assert office.work("cfo") == []
    assert [action for _, action in office.actions(number)] == ["submitted", "approved", "approved"]
    assert [event["to_status"] for event in office.history(number)] == ["pending", None, "applied"]


def test_a_person_sets_discards_one_submits_and_the_others_approve(office: Office) -> None:
    answer = office.set("carl", "usmf", "C-01", "credit_limit=9000", "payment_terms=Net60", "sales_memo=by carl")
    assert answer["written"] == [{"field": "sales_memo", "old": "memo", "new": "by carl"}]
    proposal = answer["proposal"]
    number = proposal["id"]
    assert (proposal["status"], proposal["source"], proposal["submitted_by"]) == ("draft", None, "carl")
    assert [(each["field"], each["original"], each["proposed"]) for each in proposal["changes"]] == [
        ("credit_limit", "1000.00", "9000.00"),
        ("payment_terms", "Net30", "Net60"),
    ]
    assert office.value("C-01", "sales_memo") == "by carl"
    assert office.value("C-01", "credit_limit") == "1000.00"
    assert office.work("ann") == []
    assert "Changes not submitted" in office.importer("proposals", "show", number).stdout

    office.do("carl", "discard", number, "--fields", "payment_terms")
    assert office.changes_of(number)["payment_terms"]["status"] == "discarded"
    office.do("carl", "submit", number)
    assert office.status(number) == "pending"
    assert office.work("ann") == [number]

    office.do("ann", "approve", number)
    assert office.value("C-01", "credit_limit") == "9000.00"
    assert office.value("C-01", "payment_terms") == "Net30"


def test_set_prints_both_values_and_the_next_commands(office: Office) -> None:
    said = office.as_user("carl", "set", "usmf", "C-01", "credit_limit=9000")
    assert said.exit_code == 0
    for words in ("1000.00", "9000.00", "Changes not submitted", "importer proposals submit", "proposals discard"):
        assert words in said.stdout


def test_discarding_all_ends_the_draft(office: Office) -> None:
    number = office.set("carl", "usmf", "C-01", "credit_limit=9000", "payment_terms=Net60")["proposal"]["id"]
    assert office.do("carl", "discard", number)["done"] == 2
    assert office.status(number) == "discarded"
    assert office.value("C-01", "credit_limit") == "1000.00"


def test_a_wrong_value_of_an_edit_is_refused_with_the_words_of_an_import(office: Office) -> None:
    assert "credit_limit" in office.set("carl", "usmf", "C-01", "credit_limt=5", code=2)
    assert "-5" in office.set("carl", "usmf", "C-01", "credit_limit=-5", code=2)
    assert office.set("carl", "usmf", "C-99", "credit_limit=5", code=2)
    assert office.set("carl", "usmf", "C-01", "customer_account=C-02", code=2)
    assert office.proposals() == []


def test_checks_across_fields_count_what_is_in_the_draft(office: Office) -> None:
    """A mandatory limit needs a limit above 0: it may come with the same edit, or stand in the draft."""
    office.set("carl", "usmf", "C-01", "credit_limit=0")
    assert "mandatory credit limit" in office.set("carl", "usmf", "C-01", "credit_limit_is_mandatory=Yes", code=2)
    office.sql("UPDATE customer SET credit_limit = NULL WHERE customer_account = 'C-02'")
    office.set("carl", "usmf", "C-02", "credit_limit=700")
    office.set("carl", "usmf", "C-02", "credit_limit_is_mandatory=Yes")
    both = [each["field"] for each in office.proposals("--key", "usmf,C-02")[0]["changes"]]
    assert both == ["credit_limit", "credit_limit_is_mandatory"]


def test_other_fields_that_are_valid_only_with_the_approval_fields_wait_with_them(office: Office) -> None:
    office.change({"approvals.fields": ["credit_limit"]})
    office.sql("UPDATE customer SET credit_limit = 0 WHERE customer_account = 'C-01'")
    answer = office.set("carl", "usmf", "C-01", "credit_limit=700", "credit_limit_is_mandatory=Yes")
    assert answer["written"] == []
    assert [each["field"] for each in answer["proposal"]["changes"]] == ["credit_limit", "credit_limit_is_mandatory"]


def test_an_own_edit_needs_approval_also_where_imports_may_write(office: Office) -> None:
    """The data entity behavior is about imports; only approvals that are off let a person write at once."""
    office.change({"approvals.behavior": "allow"})
    assert office.set("carl", "usmf", "C-01", "credit_limit=9000")["proposal"]["status"] == "draft"
    office.change({"approvals.behavior": "reject"})
    assert office.set("carl", "usmf", "C-02", "credit_limit=9000")["proposal"]["status"] == "draft"
    office.change({"approvals.enabled": False})
    answer = office.set("carl", "usmf", "C-03", "credit_limit=9000")
    assert (answer["proposal"], office.value("C-03", "credit_limit")) == (None, "9000.00")


def test_editing_again_makes_a_new_version_of_the_draft(office: Office) -> None:
    first = office.set("carl", "usmf", "C-01", "credit_limit=9000")["proposal"]
    second = office.set("carl", "usmf", "C-01", "credit_limit=8000")["proposal"]
    assert (second["id"], second["version"]) == (first["id"], first["version"] + 1)
    assert office.changes_of(first["id"])["credit_limit"]["proposed"] == "8000.00"
    office.do("carl", "submit", first["id"])
    refused = office.set("carl", "usmf", "C-01", "credit_limit=7000", code=2)
    assert "recall" in refused
    office.do("carl", "recall", first["id"])
    office.set("carl", "usmf", "C-01", "credit_limit=7000")
    assert office.changes_of(first["id"])["credit_limit"]["proposed"] == "7000.00"


def test_one_open_change_per_field_whoever_proposed_it(office: Office) -> None:
    number = office.limit("C-01", "9000")
    assert f"proposal {number}" in office.set("carl", "usmf", "C-01", "credit_limit=8000", code=2)


def test_the_stored_value_takes_a_change_out_of_the_draft_and_the_same_value_changes_nothing(office: Office) -> None:
    first = office.set("carl", "usmf", "C-01", "credit_limit=9000", "payment_terms=Net60")["proposal"]
    assert office.set("carl", "usmf", "C-01", "credit_limit=9000.00")["proposal"]["version"] == first["version"]
    back = office.set("carl", "usmf", "C-01", "credit_limit=1000")["proposal"]
    found = {change["field"]: change["status"] for change in back["changes"]}
    assert found == {"credit_limit": "withdrawn", "payment_terms": "draft"}
    said = office.as_user("carl", "set", "usmf", "C-01", "payment_terms=Net30").stdout
    assert "not submitted" not in said
    assert office.set("carl", "usmf", "C-01", "payment_terms=Net30") == {"written": [], "proposal": None}


def test_a_field_can_be_emptied(office: Office) -> None:
    number = office.set("carl", "usmf", "C-01", "payment_terms=")["proposal"]["id"]
    assert office.changes_of(number)["payment_terms"]["proposed"] is None
    office.do("carl", "submit", number)
    office.do("ann", "approve", number)
    assert office.value("C-01", "payment_terms") == ""
