"""A work item is one proposal waiting at one step; who is asked there is found anew each time."""

from __future__ import annotations

import pytest

from .office import ADMIN, GROUPS, Office, step


def items(office: Office) -> list[tuple[int, str, bool]]:
    """Proposal, step, and whether it is open still; in the order of their making."""
    table = office.control("work_item")
    rows = office.sql(f"SELECT proposal_id, step, closed_at IS NULL FROM {table} ORDER BY id")
    return [(number, name, bool(is_open)) for number, name, is_open in rows]


def test_one_for_each_proposal_and_step_whatever_the_size_of_the_group(office: Office) -> None:
    office.change({"workflow.steps": [step("First", "group:board", policy="all"), step("Second", "group:credit")]})
    values = {"credit_limit": "9000", "payment_terms": "Net60"}
    run = office.tonight({"C-01": values, "C-02": values})
    one, two = (int(row["proposal_id"]) for row in run.results)
    assert items(office) == [(one, "First", True), (two, "First", True)]
    seats = office.sql(f"SELECT kind, name FROM {office.control('work_approver')}")
    assert [tuple(seat) for seat in seats] == [("group", "board")] * 2
    for user in GROUPS["board"]:
        office.do(user, "approve", one)
    assert items(office) == [(one, "First", False), (two, "First", True), (one, "Second", True)]


def test_fields_that_wait_at_two_steps_make_two(office: Office) -> None:
    office.change(
        {
            "workflow.steps": [
                step("Terms", "user:tom", when="field == 'payment_terms'"),
                step("Credit", "group:credit", when="field == 'credit_limit'"),
            ]
        }
    )
    run = office.tonight({"C-01": {"credit_limit": "9000", "payment_terms": "Net60"}})
    number = int(run.row(2)["proposal_id"])
    assert sorted(items(office)) == [(number, "Credit", True), (number, "Terms", True)]
    office.do("tom", "approve", number)
    assert sorted(items(office)) == [(number, "Credit", True), (number, "Terms", False)]


@pytest.mark.parametrize("when", ["true", "proposed > 0"], ids=["the first step is sure", "conditions tell"])
def test_a_superseding_change_goes_on_in_it_and_a_withdrawn_one_ends_it(office: Office, when: str) -> None:
    office.change({"workflow.steps": [step("Review", "group:credit", when=when), step("Second", "user:cfo")]})
    number = office.limit("C-01", "9000")
    office.limit("C-01", "8000")
    assert items(office) == [(number, "Review", True)]
    office.do("ann", "approve", number)
    office.limit("C-01", "7000")
    assert items(office) == [(number, "Review", False), (number, "Second", False), (number, "Review", True)]
    office.tonight({"C-01": {"credit_limit": "1000"}})
    assert office.status(number) == "withdrawn"
    assert [is_open for _, _, is_open in items(office)] == [False] * 3


def test_an_approver_whose_rights_were_taken_away(office: Office) -> None:
    """Out of the group: no work, a clear refusal that the history keeps; the others have it still."""
    number = office.limit("C-01", "9000")
    assert office.work("ann") == [number]
    assert office.as_user(ADMIN, "groups", "remove", "credit", "ann").exit_code == 0
    assert (office.work("ann"), office.work("bob"), office.work(ADMIN)) == ([], [number], [])
    assert office.fails("ann", "approve", number) == "ann is not asked at this step"
    assert office.actions(number)[-1] == ("ann", "approve_refused")
    for user in ("bob", "eve"):
        assert office.as_user(ADMIN, "groups", "remove", "credit", user).exit_code == 0
    assert (office.work("bob"), office.work(ADMIN)) == ([], [number])
    office.do(ADMIN, "approve", number)
    assert office.value("C-01", "credit_limit") == "9000.00"


def test_an_administrator_who_is_one_no_more(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "group:empty")]})
    number = office.limit("C-01", "9000")
    assert office.as_user(ADMIN, "users", "add", "carl", "--admin").exit_code == 0
    assert (office.work(ADMIN), office.work("carl")) == ([number], [number])
    assert office.as_user("carl", "users", "add", ADMIN).exit_code == 0
    assert (office.work(ADMIN), office.work("carl")) == ([], [number])
    assert office.fails(ADMIN, "approve", number) == "root is not asked at this step"
    office.do("carl", "approve", number)
    assert office.status(number) == "applied"
