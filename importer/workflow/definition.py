"""The workflow of an entity. In: its parameters. Out: compiled actions and steps, and what they say of a change.

Nothing here approves by accident: a step whose condition fails is needed, a failed automatic rejection holds back every
later approval, and a change that needs no step at all goes to the administrators. Source: `1-product.md`, "The
workflow".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from importer import settings
from importer.entity import DataEntity, nearest
from importer.errors import SetupError
from importer.workflow.change_columns import ChangeColumns
from importer.workflow.conditions import Condition, Failed, compile_condition
from importer.workflow.policy import Policy, PolicyKind, read_policy


class Ruling(StrEnum):
    """What the workflow decides without asking."""

    APPROVE = "approve"
    REJECT = "reject"


class Overdue(StrEnum):
    """What happens when a step's due time has passed."""

    ESCALATE = "escalate"
    APPROVE = "approve"
    REJECT = "reject"


class FinalAction(StrEnum):
    """What happens when the last of `escalate_to` is overdue too."""

    NONE = "none"
    APPROVE = "approve"
    REJECT = "reject"


class ApproverKind(StrEnum):
    USER = "user"
    GROUP = "group"


@dataclass(frozen=True)
class Approver:
    """Who is asked; `name` is None where the record's field is blank: then `asked` names nobody, which is a warning."""

    kind: ApproverKind
    name: str | None
    asked: str


@dataclass(frozen=True)
class ApproverSpec:
    """An entry of `approvers` or `escalate_to`; `parts` alternate between text and the name of a field."""

    text: str
    kind: ApproverKind
    parts: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return self.parts[1::2]

    def approver(self, record: Mapping[str, str | None]) -> Approver:
        """The user or group that is meant for this record (canonical texts)."""
        values = [record[part] if at % 2 else part for at, part in enumerate(self.parts)]
        blank = any(not record[name] for name in self.fields)
        name = None if blank else "".join(value or "" for value in values)
        return Approver(self.kind, name, self.text)


@dataclass(frozen=True)
class AutomaticAction:
    name: str
    when: Condition
    ruling: Ruling


@dataclass(frozen=True)
class Step:
    """`due_days` None: never overdue. No `approvers`: the administrators."""

    name: str
    when: Condition | None
    approvers: tuple[ApproverSpec, ...]
    policy: Policy
    due_days: int | None
    escalate_to: tuple[ApproverSpec, ...]
    overdue: Overdue
    final_action: FinalAction


ADMINISTRATORS = Step(
    name="Administrators",
    when=None,
    approvers=(),
    policy=Policy(PolicyKind.SINGLE),
    due_days=None,
    escalate_to=(),
    overdue=Overdue.ESCALATE,
    final_action=FinalAction.NONE,
)
"""Where a change goes that needs none of the steps: what no rule covers is decided by people."""


@dataclass(frozen=True)
class WorkflowDefinition:
    """One version of the workflow (`settings_sha256`); conditions and approvers need `record_fields` of a record."""

    name: str
    entity: str
    settings_sha256: str
    auto_submit: bool
    four_eyes: bool
    automatic: tuple[AutomaticAction, ...]
    steps: tuple[Step, ...]
    record_fields: tuple[str, ...]

    def step(self, name: str) -> Step:
        """The step of this name. KeyError: this version has none."""
        return {step.name: step for step in (*self.steps, ADMINISTRATORS)}[name]


@dataclass(frozen=True)
class FailedCondition:
    """An automatic action or step whose condition said neither true nor false, and why: to be reported."""

    rule: str
    reason: str


@dataclass(frozen=True)
class AutomaticDecision:
    """`ruling` and `rule` are None where no action applies; the conditions that failed are named either way."""

    ruling: Ruling | None
    rule: str | None
    failed: tuple[FailedCondition, ...] = ()


@dataclass(frozen=True)
class NeededStep:
    """The step that waits next; `failed` where it is needed only because its condition could not be evaluated."""

    step: Step
    failed: FailedCondition | None = None


_NO_DECISION = AutomaticDecision(None, None)


def automatic_decisions(definition: WorkflowDefinition, changes: ChangeColumns) -> list[AutomaticDecision]:
    """For each change the first action whose condition holds.

    No approval after a rejection that could not be evaluated.
    """
    answers = [action.when.evaluate(changes) for action in definition.automatic]
    return (
        [_decide(definition, row) for row in zip(*answers, strict=True)] if answers else [_NO_DECISION] * len(changes)
    )


def _decide(definition: WorkflowDefinition, answers: Iterable[bool | Failed]) -> AutomaticDecision:
    """`answers`: of each action in turn."""
    failed: list[FailedCondition] = []
    may_approve = True
    for action, answer in zip(definition.automatic, answers, strict=True):
        if isinstance(answer, Failed):
            failed.append(FailedCondition(action.name, answer.reason))
            may_approve = may_approve and action.ruling is Ruling.APPROVE
        elif answer and (may_approve or action.ruling is Ruling.REJECT):
            return AutomaticDecision(action.ruling, action.name, tuple(failed))
    return AutomaticDecision(None, None, tuple(failed)) if failed else _NO_DECISION


def next_steps(
    definition: WorkflowDefinition, changes: ChangeColumns, after: str | None = None
) -> list[NeededStep | None]:
    """For each change the next step that is needed, from the start or after the named one; None: all are completed.

    ValueError: this version has no step of that name.
    """
    found: list[NeededStep | None] = [None] * len(changes)
    for step in _following(definition, after):
        needed = NeededStep(step)
        answers: list[bool | Failed] = [True] * len(changes) if step.when is None else step.when.evaluate(changes)
        for at, answer in enumerate(answers):
            if found[at] is not None:
                continue
            if isinstance(answer, Failed):
                found[at] = NeededStep(step, FailedCondition(step.name, answer.reason))
            elif answer:
                found[at] = needed
        if None not in found:
            break
    last = NeededStep(ADMINISTRATORS) if after is None else None
    return [each or last for each in found]


def _following(definition: WorkflowDefinition, after: str | None) -> tuple[Step, ...]:
    if after is None:
        return definition.steps
    if after == ADMINISTRATORS.name:
        return ()
    names = [step.name for step in definition.steps]
    return definition.steps[names.index(after) + 1 :]


def approvers_for(step: Step, record: Mapping[str, str | None]) -> tuple[Approver, ...]:
    """Who is asked for this record, each once. KeyError where `record` lacks a field that the step names."""
    found = (spec.approver(record) for spec in step.approvers)
    return tuple({(each.kind, each.name, each.name or each.asked): each for each in found}.values())


def when_overdue(step: Step, escalated: int) -> ApproverSpec | Ruling | None:
    """Who gets the work, or what is decided, after so many escalations; None: it stays where it is."""
    if step.overdue is not Overdue.ESCALATE:
        return Ruling(step.overdue)
    if escalated < len(step.escalate_to):
        return step.escalate_to[escalated]
    return None if step.final_action is FinalAction.NONE else Ruling(step.final_action)


def load(entity: DataEntity) -> WorkflowDefinition:
    """The workflow of an entity. SetupError names file, key and nearest valid name."""
    workflow = entity.parameters.workflow
    return _load(entity, tuple(_automatic(entity, at, each) for at, each in enumerate(workflow.automatic, start=1)))


def load_steps(entity: DataEntity) -> WorkflowDefinition:
    """The same for changes on their way: the automatic actions, which come first, are behind them."""
    return _load(entity, ())


def _load(entity: DataEntity, automatic: tuple[AutomaticAction, ...]) -> WorkflowDefinition:
    workflow = entity.parameters.workflow
    steps = tuple(_step(entity, at, each) for at, each in enumerate(workflow.steps, start=1))
    _check_distinct(entity, "workflow.automatic", [action.name for action in automatic])
    _check_distinct(entity, "workflow.steps", [*(step.name for step in steps), ADMINISTRATORS.name])
    return WorkflowDefinition(
        name=workflow.name,
        entity=entity.name,
        settings_sha256=entity.settings_sha256,
        auto_submit=workflow.auto_submit,
        four_eyes=workflow.four_eyes,
        automatic=automatic,
        steps=steps,
        record_fields=tuple(entity.in_order(_named_fields(automatic, steps))),
    )


def _named_fields(automatic: Iterable[AutomaticAction], steps: Iterable[Step]) -> Iterable[str]:
    for action in automatic:
        yield from (field.name for field in action.when.record_fields)
    for step in steps:
        yield from (field.name for field in step.when.record_fields) if step.when else ()
        for spec in (*step.approvers, *step.escalate_to):
            yield from spec.fields


def _automatic(entity: DataEntity, at: int, action: settings.AutomaticAction) -> AutomaticAction:
    when = compile_condition(action.when, entity, f"workflow.automatic.{at}.when")
    return AutomaticAction(action.name, when, Ruling(action.action))


def _step(entity: DataEntity, at: int, step: settings.Step) -> Step:
    key = f"workflow.steps.{at}"
    return Step(
        name=step.name,
        when=compile_condition(step.when, entity, f"{key}.when"),
        approvers=tuple(_spec(entity, f"{key}.approvers", text) for text in step.approvers),
        policy=_policy(entity, f"{key}.policy", step.policy),
        due_days=step.due,
        escalate_to=tuple(_spec(entity, f"{key}.escalate_to", text) for text in step.escalate_to),
        overdue=Overdue(step.overdue),
        final_action=FinalAction(step.final_action),
    )


def _policy(entity: DataEntity, key: str, text: str) -> Policy:
    try:
        return read_policy(text)
    except ValueError as error:
        raise _wrong(entity, key, str(error)) from None


def _spec(entity: DataEntity, key: str, text: str) -> ApproverSpec:
    """`user:NAME`, `group:NAME`, either with fields in braces, or `field:FIELD`, the user that the record names."""
    kind, colon, name = text.partition(":")
    if not colon or kind not in ("user", "group", "field") or not name.strip():
        raise _wrong(entity, key, f"{text!r} is none of user:NAME, group:NAME, field:FIELD")
    parts = ("", name, "") if kind == "field" else tuple(re.split(r"\{([^{}]*)\}", name))
    if any(brace in part for part in parts[::2] for brace in "{}"):
        raise _wrong(entity, key, f"{text!r} has a brace without its partner")
    for field in parts[1::2]:
        if field not in entity.by_name:
            raise _wrong(entity, key, f"unknown field {field!r} in {text!r}{nearest(field, entity.names)}")
    return ApproverSpec(text, ApproverKind.GROUP if kind == "group" else ApproverKind.USER, parts)


def _check_distinct(entity: DataEntity, key: str, names: list[str]) -> None:
    for name in names:
        if not name.strip():
            raise _wrong(entity, f"{key}.name", "a name is empty")
        if names.count(name) > 1:
            raise _wrong(entity, f"{key}.name", f"the name {name!r} is taken twice, or is the importer's own")


def _wrong(entity: DataEntity, key: str, problem: str) -> SetupError:
    return SetupError(f"{entity.files[1]}: {key}: {problem}", file=str(entity.files[1]))
