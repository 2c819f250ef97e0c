"""The nightly table of page 1: every cell, in every state of the open change, whoever proposed it.

One customer for each case: sixty open changes of the credit limit meet one file.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from .office import Office

ORIGINS = ("same_source", "other_source", "person")
STATES = ("draft", "pending", "changes_requested", "conflict")
SAYS = ("nothing", "stored", "proposed", "declined", "other")
CASES = {case: f"C-{at:02}" for at, case in enumerate(product(ORIGINS, STATES, SAYS), start=1)}
PROPOSED, DECLINED, OTHER = "9000", "7000", "8000"


def accounts(**wanted: str) -> list[str]:
    return [
        account
        for (origin, state, says), account in CASES.items()
        if {"origin": origin, "state": state, "says": says}.items() >= wanted.items()
    ]


def stored(state: str) -> str:
    return "2000" if state == "conflict" else "1000"


def move_records(office: Office, limit: str) -> None:
    names = ", ".join(f"'{account}'" for account in accounts(state="conflict"))
    office.sql(f"UPDATE customer SET credit_limit = {limit} WHERE customer_account IN ({names})")


@pytest.fixture(scope="module")
def evening(shared_office: Office) -> Office:
    """Each case has its open change; and a value that was declined against the value stored now."""
    office = shared_office
    move_records(office, "2000")
    declined = office.tonight({account: {"credit_limit": DECLINED} for account in CASES.values()})
    assert office.do("ann", "reject", "--run", declined.id, "--yes", "--comment", "no")["done"] == 60
    move_records(office, "1000")
    for origin, source in (("same_source", None), ("other_source", "crm")):
        office.tonight({each: {"credit_limit": PROPOSED} for each in accounts(origin=origin)}, source=source)
    for account in accounts(origin="person"):
        office.set("carl", "usmf", account, f"credit_limit={PROPOSED}")
    mine = {each["key"]["customer_account"]: each["id"] for each in office.proposals() if each["status"] != "rejected"}
    submitted = [mine[each] for each in accounts(origin="person") if each not in accounts(state="draft")]
    office.do("carl", "submit", *submitted)
    imported = [mine[each] for each in accounts(state="draft") if each not in accounts(origin="person")]
    office.do("migration", "recall", *imported)
    office.do("ann", "request-changes", *(mine[each] for each in accounts(state="changes_requested")))
    move_records(office, "2000")
    answer = office.act("ann", "approve", *(mine[each] for each in accounts(state="conflict"))).json
    assert (answer["done"], answer["conflict"]) == (0, 15)
    found = {each["key"]["customer_account"]: each["status"] for each in office.proposals() if each["id"] > 60}
    assert found == {account: state for (_, state, _), account in CASES.items()}
    return office


@pytest.fixture
def night(databases, evening: Office, tmp_path) -> Iterator[Office]:
    url = databases.create(evening.database)
    yield Office(tmp_path / "night", url)
    databases.drop(url)


def the_file(office: Office) -> dict[str, dict[str, str]]:
    values = {"nothing": "", "proposed": PROPOSED, "declined": DECLINED, "other": OTHER}
    return {
        account: {"credit_limit": stored(state) if says == "stored" else values[says], "sales_memo": "tonight"}
        for (_, state, says), account in CASES.items()
    }


def test_under_propose(night: Office) -> None:
    before = {each["key"]["customer_account"]: each for each in night.proposals() if each["id"] > 60}
    run = night.tonight(the_file(night))
    assert run.exit_code == 3
    after = {each["key"]["customer_account"]: each for each in night.proposals() if each["id"] > 60}
    rows = {row["customer_account"]: row for row in run.results}
    wrong = []
    for (origin, state, says), account in CASES.items():
        match (says, origin):
            case ("stored", "same_source"):
                effect, outcome, ends, value, newer = "withdrawn", "updated", "withdrawn", PROPOSED, 0
            case ("other", "same_source"):
                effect, outcome, ends, value, newer = "superseded", "partly_proposed", "pending", OTHER, 1
            case ("other", _):
                effect, outcome, ends, value, newer = "kept", "partly_rejected", state, PROPOSED, 0
            case ("proposed", _):
                effect, outcome, ends, value, newer = "kept", "partly_proposed", state, PROPOSED, 0
            case _:
                effect, outcome, ends, value, newer = "kept", "updated", state, PROPOSED, 0
        expected = (f"credit_limit={effect}", outcome, ends, f"{value}.00", before[account]["version"] + newer)
        change = after[account]["changes"][-1]
        row = rows[account]
        found = (
            row["proposal_effects"],
            row["outcome"],
            change["status"],
            change["proposed"],
            after[account]["version"],
        )
        if expected != found:
            wrong.append(((origin, state, says), expected, found))
        assert after[account]["id"] == before[account]["id"]
        assert after[account]["first_proposed_at"] == before[account]["first_proposed_at"]
        assert row["fields_declined"] == ("credit_limit" if says == "declined" else "")
        assert (change["original"] == f"{stored(state)}.00") == (effect == "superseded" or state != "conflict")
    assert wrong == []
    counts = run.summary["proposals"]
    assert counts == {
        "opened": 0,
        "kept": 52,
        "superseded": 4,
        "withdrawn": 4,
        "declined": 12,
        "competing": 8,
        "approved_automatically": 0,
    }
    table = night.table()
    assert all(table["usmf", each]["sales_memo"] == "tonight" for each in CASES.values())
    assert all(table["usmf", each]["credit_limit"][:4] == stored(state) for (_, state, _), each in CASES.items())
    asked_again = accounts(origin="same_source", says="other")
    assert {after[each]["changes"][-1]["step"] for each in asked_again} == {"Credit review"}

    second = night.tonight(the_file(night))
    assert second.summary["proposals"] == {**counts, "kept": 56, "superseded": 0, "withdrawn": 0}
    assert (second.summary["rejected_new"], second.summary["rejected_repeated"]) == (0, 8)


def test_under_allow_the_field_is_written_and_only_the_same_value_is_withdrawn(night: Office) -> None:
    night.change({"approvals.behavior": "allow"})
    run = night.tonight(the_file(night))
    assert run.exit_code == 0
    after = {each["key"]["customer_account"]: each for each in night.proposals() if each["id"] > 60}
    table = night.table()
    for (origin, state, says), account in CASES.items():
        change = after[account]["changes"][-1]
        assert change["status"] == ("withdrawn" if says == "proposed" else state), (origin, state, says)
        value = {"nothing": stored(state), "stored": stored(state), "proposed": PROPOSED, "declined": DECLINED}
        assert table["usmf", account]["credit_limit"] == f"{value.get(says, OTHER)}.00", (origin, state, says)
    pending = after[accounts(origin="person", state="pending", says="other")[0]]["id"]
    assert night.act("ann", "approve", pending).json["conflict"] == 1


def test_under_reject_all_open_changes_stay(night: Office) -> None:
    before = [each for each in night.proposals() if each["id"] > 60]
    run = night.tonight(the_file(night), "--behavior", "reject")
    assert {row["codes"] for row in run.results} == {"", "approval_required"}
    assert run.counts == {"read": 60, "rejected": 36, "updated": 24}
    after = [each for each in night.proposals() if each["id"] > 60]
    assert after == before
