"""The workflow of an entity: what is refused when it is loaded, and what it says of a change."""

from __future__ import annotations

import pytest

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.workflow.definition import (
    ADMINISTRATORS,
    Approver,
    ApproverKind,
    Ruling,
    approvers_for,
    automatic_decisions,
    load,
    next_steps,
    when_overdue,
)
from tests.workflow.conftest import Facts, Variant

STEP = """
[[workflow.steps]]
name = "{name}"
when = "{when}"
approvers = {approvers}
policy = "{policy}"
escalate_to = {escalate_to}
overdue = "{overdue}"
final_action = "{final_action}"
"""
RULE = """
[[workflow.automatic]]
name = "{name}"
when = "{when}"
action = "{action}"
"""


def _step(name: str = "Review", **given: str) -> str:
    usual = {"when": "true", "approvers": '["group:credit"]', "policy": "single", "escalate_to": "[]"}
    usual |= {"overdue": "escalate", "final_action": "none"}
    return STEP.format(name=name, **(usual | given))


def _rule(name: str, when: str, action: str = "approve") -> str:
    return RULE.format(name=name, when=when, action=action)


def test_the_shipped_workflow_decides_small_changes_and_asks_for_the_rest(customer: DataEntity, facts: Facts) -> None:
    definition = load(customer)
    assert definition.name == "Proposed customer change workflow"
    assert definition.record_fields == ()
    (small,) = automatic_decisions(definition, facts("5000.00", "5250.00"))
    assert (small.ruling, small.rule, small.failed) == (Ruling.APPROVE, "Small credit limit change", ())
    for change in (facts("5000.00", "5250.01"), facts("900000.00", "910000.01", approved="900000.00")):
        assert [decision.ruling for decision in automatic_decisions(definition, change)] == [None]
    (needed,) = next_steps(definition, facts("5000.00", "9000.00"))
    assert needed is not None
    assert needed.step.name == "Credit review"
    assert approvers_for(needed.step, {}) == (Approver(ApproverKind.GROUP, "credit", "group:credit"),)
    assert next_steps(definition, facts(), after="Credit review") == [None]


def test_many_small_changes_stop_where_the_drift_says_so(customer: DataEntity, facts: Facts) -> None:
    """4 % a night from 50,000.00: the person who approved 50,000.00 is asked again past 10,000.00."""
    definition, limit, nights = load(customer), 50_000.0, 0
    while automatic_decisions(definition, facts(f"{limit:.2f}", f"{limit * 1.04:.2f}", approved="50000.00"))[0].ruling:
        limit, nights = round(limit * 1.04, 2), nights + 1
    assert nights == 4


def test_a_blank_original_is_reported_and_asks_a_person(customer: DataEntity, facts: Facts) -> None:
    (decision,) = automatic_decisions(load(customer), facts(original=None))
    assert decision.ruling is None
    assert [failed.rule for failed in decision.failed] == ["Small credit limit change"]
    assert "blank: percent" in decision.failed[0].reason


@pytest.mark.parametrize(
    ("rules", "ruling", "rule", "failed"),
    [
        ([("a", "true", "approve"), ("b", "true", "reject")], "approve", "a", []),
        ([("a", "false", "approve"), ("b", "true", "reject")], "reject", "b", []),
        ([("a", "false", "approve"), ("b", "false", "reject")], None, None, []),
        ([("a", "percent > 1", "approve"), ("b", "true", "approve")], "approve", "b", ["a"]),
        ([("a", "percent > 1", "approve"), ("b", "true", "reject")], "reject", "b", ["a"]),
        ([("a", "percent > 1", "reject"), ("b", "true", "approve")], None, None, ["a"]),
        ([("a", "percent > 1", "reject"), ("b", "true", "approve"), ("c", "true", "reject")], "reject", "c", ["a"]),
        ([("a", "percent > 1", "approve")], None, None, ["a"]),
        ([], None, None, []),
    ],
)
def test_the_first_action_that_holds_decides(
    rules: list[tuple[str, str, str]],
    ruling: str | None,
    rule: str | None,
    failed: list[str],
    variant: Variant,
    facts: Facts,
) -> None:
    text = "[workflow]\n" + "".join(_rule(*each) for each in rules)
    (decision,) = automatic_decisions(load(variant(text)), facts(original=None))
    assert (decision.ruling, decision.rule, [each.rule for each in decision.failed]) == (ruling, rule, failed)


@pytest.mark.parametrize(
    ("whens", "walk"),
    [
        (["true", "true"], ["1", "2"]),
        (["true", "false", "true"], ["1", "3"]),
        (["false", "difference >= 100"], ["2"]),
        (["percent / 0 > 1", "true"], ["1", "2"]),
        (["true", "submitter > 1"], ["1", "2"]),
        (["false", "false"], ["Administrators"]),
        ([], ["Administrators"]),
    ],
)
def test_a_change_walks_the_steps_that_it_needs(
    whens: list[str], walk: list[str], variant: Variant, facts: Facts
) -> None:
    text = "[workflow]\n" + "".join(_step(str(at), when=when) for at, when in enumerate(whens, start=1))
    definition, found = load(variant(text)), list[str]()
    while needed := next_steps(definition, facts(), after=found[-1] if found else None)[0]:
        found.append(needed.step.name)
        assert (needed.failed is not None) == (needed.step.when is not None and "> 1" in needed.step.when.text)
        assert definition.step(needed.step.name) is needed.step
    assert found == walk


def test_an_unknown_step_is_a_bug(customer: DataEntity, facts: Facts) -> None:
    with pytest.raises(ValueError, match="Nowhere"):
        next_steps(load(customer), facts(), after="Nowhere")


def test_approvers_come_from_names_and_from_the_record(variant: Variant) -> None:
    names = '["user:eve", "group:credit-{data_area_id}-{site_id}", "field:employee_responsible_number", "user:eve"]'
    definition = load(variant("[workflow]\n" + _step(approvers=names)))
    assert definition.record_fields == ("data_area_id", "employee_responsible_number", "site_id")
    full = {"data_area_id": "usmf", "site_id": "1", "employee_responsible_number": "dan"}
    assert [(each.kind, each.name) for each in approvers_for(definition.steps[0], full)] == [
        ("user", "eve"),
        ("group", "credit-usmf-1"),
        ("user", "dan"),
    ]
    blank = {**full, "site_id": None, "employee_responsible_number": ""}
    found = approvers_for(definition.steps[0], blank)
    assert [(each.name, each.asked) for each in found] == [
        ("eve", "user:eve"),
        (None, "group:credit-{data_area_id}-{site_id}"),
        (None, "field:employee_responsible_number"),
    ]


def test_nobody_is_named_for_the_administrators_step() -> None:
    assert approvers_for(ADMINISTRATORS, {}) == ()


@pytest.mark.parametrize(
    ("overdue", "final_action", "escalate_to", "story"),
    [
        ("escalate", "none", '["user:cfo", "group:board"]', ["user:cfo", "group:board", None, None]),
        ("escalate", "reject", '["user:cfo"]', ["user:cfo", Ruling.REJECT]),
        ("escalate", "approve", "[]", [Ruling.APPROVE]),
        ("escalate", "none", "[]", [None]),
        ("approve", "none", '["user:cfo"]', [Ruling.APPROVE]),
        ("reject", "approve", '["user:cfo"]', [Ruling.REJECT]),
    ],
)
def test_what_is_overdue_goes_up_and_then_ends(
    overdue: str, final_action: str, escalate_to: str, story: list[str | Ruling | None], variant: Variant
) -> None:
    text = _step(overdue=overdue, final_action=final_action, escalate_to=escalate_to)
    step = load(variant("[workflow]\n" + text)).steps[0]
    found = [when_overdue(step, escalated) for escalated in range(len(story))]
    assert [each if each is None or isinstance(each, Ruling) else each.text for each in found] == story


WRONG = [
    (_rule("a", "percnt > 1"), "workflow.automatic.1.when: unknown name 'percnt'; nearest: percent"),
    (_step() + _step("b", when="record.site == 'x'"), "workflow.steps.2.when: unknown field 'site'; nearest: site_id"),
    (_step(policy="0%"), "workflow.steps.1.policy: 0% of the approvers is not possible"),
    (_step(policy="101%"), "workflow.steps.1.policy: 101% of the approvers is not possible"),
    (_step(approvers='["group:credit-{data_area}"]'), "steps.1.approvers: unknown field 'data_area' in 'group:"),
    (_step(approvers='["field:responsible"]'), "steps.1.approvers: unknown field 'responsible' in 'field:resp"),
    (_step(approvers='["group:credit-{data_area_id"]'), "has a brace without its partner"),
    (_step(approvers='["group: "]'), "is none of user:NAME, group:NAME, field:FIELD"),
    (_step(approvers='["group:{}"]'), "unknown field ''"),
    (_step(escalate_to='["cfo"]'), "steps.1.escalate_to: 'cfo' is none of user:NAME, group:NAME, field:FIELD"),
    (_step(escalate_to='["boss:cfo"]'), "steps.1.escalate_to: 'boss:cfo' is none of"),
    (_step() + _step(), "workflow.steps.name: the name 'Review' is taken twice"),
    (
        _step("Administrators"),
        "workflow.steps.name: the name 'Administrators' is taken twice, or is the importer's own",
    ),
    (_step(" "), "workflow.steps.name: a name is empty"),
    (_rule("a", "true") + _rule("a", "false"), "workflow.automatic.name: the name 'a' is taken twice"),
]


@pytest.mark.parametrize(("workflow", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_a_wrong_workflow_is_a_set_up_error(workflow: str, problem: str, variant: Variant) -> None:
    entity = variant("[workflow]\n" + workflow)
    with pytest.raises(SetupError) as caught:
        load(entity)
    assert problem in caught.value.message
    assert caught.value.file == str(entity.files[1])
    assert caught.value.message.startswith(str(entity.files[1]))
