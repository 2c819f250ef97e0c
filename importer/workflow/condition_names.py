"""The names in a CEL condition. In: its text, which the binding could parse, and the entity. Out: what it uses.

The binding accepts any name and fails at the first change that gets there; here they are checked before anything runs.
Only `record` has fields, each a field of the entity; names that are written as text (`field == 'x'`) are checked too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from importer.entity import DataEntity, Field, nearest

_OF_THE_CHANGE = ("field", "original", "proposed", "difference", "percent", "approved", "drift")
VARIABLES = ("entity", *_OF_THE_CHANGE, "record", "source", "submitter")
FUNCTIONS = ("has", "size", "double", "int", "string", "timestamp", "duration")
MACROS = ("exists", "exists_one", "all", "filter", "map")
_DATE_PARTS = ("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear")
METHODS = ("contains", "startsWith", "endsWith", "matches", "size", *_DATE_PARTS, *MACROS)
_GIVE_INTEGERS = frozenset({"size", "int", *_DATE_PARTS})
_KEYWORDS = frozenset({"true", "false", "null", "in"})

_NOT_ZERO = "].map(divisor_, divisor_ == 0.0 ? double(1 / 0) : divisor_)[0]"
"""Behind `[x`: x, or an error. Doubles divided by zero would be infinite, and an infinite value passes a comparison."""

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>(?:[rR][bB]?|[bB][rR])(?:'''.*?'''|"{3}.*?"{3}|'[^'\n]*'|"[^"\n]*")
                 | [bB]?(?:'''(?:\\.|[^\\])*?'''|"{3}(?:\\.|[^\\])*?"{3}|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))
      | (?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]*\.)?[0-9]+(?:[eE][+-]?[0-9]+)?[uU]?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>&&|\|\||[<>=!]=|.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_NONE = Token("none", "", 0, 0)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a condition without blanks and comments."""
    found = (Token(match.lastgroup or "", match[0], *match.span()) for match in _TOKEN.finditer(text))
    return [token for token in found if token.kind != "space"]


class Names:
    """The names of one condition: `problem` (in words), `variables`, `record_fields`, and the text to compile."""

    def __init__(self, text: str, entity: DataEntity) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._entity = entity
        self._bound = list(self._scopes())
        self.variables = frozenset(
            token.text for at, token in enumerate(self._tokens) if token.text in VARIABLES and self._is_variable(at)
        )

    @property
    def problem(self) -> str | None:
        """The first name that is not known, with the nearest that is."""
        checks = {"name": self._name_problem, "string": self._text_problem}
        for at, token in enumerate(self._tokens):
            if token.kind in checks and (found := checks[token.kind](at)):
                return found
        return None

    @property
    def record_fields(self) -> tuple[Field, ...]:
        """Fields of the record that the condition reads; all where it uses the map as a whole. In entity order."""
        if "record" not in self.variables:
            return ()
        named = [self._record_field(at) for at in range(len(self._tokens)) if self._is(at, "record")]
        return tuple(each for each in self._entity.fields if None in named or each.name in named)

    @property
    def text_to_compile(self) -> str:
        """Integer literals become doubles, `has(record.x)` becomes `(record.x != null)`, divisors are guarded."""
        keep_integers = any(token.text in _GIVE_INTEGERS and self._called(at) for at, token in enumerate(self._tokens))
        divisors = [at + 1 for at, token in enumerate(self._tokens) if token.text == "/"]
        ends = {self._operand_end(at) for at in divisors}
        parts, end = [], 0
        for at, token in enumerate(self._tokens):
            parts += [self._text[end : token.start], "[" if at in divisors else ""]
            parts += [self._rewritten(at, keep_integers), _NOT_ZERO if at in ends else ""]
            end = token.end
        return "".join(parts)

    def _operand_end(self, at: int) -> int:
        """Where an operand ends: its signs, one value, and what is called or looked up on it."""
        while self._at(at).text in ("-", "!"):
            at += 1
        at = self._closing(at)
        while (following := self._at(at + 1).text) in (".", "(", "["):
            at = at + 2 if following == "." else self._closing(at + 1)
        return at

    def _closing(self, at: int) -> int:
        """The partner of a bracket; any other token is its own."""
        depth = 0
        for here in range(at, len(self._tokens)):
            depth += (self._at(here).text in ("(", "[", "{")) - (self._at(here).text in (")", "]", "}"))
            if depth == 0:
                return here
        return at

    def _rewritten(self, at: int, keep_integers: bool) -> str:
        token = self._tokens[at]
        if self._is_has(at):
            return ""
        if self._is_has(at - 5):
            return " != null)"
        is_integer = token.kind == "number" and re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]+", token.text)
        if keep_integers or not is_integer or self._is_index(at):
            return token.text
        return repr(float(int(token.text, 16 if token.text[1:2] in ("x", "X") else 10)))

    def _is_index(self, at: int) -> bool:
        before = self._at(at - 2)
        return self._at(at - 1).text == "[" and (before.kind in ("name", "string") or before.text in (")", "]"))

    def _is_has(self, at: int) -> bool:
        return self._at(at).text == "has" and self._called(at) and self._at(at - 1).text != "."

    def _at(self, at: int) -> Token:
        return self._tokens[at] if 0 <= at < len(self._tokens) else _NONE

    def _called(self, at: int) -> bool:
        return self._at(at).kind == "name" and self._at(at + 1).text == "("

    def _is_variable(self, at: int) -> bool:
        return self._at(at).kind == "name" and self._at(at - 1).text != "." and not self._called(at)

    def _is(self, at: int, variable: str) -> bool:
        return self._at(at).text == variable and self._is_variable(at)

    def _scopes(self) -> Iterator[frozenset[str]]:
        """For each token the names that macros around it have bound: `list.exists(name, …)`."""
        scopes = [frozenset[str]()]
        for at, token in enumerate(self._tokens):
            if token.text == "(":
                is_macro = self._at(at - 1).text in MACROS and self._at(at - 2).text == "."
                binds = is_macro and self._at(at + 1).kind == "name" and self._at(at + 2).text == ","
                scopes.append(scopes[-1] | {self._at(at + 1).text} if binds else scopes[-1])
            elif token.text == ")" and len(scopes) > 1:
                scopes.pop()
            yield scopes[-1]

    def _name_problem(self, at: int) -> str | None:
        name = self._at(at).text
        if self._at(at - 1).text == ".":
            return self._after_point(at)
        if self._called(at):
            return _unknown("function", name, FUNCTIONS)
        if name in self._bound[at]:
            return f"{name!r} has a meaning here; use another name" if name in VARIABLES else None
        if name in VARIABLES:
            return None
        if name in self._entity.by_name:
            return f"unknown name {name!r}; nearest: record.{name}"
        return None if name in _KEYWORDS else _unknown("name", name, VARIABLES)

    def _after_point(self, at: int) -> str | None:
        name = self._at(at).text
        if self._called(at):
            return _unknown("function", name, METHODS)
        if self._is(at - 2, "record"):
            return _unknown("field", name, self._entity.names)
        return f"unknown name '.{name}': only record has fields, as in record.{self._entity.names[0]}"

    def _text_problem(self, at: int) -> str | None:
        """A text that stands for a field's name must be one."""
        before, after = self._at(at - 1).text, self._at(at + 1).text
        compared = (before in ("==", "!=") and self._is(at - 2, "field") and self._at(at - 3).text != "+") or (
            after in ("==", "!=") and self._is(at + 2, "field") and self._at(at + 3).text not in ("+", "[")
        )
        looked_up = (before == "[" and self._is(at - 2, "record")) or (after == "in" and self._is(at + 2, "record"))
        if not (compared or looked_up or self._is_listed_field(at)):
            return None
        return _unknown("field", _content(self._at(at).text), self._entity.names)

    def _is_listed_field(self, at: int) -> bool:
        """One of the texts in `field in ['a', 'b']`."""
        while self._at(at).kind == "string" or self._at(at).text == ",":
            at -= 1
        return self._at(at).text == "[" and self._at(at - 1).text == "in" and self._is(at - 2, "field")

    def _record_field(self, at: int) -> str | None:
        """The field that is read of the `record` at this place; None: the map as a whole."""
        sign, name = self._at(at + 1).text, self._at(at + 2)
        if sign == "." and not self._called(at + 2):
            return name.text
        return _content(name.text) if sign == "[" and name.kind == "string" and self._at(at + 3).text == "]" else None


def _content(literal: str) -> str:
    """What a string literal says; its escapes stay as they are, no field's name needs one."""
    quoted = literal.lstrip("rRbB")
    width = 3 if quoted[:3] in ("'''", '"' * 3) else 1
    return quoted[width:-width]


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str | None:
    return None if name in known else f"unknown {what} {name!r}{nearest(name, known)}"
