"""Completion policies. In: a policy, the approvers of a step, their responses in order. Out: open, approved, rejected.

"A policy completes when enough approvers have responded; if any of those responses is a rejection, the change is
rejected" (`1-product.md`). Exactly:

- Only the first response of each current approver counts, approval or rejection alike.
- Enough is: `single` 1, `majority` more than half, `all` all of them, `"50%"` at least that share; never less than 1.
- The first responses that are enough decide, in whatever order they came among themselves; later ones change nothing.
- A rejection before there are enough leaves the change open: the others are still heard, it can only be rejected then.
- With no approvers nothing completes: the work goes to the administrators, and they are the approvers then.

The verdict is made once, with the approvers of that moment, and stored: whoever joins or leaves later changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class PolicyKind(StrEnum):
    SINGLE = "single"
    MAJORITY = "majority"
    ALL = "all"
    PERCENT = "percent"


class Verdict(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


class Response(NamedTuple):
    """What one approver said."""

    user: str
    approved: bool


@dataclass(frozen=True)
class Policy:
    """How many approvers have to respond; `percent` (1 to 100) only for a share."""

    kind: PolicyKind
    percent: int = 0

    def __str__(self) -> str:
        return f"{self.percent}%" if self.kind is PolicyKind.PERCENT else self.kind.value

    def enough(self, approvers: int) -> int:
        """The number of responses that complete a step with so many approvers; at least 1."""
        match self.kind:
            case PolicyKind.SINGLE:
                return 1
            case PolicyKind.MAJORITY:
                return approvers // 2 + 1
            case PolicyKind.ALL:
                return max(1, approvers)
            case PolicyKind.PERCENT:
                return max(1, -(-approvers * self.percent // 100))


def read_policy(text: str) -> Policy:
    """`single`, `majority`, `all` or a percentage such as `50%`. ValueError says what is wrong."""
    if text in (PolicyKind.SINGLE, PolicyKind.MAJORITY, PolicyKind.ALL):
        return Policy(PolicyKind(text))
    match = re.fullmatch(r"([0-9]{1,3})%", text)
    if not match:
        raise ValueError(f'{text!r} is none of single, majority, all, or a percentage such as "50%"')
    percent = int(match[1])
    if not 1 <= percent <= 100:
        raise ValueError(f"{text} of the approvers is not possible; a percentage is from 1% to 100%")
    return Policy(PolicyKind.PERCENT, percent)


def verdict(policy: Policy, approvers: Collection[str], responses: Iterable[Response | tuple[str, bool]]) -> Verdict:
    """The decision of a step, from the responses in the order they were given."""
    if not approvers:
        return Verdict.OPEN
    current = frozenset(approvers)
    enough = policy.enough(len(current))
    deciding = counted(current, responses)[:enough]
    if len(deciding) < enough:
        return Verdict.OPEN
    return Verdict.APPROVED if all(response.approved for response in deciding) else Verdict.REJECTED


def counted(approvers: Collection[str], responses: Iterable[Response | tuple[str, bool]]) -> list[Response]:
    """The responses that count, in order: the first of each current approver."""
    first: dict[str, Response] = {}
    for user, approved in responses:
        if user in approvers and user not in first:
            first[user] = Response(user, approved)
    return list(first.values())
