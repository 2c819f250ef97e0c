"""Limits on the plan. Pure: counts in, verdicts out (`1-product.md`, rule 9)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from importer.settings import Limit, Limits

SMALLEST_BASE = 100
"""A percentage is not checked while the number it is taken of is below this."""


@dataclass(frozen=True)
class PlanCounts:
    """What the limits look at. `last_rows`: rows of the source's last applied run, None where there is none.

    Corrected rejections are fewer by nature: `is_correction` leaves `min_rows` out.
    """

    read: int
    rejected: int
    stored: int
    changed: int
    proposed: int
    cleared: int
    last_rows: int | None
    is_correction: bool


@dataclass(frozen=True)
class Verdict:
    """One limit: what was allowed, what was found, of how many, and whether it is past."""

    name: str
    limit: str
    found: int
    base: int | None
    past: bool

    def as_json(self) -> dict[str, str | int | bool | None]:
        return {"limit": self.limit, "found": self.found, "of": self.base, "past": self.past}


def verdicts(limits: Limits, counts: PlanCounts) -> tuple[Verdict, ...]:
    return (
        _at_most("max_rejected", limits.max_rejected, counts.rejected, counts.read),
        _at_most("max_changed", limits.max_changed, counts.changed, counts.stored),
        _at_most("max_proposed", limits.max_proposed, counts.proposed, counts.stored),
        _at_most("max_cleared", limits.max_cleared, counts.cleared, counts.stored),
        _at_least("min_rows", limits.min_rows, counts),
    )


def _at_most(name: str, limit: Limit, found: int, base: int) -> Verdict:
    bound = _bound(limit, base)
    return Verdict(name, limit.text, found, base if limit.is_percent else None, bound is not None and found > bound)


def _at_least(name: str, limit: Limit, counts: PlanCounts) -> Verdict:
    bound = None if counts.is_correction else _bound(limit, counts.last_rows)
    base = counts.last_rows if limit.is_percent else None
    return Verdict(name, limit.text, counts.read, base, bound is not None and counts.read < bound)


def _bound(limit: Limit, base: int | None) -> Decimal | None:
    """The number that the limit allows; None where it is not checked."""
    if not limit.is_percent:
        return limit.number
    if base is None or base < SMALLEST_BASE:
        return None
    return limit.number * base / 100
