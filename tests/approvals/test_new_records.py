"""`new_records = "propose"`: one proposal of kind create, decided as a whole; approval inserts. And overrides."""

from __future__ import annotations

import pytest

from .office import Office, lines

NEW = lines(
    "customer_account,organization_name,customer_group_id,sales_currency_code,credit_limit,sales_memo",
    "N-01,Newcomer,10,USD,500,hello",
)


@pytest.fixture
def proposing(office: Office) -> Office:
    office.change({"approvals.new_records": "propose"})
    return office


def created(office: Office, text: str = NEW) -> int:
    run = office.night(text)
    assert run.counts == {"read": 1, "proposed": 1}
    return int(run.row(2)["proposal_id"])


def test_a_new_record_is_one_proposal_that_holds_all_given_fields_against_empty(proposing: Office) -> None:
    number = created(proposing)
    proposal = proposing.shown(number)
    assert (proposal["kind"], proposal["name"], proposal["status"]) == ("create", "Newcomer", "pending")
    found = {change["field"]: (change["original"], change["proposed"]) for change in proposal["changes"]}
    assert found == {
        "organization_name": (None, "Newcomer"),
        "customer_group_id": (None, "10"),
        "sales_currency_code": (None, "USD"),
        "credit_limit": (None, "500.00"),
        "language_id": (None, "en-us"),
        "sales_memo": (None, "hello"),
    }
    assert ("usmf", "N-01") not in proposing.table()
    assert "new record" in proposing.importer("proposals", "list").stdout


def test_it_is_decided_as_a_whole_and_approval_inserts(proposing: Office) -> None:
    number = created(proposing)
    assert "as a whole" in proposing.fails("ann", "approve", number, "--fields", "credit_limit")
    assert "as a whole" in proposing.fails("ann", "approve", "--field", "credit_limit", "--yes")
    assert proposing.do("ann", "approve", number)["done"] == 6
    record = proposing.table()["usmf", "N-01"]
    assert (record["organization_name"], record["credit_limit"], record["language_id"]) == (
        "Newcomer",
        "500.00",
        "en-us",
    )
    assert proposing.status(number) == "applied"


def test_rejected_it_is_not_proposed_again(proposing: Office) -> None:
    proposing.do("ann", "reject", created(proposing))
    run = proposing.night(NEW)
    assert (run.exit_code, run.counts) == (0, {"read": 1, "unchanged": 1})
    assert ("usmf", "N-01") not in proposing.table()


def test_the_second_night_asks_nobody_again(proposing: Office) -> None:
    number = created(proposing)
    assert created(proposing) == number
    assert proposing.shown(number)["version"] == 1
    other = proposing.night(NEW.replace("500", "600"))
    assert other.counts == {"read": 1, "proposed": 1}
    assert proposing.shown(number)["version"] == 2
    proposing.do("ann", "approve", f"{number}@2")
    assert proposing.value("N-01", "credit_limit") == "600.00"
    assert proposing.value("N-01", "sales_memo") == "hello"


def test_it_is_in_conflict_where_the_key_exists_by_then(proposing: Office) -> None:
    number = created(proposing)
    proposing.change({"approvals.new_records": "create"})
    proposing.night(NEW.replace("Newcomer", "Somebody"), source="crm")
    proposing.change({"approvals.new_records": "propose"})
    answer = proposing.act("ann", "approve", number)
    assert (answer.exit_code, answer.json["done"]) == (3, 0)
    assert answer.json["conflict"] == 6
    assert proposing.status(number) == "conflict"
    assert proposing.value("N-01", "organization_name") == "Somebody"
    assert "exists" in proposing.fails("migration", "rebase", number)
    proposing.do("migration", "discard", number)
    assert proposing.status(number) == "discarded"


def test_approvers_named_by_fields_of_a_new_record(proposing: Office) -> None:
    approvers = ["field:employee_responsible_number", "group:credit-{data_area_id}"]
    proposing.change({"workflow.steps.0.approvers": approvers})
    text = lines(
        "customer_account,organization_name,customer_group_id,sales_currency_code,employee_responsible_number",
        "N-01,Newcomer,10,USD,eve",
    )
    number = created(proposing, text)
    assert [proposing.work(user) for user in ("eve", "tom", "zoe")] == [[number], [number], []]


def test_conditions_on_a_new_record_see_what_is_proposed(proposing: Office) -> None:
    proposing.change({"workflow.steps.0.when": "record.customer_group_id == '10'"})
    number = created(proposing)
    assert {change["step"] for change in proposing.shown(number)["changes"]} == {"Credit review"}


def test_overrides_per_legal_entity(office: Office) -> None:
    office.change(
        {
            "approvals.overrides": [
                {"when": {"data_area_id": "frrt"}, "behavior": "reject", "fields": ["payment_terms"]},
            ]
        }
    )
    fields = "data_area_id,customer_account,credit_limit,payment_terms"
    run = office.night(lines(fields, "usmf,C-01,9000,Net60", "frrt,F-01,9000,Net30", "frrt,F-02,1000,Net60"))
    assert run.outcomes == {2: "proposed", 3: "updated", 4: "rejected"}
    assert run.codes == {4: {"approval_required"}}
    assert office.value("F-01", "credit_limit", "frrt") == "9000.00"
    office.change({"approvals.overrides": [{"when": {"data_area_id": "frrt"}, "enabled": False}]})
    assert office.night(lines(fields, "frrt,F-02,1000,Net60")).counts == {"read": 1, "updated": 1}
    written = office.set("carl", "frrt", "F-01", "credit_limit=1")
    assert (len(written["written"]), written["proposal"]) == (1, None)
    drafted = office.set("carl", "usmf", "C-02", "credit_limit=1")
    assert (drafted["written"], drafted["proposal"]["status"]) == ([], "draft")
    override = {"when": {"data_area_id": "frrt"}, "new_records": "propose"}
    office.change({"approvals.overrides": [override]})
    names = "data_area_id,customer_account,organization_name,customer_group_id,sales_currency_code"
    run = office.night(lines(names, "usmf,N-01,Here,10,USD", "frrt,N-01,There,10,EUR"))
    assert run.outcomes == {2: "created", 3: "proposed"}


def test_one_that_the_database_refuses_leaves_the_others(proposing: Office) -> None:
    head = "customer_account,organization_name,customer_group_id,sales_currency_code,sales_memo"
    rows = ["N-01,One,10,USD,hello", "N-02,Two,10,USD,", "N-03,Three,10,USD,there"]
    run = proposing.night(lines(head, *rows))
    bad = int(run.results[1]["proposal_id"])
    proposing.sql("UPDATE customer SET organization_name = 'Two' WHERE customer_account = 'C-05'")
    proposing.sql("CREATE UNIQUE INDEX one_name ON customer (organization_name)")
    answer = proposing.act("ann", "approve", "--run", run.id, "--yes").json
    assert {reason["id"] for reason in answer["reasons"]} == {bad}
    assert all("the database refuses it" in reason["why"] for reason in answer["reasons"])
    assert (answer["done"], answer["conflict"]) == (10, 0)
    found = {key[1]: row["sales_memo"] for key, row in proposing.table().items() if key[1].startswith("N-")}
    assert found == {"N-01": "hello", "N-03": "there"}
    assert proposing.status(bad) == "pending"
