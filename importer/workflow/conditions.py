"""CEL conditions. In: a condition's text, and the facts of proposed changes. Out: true, false, or why neither.

Source: `2-contract.md`, "Conditions are CEL". Every number is given as a double, and an integer literal counts as one
(CEL has no `double * int`) unless the condition calls a function that gives integers. Texts are given as they are,
dates as ISO text, blanks as null; `has(record.x)` means that x isn't blank; dividing by zero fails, it isn't infinite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from importer.entity import DataEntity, Field
from importer.errors import SetupError
from importer.workflow.cel import compiler, looking_up
from importer.workflow.change_columns import READERS, ChangeColumns, NoValueError, typed
from importer.workflow.condition_names import Names

LONGEST = 2_000
"""Characters of a condition: the binding recurses, and a much longer one exhausts the stack."""


@dataclass(frozen=True)
class Failed:
    """A condition that says neither true nor false. The reason holds no values: equal ones can be counted."""

    reason: str


@dataclass(frozen=True)
class Condition:
    """A compiled condition. `constant` is its answer where it uses no variable; then nobody needs to collect facts."""

    text: str
    entity: str
    variables: frozenset[str]
    record_fields: tuple[Field, ...]
    constant: bool | Failed | None = None
    program: Any = field(default=None, compare=False, repr=False)

    def evaluate(self, changes: ChangeColumns) -> list[bool | Failed]:
        """Of each change true, false or `Failed`; only what is true holds. KeyError where `changes.record` lacks a
        field that the condition uses: a bug.
        """
        if self.constant is not None:
            return [self.constant] * len(changes)
        try:
            columns = self._columns(changes)
        except NoValueError:
            return self._evaluate_halves(changes)
        names = tuple(columns)
        row: dict[str, Any] = {}
        looking_up_row = looking_up(names, row)
        answers = []
        for values in zip(*columns.values(), strict=True):
            row.update(zip(names, values, strict=True))
            answers.append(_answer(self.program, row, looking_up_row))
        return answers

    def _evaluate_halves(self, changes: ChangeColumns) -> list[bool | Failed]:
        """One of them has a text that is no value: which one is found by halving."""
        if len(changes) == 1:
            return [Failed("a stored value is no value of its field")]
        middle = len(changes) // 2
        return self.evaluate(changes.part(slice(middle))) + self.evaluate(changes.part(slice(middle, None)))

    def _columns(self, changes: ChangeColumns) -> dict[str, Iterable[Any]]:
        columns: dict[str, Iterable[Any]] = {
            name: read(changes) for name, read in READERS.items() if name in self.variables
        }
        if "record" in self.variables:
            fields = [each.name for each in self.record_fields]
            values = [typed(changes.record[each.name], each.kind) for each in self.record_fields]
            records = zip(*values, strict=True) if fields else repeat((), len(changes))
            columns["record"] = [dict(zip(fields, row, strict=True)) for row in records]
        if "entity" in self.variables:
            columns["entity"] = repeat(self.entity, len(changes))
        return columns


def _answer(program: Any, values: dict[str, Any], looking_up_values: Any) -> bool | Failed:
    try:
        answer = program.execute(looking_up_values)
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
    constant = None if names.variables else _answer(program, {}, {})
    return Condition(text, entity.name, names.variables, names.record_fields, constant, program)


def _refusal(entity: DataEntity, key: str, problem: str) -> SetupError:
    return SetupError(f"{entity.files[1]}: {key}: {problem}", file=str(entity.files[1]))


def _syntax_error(message: str) -> str:
    found = re.search(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*?)(?: expecting .*)?$", message, re.MULTILINE)
    return f"line {found[1]}, position {found[2]}: {found[3]}" if found else "can't be compiled"
