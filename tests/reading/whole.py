"""A file, read to its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importer.reading import Dialect, FlaggedCell, ReadOptions, UnreadableRow, open_source


@dataclass(frozen=True)
class Whole:
    dialect: Dialect
    headers: tuple[str, ...]
    rows: dict[int, tuple[str, ...]]
    unreadable: tuple[UnreadableRow, ...]
    flagged: tuple[FlaggedCell, ...]
    sha256: str
    bytes: int
    is_correction: bool

    @property
    def codes(self) -> dict[int, str]:
        return {row.row: str(row.code) for row in self.unreadable}

    @property
    def flags(self) -> dict[tuple[int, int], tuple[str, str]]:
        """Code and text by row and column."""
        return {(cell.row, cell.column): (str(cell.code), cell.text) for cell in self.flagged}


def read_whole(path: Path, size: int = 50_000, **options: Any) -> Whole:
    known = {"known_headers": frozenset(options.pop("known_headers", ()))}
    with open_source(path, ReadOptions(**options, **known)) as source:
        batches = list(source.batches(size))
        assert [batch.number for batch in batches] == list(range(len(batches)))
        rows: dict[int, tuple[str, ...]] = {}
        for batch in batches:
            assert batch.cells.column_names == [f"c{index}" for index in range(len(source.headers))]
            assert all(not column.null_count for column in batch.cells.columns)
            cells = zip(*(column.to_pylist() for column in batch.cells.columns), strict=True)
            rows |= dict(zip(batch.rows.to_pylist(), cells, strict=True))
        return Whole(
            source.dialect,
            source.headers,
            rows,
            tuple(row for batch in batches for row in batch.unreadable),
            tuple(cell for batch in batches for cell in batch.flagged),
            source.sha256,
            source.bytes,
            source.is_correction,
        )
