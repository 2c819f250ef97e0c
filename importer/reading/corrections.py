"""Files of ours that come back: how they are recognised, and how the guard against formulas is taken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from importer.reading.headers import CORRECTION_COLUMNS
from importer.reading.pieces import Piece

ROW, RUN = "_row", "_run"
GUARDED = "=+-@\t\r'"
"""Where one of these follows, a leading apostrophe is the guard and not part of the value."""


def is_correction_header(headers: Sequence[str]) -> bool:
    return ROW in headers and RUN in headers


def unguarded(text: str) -> str:
    """The text without the apostrophe that keeps it from acting as a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in GUARDED else text


def unguard_piece(piece: Piece, headers: Sequence[str]) -> Piece:
    """Takes the guard off all source columns; the `_` columns of the report are left as they are."""
    columns = [
        column if header in CORRECTION_COLUMNS else _unguard(column)
        for header, column in zip(headers, piece.cells.columns, strict=True)
    ]
    return replace(piece, cells=pa.table(columns, names=piece.cells.column_names))


def _unguard(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pc.any(pc.starts_with(column, "'")).as_py():
        return column
    return pc.replace_substring_regex(column, pattern=r"\A'([=+\-@\t\r'])", replacement=r"\1")
