"""Columns in the text form of PostgreSQL's COPY, which the server reads an eighth faster than CSV."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from importer.validation.text import layout

_NULL = r"\N"
_MEANT_OTHERWISE = (b"\\", b"\t", b"\n", b"\r")
"""What stands for something else in this form. Few columns have any of it, so none of it is ever escaped here."""

_MOST_BYTES = 1 << 30
"""Of one table: Arrow counts the bytes of its texts with 31 bits."""


def copy_text(data: pa.Table) -> memoryview | None:
    """The rows as the server reads them with no option given; None where CSV has to do it."""
    columns = [_texts(column) for column in data.columns]
    if data.nbytes > _MOST_BYTES or any(map(_is_special, columns)):
        return None
    ending = pc.binary_join_element_wise(columns[-1], "\n", "", null_handling="replace", null_replacement=_NULL)
    rows = pc.binary_join_element_wise(*columns[:-1], ending, "\t", null_handling="replace", null_replacement=_NULL)
    offsets, letters = layout(rows)
    return letters[offsets[0] : offsets[-1]].data


def without_empty(data: pa.Table, kept: Sequence[str]) -> pa.Table:
    """Columns in which nothing stands take no part, but those `kept`."""
    full = [name for name in data.column_names if name in kept or data[name].null_count < data.num_rows]
    return data.select(full)


def _texts(column: pa.ChunkedArray) -> pa.Array:
    texts = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    return texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks()


def _is_special(texts: pa.Array) -> bool:
    offsets, letters = layout(texts)
    used = letters[offsets[0] : offsets[-1]].tobytes()
    return any(mark in used for mark in _MEANT_OTHERWISE)
