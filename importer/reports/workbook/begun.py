"""The workbook on its way: its rows are written while the run they tell of is still going on, its summary is not."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from importer.reports.folder import Staged
from importer.reports.kept import Kept
from importer.reports.model import RunReport
from importer.reports.workbook.content import give, left_out, outline
from importer.reports.workbook.model import Book, Outline
from importer.reports.workbook.summary import lines

WORKBOOK = "rejections.xlsx"
FEW = 500
"""Rows and reasons that are written sooner than another process starts."""


class WorkbookBegun:
    """`finish` it, or `give_up`. It may be begun when all reasons and as many rows are `kept` as it takes."""

    def __init__(self, report: RunReport, files: Staged, kept: Kept) -> None:
        self._kept = kept
        self._shape = shape = outline(str(report.summary.get("started_at")), kept)
        with ExitStack() as open_things:
            file = open_things.enter_context(files.file(WORKBOOK))
            scratch = open_things.enter_context(files.scratch(WORKBOOK))
            is_small = max(kept.for_workbook.total, kept.reasons.total) <= FEW
            self._book = (_here if is_small else _in_child)(file, scratch, shape, open_things)
            self._given = give(self._book, kept, shape.headers, files.go_on)
            self._open_things = open_things.pop_all()

    def finish(self, report: RunReport) -> None:
        with self._open_things:
            missing = left_out(self._given, self._kept.for_workbook.total, self._shape.headers)
            self._book.finish(list(lines(report, missing)))

    def give_up(self) -> None:
        """Closes what is still open; after `finish` that is nothing."""
        unwanted = InterruptedError("the workbook is not wanted any more")
        self._open_things.__exit__(type(unwanted), unwanted, None)


def _here(file: BinaryIO, scratch: Path, shape: Outline, _: ExitStack) -> Book:
    from importer.reports.workbook.book import LocalBook

    return LocalBook(file, scratch, shape)


def _in_child(file: BinaryIO, scratch: Path, shape: Outline, open_things: ExitStack) -> Book:
    from importer.reports.workbook.process import BookInChild

    book = BookInChild(file, scratch, shape)
    open_things.callback(book.close)
    return book
