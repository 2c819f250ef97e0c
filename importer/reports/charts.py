"""Counts become the geometry of a bar: SVG rectangles on a line of 1,000 units.

In: parts with a style and a count. Out: segments; what is there can be seen, however small its share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = 1000.0
LEAST = 6.0
GAP = 2.0


@dataclass(frozen=True)
class Part:
    style: str
    title: str
    count: int


@dataclass(frozen=True)
class Segment:
    style: str
    title: str
    x: float
    width: float


def bar(parts: Sequence[Part], full: int | None = None) -> list[Segment]:
    """The parts side by side; the bar is as long as their sum is of `full` (by default all of it)."""
    seen = [part for part in parts if part.count > 0]
    total = sum(part.count for part in seen)
    if not total:
        return []
    length = max(LENGTH * total / (full or total), LEAST * len(seen))
    widths = _widths([part.count / total for part in seen], length)
    segments, x = [], 0.0
    for part, width in zip(seen, widths, strict=True):
        segments.append(Segment(part.style, f"{part.title}: {part.count:,}", round(x, 2), round(width - GAP, 2)))
        x += width
    return segments


def _widths(shares: list[float], length: float) -> list[float]:
    """Small parts get `LEAST`; the others give it up in proportion."""
    small = [share * length < LEAST for share in shares]
    rest = length - LEAST * sum(small)
    large = sum(share for share, is_small in zip(shares, small, strict=True) if not is_small)
    return [LEAST if is_small else rest * share / large for share, is_small in zip(shares, small, strict=True)]
