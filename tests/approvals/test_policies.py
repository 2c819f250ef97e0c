"""Each policy with three and with five approvers, through the commands. The whole table is in tests/workflow."""

from __future__ import annotations

import pytest

from .office import GROUPS, Office, step

SIZES = {3: "credit", 5: "board"}
ENOUGH = {("single", 3): 1, ("single", 5): 1, ("majority", 3): 2, ("majority", 5): 3, ("all", 3): 3, ("all", 5): 5}
ENOUGH |= {("50%", 3): 2, ("50%", 5): 3}
ANSWERS = {
    "approvals only": "yyyyy",
    "a rejection first": "nyyyy",
    "a rejection last of those that are enough": "?n",
}
CASES = [(policy, size, order) for policy, size in ENOUGH for order in ANSWERS]


@pytest.fixture(scope="module")
def proposed(shared_office: Office) -> dict[tuple[str, int, str], int]:
    """One proposal for every case: the field that it is about says which step takes it."""
    office = shared_office
    names = [f"{policy} of {size}" for policy, size in ENOUGH]
    office.change(
        {
            "workflow.steps": [
                step(name, f"group:{SIZES[size]}", policy=policy, when=f"record.sales_memo == '{name}'")
                for name, (policy, size) in zip(names, ENOUGH, strict=True)
            ]
        }
    )
    accounts = {case: f"C-{at:02}" for at, case in enumerate(CASES, start=1)}
    office.tonight({each: {"sales_memo": f"{policy} of {size}"} for (policy, size, _), each in accounts.items()})
    run = office.tonight({each: {"credit_limit": "9000"} for each in accounts.values()})
    assert run.counts == {"read": len(CASES), "proposed": len(CASES)}
    ids = {row["customer_account"]: int(row["proposal_id"]) for row in run.results}
    return {case: ids[account] for case, account in accounts.items()}


@pytest.mark.parametrize("order", ANSWERS)
@pytest.mark.parametrize(("policy", "size"), ENOUGH)
def test_enough_responses_decide_and_one_rejection_among_them_rejects(
    shared_office: Office, proposed: dict[tuple[str, int, str], int], policy: str, size: int, order: str
) -> None:
    office, number, enough = shared_office, proposed[policy, size, order], ENOUGH[policy, size]
    answers = ANSWERS[order].replace("?", "y" * (enough - 1))[:enough]
    people = GROUPS[SIZES[size]][::-1]
    responses = list(zip(people, answers, strict=False))
    for user, answer in responses[:-1]:
        office.do(user, "approve" if answer == "y" else "reject", number)
    assert office.status(number) == "pending"
    user, answer = responses[-1]
    office.do(user, "approve" if answer == "y" else "reject", number)
    change = office.changes_of(number)["credit_limit"]
    assert change["status"] == ("rejected" if "n" in answers else "applied")
    assert office.value(f"C-{CASES.index((policy, size, order)) + 1:02}", "credit_limit") == (
        "1000.00" if "n" in answers else "9000.00"
    )
    late = office.act(people[-1], "reject", number)
    assert (late.exit_code, late.json["already_decided"]) == (3, 1)


def test_who_is_not_asked_any_more_does_not_count(office: Office) -> None:
    """Of three one has approved and left: both others have to respond."""
    office.change({"workflow.steps": [step("All", "group:credit", policy="all")]})
    number = office.limit("C-01", "9000")
    office.do("ann", "approve", number)
    assert office.as_user("root", "users", "remove", "ann").exit_code == 0
    office.do("bob", "approve", number)
    assert office.status(number) == "pending"
    office.do("eve", "approve", number)
    assert office.status(number) == "applied"
