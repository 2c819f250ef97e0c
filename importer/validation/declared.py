"""Values that the parameters declare: each must be valid for its field, which is found out before any file is read.

In: an entity. Out: its defaults as typed values, or a SetupError (exit 2) that names file, key and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.settings import Source
from importer.validation.across import failing
from importer.validation.canonical import Refusal, Value, check_value, refusals
from importer.validation.column import ColumnRules
from importer.validation.dates import is_date_format
from importer.validation.numbers import arrow_type
from importer.validation.rules import broken_rules
from importer.validation.text import clean_text
from importer.vocabulary import ValueKind

_SAMPLES: Mapping[ValueKind, Value] = {
    ValueKind.TEXT: "A",
    ValueKind.DECIMAL: Decimal(0),
    ValueKind.INTEGER: 0,
    ValueKind.BOOLEAN: True,
    ValueKind.DATE: date(2025, 12, 31),
}
"""Any value will do: what is tried is whether a check can be run, not what it answers."""


def check_declared(entity: DataEntity) -> Mapping[str, Value]:
    """Everything that schema and parameters declare is checked, once: when a plan is made. Gives the typed defaults."""
    _check_schema(entity)
    _try_checks(entity)
    for source in entity.parameters.sources:
        _check_formats(entity, source)
        _check_source_values(entity, source)
    return parse_defaults(entity)


def parse_defaults(entity: DataEntity) -> Mapping[str, Value]:
    """The typed values of [entity.defaults]; all that applying a plan needs, whose parameters were checked before."""
    defaults = entity.parameters.entity.defaults
    return {name: _value(entity, f"entity.defaults.{name}", name, text) for name, text in defaults.items()}


def _try_checks(entity: DataEntity) -> None:
    """A check that can't be run is found now and not in the middle of a night, when the first value meets it."""
    record = {field.name: pa.array([_SAMPLES[field.kind]], arrow_type(field)) for field in entity.fields}
    try:
        for field in entity.fields:
            broken_rules(field, ColumnRules.of(entity, field.name, None).checks, record[field.name])
        failing(entity, pa.table(record))
    except RuntimeError as error:
        raise SetupError(f"{entity.files[0]}: {error}", file=str(entity.files[0])) from error


def _check_source_values(entity: DataEntity, source: Source) -> None:
    for name, text in source.defaults.items():
        _value(entity, f"sources.defaults.{name} of source {source.name!r}", name, text, source)
    for name, values in source.values.items():
        refused = refusals(entity, name, values.values())
        seen: dict[str, str] = {}
        for word, text in values.items():
            key = f"sources.values.{name}.{word!r} of source {source.name!r}"
            if not clean_text(word):
                raise _wrong(entity, key, "a blank cell can't be given a value here; use [sources.defaults]")
            if seen.setdefault(clean_text(word), text) != text:
                raise _wrong(entity, key, "the same text stands there with another value")
            if text in refused and (clean_text(text) != clean_text(source.clear_token) or not source.clear_token):
                raise _wrong(entity, key, refused[text].message)


def _value(entity: DataEntity, key: str, name: str, text: str, source: Source | None = None) -> Value:
    value = check_value(entity, name, text, source)
    if isinstance(value, Refusal):
        raise _wrong(entity, key, value.message)
    return value


def _check_formats(entity: DataEntity, source: Source) -> None:
    """Formats that could not be read back, or that would make a number mean two things."""
    for date_format in source.date_formats:
        if not is_date_format(date_format):
            raise _wrong(
                entity,
                f"sources.date_formats of source {source.name!r}",
                f"{date_format!r} does not say year, month and day; a format such as '%Y-%m-%d' is expected",
            )
    if source.grouping == source.decimal:
        raise _wrong(
            entity, f"sources.grouping of source {source.name!r}", f"{source.grouping!r} is already the decimal sign"
        )


def _check_schema(entity: DataEntity) -> None:
    """What pandera knows but an import can't keep is refused, never ignored."""
    for where, what in _unsupported(entity.schema):
        raise SetupError(
            f"{entity.files[0]}: {where}: {what}",
            file=str(entity.files[0]),
            hint="checks that answer yes or no for each row are what an import can run",
        )


def _unsupported(schema: Any) -> Iterator[tuple[str, str]]:
    if schema.parsers:
        yield schema.name, "parsers are not supported: the source's formats and values say how text is read"
    if schema.unique:
        yield schema.name, "unique is not supported: a batch does not see the whole file; use key"
    for name, column in schema.columns.items():
        if column.parsers:
            yield name, "parsers are not supported: the source's formats and values say how text is read"
        if column.unique:
            yield name, "unique is not supported: a batch does not see the whole file; use key"
        for check in column.checks:
            if check.groupby is not None or check.raise_warning:
                yield name, f"the check {check.name!r} uses groupby or raise_warning, which is not supported"


def _wrong(entity: DataEntity, key: str, why: str) -> SetupError:
    file = str(entity.files[1])
    return SetupError(f"{file}: {key}: {why}", file=file)
