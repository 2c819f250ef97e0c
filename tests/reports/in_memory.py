"""A run in memory: small tables in the shape that `ReportData` streams, cut into chunks of two rows."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from importer.entity import DataEntity, Field
from importer.reports.columns import CHANGE_COLUMNS, CORRECTION_COLUMNS, REASON_COLUMNS, RESULT_COLUMNS
from importer.reports.model import RunReport
from importer.settings import Parameters
from importer.vocabulary import ValueKind

KEY = ("data_area_id", "customer_account")
RUN = "20261120T093000Z-abc123"
Records = Sequence[Mapping[str, str | None]]


def entity(workbook_rows: int = 10_000) -> DataEntity:
    names = (*KEY, "organization_name", "credit_limit", "payment_terms")
    parameters = Parameters.model_validate(
        {
            "entity": {
                "name": "customer",
                "title": "Customer",
                "schema": "customer:Customer",
                "table": "customer",
                "key": KEY,
            },
            "sources": [{"name": "crm"}],
            "reports": {"workbook_rows": workbook_rows},
        }
    )
    return DataEntity(
        name="customer",
        title="Customer",
        table="customer",
        key=KEY,
        fields=tuple(
            Field(name, name.replace("_", " ").capitalize(), ValueKind.TEXT, required=False) for name in names
        ),
        schema=None,
        parameters=parameters,
        files=(Path("customer.py"), Path("customer.toml")),
        settings_sha256="5" * 64,
    )


def _table(columns: Sequence[str], records: Records) -> pa.Table:
    arrays = [pa.array([record.get(column) for record in records], pa.string()) for column in columns]
    return pa.Table.from_arrays(arrays, names=list(columns))


@dataclass
class InMemory:
    """`rejected_rows`: texts of the source columns in order, then by name what our five columns say."""

    headers: tuple[str, ...] = ("Account", "Name", "Credit limit")
    result_rows: Records = ()
    change_rows: Records = ()
    reason_rows: Records = ()
    rejected_rows: Sequence[tuple[Sequence[str], Mapping[str, str]]] = ()
    chunk: int = 2
    fails_in: str = ""
    opened: list[str] = field(default_factory=list)

    def _stream(self, name: str, columns: Sequence[str], records: Records) -> Generator[pa.Table]:
        self.opened.append(name)
        for start in range(0, len(records), self.chunk):
            yield _table(columns, records[start : start + self.chunk])
        if name == self.fails_in:
            raise RuntimeError("the database went away")

    def results(self) -> Generator[pa.Table]:
        return self._stream("results", ("row", *KEY, *RESULT_COLUMNS), self.result_rows)

    def changes(self) -> Generator[pa.Table]:
        return self._stream("changes", ("row", *KEY, *CHANGE_COLUMNS), self.change_rows)

    def reasons(self) -> Generator[pa.Table]:
        return self._stream("reasons", REASON_COLUMNS, self.reason_rows)

    def rejected(self) -> Generator[pa.Table]:
        names = [f"c{number}" for number in range(len(self.headers))]
        records = [{**dict(zip(names, texts, strict=True)), **own} for texts, own in self.rejected_rows]
        return self._stream("rejected", (*names, *CORRECTION_COLUMNS), records)


def summary(**changed: Any) -> dict[str, Any]:
    return {
        "run_id": RUN,
        "sequence": 7,
        "entity": "customer",
        "source": "crm",
        "status": "applied",
        "exit_code": 3,
        "command": "run",
        "version": "0.1.0",
        "user": "ada",
        "login": "ada",
        "host": "import-1",
        "requested_by": None,
        "applied_by": "ada",
        "overrides": [],
        "four_eyes": True,
        "target": {
            "dialect": "sqlite",
            "database": "importer.db",
            "table": "customer",
            "records_before": 4000,
            "records_after": 4012,
        },
        "file": {
            "name": "customers.csv",
            "sha256": "f" * 64,
            "bytes": 81234,
            "format": "csv",
            "encoding": "utf-8",
            "delimiter": ";",
            "sheet": None,
        },
        "behavior": "propose",
        "settings_sha256": "5" * 64,
        "counts": {
            "read": 2,
            "rejected": 1,
            "partly_rejected": 0,
            "created": 0,
            "partly_proposed": 0,
            "proposed": 0,
            "updated": 1,
            "unchanged": 0,
            "not_processed": 0,
        },
        "rejected_by_code": {"invalid_number": 1},
        "rejected_new": 1,
        "rejected_repeated": 0,
        "proposals": {"opened": 0, "kept": 0, "superseded": 0, "withdrawn": 0, "declined": 0, "competing": 0},
        "blanks_kept": {"payment_terms": 3},
        "control_totals": {"credit_limit": "125000.00"},
        "ignored_columns": [],
        "limits": {"max_rejected": {"limit": "10%", "found": 1, "of": 2, "past": False}},
        "started_at": "2026-11-20T09:30:00+00:00",
        "finished_at": "2026-11-20T09:30:02+00:00",
        **changed,
    }


def run_report(data: InMemory, delimiter: str = ";", workbook_rows: int = 10_000, **changed: Any) -> RunReport:
    return RunReport(summary(**changed), entity(workbook_rows), data.headers, delimiter, data)
