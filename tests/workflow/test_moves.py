"""The state machine of a proposed change: every pair of status and move, and who may make which move."""

from __future__ import annotations

from itertools import product

import pytest

from importer.vocabulary import ChangeStatus
from importer.workflow.moves import BEGINNING, RULES, Move, Refusal, Role, before, next_status, refused_to

MOVES = """
                   draft      pending            changes_requested  conflict    ended
  submit           pending    -                  pending            -           -
  approve          -          pending            -                  -           -
  reject           -          pending            -                  -           -
  request_changes  -          changes_requested  -                  -           -
  delegate         -          pending            -                  -           -
  reassign         -          pending            -                  -           -
  escalate         -          pending            -                  -           -
  apply            -          applied            -                  -           -
  turn_down        -          rejected           -                  -           -
  conflict         -          conflict           -                  -           -
  rebase           -          -                  -                  pending     -
  recall           -          draft              -                  -           -
  discard          discarded  -                  discarded          discarded   -
  supersede        superseded superseded         superseded         superseded  -
  withdraw         withdrawn  withdrawn          withdrawn          withdrawn   -
"""
ROLES = """
                   approver  submitter  owner  administrator  system
  submit           -         yes        yes    -              yes
  approve          yes       -          -      -              yes
  reject           yes       -          -      -              yes
  request_changes  yes       -          -      -              -
  delegate         yes       -          -      -              -
  reassign         -         -          -      yes            -
  escalate         -         -          -      -              yes
  apply            -         -          -      -              yes
  turn_down        -         -          -      -              yes
  conflict         -         -          -      -              yes
  rebase           yes       yes        yes    yes            -
  recall           -         yes        yes    yes            -
  discard          -         yes        yes    yes            -
  supersede        -         -          -      -              yes
  withdraw         -         -          -      -              yes
"""


def _table(text: str) -> dict[tuple[str, str], str]:
    head, *lines = (line.split() for line in text.strip().splitlines())
    return {(column, line[0]): cell for line in lines for column, cell in zip(head, line[1:], strict=True)}


@pytest.mark.parametrize(("status", "move"), list(product(ChangeStatus, Move)), ids=str)
def test_a_move_leads_where_the_table_says(status: ChangeStatus, move: Move) -> None:
    column = status.value if status.is_open else "ended"
    expected = _table(MOVES)[column, move.value]
    found = next_status(status, move)
    if expected == "-":
        assert isinstance(found, Refusal)
        assert found.already_decided == (not status.is_open)
        assert move.value.replace("_", " ") in found.reason
    else:
        assert found is ChangeStatus(expected)
        assert status in before(move)


@pytest.mark.parametrize(("role", "move"), list(product(Role, Move)), ids=str)
def test_a_move_is_for_the_roles_of_the_table(role: Role, move: Move) -> None:
    assert (refused_to(move, [role]) is None) == (_table(ROLES)[role.value, move.value] == "yes")


def test_a_refusal_says_whose_move_it_is() -> None:
    refusal = refused_to(Move.RECALL, {Role.APPROVER})
    assert refusal == Refusal(
        "cannot recall: that is for its submitter or the owner of its source or administrators", already_decided=False
    )
    assert refused_to(Move.RECALL, {Role.APPROVER, Role.SUBMITTER}) is None
    assert refused_to(Move.APPROVE, ()) is not None


def test_a_refusal_says_what_the_change_is_and_what_it_would_have_to_be() -> None:
    assert next_status(ChangeStatus.APPLIED, Move.RECALL) == Refusal(
        "cannot recall: the change was applied already; that is possible only while it is pending approval",
        already_decided=True,
    )


def test_nothing_leaves_an_ended_state_and_every_open_one_can_end() -> None:
    for status in ChangeStatus:
        ends = {rule.after for rule in RULES.values() if status in rule.before and not rule.after.is_open}
        assert bool(ends) == status.is_open


def test_every_state_can_be_reached_from_the_beginning() -> None:
    reached = {BEGINNING}
    for _ in Move:
        reached |= {rule.after for rule in RULES.values() if reached & set(rule.before)}
    assert reached == set(ChangeStatus)
