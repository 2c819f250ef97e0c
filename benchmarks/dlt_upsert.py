"""dlt's upsert of the same file, by its fastest route: Arrow batches in, CSV load files, COPY, MERGE.

It has a table of its own, without a primary key's index. It doesn't check values, doesn't compare (every row is
written) and keeps no old values.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .script import Script, main
from .table import FILE_COLUMNS, KEY

WHY_NOT = "dlt is not installed (make bench installs it with the extra `bench`)"
BATCH_BYTES = 16 << 20


def installed() -> bool:
    return importlib.util.find_spec("dlt") is not None


def import_file(url: str, path: Path, update: bool, script: Script) -> None:
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt

    disposition = {"disposition": "merge", "strategy": "upsert"} if update else "append"
    customers = dlt.resource(_batches(path), name="customer", primary_key=list(KEY), write_disposition=disposition)
    with tempfile.TemporaryDirectory() as folder, script.timed("all"):
        pipeline = dlt.pipeline(
            "bench", pipelines_dir=folder, destination=dlt.destinations.postgres(_with_host(url)), dataset_name="dlt"
        )
        pipeline.run(customers, loader_file_format="csv")


def _with_host(url: str) -> str:
    """dlt wants a host in the URL; the driver prefers the one among the options, the socket's folder."""
    return url.replace("@/", "@socket/")


def _batches(path: Path) -> Iterator[object]:
    import pyarrow as pa
    from pyarrow import csv

    types = dict.fromkeys(FILE_COLUMNS, pa.string()) | {
        "credit_limit": pa.decimal128(18, 2),
        "credit_limit_is_mandatory": pa.bool_(),
        "customer_since": pa.date32(),
    }
    convert = csv.ConvertOptions(
        column_types=types, true_values=["Yes"], false_values=["No"], strings_can_be_null=True, null_values=[""]
    )
    for batch in csv.open_csv(path, csv.ReadOptions(block_size=BATCH_BYTES), convert_options=convert):
        yield pa.Table.from_batches([batch])


if __name__ == "__main__":
    sys.exit(main({"postgresql": import_file}))
