"""CEL conditions. In: a condition's text, and the facts of a proposed change. Out: true, false, or why neither.

Source: `2-contract.md`, "Conditions are CEL". Every number is given as a double, and an integer literal counts as one
(CEL has no `double * int`) unless the condition calls a function that gives integers. Texts are given as they are,
dates as ISO text, blanks as null; `has(record.x)` means that x isn't blank; dividing by zero fails, it isn't infinite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from functools import cached_property, lru_cache
from itertools import islice, repeat
from typing import Any, NamedTuple

from importer.entity import DataEntity, Field
from importer.errors import SetupError
from importer.vocabulary import ValueKind
from importer.workflow.cel import compiler, looking_up
from importer.workflow.condition_names import Names

LONGEST = 2_000
"""Characters of a condition: the binding recurses, and a much longer one exhausts the stack."""

Value = float | bool | str | None
_EXACT, _RATIO = Context(prec=60), Context(prec=28)
_NUMBERS = (ValueKind.DECIMAL, ValueKind.INTEGER)


@dataclass(frozen=True)
class Failed:
    """A condition that says neither true nor false. The reason holds no values: equal ones can be counted."""

    reason: str


class _NoValueError(Exception):
    """A stored text that is no value of its field's kind."""


class ChangeFacts(NamedTuple):
    """A proposed change in canonical texts (blank: None). `record`: at least the condition's `record_fields`."""

    field: Field
    original: str | None
    proposed: str | None
    approved: str | None
    record: Mapping[str, str | None]
    source: str | None
    submitter: str | None

    @property
    def difference(self) -> Decimal | None:
        """proposed − original; None for a blank, and for fields that are no numbers."""
        return _difference(self.field.kind, self.original, self.proposed)

    @property
    def percent(self) -> Decimal | None:
        """100·|difference| / |original|; None where the original is blank or 0, or the proposed value blank."""
        return _percent(self.field.kind, self.original, self.proposed)

    @property
    def drift(self) -> Decimal | None:
        """|proposed − approved|; None for a blank."""
        return _drift(self.field.kind, self.approved, self.proposed)


@dataclass(frozen=True)
class ChangeColumns:
    """The facts of many changes of one field, as columns of equal length; what isn't a column is alike for all."""

    field: Field
    original: Sequence[str | None]
    proposed: Sequence[str | None]
    approved: Sequence[str | None]
    record: Mapping[str, Sequence[str | None]]
    source: str | None
    submitter: str | None

    def rows(self) -> Iterator[ChangeFacts]:
        """The same, one by one."""
        for at, (original, proposed, approved) in enumerate(
            zip(self.original, self.proposed, self.approved, strict=True)
        ):
            record = {name: values[at] for name, values in self.record.items()}
            yield ChangeFacts(self.field, original, proposed, approved, record, self.source, self.submitter)


def _exact(text: str) -> Decimal:
    try:
        number = _EXACT.create_decimal(text)
    except InvalidOperation:
        raise _NoValueError from None
    if not number.is_finite():
        raise _NoValueError
    return number


def _difference(kind: ValueKind, start: str | None, end: str | None) -> Decimal | None:
    if kind not in _NUMBERS or not start or not end:
        return None
    return _EXACT.subtract(_decimal(end), _decimal(start))


def _percent(kind: ValueKind, original: str | None, proposed: str | None) -> Decimal | None:
    difference = _difference(kind, original, proposed)
    return None if difference is None else _part(difference, _decimal(original or ""))


def _part(difference: Decimal, base: Decimal) -> Decimal | None:
    """In percent, without sign."""
    return _RATIO.divide(_EXACT.multiply(difference, 100), base).copy_abs() if base else None


def _drift(kind: ValueKind, approved: str | None, proposed: str | None) -> Decimal | None:
    distance = _difference(kind, approved, proposed)
    return None if distance is None else distance.copy_abs()


_decimal = lru_cache(maxsize=1 << 16)(_exact)
"""Amounts come again: within a change, and from record to record."""


def _typed(text: str | None, kind: ValueKind) -> Value:
    if text is None or text == "":
        return None
    match kind:
        case ValueKind.DECIMAL | ValueKind.INTEGER:
            return float(_decimal(text))
        case ValueKind.BOOLEAN:
            if text not in ("true", "false"):
                raise _NoValueError
            return text == "true"
        case ValueKind.TEXT | ValueKind.DATE:
            return text


def _double(number: Decimal | None) -> float | None:
    return None if number is None else float(number)


_READERS: Mapping[str, Callable[[ChangeFacts], Value]] = {
    "field": lambda facts: facts.field.name,
    "original": lambda facts: _typed(facts.original, facts.field.kind),
    "proposed": lambda facts: _typed(facts.proposed, facts.field.kind),
    "difference": lambda facts: _double(facts.difference),
    "percent": lambda facts: _double(facts.percent),
    "approved": lambda facts: _typed(facts.approved, facts.field.kind),
    "drift": lambda facts: _double(facts.drift),
    "source": lambda facts: facts.source or None,
    "submitter": lambda facts: facts.submitter or None,
}


class _Numbers:
    """What is reckoned from columns, each once; a text that is no number stops it, also where nobody needs it."""

    def __init__(self, changes: ChangeColumns) -> None:
        self._changes = changes

    @cached_property
    def differences(self) -> list[Decimal | None]:
        return self._distances(self._originals)

    @property
    def percents(self) -> Iterator[Decimal | None]:
        for difference, base in zip(self.differences, self._originals, strict=True):
            yield None if difference is None or base is None else _part(difference, base)

    @property
    def drifts(self) -> Iterator[Decimal | None]:
        same = self._changes.approved == self._changes.original
        distances = self.differences if same else self._distances(self._read(self._changes.approved))
        return (None if distance is None else distance.copy_abs() for distance in distances)

    @cached_property
    def _originals(self) -> list[Decimal | None]:
        return self._read(self._changes.original)

    @cached_property
    def _proposed(self) -> list[Decimal | None]:
        return self._read(self._changes.proposed)

    def _read(self, texts: Sequence[str | None]) -> list[Decimal | None]:
        if self._changes.field.kind not in _NUMBERS:
            return [None] * len(texts)
        return [_exact(text) if text else None for text in texts]

    def _distances(self, starts: Sequence[Decimal | None]) -> list[Decimal | None]:
        subtract = _EXACT.subtract
        pairs = zip(starts, self._proposed, strict=True)
        return [None if start is None or end is None else subtract(end, start) for start, end in pairs]


_COLUMN_READERS: Mapping[str, Callable[[ChangeColumns, _Numbers], Iterable[Value]]] = {
    "field": lambda changes, _: repeat(changes.field.name),
    "original": lambda changes, _: [_typed(text, changes.field.kind) for text in changes.original],
    "proposed": lambda changes, _: [_typed(text, changes.field.kind) for text in changes.proposed],
    "difference": lambda _, numbers: [_double(number) for number in numbers.differences],
    "percent": lambda _, numbers: [_double(number) for number in numbers.percents],
    "approved": lambda changes, _: [_typed(text, changes.field.kind) for text in changes.approved],
    "drift": lambda _, numbers: [_double(number) for number in numbers.drifts],
    "source": lambda changes, _: repeat(changes.source or None),
    "submitter": lambda changes, _: repeat(changes.submitter or None),
}


@dataclass(frozen=True)
class Condition:
    """A compiled condition. `constant` is its answer where it uses no variable; then nobody needs to collect facts."""

    text: str
    entity: str
    variables: frozenset[str]
    record_fields: tuple[Field, ...]
    constant: bool | Failed | None = None
    program: Any = field(default=None, compare=False, repr=False)

    def holds(self, facts: ChangeFacts) -> bool:
        """Only what is true: a condition that fails to evaluate doesn't hold."""
        return self.evaluate(facts) is True

    def evaluate(self, facts: ChangeFacts) -> bool | Failed:
        """True, false or `Failed`. KeyError where `facts.record` lacks a field that the condition uses: a bug."""
        if self.constant is not None:
            return self.constant
        try:
            values = self._values(facts)
        except _NoValueError:
            return Failed("a stored value is no value of its field")
        return _answer(self.program, values)

    def evaluate_all(self, changes: ChangeColumns) -> list[bool | Failed]:
        """The same for many changes of one field: their values are read as columns, which takes half the time."""
        count = len(changes.proposed)
        if self.constant is not None:
            return [self.constant] * count
        try:
            columns = self._columns(changes)
        except _NoValueError:  # one of them: which one, only a look at each tells
            return [self.evaluate(facts) for facts in changes.rows()]
        names = tuple(columns)
        row: dict[str, Any] = {}
        looking_up_row = looking_up(names, row)
        answers = []
        for values in islice(zip(*columns.values(), strict=False), count):
            row.update(zip(names, values, strict=True))
            answers.append(_answer(self.program, row, looking_up_row))
        return answers

    def _columns(self, changes: ChangeColumns) -> dict[str, Iterable[Any]]:
        numbers = _Numbers(changes)
        columns: dict[str, Iterable[Any]] = {
            name: read(changes, numbers) for name, read in _COLUMN_READERS.items() if name in self.variables
        }
        if "record" in self.variables:
            fields = [each.name for each in self.record_fields]
            values = ([_typed(text, each.kind) for text in changes.record[each.name]] for each in self.record_fields)
            records = (dict(zip(fields, row, strict=True)) for row in zip(*values, strict=True))
            columns["record"] = list(records) if fields else repeat({})
        if "entity" in self.variables:
            columns["entity"] = repeat(self.entity)
        return columns

    def _values(self, facts: ChangeFacts) -> dict[str, Any]:
        values: dict[str, Any] = {name: read(facts) for name, read in self._readers}
        if "record" in self.variables:
            values["record"] = {each.name: _typed(facts.record[each.name], each.kind) for each in self.record_fields}
        if "entity" in self.variables:
            values["entity"] = self.entity
        return values

    @cached_property
    def _readers(self) -> tuple[tuple[str, Callable[[ChangeFacts], Value]], ...]:
        return tuple((name, read) for name, read in _READERS.items() if name in self.variables)


def _answer(program: Any, values: dict[str, Any], looking_up_values: Any = None) -> bool | Failed:
    try:
        answer = program.execute(looking_up_values or values)
    except (TypeError, ValueError, RuntimeError, ArithmeticError, LookupError) as error:
        return Failed(_problem(error) + _blanks(values))
    if isinstance(answer, bool):
        return answer
    return Failed("it gives a value that is neither true nor false" + _blanks(values))


def _problem(error: Exception) -> str:
    """Our own words: those of the binding may hold a customer's value."""
    if isinstance(error, RuntimeError) and (function := re.search(r"unction:? '(\w+)'", str(error))):
        return f"{function[1]}() can't be used on this value"
    if isinstance(error, LookupError):
        return "there is no such field or element"
    if isinstance(error, ArithmeticError):
        return "it divides by zero or gets too large"
    return "a value is compared or used with one of another type"


def _blanks(values: Mapping[str, Any]) -> str:
    blank = [name for name, value in values.items() if value is None]
    blank += [f"record.{name}" for name, value in values.get("record", {}).items() if value is None]
    return f" (blank: {', '.join(blank)})" if blank else ""


def compile_condition(text: str, entity: DataEntity, key: str) -> Condition:
    """The condition at `key` of the entity's parameters. SetupError names file, key, position or nearest valid name."""
    if text.strip() == "true":
        return Condition(text, entity.name, frozenset(), (), constant=True)
    if len(text) > LONGEST:
        raise _refusal(entity, key, f"a condition has at most {LONGEST} characters, this one {len(text)}")
    compile_cel = compiler()
    try:
        compile_cel(text)
        names = Names(text, entity)
        program = compile_cel(names.text_to_compile)
    except ValueError as error:
        raise _refusal(entity, key, _syntax_error(str(error))) from None
    if names.problem:
        raise _refusal(entity, key, names.problem)
    constant = None if names.variables else _answer(program, {})
    return Condition(text, entity.name, names.variables, names.record_fields, constant, program)


def _refusal(entity: DataEntity, key: str, problem: str) -> SetupError:
    return SetupError(f"{entity.files[1]}: {key}: {problem}", file=str(entity.files[1]))


def _syntax_error(message: str) -> str:
    found = re.search(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*?)(?: expecting .*)?$", message, re.MULTILINE)
    return f"line {found[1]}, position {found[2]}: {found[3]}" if found else "can't be compiled"
