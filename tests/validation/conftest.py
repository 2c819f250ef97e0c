"""A small entity with one field of every kind, and cells as batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import settings

from importer.entity import DataEntity, load_entity
from importer.validation.check import check_batch
from importer.validation.model import CheckedBatch, TextBatch

SCHEMAS = Path(__file__).parent / "schemas"
patient = settings(deadline=None)
"""For properties: machines that test are busy machines."""
Cells = dict[str, Sequence[str | None]]
Check = Callable[..., CheckedBatch]


@pytest.fixture(scope="session")
def thing() -> DataEntity:
    return load_entity(SCHEMAS / "thing.toml")


@pytest.fixture(scope="session")
def check(thing: DataEntity) -> Check:
    """Checks columns of text; the key is filled in where it is not given, the rows are numbered from 2."""

    def checked(cells: Cells, source: str = "plain") -> CheckedBatch:
        return check_batch(batch_of(cells), thing, thing.source(source))

    return checked


def batch_of(cells: Cells) -> TextBatch:
    count = len(next(iter(cells.values())))
    cells = {"area": ["a"] * count, "number": [str(row) for row in range(count)], **cells}
    return TextBatch(
        number=7,
        rows=pa.array(range(2, count + 2), pa.int64()),
        texts={name: pa.array(texts, pa.string()) for name, texts in cells.items()},
        headers={name: name.upper() for name in cells},
    )
