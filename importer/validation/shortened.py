"""Text that a spreadsheet program made of a long number (`1.23E+11`): its other digits are lost.

In: clean text with nulls. Out: the failing cells. A plus in the exponent is what spreadsheet programs write for long
numbers, and what codes such as `12E3` don't have.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from importer.validation.failures import NONE, Failures, failed_by_fact, shown_column, where
from importer.validation.text import has_byte, used_bytes
from importer.vocabulary import RejectionCode

_EXPONENTS = (b"E+", b"e+")
_SHORTENED = r"^[+-]?\d(?:[.,]\d+)?[Ee]\+\d{2,3}$"
_WHY = "it stands in scientific notation, as a spreadsheet program writes a long number, and its other digits are lost"


def shortened_numbers(texts: pa.Array, title: str) -> Failures:
    """Cells of a text field in scientific notation. Columns without an exponent are told by their bytes alone."""
    if not has_byte(texts, "+") or not (has_byte(texts, "E") or has_byte(texts, "e")):
        return NONE
    used = used_bytes(texts).tobytes()
    if not any(exponent in used for exponent in _EXPONENTS):
        return NONE
    positions = where(pc.fill_null(pc.match_substring_regex(texts, _SHORTENED), False))
    if not len(positions):
        return NONE
    shown = shown_column(texts.take(pa.array(positions)))
    return failed_by_fact(positions, RejectionCode.IMPRECISE_NUMBER, title=title, value=shown, limit=_WHY)
