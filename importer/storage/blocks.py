"""Columns of many rows as one compressed value, where no statement looks into them."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa


def pack(table: pa.Table, compression: Literal["lz4", "zstd"] = "lz4") -> bytes:
    """`lz4` costs least; `zstd` is for what is kept for good."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    block: bytes = sink.getvalue().to_pybytes()
    return block


def unpack(block: bytes | None) -> pa.Table:
    """OSError (an Arrow error) where there is none."""
    return pa.ipc.open_stream(block or b"").read_all()


def block_row(number: int, rows: pa.ChunkedArray, name: str, block: bytes) -> pa.Table:
    """One row for a table of blocks: `number`, `first_row`, `last_row`, and the block itself as `name`."""
    return pa.table({"number": [number], "first_row": [rows[0].as_py()], "last_row": [rows[-1].as_py()], name: [block]})
