"""Completion policies with 3 and 5 approvers in every order of responses, and their properties."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.workflow.policy import Policy, PolicyKind, Response, Verdict, read_policy, verdict
from tests.workflow.conftest import patient

POLICIES = ("single", "majority", "all", "1%", "34%", "50%", "67%", "100%")
ENOUGH = [  # policy, of 1, 2, 3, 4, 5, 10 approvers
    ("single", 1, 1, 1, 1, 1, 1),
    ("majority", 1, 2, 2, 3, 3, 6),
    ("all", 1, 2, 3, 4, 5, 10),
    ("1%", 1, 1, 1, 1, 1, 1),
    ("34%", 1, 1, 2, 2, 2, 4),
    ("50%", 1, 1, 2, 2, 3, 5),
    ("51%", 1, 2, 2, 3, 3, 6),
    ("67%", 1, 2, 3, 3, 4, 7),
    ("100%", 1, 2, 3, 4, 5, 10),
]
ORDERS = [  # policy, approvers, responses in order (A approves, R rejects) -> verdict
    ("single", 3, "", "open"),
    ("single", 3, "A", "approved"),
    ("single", 3, "R", "rejected"),
    ("single", 3, "AR", "approved"),
    ("single", 3, "RA", "rejected"),
    ("majority", 3, "A", "open"),
    ("majority", 3, "R", "open"),
    ("majority", 3, "AA", "approved"),
    ("majority", 3, "AR", "rejected"),
    ("majority", 3, "RA", "rejected"),
    ("majority", 3, "AAR", "approved"),
    ("all", 3, "AA", "open"),
    ("all", 3, "RR", "open"),
    ("all", 3, "AAA", "approved"),
    ("all", 3, "AAR", "rejected"),
    ("majority", 5, "AA", "open"),
    ("majority", 5, "AAA", "approved"),
    ("majority", 5, "ARA", "rejected"),
    ("majority", 5, "AAARR", "approved"),
    ("50%", 5, "AA", "open"),
    ("50%", 5, "AAR", "rejected"),
    ("50%", 3, "AAR", "approved"),
    ("all", 5, "AAAAR", "rejected"),
    ("all", 5, "AAAAA", "approved"),
]
NAMES = ["ann", "bob", "cyd", "dan", "eve"]
responses = st.lists(st.builds(Response, st.sampled_from([*NAMES, "stranger"]), st.booleans()), max_size=12)
policies = st.sampled_from(POLICIES).map(read_policy)
panels = st.sets(st.sampled_from(NAMES))


@pytest.mark.parametrize(("policy", "of_1", "of_2", "of_3", "of_4", "of_5", "of_10"), ENOUGH)
def test_how_many_are_enough(policy: str, of_1: int, of_2: int, of_3: int, of_4: int, of_5: int, of_10: int) -> None:
    counts = [read_policy(policy).enough(approvers) for approvers in (1, 2, 3, 4, 5, 10)]
    assert counts == [of_1, of_2, of_3, of_4, of_5, of_10]


@pytest.mark.parametrize(("policy", "approvers", "order", "expected"), ORDERS)
def test_the_first_responses_that_are_enough_decide(policy: str, approvers: int, order: str, expected: str) -> None:
    given_in_order = [(name, letter == "A") for name, letter in zip(NAMES, order, strict=False)]
    assert verdict(read_policy(policy), NAMES[:approvers], given_in_order) is Verdict(expected)


@pytest.mark.parametrize("approvers", [3, 5])
@pytest.mark.parametrize("text", POLICIES)
def test_every_order_of_responses_gives_the_documented_result(text: str, approvers: int) -> None:
    policy, panel = read_policy(text), NAMES[:approvers]
    enough = policy.enough(approvers)
    for answers in product([True, False], repeat=approvers):
        for order in permutations(zip(panel, answers, strict=True)):
            for given_so_far in range(approvers + 1):
                found = verdict(policy, panel, order[:given_so_far])
                if given_so_far < enough:
                    assert found is Verdict.OPEN
                else:
                    assert (found is Verdict.APPROVED) == all(approved for _, approved in order[:enough])


@patient
@given(policies, panels, responses, responses)
def test_a_decision_never_changes_once_made(
    policy: Policy, panel: set[str], before: list[Response], later: list[Response]
) -> None:
    decided = verdict(policy, panel, before)
    if decided is not Verdict.OPEN:
        assert verdict(policy, panel, before + later) is decided


@patient
@given(policies, panels, responses)
def test_only_the_responses_decide(policy: Policy, panel: set[str], given_: list[Response]) -> None:
    """Neither who is on the panel beside them, nor strangers, nor a second response, nor the order of the names."""
    counting: dict[str, Response] = {}
    for response in given_:
        if response.user in panel:
            counting.setdefault(response.user, response)
    assert verdict(policy, panel, given_) is verdict(policy, sorted(panel, reverse=True), list(counting.values()))


@patient
@given(policies, panels, responses)
def test_an_approval_has_no_rejection_among_those_that_decided(
    policy: Policy, panel: set[str], given_: list[Response]
) -> None:
    agreed = [Response(response.user, True) for response in given_]
    found, if_all_agreed = verdict(policy, panel, given_), verdict(policy, panel, agreed)
    assert (found is Verdict.OPEN) == (if_all_agreed is Verdict.OPEN)
    assert if_all_agreed is not Verdict.REJECTED


def test_nobody_to_ask_decides_nothing() -> None:
    assert verdict(read_policy("all"), [], [("ann", True)]) is Verdict.OPEN


@pytest.mark.parametrize("text", ["", "0%", "101%", "999%", "50", "50.5%", "Single", "any", "-1%", "percent", "%"])
def test_a_wrong_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="%"):
        read_policy(text)


@pytest.mark.parametrize("text", POLICIES)
def test_a_policy_reads_as_it_is_written(text: str) -> None:
    assert str(read_policy(text)) == text
    assert (read_policy(text).kind is PolicyKind.PERCENT) == text.endswith("%")
