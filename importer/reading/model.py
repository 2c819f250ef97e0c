"""What reading hands on: a file's dialect and batches of raw text with true row numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from importer.vocabulary import RejectionCode

if TYPE_CHECKING:  # the child process that opens workbooks does without pyarrow
    import pyarrow as pa


@dataclass(frozen=True)
class ReadOptions:
    """How a file is to be read; None means: detect. Typed workbook cells become text in the declared form."""

    delimiter: str | None = None
    encoding: str | None = None
    quote: str | None = None
    escape: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    known_headers: frozenset[str] = frozenset()
    date_format: str = "%Y-%m-%d"
    decimal: str = "."


@dataclass(frozen=True)
class Dialect:
    """How the file was in fact read. `delimiter`, `encoding`, `quote` and `escape` are None for workbooks."""

    format: str
    header_row: int
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    sheet: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnreadableRow:
    """A row that could not be split into cells: its text, and why in words a person can act on.

    `fields` is how many it was split into, where that is what is wrong with it.
    """

    row: int
    code: RejectionCode
    message: str
    text: str
    fields: int | None = None


@dataclass(frozen=True)
class FlaggedCell:
    """A cell that was split but whose text can't be trusted (`error_cell`, `imprecise_number`, …)."""

    row: int
    column: int
    code: RejectionCode
    text: str
    message: str


@dataclass(frozen=True)
class RawBatch:
    """Rows as text. `cells` has one string column per header, named `c0 … cn`, never null: blank is ''.

    `rows` (int64) is the row number a person sees in a spreadsheet program; `unreadable` rows are not in `cells`.
    """

    number: int
    rows: pa.Array
    cells: pa.Table
    unreadable: tuple[UnreadableRow, ...] = field(default=())
    flagged: tuple[FlaggedCell, ...] = field(default=())
