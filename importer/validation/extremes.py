"""What the longest, least and greatest values of a column already tell of pandera's own checks.

Most columns keep their lengths and ranges. A look at their extremes proves it in a twentieth of the time that the check
takes for telling which values do; where it doesn't, the check decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from importer.validation.text import longest

_BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "greater_than": ("min", operator.gt, "min_value"),
    "greater_than_or_equal_to": ("min", operator.ge, "min_value"),
    "less_than": ("max", operator.lt, "max_value"),
    "less_than_or_equal_to": ("max", operator.le, "max_value"),
}


def is_kept_by_all(check: Any, values: pa.Array) -> bool:
    """Whether every value certainly passes; False where that takes the check itself. Null counts as passed."""
    if len(values) == values.null_count:
        return bool(check.ignore_na)
    facts = check.statistics or {}
    if check.name == "str_length" and pa.types.is_string(values.type):
        return _is_short_enough(values, facts)
    if check.name in _BOUNDS:
        extreme, holds, bound = _BOUNDS[check.name]
        found, limit = pc.min_max(values)[extreme].as_py(), facts.get(bound)
        return _are_comparable(found, limit) and holds(found, limit)
    return False


def _are_comparable(found: Any, limit: Any) -> bool:
    return type(found) is type(limit) or {type(found), type(limit)} <= {int, Decimal}


def _is_short_enough(values: pa.Array, facts: dict[str, Any]) -> bool:
    """A text has no more characters than bytes."""
    most = facts.get("max_value")
    unlimited_below = not facts.get("min_value") and facts.get("exact_value") is None
    return unlimited_below and most is not None and longest(values) <= most
