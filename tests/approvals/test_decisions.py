"""Deciding: conflict and rebase, versions that were seen, fields, listings, bulk, exit codes, what belongs together."""

from __future__ import annotations

import pytest

from importer.approvals import Action, count_possible
from importer.cli.options import make_session
from importer.storage.selection import Filters, Request
from importer.workflow.moves import Move

from .office import ADMIN, Office, step


def move_record(office: Office, account: str, limit: str) -> None:
    office.sql(f"UPDATE customer SET credit_limit = {limit} WHERE customer_account = '{account}'")


def test_a_record_that_has_changed_is_in_conflict_until_it_is_rebased_and_approved_again(office: Office) -> None:
    number = office.limit("C-01", "9000")
    move_record(office, "C-01", "2000")
    answer = office.act("ann", "approve", number)
    assert (answer.exit_code, answer.json["done"], answer.json["conflict"]) == (3, 0, 1)
    change = office.changes_of(number)["credit_limit"]
    assert (change["status"], change["original"], change["current"], change["proposed"]) == (
        "conflict",
        "1000.00",
        "2000.00",
        "9000.00",
    )
    assert office.status(number) == "conflict"
    assert office.value("C-01", "credit_limit") == "2000.00"
    said = office.importer("proposals", "show", number).stdout
    assert all(value in said for value in ("1000.00", "2000.00", "9000.00"))
    assert "conflict" in office.fails("ann", "approve", number)
    assert office.work("ann") == []

    office.do("ann", "rebase", number)
    change = office.changes_of(number)["credit_limit"]
    assert (change["status"], change["original"]) == ("pending", "2000.00")
    assert "version 1 was seen" in office.fails("ann", "approve", f"{number}@1")
    office.do("ann", "approve", f"{number}@2")
    assert office.value("C-01", "credit_limit") == "9000.00"


def test_rebase_is_for_those_who_have_to_do_with_it(office: Office) -> None:
    number = office.limit("C-01", "9000")
    move_record(office, "C-01", "2000")
    office.act("ann", "approve", number)
    for stranger in ("carl", "nobody", "zoe"):
        assert office.fails(stranger, "rebase", number)
    assert (stranger, "rebase_refused") in office.actions(number)
    office.do("migration", "rebase", number)
    assert office.status(number) == "pending"


def test_a_conflict_can_be_discarded(office: Office) -> None:
    number = office.limit("C-01", "9000")
    move_record(office, "C-01", "2000")
    office.act("ann", "approve", number)
    office.do("migration", "discard", number)
    assert office.status(number) == "discarded"


def test_a_decision_binds_to_the_version_that_was_seen(office: Office) -> None:
    number = office.limit("C-01", "9000")
    for value in ("9100", "9200", "9300"):
        assert office.limit("C-01", value) == number
    why = office.fails("ann", "approve", f"{number}@3")
    assert "version 4" in why
    assert "credit_limit" in why
    assert "9300.00" in why
    assert office.value("C-01", "credit_limit") == "1000.00"
    assert (("ann", "approve_refused")) in office.actions(number)
    office.do("ann", "approve", f"{number}@4")
    assert office.value("C-01", "credit_limit") == "9300.00"


def test_fields_are_decided_one_by_one(office: Office) -> None:
    run = office.tonight({"C-01": {"credit_limit": "9000", "payment_terms": "Net60", "organization_name": "New"}})
    number = int(run.row(2)["proposal_id"])
    office.do("ann", "approve", number, "--fields", "credit_limit")
    office.do("ann", "reject", number, "--fields", "payment_terms,organization_name", "--comment", "no")
    found = {field: change["status"] for field, change in office.changes_of(number).items()}
    assert found == {"organization_name": "rejected", "credit_limit": "applied", "payment_terms": "rejected"}
    assert office.status(number) == "applied"
    assert "nearest" in office.fails("ann", "approve", number, "--fields", "credit_limt", code=2)
    assert "no change of" in office.fails("ann", "approve", number, "--fields", "tax_exempt_number", code=2)


def test_a_decision_is_on_all_that_still_waits_for_the_person(office: Office) -> None:
    """What is decided, or waits elsewhere, doesn't stand in the way of the rest."""
    steps = [step("Terms", "user:cfo", when="field == 'payment_terms'"), step("Credit", "group:credit")]
    office.change({"workflow.steps": steps})
    run = office.tonight({"C-01": {"credit_limit": "9000", "payment_terms": "Net60", "organization_name": "New"}})
    number = int(run.row(2)["proposal_id"])
    office.do("ann", "reject", number, "--fields", "organization_name")
    assert office.do("ann", "approve", number)["done"] == 1
    assert office.value("C-01", "credit_limit") == "9000.00"
    assert office.changes_of(number)["payment_terms"]["step"] == "Terms"
    assert office.do("cfo", "approve", number)["done"] == 1
    assert office.do("ann", "approve", number)["done"] == 1
    assert office.value("C-01", "payment_terms") == "Net60"


def test_unknown_ids_are_wrong_usage_and_nothing_is_done(office: Office) -> None:
    number = office.limit("C-01", "9000")
    assert "4711" in office.fails("ann", "approve", number, "4711", code=2)
    assert office.fails("ann", "approve", "abc", code=2)
    assert office.fails("ann", "approve", "--run", "20200101T000000Z-abcdef", "--yes", code=2)
    assert office.fails("ann", "approve", "--source", "nowhere", "--yes", code=2)
    assert office.refused(2, "proposals", "show", "4711")
    assert office.refused(2, "proposals", "history", "4711")
    assert office.status(number) == "pending"


def test_whoever_comes_second_hears_who_was_first(office: Office) -> None:
    number = office.limit("C-01", "9000")
    office.do("ann", "approve", number)
    answer = office.act("bob", "reject", number)
    assert (answer.exit_code, answer.json["already_decided"]) == (3, 1)
    why = answer.json["reasons"][0]["why"]
    assert "by ann" in why
    assert "at 20" in why


def test_bulk_needs_a_listing_or_yes_where_nobody_can_be_asked(office: Office) -> None:
    run = office.tonight({f"C-{at:02}": {"credit_limit": "9000", "payment_terms": "Net60"} for at in range(1, 6)})
    assert "--yes" in office.fails("ann", "approve", "--run", run.id, code=2)
    assert office.fails("ann", "approve", code=2)
    assert office.fails("ann", "approve", "1", "--run", run.id, "--yes", code=2)
    listed = office.importer("proposals", "list", "--run", run.id, "--digest").stdout.strip()
    answer = office.do("ann", "approve", "--run", run.id, "--field", "credit_limit", "--yes")
    assert answer["done"] == 5
    assert {
        change["status"] for each in office.proposals("--field", "payment_terms") for change in each["changes"]
    } == {"pending"}
    why = office.fails("ann", "approve", "--run", run.id, "--listing", listed)
    assert "listing" in why
    fresh = office.importer("proposals", "list", "--run", run.id, "--digest").stdout.strip()
    assert office.do("ann", "approve", "--run", run.id, "--listing", fresh)["done"] == 5
    assert office.value("C-05", "payment_terms") == "Net60"


def test_a_listing_that_has_grown_or_emptied_is_no_longer_what_was_seen(office: Office) -> None:
    office.limit("C-01", "9000")
    listed = office.importer("proposals", "list", "--status", "pending", "--digest", "--json").json["digest"]
    office.limit("C-02", "9000")
    assert "listing" in office.fails("ann", "approve", "--status", "pending", "--listing", listed)
    listed = office.importer("proposals", "list", "--status", "pending", "--digest", "--json").json["digest"]
    office.do("bob", "approve", "--status", "pending", "--yes")
    assert "listing" in office.fails("ann", "approve", "--status", "pending", "--listing", listed)


def test_filters_select_changes_not_records(office: Office) -> None:
    office.tonight({f"C-{at:02}": {"credit_limit": f"{at}000", "payment_terms": "Net60"} for at in range(2, 9)})
    office.limit("C-20", "9000", source="crm")
    rows = [
        (["--source", "crm"], 1),
        (["--key", "usmf,C-03"], 2),
        (["--field", "payment_terms"], 7),
        (["--where", "field == 'credit_limit' && difference > 5000.0"], 3),
        (["--where", "record.organization_name == 'Customer 4'"], 2),
        (["--status", "pending"], 15),
        (["--status", "draft"], 0),
    ]
    for filters, number in rows:
        listed = office.proposals(*filters)
        assert sum(len(each["changes"]) for each in listed) == number, filters
        assert {each["status"] for each in listed} <= {"pending"}
    assert office.do("ann", "approve", "--where", "percent > 500", "--yes")["done"] == 3
    assert office.refused(2, "proposals", "list", "--where", "percnt > 500")


def test_a_proposal_has_the_status_of_all_its_changes_also_where_some_are_listed(office: Office) -> None:
    number = int(office.tonight({"C-01": {"credit_limit": "9000", "payment_terms": "Net60"}}).row(2)["proposal_id"])
    office.do("ann", "approve", number, "--fields", "credit_limit")
    (listed,) = office.proposals("--field", "credit_limit")
    assert (listed["status"], listed["changes"][0]["status"]) == ("pending", "applied")


def test_an_invalid_record_is_refused_and_what_belongs_together_is_named(office: Office) -> None:
    office.sql("UPDATE customer SET credit_limit = 0 WHERE customer_account = 'C-01'")
    run = office.tonight({"C-01": {"credit_limit": "700", "credit_limit_is_mandatory": "Yes"}})
    number = int(run.row(2)["proposal_id"])
    why = office.fails("ann", "approve", number, "--fields", "credit_limit_is_mandatory")
    assert "credit_limit, credit_limit_is_mandatory" in why
    assert office.value("C-01", "credit_limit_is_mandatory") == "false"
    events = [action for user, action in office.actions(number) if user == "ann"]
    assert events == ["approve_refused"]
    assert office.do("ann", "approve", number)["done"] == 2
    assert office.value("C-01", "credit_limit_is_mandatory") == "true"


def test_rejecting_one_of_two_that_belong_together_leaves_the_record_as_it_is(office: Office) -> None:
    office.sql("UPDATE customer SET credit_limit = 0 WHERE customer_account = 'C-01'")
    run = office.tonight({"C-01": {"credit_limit": "700", "credit_limit_is_mandatory": "Yes"}})
    number = int(run.row(2)["proposal_id"])
    office.do("ann", "reject", number, "--fields", "credit_limit")
    assert office.fails("ann", "approve", number, "--fields", "credit_limit_is_mandatory")
    office.do("ann", "reject", number, "--fields", "credit_limit_is_mandatory")


def test_what_a_person_may_not_do_is_refused_and_recorded(office: Office) -> None:
    number = office.limit("C-01", "9000")
    assert "zoe" in office.fails("zoe", "approve", number)
    assert office.fails("stranger", "approve", number)
    assert office.fails("carl", "recall", number)
    assert office.fails("ann", "reassign", number, "--to", "bob")
    assert office.fails("carl", "discard", number)
    assert office.fails("ann", "submit", number)
    recorded = [event for event in office.history(number) if event["action"].endswith("_refused")]
    assert [(event["user"], event["action"]) for event in recorded] == [
        ("zoe", "approve_refused"),
        ("stranger", "approve_refused"),
        ("carl", "recall_refused"),
        ("ann", "reassign_refused"),
        ("carl", "discard_refused"),
        ("ann", "submit_refused"),
    ]
    assert all(event["comment"] for event in recorded)


def test_managing_people_is_for_administrators_and_a_refusal_is_recorded(office: Office) -> None:
    for words in (
        ["users", "add", "mallory", "--admin"],
        ["users", "remove", "ann"],
        ["groups", "add", "credit", "carl"],
    ):
        answer = office.as_user("carl", *words, "--json")
        assert (answer.exit_code, ADMIN in answer.error) == (2, True)
    recorded = [event for event in office.importer("proposals", "history", "--json").json if event["user"] == "carl"]
    assert [event["action"] for event in recorded] == ["add_user_refused", "remove_user_refused", "add_members_refused"]


@pytest.mark.parametrize("kind", ["approve", "reject"])
def test_nobody_responds_twice(office: Office, kind: str) -> None:
    office.change({"workflow.steps": [step("All", "group:credit", policy="all")]})
    number = office.limit("C-01", "9000")
    office.do("ann", kind, number)
    assert "already" in office.fails("ann", "approve", number)


def test_bulk_says_how_many_were_done_in_conflict_and_decided_already(office: Office) -> None:
    run = office.tonight({f"C-{at:02}": {"credit_limit": "9000"} for at in range(1, 6)})
    move_record(office, "C-03", "5")
    office.sql("DELETE FROM customer WHERE customer_account = 'C-05'")
    ids = [int(row["proposal_id"]) for row in run.results]
    office.do("bob", "reject", ids[0])
    answer = office.act("ann", "approve", *ids)
    assert answer.exit_code == 3
    assert [answer.json[name] for name in ("done", "conflict", "refused", "already_decided")] == [2, 2, 0, 1]
    assert answer.json["ids"] == [ids[1], ids[3]]
    said = office.as_user("ann", "proposals", "approve", *ids).stdout
    assert "already rejected by bob" in said
    assert "in conflict with its record" in said
    assert "gone" in office.fails("migration", "rebase", ids[4])


def test_a_conflict_does_not_leave_one_of_two_values_that_belong_together(office: Office) -> None:
    office.sql("UPDATE customer SET credit_limit = 0 WHERE customer_account = 'C-01'")
    run = office.tonight({"C-01": {"credit_limit": "500", "credit_limit_is_mandatory": "Yes"}})
    number = int(run.row(2)["proposal_id"])
    office.sql("UPDATE customer SET credit_limit = NULL WHERE customer_account = 'C-01'")
    answer = office.act("ann", "approve", number).json
    assert (answer["done"], answer["conflict"], answer["refused"]) == (0, 1, 1)
    assert any("would be invalid" in reason["why"] for reason in answer["reasons"])
    assert office.value("C-01", "credit_limit_is_mandatory") == "false"
    found = {name: change["status"] for name, change in office.changes_of(number).items()}
    assert found == {"credit_limit": "conflict", "credit_limit_is_mandatory": "pending"}


def test_the_question_before_a_bulk_action_counts_what_it_can_touch(office: Office) -> None:
    office.tonight({name: {"credit_limit": "9000"} for name in ("C-01", "C-02", "C-03")}, "--requested-by", "bob")
    office.limit("C-04", "9000")
    office.do("ann", "approve", "--key", "usmf,C-03", "--yes")
    places = {"schemas": office.schemas, "database": office.database, "user": "bob"}
    session = make_session(places, "proposals approve", quiet=True)
    try:
        chosen = Request(filters=Filters(field="credit_limit"))
        assert count_possible(session, Action(Move.APPROVE, chosen)) == (1, 1, 2)
        assert count_possible(session, Action(Move.DISCARD, chosen)) == (0, 0, 0)
    finally:
        session.database.dispose()
    assert office.status(4) == "pending", "nothing is done by asking"
