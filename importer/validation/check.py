"""A batch of raw text becomes typed columns; what is wrong with it goes out as reasons, every error of every row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from importer.entity import DataEntity
from importer.settings import Source
from importer.validation.across import failing_as_new
from importer.validation.column import CheckedColumn, ColumnRules, check_column
from importer.validation.model import CheckedBatch, TextBatch
from importer.validation.reasons import bad_texts, cleared_fields, reason_table


def check_batch(batch: TextBatch, entity: DataEntity, source: Source) -> CheckedBatch:
    """Checks every cell of a batch by itself, then each sound row as a new record (see `CheckedBatch`).

    ValueError if the batch lacks a key field; SetupError if a check of the schema can't be run; RuntimeError if one
    fails without saying where.
    """
    lacking = [name for name in entity.key if name not in batch.texts]
    if lacking:
        raise ValueError(f"the batch lacks the key field {lacking[0]}")
    columns = {
        name: check_column(ColumnRules.of(entity, name, source), batch.texts[name])
        for name in entity.in_order(batch.texts)
    }
    return _assembled(batch, entity, columns)


def _assembled(batch: TextBatch, entity: DataEntity, columns: dict[str, CheckedColumn]) -> CheckedBatch:
    count = len(batch.rows)
    typed = pa.table({name: column.typed for name, column in columns.items()})
    cleared = {name: column.cleared for name, column in columns.items()}
    reasons, positions = reason_table(batch, entity, {name: column.failures for name, column in columns.items()})
    wrong = np.zeros(count, dtype=np.bool_)
    wrong[positions] = True
    return CheckedBatch(
        number=batch.number,
        rows=batch.rows,
        typed=typed,
        cleared=cleared_fields(cleared, count),
        bad=bad_texts(reasons, positions, count),
        across=failing_as_new(entity, typed, cleared, wrong),
        reasons=reasons,
    )
