"""The facts of proposed changes, as conditions see them. In: canonical texts. Out: typed values and exact numbers.

Columns, not rows: reading the facts of many changes at once takes half the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any, Self

from importer.entity import Field
from importer.vocabulary import ValueKind

Value = float | bool | str | None
_EXACT, _RATIO = Context(prec=60), Context(prec=28)
_NUMBERS = (ValueKind.DECIMAL, ValueKind.INTEGER)
_NO_NUMBER = object()


class NoValueError(Exception):
    """A stored text that is no value of its field's kind."""


@dataclass(frozen=True)
class ChangeColumns:
    """Proposed changes of one field: columns of equal length (blank: None). `record`: at least the fields of the
    record that conditions look at.

    Raises NoValueError where a number is reckoned of a text that is none.
    """

    field: Field
    original: Sequence[str | None]
    proposed: Sequence[str | None]
    approved: Sequence[str | None]
    record: Mapping[str, Sequence[str | None]]
    source: Sequence[str | None]
    submitter: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.proposed)

    def part(self, which: slice) -> Self:
        texts = (self.original, self.proposed, self.approved, self.source, self.submitter)
        original, proposed, approved, source, submitter = (column[which] for column in texts)
        record = {name: column[which] for name, column in self.record.items()}
        return type(self)(self.field, original, proposed, approved, record, source, submitter)

    @cached_property
    def differences(self) -> list[Decimal | None]:
        """proposed − original; None for a blank, and for fields that are no numbers."""
        return self._distances(self._originals)

    @property
    def percents(self) -> list[Decimal | None]:
        """100·|difference| / |original|; None where the original is blank or 0, or the proposed value blank."""
        pairs = zip(self.differences, self._originals, strict=True)
        return [None if difference is None else _part(difference, base) for difference, base in pairs]

    @property
    def drifts(self) -> list[Decimal | None]:
        """|proposed − approved|; None for a blank."""
        same = self.approved == self.original
        distances = self.differences if same else self._distances(self._read(self.approved))
        return [None if distance is None else distance.copy_abs() for distance in distances]

    @cached_property
    def _originals(self) -> list[Any]:
        return self._read(self.original)

    @cached_property
    def _proposals(self) -> list[Any]:
        return self._read(self.proposed)

    def _read(self, texts: Sequence[str | None]) -> list[Any]:
        """Decimals, None, and `_NO_NUMBER`, which only fails where it is reckoned with."""
        if self.field.kind not in _NUMBERS:
            return [None] * len(texts)
        return [_number(text) if text else None for text in texts]

    def _distances(self, starts: Sequence[Any]) -> list[Decimal | None]:
        subtract = _EXACT.subtract
        pairs = zip(starts, self._proposals, strict=True)
        try:
            return [None if start is None or end is None else subtract(end, start) for start, end in pairs]
        except TypeError:
            raise NoValueError from None


def _number(text: str) -> Decimal | object:
    try:
        number = _EXACT.create_decimal(text)
    except InvalidOperation:
        return _NO_NUMBER
    return number if number.is_finite() else _NO_NUMBER


def _part(difference: Decimal, base: Decimal) -> Decimal | None:
    """In percent, without sign."""
    return _RATIO.divide(_EXACT.multiply(difference, 100), base).copy_abs() if base else None


@lru_cache(maxsize=1 << 16)
def _double_of(text: str) -> float:
    """Amounts come again: within a change, and from record to record."""
    number = _number(text)
    if not isinstance(number, Decimal):
        raise NoValueError
    return float(number)


def typed(texts: Sequence[str | None], kind: ValueKind) -> list[Value]:
    """Values as conditions take them. NoValueError where a text is none."""
    match kind:
        case ValueKind.DECIMAL | ValueKind.INTEGER:
            return [_double_of(text) if text else None for text in texts]
        case ValueKind.BOOLEAN:
            if not {"true", "false", "", None}.issuperset(texts):
                raise NoValueError
            return [text == "true" if text else None for text in texts]
        case ValueKind.TEXT | ValueKind.DATE:
            return [text or None for text in texts]


def _doubles(numbers: Iterable[Decimal | None]) -> list[Value]:
    return [None if number is None else float(number) for number in numbers]


READERS: Mapping[str, Callable[[ChangeColumns], Iterable[Value]]] = {
    "field": lambda changes: repeat(changes.field.name, len(changes)),
    "original": lambda changes: typed(changes.original, changes.field.kind),
    "proposed": lambda changes: typed(changes.proposed, changes.field.kind),
    "difference": lambda changes: _doubles(changes.differences),
    "percent": lambda changes: _doubles(changes.percents),
    "approved": lambda changes: typed(changes.approved, changes.field.kind),
    "drift": lambda changes: _doubles(changes.drifts),
    "source": lambda changes: typed(changes.source, ValueKind.TEXT),
    "submitter": lambda changes: typed(changes.submitter, ValueKind.TEXT),
}
"""The variables of conditions that are facts of a change."""
