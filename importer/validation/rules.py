"""The checks that the schema declares for one field, run on typed values; failures become codes and sentences.

A cell has one reason: the first failing check in the order list, length, form, range, own checks. What further checks
say is added to its sentence, so that it can be corrected in one pass.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import Field
from importer.validation.engine import check_name, failing_positions, series
from importer.validation.extremes import is_kept_by_all
from importer.validation.failures import NONE, Failures, Positions, failed_by_fact, joined, shown_column
from importer.vocabulary import RejectionCode as Code

LISTED_VALUES = 12
"""Lists up to this length are named in full, longer ones by their nearest values."""
SEARCHED_VALUES = 25
"""For so many distinct wrong values of a batch and field the nearest allowed values are looked up."""

_CODES = {
    "isin": Code.NOT_IN_LIST,
    "notin": Code.NOT_IN_LIST,
    "str_length": Code.TOO_LONG,
    "str_matches": Code.PATTERN_MISMATCH,
    "str_contains": Code.PATTERN_MISMATCH,
    "str_startswith": Code.PATTERN_MISMATCH,
    "str_endswith": Code.PATTERN_MISMATCH,
    "greater_than": Code.OUT_OF_RANGE,
    "greater_than_or_equal_to": Code.OUT_OF_RANGE,
    "less_than": Code.OUT_OF_RANGE,
    "less_than_or_equal_to": Code.OUT_OF_RANGE,
    "in_range": Code.OUT_OF_RANGE,
    "equal_to": Code.OUT_OF_RANGE,
    "not_equal_to": Code.OUT_OF_RANGE,
}
_ORDER = (Code.NOT_IN_LIST, Code.TOO_LONG, Code.PATTERN_MISMATCH, Code.OUT_OF_RANGE, Code.CHECK_FAILED)


def broken_rules(field: Field, checks: Sequence[Any], values: pa.Array) -> Failures:
    """One failure for every cell that breaks a check; null cells break none."""
    left = [check for check in checks if not is_kept_by_all(check, values)]
    if not left:
        return NONE
    column = series(values)
    parts = []
    for check in sorted(left, key=lambda check: _ORDER.index(code_of(check))):
        positions = failing_positions(check, column, f"field {field.name}")
        if len(positions):
            parts.append(_described(field, check, positions, values.take(pa.array(positions))))
    return _one_per_cell(parts, len(values))


def code_of(check: Any) -> Code:
    """The code of a failing check; `too_long` stands for both lengths here."""
    return _CODES.get(check.name, Code.CHECK_FAILED) if check.statistics else Code.CHECK_FAILED


def _described(field: Field, check: Any, positions: Positions, values: pa.Array) -> Failures:
    code = code_of(check)
    if code is Code.TOO_LONG:
        return _wrong_length(field, check, positions, values)
    texts = shown_column(values.cast(pa.string()))
    if code is Code.CHECK_FAILED:
        return failed_by_fact(positions, code, title=field.title, limit=_own_words(check) or check_name(check))
    limit: str | pa.Array = _own_words(check) or _LIMITS[check.name](check.statistics)
    if check.name == "isin" and not _own_words(check):
        limit = _nearest(texts, check.statistics["allowed_values"])
    return failed_by_fact(positions, code, title=field.title, value=texts, limit=limit)


def _wrong_length(field: Field, check: Any, positions: Positions, values: pa.Array) -> Failures:
    exact = check.statistics.get("exact_value")
    most = exact if exact is not None else check.statistics.get("max_value")
    least = exact if exact is not None else check.statistics.get("min_value")
    length = pc.utf8_length(values)
    long = length.to_numpy() > (most if most is not None else np.iinfo(np.int32).max)
    parts = []
    for code, mask, limit in ((Code.TOO_LONG, long, most), (Code.TOO_SHORT, ~long, least)):
        lengths = length.filter(pa.array(mask)).cast(pa.string())
        parts.append(failed_by_fact(positions[mask], code, title=field.title, length=lengths, limit=str(limit)))
    return joined(parts)


def _own_words(check: Any) -> str:
    """The text that the schema gives with a check; '' where it is only pandera's name for it."""
    error = str(check.error or "")
    return "" if error.startswith(f"{check.name}(") or error == check.name else error.rstrip(".")


def _range(facts: dict[str, Any]) -> str:
    low = "at least" if facts.get("include_min", True) else "more than"
    high = "at most" if facts.get("include_max", True) else "less than"
    return f"{low} {facts['min_value']} and {high} {facts['max_value']} is allowed"


_LIMITS: dict[str, Callable[[dict[str, Any]], str]] = {
    "isin": lambda facts: f"allowed are {_list(facts['allowed_values'])}",
    "notin": lambda facts: f"not allowed are {_list(facts['forbidden_values'])}",
    "str_matches": lambda facts: f"it must match {facts['pattern']}",
    "str_contains": lambda facts: f"it must contain {facts['pattern']}",
    "str_startswith": lambda facts: f"it must begin with {facts['string']}",
    "str_endswith": lambda facts: f"it must end with {facts['string']}",
    "greater_than": lambda facts: f"more than {facts['min_value']} is needed",
    "greater_than_or_equal_to": lambda facts: f"at least {facts['min_value']} is needed",
    "less_than": lambda facts: f"less than {facts['max_value']} is needed",
    "less_than_or_equal_to": lambda facts: f"at most {facts['max_value']} is allowed",
    "in_range": _range,
    "equal_to": lambda facts: f"only {facts['value']} is allowed",
    "not_equal_to": lambda facts: f"{facts['value']} is not allowed",
}


def _list(values: Iterable[Any]) -> str:
    texts = [str(value) for value in values]
    more = f" and {len(texts) - LISTED_VALUES} more" if len(texts) > LISTED_VALUES else ""
    return ", ".join(texts[:LISTED_VALUES]) + more


def _nearest(texts: pa.Array, allowed: Iterable[Any]) -> str | pa.Array:
    """'allowed are …' for short lists, else 'nearest: …' for each text."""
    known = [str(value) for value in allowed]
    if len(known) <= LISTED_VALUES:
        return f"allowed are {_list(known)}"
    encoded = texts.dictionary_encode()
    general = f"allowed are {_list(known)}"
    limits = [
        (_near(text, tuple(known)) if at < SEARCHED_VALUES else "") or general
        for at, text in enumerate(encoded.dictionary.to_pylist())
    ]
    return pa.array(limits, pa.string()).take(encoded.indices)


@functools.lru_cache(maxsize=4096)  # the wrong words of a file come again in every batch
def _near(text: str, known: tuple[str, ...]) -> str:
    if len(text) > 2 * max(map(len, known)):
        return ""
    folded = {allowed.casefold(): allowed for allowed in known}
    matches = difflib.get_close_matches(text.casefold(), folded, n=3, cutoff=0.6)
    return f"nearest: {', '.join(folded[match] for match in matches)}" if matches else ""


def _one_per_cell(parts: Sequence[Failures], count: int) -> Failures:
    """The first failure of each cell, with what the others say added to its sentence."""
    if len(parts) < 2:
        return parts[0] if parts else NONE
    taken = np.zeros(count, dtype=np.bool_)
    firsts, others = [], []
    for part in parts:
        again = taken[part.positions]
        taken[part.positions] = True
        firsts.append(part.only(~again))
        others.append(part.only(again))
    return _with_others(joined(firsts), joined(others))


def _with_others(first: Failures, others: Failures) -> Failures:
    """A value that is not in its list needs no further words: with an allowed one all is said."""
    if not len(others):
        return first
    more: dict[int, list[str]] = {}
    for position, message in zip(others.positions.tolist(), others.messages.to_pylist(), strict=True):
        more.setdefault(position, []).append(message)
    rows = zip(first.positions.tolist(), first.codes.to_pylist(), first.messages.to_pylist(), strict=True)
    sentences = [
        message if code == Code.NOT_IN_LIST else " ".join([message, *more.get(position, ())])
        for position, code, message in rows
    ]
    return Failures(first.positions, first.codes, pa.array(sentences, pa.string()))
