"""Columns of many rows as one compressed value, where no statement looks into them.

Texts are laid out as lengths and letters, numbers as differences, which compresses far better than Arrow's own offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Buffer = bytes | memoryview
Compression = Literal["zstd", "lz4"]
KEPT: Compression = "zstd"
"""Half as large as the other: for what stays in the database."""
PASSING: Compression = "lz4"
"""In half the time: for what goes with the run's tables."""
_NULL = -1
_PACKED = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("type", pa.string()),
        pa.field("numbers", pa.large_binary()),
        pa.field("letters", pa.large_binary()),
    ]
)


def pack(table: pa.Table, compression: Compression = KEPT) -> bytes:
    """Columns of texts and of whole numbers, these without nulls. The block says itself how it is compressed."""
    columns = [_pack_column(whole_column(table[name])) for name in table.column_names]
    types, numbers, letters = zip(*columns, strict=True)
    texts = pa.array(table.column_names, pa.string()), pa.array(types, pa.string())
    packed = pa.table([*texts, _binaries(numbers), _binaries(letters)], schema=_PACKED)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, _PACKED, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(packed)
    block: bytes = sink.getvalue().to_pybytes()
    return block


def unpack(block: bytes | None) -> pa.Table:
    """ValueError (an Arrow error) where there is none."""
    packed = pa.ipc.open_stream(block or b"").read_all()
    names, *parts = (packed[name].to_pylist() for name in _PACKED.names)
    return pa.table([_unpack_column(*column) for column in zip(*parts, strict=True)], names=names)


def block_row(number: int, rows: pa.ChunkedArray, name: str, block: bytes) -> pa.Table:
    """One row for a table of blocks: `number`, `first_row`, `last_row`, and the block itself as `name`."""
    return pa.table({"number": [number], "first_row": [rows[0].as_py()], "last_row": [rows[-1].as_py()], name: [block]})


def whole_column(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece; `combine_chunks` copies it even where it is one."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _binaries(parts: Sequence[Buffer | None]) -> pa.Array:
    """An array of them, each copied only once."""
    ends = np.cumsum([0, *(0 if part is None else memoryview(part).nbytes for part in parts)], dtype=np.int64)
    valid = pa.array([part is not None for part in parts]).buffers()[1]
    joined = b"".join(part for part in parts if part is not None)
    return pa.Array.from_buffers(pa.large_binary(), len(parts), [valid, pa.py_buffer(ends), pa.py_buffer(joined)])


def _pack_column(values: pa.Array) -> tuple[str, Buffer, Buffer | None]:
    if pa.types.is_integer(values.type):
        return *_small(np.diff(values.to_numpy(), prepend=np.int64(0))), None
    texts = values.cast(pa.string())
    if texts.offset or texts.null_count:
        texts = pa.concat_arrays([texts, pa.array([], pa.string())])
    lengths = np.diff(_offsets(texts))
    if texts.null_count:
        lengths = np.where(texts.is_valid().to_numpy(zero_copy_only=False), lengths, np.int32(_NULL))
    return *_small(lengths), _letters(texts)


def _small(numbers: NDArray[np.signedinteger]) -> tuple[str, Buffer]:
    """The numbers in the smallest type that holds them, and that type."""
    most = int(np.abs(numbers).max(initial=0))
    kind = next(kind for kind in ("i1", "i2", "i4", "i8") if most <= np.iinfo(kind).max)
    return kind, numbers.astype(kind).data


def _offsets(texts: pa.Array) -> NDArray[np.int32]:
    buffer = texts.buffers()[1]
    if buffer is None:
        return np.zeros(1, np.int32)
    return np.frombuffer(buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]


def _letters(texts: pa.Array) -> Buffer:
    offsets, data = _offsets(texts), texts.buffers()[2]
    return b"" if data is None else memoryview(data)[int(offsets[0]) : int(offsets[-1])]


def _unpack_column(kind: str, numbers: bytes, letters: bytes | None) -> pa.Array:
    if letters is None:
        return pa.array(np.cumsum(np.frombuffer(numbers, kind), dtype=np.int64))
    lengths = np.frombuffer(numbers, kind)
    nulls = lengths == _NULL
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(np.where(nulls, 0, lengths), dtype=np.int32)])
    valid = pa.array(~nulls).buffers()[1] if nulls.any() else None
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(letters), valid)
