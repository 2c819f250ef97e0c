"""One value as canonical text, and one text as a value: the same rules as for whole columns.

Canonical text: decimals at the field's scale (`5000.00`), dates ISO, booleans `true`/`false`, blank as null.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext

import pyarrow as pa

from importer.entity import DataEntity, Field
from importer.settings import Source
from importer.validation.column import ColumnRules, check_column
from importer.validation.formats import CANONICAL, Formats
from importer.validation.text import clean_text
from importer.vocabulary import RejectionCode, ValueKind

Value = str | Decimal | int | bool | date | None


@dataclass(frozen=True)
class Refusal:
    """Why a text is no value of a field."""

    code: RejectionCode
    message: str


def canonical(field: Field, value: object) -> str | None:
    """The canonical text of a stored or parsed value. ValueError for what can't be a value of the field."""
    if value is None or value == "":
        return None
    match field.kind:
        case ValueKind.TEXT:
            return clean_text(str(value)) or None
        case ValueKind.DECIMAL:
            return _decimal(field, value)
        case ValueKind.INTEGER:
            return str(int(Decimal(str(value))))
        case ValueKind.BOOLEAN:
            return _boolean(value)
        case ValueKind.DATE:
            return _date(value)


def parse_value(field: Field, text: str, source: Source | None = None) -> Value | Refusal:
    """The typed value of one text in the forms of a source (else canonical), blank as None; its checks left out."""
    formats = Formats.of(source) if source else CANONICAL
    return _single(ColumnRules(field, formats), text)


def check_value(entity: DataEntity, name: str, text: str, source: Source | None = None) -> Value | Refusal:
    """As `parse_value`, with the checks of the schema and the value lists and clear token of the source."""
    return _single(ColumnRules.of(entity, name, source), text)


def refusals(entity: DataEntity, name: str, texts: Iterable[str]) -> dict[str, Refusal]:
    """Those of many texts that `check_value` would refuse, found as one column: a list may have hundreds."""
    distinct = list(dict.fromkeys(texts))
    found = check_column(ColumnRules.of(entity, name, None), pa.array(distinct, pa.string())).failures
    return {
        distinct[position]: Refusal(RejectionCode(code), message)
        for position, code, message in zip(
            found.positions.tolist(), found.codes.to_pylist(), found.messages.to_pylist(), strict=True
        )
    }


def _single(rules: ColumnRules, text: str) -> Value | Refusal:
    checked = check_column(rules, pa.array([text], pa.string()))
    if len(checked.failures):
        return Refusal(RejectionCode(checked.failures.codes[0].as_py()), checked.failures.messages[0].as_py())
    value: Value = checked.typed[0].as_py()
    return value


def _decimal(field: Field, value: object) -> str:
    """At the field's scale; what has more decimals keeps them, so that no difference is hidden."""
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(f"{value} is no number")
    with localcontext(prec=100):
        rounded = round(number, field.scale)
        return f"{rounded or abs(rounded):f}" if rounded == number else f"{number.normalize():f}"


def _boolean(value: object) -> str:
    texts = {"true": "true", "1": "true", "false": "false", "0": "false"}
    text = texts.get(str(value).lower())
    if text is None:
        raise ValueError(f"{value} is neither true nor false")
    return text


def _date(value: object) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return date.fromisoformat(str(value)).isoformat()
