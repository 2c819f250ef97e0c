"""What validation takes and gives: frames in, frames out; no database, no files, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

REASONS = pa.schema(
    [
        ("row", pa.int64()),
        ("ord", pa.int32()),
        ("column", pa.string()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("code", pa.string()),
        ("message", pa.string()),
    ]
)
"""One reason of a rejection: row number, place of the field in the entity, header in the file, field, text in the file
(NUL, which no database keeps, as U+2400), code, sentence."""


@dataclass(frozen=True)
class TextBatch:
    """Raw text by field: `texts[field]` is a string array as long as `rows` (int64), '' or null where blank.

    `headers[field]` is the header in the file ('' for a constant from defaults or `--set`).
    """

    number: int
    rows: pa.Array
    texts: Mapping[str, pa.Array]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class CheckedBatch:
    """The same rows, typed.

    `typed`: one column per field of the batch in entity order (string, decimal128(precision, scale), int64, bool,
    date32); null where the cell is blank or has an error.
    `cleared`: '|field|field|' where cells hold the clear token, else null.
    `bad`: '|field=text|…' for every cell with an error, else null; two rows with different errors differ here.
    `across`: for the row taken as a new record (defaults filled in), the numbers of the checks across fields that
    fail, e.g. '0 2', else null. Null too where a cell has an error.
    `reasons`: schema `REASONS`.
    """

    number: int
    rows: pa.Array
    typed: pa.Table
    cleared: pa.Array
    bad: pa.Array
    across: pa.Array
    reasons: pa.Table
