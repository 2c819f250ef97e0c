"""What the reports are made of: the summary, and streams of columns from wherever the run is stored."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from importer.entity import DataEntity


class ReportData(Protocol):
    """Streams of tables of text columns (null = empty), in file order, the columns as in the contract.

    `results` is read in a thread of its own, beside the others. A stream is closed where it is not read to its end.

    `results`: row, the key fields, outcome, applied, fields_updated … origin_row (the columns of `results.csv`)
    `changes`: row, key fields, field, old, new, disposition, proposal_id, rule
    `reasons`: row, column, field, value, code, message, repeated
    `rejected`: one column per source header named c0 … cn, then _row, _codes, _reasons, _run, _text
    """

    def results(self) -> Generator[pa.Table]: ...
    def changes(self) -> Generator[pa.Table]: ...
    def reasons(self) -> Generator[pa.Table]: ...
    def rejected(self) -> Generator[pa.Table]: ...


@dataclass(frozen=True)
class RunReport:
    """One run, ready to be reported. `summary` is `summary.json` without `reports`."""

    summary: dict[str, Any]
    entity: DataEntity
    source_headers: tuple[str, ...]
    delimiter: str
    data: ReportData
