"""Tables of texts become lines of CSV: RFC 4180 with `\\n` as line end, quotes only where they are needed, guarded.

In: tables of text columns (null = empty). Out: bytes.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from importer.reports.guard import guard

BOM = b"\xef\xbb\xbf"


def header_line(names: tuple[str, ...], delimiter: str = ",") -> bytes:
    columns = [pa.array([name], pa.string()) for name in names]
    return lines(pa.Table.from_arrays(columns, names=[str(number) for number in range(len(names))]), delimiter)


def lines(table: pa.Table, delimiter: str = ",") -> bytes:
    """One line for every row. pyarrow writes what needs no quotes (0.15 s a million rows), else columns are joined."""
    columns = [guard(plain_texts(column)) for column in table.columns]
    special = [_has_special(column, delimiter) for column in columns]
    if len(delimiter.encode()) == 1 and not any(special):
        return _written(pa.Table.from_arrays(columns, names=table.column_names), delimiter)
    quoted = [_quoted(column, delimiter) if marks else column for column, marks in zip(columns, special, strict=True)]
    return _joined(quoted, delimiter)


def plain_texts(column: pa.ChunkedArray) -> pa.Array:
    """One array of strings without nulls."""
    texts = column if column.type == pa.string() else pc.cast(column, pa.string())
    filled = pc.fill_null(texts, "")
    return filled.chunk(0) if filled.num_chunks == 1 else pa.concat_arrays([*filled.chunks, pa.array([], pa.string())])


def _has_special(texts: pa.Array, delimiter: str) -> bool:
    marks = (b'"', b"\r", b"\n", delimiter.encode())
    return any(mark in content for content in map(pa.Buffer.to_pybytes, _content(texts)) for mark in marks)


def _content(texts: pa.Array) -> list[pa.Buffer]:
    """The bytes of all texts one after the other, as they stand in the array's memory."""
    _, offsets, data = texts.buffers()
    if len(texts) == 0 or data is None:
        return []
    ends = np.frombuffer(offsets, dtype=np.int32)
    first, last = int(ends[texts.offset]), int(ends[texts.offset + len(texts)])
    return [data.slice(first, last - first)]


def _quoted(texts: pa.Array, delimiter: str) -> pa.Array:
    special = pc.match_substring_regex(texts, f'["\\r\\n{re.escape(delimiter)}]')
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), texts)


def _written(table: pa.Table, delimiter: str) -> bytes:
    sink = pa.BufferOutputStream()
    options = pcsv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none")
    # Chunks are joined first: behind an empty one this writer of pyarrow 26 puts NUL bytes into the output.
    pcsv.write_csv(table.combine_chunks(), sink, options)
    return bytes(sink.getvalue())


def _joined(columns: list[pa.Array], delimiter: str) -> bytes:
    rows = pc.binary_join_element_wise(*columns, delimiter)
    ended = pc.binary_join_element_wise(rows, "", "\n")
    return b"".join(buffer.to_pybytes() for buffer in _content(ended))
