"""Reasons that the plan found name the cell's text as it stands in the file, like those found while reading.

Staging has typed values only, so the texts are taken from the kept source blocks, for the rows concerned.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from importer.storage.columns import insert_columns
from importer.storage.context import RunContext
from importer.storage.decided import source_texts


def quote_source_texts(plan: RunContext, positions: Mapping[str, int]) -> None:
    """`positions`: for each field that the file brings its place among the source's columns."""
    reason, quoted = plan.space.reason, plan.space.quoted
    found = reason.c.quotes.is_(sa.true()), reason.c.field.in_(list(positions))
    rows = plan.connection.scalars(sa.select(reason.c.row).where(*found).distinct().order_by(reason.c.row))
    numbers = np.fromiter(rows, dtype=np.int64)
    if not len(numbers):
        return
    plan.run(sa.delete(quoted))
    fields = plan.connection.scalars(sa.select(reason.c.field).where(*found).distinct()).all()
    for texts in source_texts(plan.connection, plan.space, numbers):
        for field in fields:
            insert_columns(plan.connection, quoted, _of_field(texts, field, positions[field]))
    same = sa.and_(quoted.c["_row"] == reason.c.row, quoted.c.field == reason.c.field, *found)
    plan.run(sa.update(reason).values(value=quoted.c.value).where(same))


def _of_field(texts: pa.Table, field: str, position: int) -> pa.Table:
    values = texts[f"c{position}"]
    wanted = pa.table({"_row": texts["row"], "field": pa.repeat(field, len(texts)), "value": values})
    return wanted.filter(pc.is_valid(values))
