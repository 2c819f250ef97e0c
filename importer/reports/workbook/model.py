"""What a workbook is made of, and how it is written, wherever that is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Texts = Sequence[str]


@dataclass(frozen=True)
class Outline:
    """Of a workbook.

    `started`: the time of the run; `columns`: the headers of `rejections.csv`, the last five our own; `headers`: the
    same as the sheet shows them, with their `widths`, and none where a sheet can't hold them.
    """

    started: str
    columns: Texts
    headers: Texts
    widths: Sequence[int]


@dataclass(frozen=True)
class Line:
    """Of the summary. `style`: "fact", "count" or the name of one of the `Formats`."""

    style: str
    label: str
    value: str = ""
    note: str = ""


class Book(Protocol):
    """A workbook on its way: all reasons, then the rows, in as many calls as it takes, then the summary.

    OSError where it can't be written.
    """

    def add_reasons(self, reasons: Sequence[Texts]) -> None:
        """Each with the columns of `errors.csv`."""

    def add_rows(self, rows: Sequence[Texts]) -> None:
        """Each with the columns of `rejections.csv`."""

    def finish(self, summary: Sequence[Line]) -> None:
        """The file is complete."""
