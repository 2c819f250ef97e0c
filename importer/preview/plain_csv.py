"""Readable rows as plain CSV: UTF-8, commas, the text unaltered, quotes only where they are needed (RFC 4180).

In: tables of text columns, one after the other. Out: a file that appears complete or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from importer.errors import SetupError


@contextmanager
def plain_csv(output: Path | None, source: Path, headers: Sequence[str]) -> Iterator[Callable[[pa.Table], None]]:
    """Gives what writes a table as lines; without `output` nothing is written. SetupError where it can't be."""
    if output is None:
        yield _nowhere
        return
    if output.exists() and output.samefile(source):
        raise SetupError("--output is the file itself: what is read would be lost", file=str(output))
    beside = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise SetupError(f"{output} can't be written: {error.strerror}", file=str(output)) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(lines(pa.table([[header] for header in headers], names=[str(n) for n in range(len(headers))])))
            yield lambda table: _write(file, table)
        _put_in_place(beside, output)
    finally:
        beside.unlink(missing_ok=True)


def lines(table: pa.Table) -> bytes:
    """One line for every row. A blank cell that is alone in its row is quoted: an empty line is no row."""
    columns = [_quoted(column.combine_chunks()) for column in table.columns]
    if len(columns) == 1:
        columns = [pc.if_else(pc.equal(columns[0], ""), '""', columns[0])]
    rows = pc.binary_join_element_wise(*columns, ",")
    return "".join(f"{row}\n" for row in rows.to_pylist()).encode()


def _quoted(texts: pa.Array) -> pa.Array:
    special = pc.match_substring_regex(texts, '[",\\r\\n]')
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), texts)


def _nowhere(_: pa.Table) -> None:
    """Nobody asked for a file."""


def _write(file: Any, table: pa.Table) -> None:
    if table.num_rows and table.num_columns:
        file.write(lines(table))


def _put_in_place(beside: Path, output: Path) -> None:
    try:
        beside.replace(output)
    except OSError as error:
        raise SetupError(f"{output} can't be written: {error.strerror}", file=str(output)) from None
