"""Query results as columns: every row, whatever the connection was told for other statements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from importer.storage.columns import FETCH_ROWS, read_texts
from importer.storage.database import Database


@pytest.mark.parametrize("told", [{}, {"stream_results": True}, {"yield_per": 7}], ids=str)
@pytest.mark.parametrize("count", [0, 1, FETCH_ROWS, 2 * FETCH_ROWS + 1])
def test_every_row_is_read_once_and_in_order(tmp_path: Path, told: dict[str, Any], count: int) -> None:
    numbers = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < count))
    select = sa.select(sa.cast(numbers.c.n, sa.Text).label("n")).where(numbers.c.n <= count)
    with Database(f"sqlite:///{tmp_path}/numbers.db").begin() as connection:
        connection.execution_options(**told)
        found = [text for table in read_texts(connection, select) for text in table["n"].to_pylist()]
    assert found == [str(number) for number in range(1, count + 1)]
