"""What the workbook and the page keep of the streams while the CSV files are written: counts, and the first rows.

In: the chunks of a stream. Out: counters and small tables; memory doesn't grow with the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importer.reports.delimited import plain_texts


class Counts:
    """How often each combination of values of `columns` occurs in a stream."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        self.counter: Counter[tuple[str, ...]] = Counter()

    def see(self, chunk: pa.Table) -> None:
        grouped = chunk.group_by(list(self.columns)).aggregate([([], "count_all")])
        for row in grouped.to_pylist():
            self.counter[tuple(row[column] or "" for column in self.columns)] += row["count_all"]


class FirstRows:
    """The first `limit` rows of a stream, and how many there were in all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._chunks: list[pa.Table] = []

    @property
    def is_full(self) -> bool:
        return self.total >= self.limit

    def see(self, chunk: pa.Table) -> None:
        missing = self.limit - self.total
        if missing > 0:
            self._chunks.append(chunk.slice(0, missing))
        self.total += chunk.num_rows

    def records(self) -> Iterator[dict[str, str]]:
        for chunk in self._chunks:
            columns = [plain_texts(column).to_pylist() for column in chunk.columns]
            for values in zip(*columns, strict=True):
                yield dict(zip(chunk.column_names, values, strict=True))

    def tables(self) -> Iterator[pa.Table]:
        return iter(self._chunks)


class ReasonsOfFirstRows:
    """All reasons of the first `limit` source rows that have any; reasons come in row order."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._rows = 0
        self._last: str | None = None
        self._chunks: list[pa.Table] = []

    def see(self, chunk: pa.Table) -> None:
        self.total += chunk.num_rows
        if chunk.num_rows == 0 or self._rows > self.limit:
            return
        rows = plain_texts(chunk["row"]).to_pylist()
        begins = np.array([row != before for row, before in zip(rows, [self._last, *rows[:-1]], strict=True)])
        numbers = self._rows + np.cumsum(begins)
        self._chunks.append(chunk.slice(0, int(np.searchsorted(numbers, self.limit, side="right"))))
        self._rows, self._last = int(numbers[-1]), rows[-1]

    def tables(self) -> Iterator[pa.Table]:
        return iter(self._chunks)

    def of(self, rows: list[str]) -> dict[str, list[dict[str, str]]]:
        """Each of these row numbers that has reasons to them, with the columns of `errors.csv`."""
        found: dict[str, list[dict[str, str]]] = {}
        wanted = pa.array(rows, pa.string())
        for chunk in self.tables():
            of_rows = chunk.filter(pc.is_in(plain_texts(chunk["row"]), value_set=wanted))
            columns = [plain_texts(column).to_pylist() for column in of_rows.columns]
            for values in zip(*columns, strict=True):
                reason = dict(zip(chunk.column_names, values, strict=True))
                found.setdefault(reason["row"], []).append(reason)
        return found


@dataclass(frozen=True)
class Kept:
    """All that workbook and page need. `columns`: the headers of `rejections.csv`, the last five our own."""

    columns: tuple[str, ...]
    fields: Counts
    changes: FirstRows
    codes: Counts
    reasons: ReasonsOfFirstRows
    for_workbook: FirstRows
    for_page: FirstRows
