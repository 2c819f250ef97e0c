"""Text becomes decimals and integers, exactly: grouping only in its places, no exponent, nothing rounded."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import Field
from importer.validation.failures import NONE, Failures, Positions, failed_by_fact, joined, shown_column, where
from importer.validation.formats import Formats
from importer.validation.text import has_byte, layout, longest, used_bytes
from importer.vocabulary import RejectionCode, ValueKind

INTEGER_DIGITS = 18
"""So many digits fit every 64-bit integer."""

_SAFE_DIGITS = 38
"""So many digits fit every 128-bit decimal, those included that its scale adds."""

_SPACES = "[ \u00a0\u202f]"
"""A file that groups by blanks may mean any of these: they look the same."""


def parse_numbers(texts: pa.Array, field: Field, formats: Formats) -> tuple[pa.Array, Failures]:
    """Typed values (null where blank or failed) of a decimal or integer field, and the failures."""
    values = _read_at_once(texts, field, formats)
    return _parsed(texts, field, formats) if values is None else (values, NONE)


def _read_at_once(texts: pa.Array, field: Field, formats: Formats) -> pa.Array | None:
    """The values where the bytes of the whole column show that Arrow takes for numbers only what `_fitting` does.

    Of texts of digits, signs and points it takes one more kind, the point at the end, or at the start where the field
    has no decimals. It wraps around where a number doesn't fit 128 bits. Anything unusual is left to the patterns.
    """
    _, after = _digits(field)
    offsets, data = layout(texts)
    used = used_bytes(texts)
    if not len(used) or used.min() < ord("+") or used.max() > ord("9") or longest(texts) > _SAFE_DIGITS - after:
        return None
    if formats.decimal != "." and has_byte(texts, "."):
        return None
    if (data[offsets[1:] - 1] == ord(formats.decimal)).any() or (not after and has_byte(texts, formats.decimal)):
        return None
    try:
        return _cast(texts, field, formats)
    except pa.ArrowInvalid:
        return None


def _parsed(texts: pa.Array, field: Field, formats: Formats) -> tuple[pa.Array, Failures]:
    """Values and failures as patterns tell them apart, text by text."""
    plain = _ungrouped(_without_currency(texts, formats), formats)
    good = pc.match_substring_regex(plain, _fitting(field, formats.decimal))
    bad = where(pc.invert(good))
    if len(bad):
        plain = pc.if_else(good, plain, pa.scalar(None, pa.string()))
    return _cast(plain, field, formats), _explained(texts, bad, field, formats)


def arrow_type(field: Field) -> pa.DataType:
    """The type of a field's column after parsing."""
    match field.kind:
        case ValueKind.TEXT:
            return pa.string()
        case ValueKind.DECIMAL:
            return pa.decimal128(field.precision, field.scale)
        case ValueKind.INTEGER:
            return pa.int64()
        case ValueKind.BOOLEAN:
            return pa.bool_()
        case ValueKind.DATE:
            return pa.date32()


def _digits(field: Field) -> tuple[int, int]:
    """Most digits before and after the decimal point."""
    if field.kind is ValueKind.INTEGER:
        return INTEGER_DIGITS, 0
    return field.precision - field.scale, field.scale


def _without_currency(texts: pa.Array, formats: Formats) -> pa.Array:
    """Without one declared sign before or after the number, between it and a plus or minus too."""
    if not formats.currency_signs:
        return texts
    sign = "|".join(sorted(map(re.escape, formats.currency_signs), key=len, reverse=True))
    before = pc.replace_substring_regex(texts, rf"^([+-]?){_SPACES}?(?:{sign}){_SPACES}?([+-]?)([\d.,])", r"\1\2\3")
    after = pc.replace_substring_regex(texts, rf"(\d){_SPACES}?(?:{sign})$", r"\1")
    return pc.if_else(pc.equal(before, texts), after, before)


def _ungrouped(texts: pa.Array, formats: Formats) -> pa.Array:
    """Without grouping where it stands in the right places; elsewhere it stays, and the number is refused."""
    if not formats.grouping:
        return texts
    mark = _SPACES if formats.grouping == " " else re.escape(formats.grouping)
    point = re.escape(formats.decimal)
    grouped = pc.match_substring_regex(texts, rf"^[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{point}\d+)?$")
    if not pc.any(grouped).as_py():
        return texts
    return pc.if_else(grouped, pc.replace_substring_regex(texts, mark, ""), texts)


def _fitting(field: Field, decimal: str) -> str:
    """The numbers that the field holds exactly; zeros beyond its scale don't count."""
    before, after = _digits(field)
    point = re.escape(decimal)
    whole = rf"0*\d{{1,{before}}}" if before else "0+"
    fraction = rf"{point}\d{{1,{after}}}0*" if after else rf"{point}0+"
    alone = rf"|{fraction}" if after else ""
    return rf"^[+-]?(?:{whole}(?:{fraction})?{alone})$"


def _cast(plain: pa.Array, field: Field, formats: Formats) -> pa.Array:
    if formats.decimal != ".":
        plain = pc.replace_substring(plain, formats.decimal, ".")
    if field.kind is ValueKind.DECIMAL:
        return plain.cast(arrow_type(field))
    return plain.cast(pa.decimal128(INTEGER_DIGITS, 0)).cast(pa.int64())


def _explained(texts: pa.Array, bad: Positions, field: Field, formats: Formats) -> Failures:
    """Why each refused text is refused: no number at all, too many decimals, or too many digits."""
    values = texts.take(pa.array(bad))
    point = re.escape(formats.decimal)
    plain = _ungrouped(_without_currency(values, formats), formats)
    number = _mask(plain, rf"^[+-]?(?:\d+(?:{point}\d+)?|{point}\d+)$")
    _, after = _digits(field)
    fine = number & ~_mask(plain, rf"{point}\d{{{after}}}\d*[1-9]")
    shown = shown_column(values)
    return joined(
        [
            _failures(bad, shown, ~number, field, f"a form such as {example(field, formats)} is expected"),
            _failures(bad, shown, number & ~fine, field, _too_many_decimals(after)),
            _too_large(bad, shown, fine, field),
        ]
    )


def example(field: Field, formats: Formats) -> str:
    """A number as the source writes it: '1.234,56'."""
    whole = f"1{formats.grouping}234"
    _, after = _digits(field)
    return whole + (formats.decimal + "5678901234"[:after] if after else "")


def _too_many_decimals(after: int) -> str:
    allowed = f"it has more than {after} decimals" if after else "it has decimals"
    return f"{allowed} and is refused, not rounded"


def _mask(values: pa.Array, pattern: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask: np.ndarray[tuple[int], np.dtype[np.bool_]] = pc.match_substring_regex(values, pattern).to_numpy(
        zero_copy_only=False
    )
    return mask.astype(np.bool_)


def _failures(bad: Positions, shown: pa.Array, mask: np.ndarray, field: Field, limit: str) -> Failures:
    return failed_by_fact(
        bad[mask],
        RejectionCode.INVALID_NUMBER,
        title=field.title,
        value=shown.filter(pa.array(mask)),
        limit=limit,
    )


def _too_large(bad: Positions, shown: pa.Array, mask: np.ndarray, field: Field) -> Failures:
    before, after = _digits(field)
    return failed_by_fact(
        bad[mask],
        RejectionCode.OUT_OF_RANGE,
        title=field.title,
        value=shown.filter(pa.array(mask)),
        limit=f"at most {before} digits {'before the decimal point ' if after else ''}can be kept",
    )
