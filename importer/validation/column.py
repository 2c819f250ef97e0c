"""One column of a batch: text becomes clean, mapped, typed and checked; every failing cell has one reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import DataEntity, Field
from importer.errors import SetupError
from importer.settings import Source
from importer.validation.booleans import parse_booleans
from importer.validation.dates import parse_dates
from importer.validation.failures import NONE, Failures, Mask, blanked, failed_by_fact, joined, mask_of
from importer.validation.formats import CANONICAL, Formats
from importer.validation.numbers import parse_numbers
from importer.validation.rules import broken_rules
from importer.validation.shortened import shortened_numbers
from importer.validation.text import clean, clean_text, equal_to
from importer.vocabulary import RejectionCode as Code
from importer.vocabulary import ValueKind

_EXPLAINED_BY_THE_MAP = frozenset(
    {Code.NOT_IN_LIST, Code.PATTERN_MISMATCH, Code.INVALID_NUMBER, Code.INVALID_DATE, Code.INVALID_BOOLEAN}
)
"""Where a source has a value list, these mean that the list has no entry for the text."""


@dataclass(frozen=True)
class ColumnRules:
    """All that decides about the cells of one field. `values`: file text → stored text; `clear_token` may be ''."""

    field: Field
    formats: Formats = CANONICAL
    checks: tuple[Any, ...] = ()
    multiline: bool = False
    is_key: bool = False
    clear_token: str = ""
    values: Mapping[str, str] | None = None

    @classmethod
    def of(cls, entity: DataEntity, name: str, source: Source | None) -> ColumnRules:
        """The rules of a field for files of a source; without a source, for canonical text."""
        declared = entity.schema.columns[name]
        return cls(
            field=entity.by_name[name],
            formats=Formats.of(source) if source else CANONICAL,
            checks=(*_type_limits(declared.dtype), *declared.checks),
            multiline=bool((declared.metadata or {}).get("multiline")),
            is_key=name in entity.key,
            clear_token=clean_text(source.clear_token) if source else "",
            values=source.values.get(name) if source else None,
        )


def _type_limits(dtype: Any) -> tuple[pandera.Check, ...]:
    """What a declared integer type smaller than 64 bits can hold."""
    bits = {"ArrowInt16": 16, "ArrowInt32": 32}.get(type(dtype).__name__)
    if bits is None:
        return ()
    return (pandera.Check.in_range(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1),)


@dataclass(frozen=True)
class CheckedColumn:
    """`typed`: null where blank or failed. `cleared`: cells that clear the stored value. One failure a cell at most."""

    typed: pa.Array
    cleared: Mask
    failures: Failures


def check_column(rules: ColumnRules, texts: pa.Array) -> CheckedColumn:
    """Everything that can be said about a column without looking at others."""
    cleaned = clean(texts, rules.field.title, rules.multiline)
    translated = _translated(cleaned.values, rules)
    parsed, unparsed = parse_texts(translated.texts, rules.field, rules.formats)
    typed = parsed if translated.typed is None else pc.coalesce(translated.typed, parsed)
    refused = joined([unparsed, broken_rules(rules.field, rules.checks, typed)])
    if rules.values:
        refused = _as_unmapped(refused, translated.mapped, rules.field)
    refused = joined([cleaned.failures, refused])
    empty = _empty(rules, typed, translated.cleared, refused)
    failing = mask_of(refused.positions, len(typed)) | mask_of(empty.positions, len(typed))
    return CheckedColumn(blanked(typed, failing), translated.cleared & ~failing, joined([refused, empty]))


def parse_texts(texts: pa.Array, field: Field, formats: Formats) -> tuple[pa.Array, Failures]:
    """Clean text in the forms of a source becomes a typed column; its own checks are not looked at."""
    match field.kind:
        case ValueKind.TEXT:
            shortened = shortened_numbers(texts, field.title)
            return blanked(texts, mask_of(shortened.positions, len(texts))) if len(shortened) else texts, shortened
        case ValueKind.DECIMAL | ValueKind.INTEGER:
            return parse_numbers(texts, field, formats)
        case ValueKind.DATE:
            return parse_dates(texts, field, formats)
        case ValueKind.BOOLEAN:
            return parse_booleans(texts, field)


@dataclass(frozen=True)
class _Translated:
    """`texts`: what is left to parse. `typed`: values from the source's list, where `mapped` is set."""

    texts: pa.Array
    typed: pa.Array | None
    mapped: Mask
    cleared: Mask


def _translated(texts: pa.Array, rules: ColumnRules) -> _Translated:
    """Takes out the cells that hold the clear token or a word of the source's value list."""
    cleared = equal_to(texts, rules.clear_token)
    mapped = np.zeros(len(texts), dtype=np.bool_)
    typed = None
    if rules.values:
        words = pa.array([clean_text(word) for word in rules.values], pa.string())
        targets = clean(pa.array(list(rules.values.values()), pa.string()), rules.field.title, rules.multiline).values
        found = pc.index_in(blanked(texts, cleared), value_set=words, skip_nulls=True)
        if found.null_count < len(found):
            mapped = found.is_valid().to_numpy(zero_copy_only=False)
            cleared = cleared | equal_to(targets.take(found), rules.clear_token)
            typed = _typed_targets(targets, rules).take(found)
    return _Translated(blanked(texts, cleared | mapped), typed, mapped, cleared)


def _typed_targets(targets: pa.Array, rules: ColumnRules) -> pa.Array:
    """The stored values of a value list; SetupError if one is none (`declared.py` finds them all at the start)."""
    plain = blanked(targets, equal_to(targets, rules.clear_token))
    values, failures = parse_texts(plain, rules.field, CANONICAL)
    if len(failures):
        raise SetupError(f"sources.values.{rules.field.name}: {failures.messages[0].as_py()}")
    return values


def _as_unmapped(failures: Failures, mapped: Mask, field: Field) -> Failures:
    """Turns what a complete value list would have prevented into `unmapped_value`."""
    explained = pc.is_in(failures.codes, value_set=pa.array(sorted(_EXPLAINED_BY_THE_MAP), pa.string()))
    mask = explained.to_numpy(zero_copy_only=False) & ~mapped[failures.positions]
    if not mask.any():
        return failures
    old = failures.only(mask)
    sentence = failed_by_fact(old.positions, Code.UNMAPPED_VALUE, title=field.title, limit=old.messages)
    return joined([failures.only(~mask), sentence])


def _empty(rules: ColumnRules, typed: pa.Array, cleared: Mask, refused: Failures) -> Failures:
    """An empty part of the key, or a cell that would clear what must not be empty."""
    if rules.is_key:
        empty = typed.is_null().to_numpy(zero_copy_only=False) & ~mask_of(refused.positions, len(typed))
        code = Code.MISSING_KEY
    elif rules.field.required:
        empty, code = cleared, Code.MISSING_REQUIRED
    else:
        return NONE
    positions = np.flatnonzero(empty).astype(np.int64)
    return failed_by_fact(positions, code, title=rules.field.title) if len(positions) else NONE
