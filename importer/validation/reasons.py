"""The failures of all columns of a batch as its reasons, and the wrong texts of a row as one text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import DataEntity
from importer.validation.failures import Failures, Mask, Positions, joined, names_where
from importer.validation.model import REASONS, TextBatch
from importer.validation.text import layout, plain_array, trimmed


def reason_table(batch: TextBatch, entity: DataEntity, failures: Mapping[str, Failures]) -> tuple[pa.Table, Positions]:
    """Schema `REASONS`, ordered by row and entity order, and each reason's position within the batch."""
    whole = joined(list(failures.values()))
    place = np.repeat(np.arange(len(failures)), [len(part) for part in failures.values()])
    order = np.lexsort((place, whole.positions))
    positions, ordered, places = whole.positions[order], pa.array(order), pa.array(place[order])
    columns = {
        "row": batch.rows.take(pa.array(positions)),
        "ord": pa.array([entity.names.index(name) for name in failures], pa.int32()).take(places),
        "column": pa.array([batch.headers.get(name, "") for name in failures], pa.string()).take(places),
        "field": pa.array(list(failures), pa.string()).take(places),
        "value": _texts(batch, failures).take(ordered),
        "code": whole.codes.take(ordered),
        "message": whole.messages.take(ordered),
    }
    return pa.table(columns, schema=REASONS), positions


def bad_texts(reasons: pa.Table, positions: Positions, count: int) -> pa.Array:
    """'|field=text|…|' for every row with a failing cell, else null. No text can pass for another field's part."""
    if not len(positions):
        return pa.nulls(count, pa.string())
    texts = _escaped(trimmed(reasons["value"].combine_chunks()))
    pieces = pc.binary_join_element_wise(reasons["field"].combine_chunks(), texts, "=")
    rows, starts = np.unique(positions, return_index=True)
    lists = pa.ListArray.from_arrays(pa.array(np.append(starts, len(positions)), pa.int32()), pieces)
    whole = pc.binary_join_element_wise("|", pc.binary_join(lists, "|"), "|", "")
    index = np.zeros(count, dtype=np.int64)
    index[rows] = np.arange(len(rows))
    clean = np.ones(count, dtype=np.bool_)
    clean[rows] = False
    return whole.take(pa.array(index, mask=clean))


def cleared_fields(cleared: Mapping[str, Mask], count: int) -> pa.Array:
    """'|field|field|' where cells hold the clear token, else null."""
    return pc.binary_join_element_wise("|", names_where(cleared, count, "|"), "|", "")


def _escaped(texts: pa.Array) -> pa.Array:
    _, data = layout(texts)
    if not ((data == ord("\\")) | (data == ord("|"))).any():
        return texts
    return pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), "|", "\\p")


def _texts(batch: TextBatch, failures: Mapping[str, Failures]) -> pa.Array:
    """The texts of the failing cells as they stand in the file; NUL, which no database keeps, as its symbol."""
    parts = [
        plain_array(batch.texts[name].take(pa.array(part.positions))) for name, part in failures.items() if len(part)
    ]
    texts = pa.concat_arrays(parts) if parts else pa.array([], pa.string())
    _, data = layout(texts)
    return texts if data.all() else pc.replace_substring(texts, "\x00", "␀")
