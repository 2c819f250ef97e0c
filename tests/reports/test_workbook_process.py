"""A large workbook is written by another process: the same file, and no other end than one that is said."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from importer.errors import ReportFailed
from importer.reports.columns import CORRECTION_COLUMNS
from importer.reports.workbook import begun
from importer.reports.workbook.begun import WorkbookBegun
from importer.reports.workbook.model import Line, Outline
from importer.reports.workbook.process import BookInChild
from importer.reports.write import write_reports

from .in_memory import RUN, InMemory, run_report
from .naughty import naughty_strings

COLUMNS = ("Name", *CORRECTION_COLUMNS)
OUTLINE = Outline("2026-11-20T09:30:00+00:00", COLUMNS, COLUMNS, (9,) * len(COLUMNS))
ROW = ("Contoso", "2", "too_long", "r", RUN, "")


def naughty() -> InMemory:
    texts = naughty_strings()
    own = [{"_row": str(row), "_codes": "too_long", "_reasons": "r", "_run": RUN} for row in range(len(texts))]
    return InMemory(
        headers=("Name", "=1+1"),
        rejected_rows=[((text, "x"), said) for text, said in zip(texts, own, strict=True)],
        reason_rows=[
            {"row": str(row), "column": "Name", "field": "name", "value": text, "code": "too_long", "message": text}
            for row, text in enumerate(texts)
        ],
        chunk=100,
    )


@pytest.fixture
def always_in_child(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process ids of the children that were started."""
    started: list[int] = []

    class Noted(BookInChild):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            started.append(self._process.pid)

    monkeypatch.setattr(begun, "FEW", -1)
    monkeypatch.setattr("importer.reports.workbook.process.BookInChild", Noted)
    return started


def test_the_same_bytes_wherever_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, always_in_child: list[int]
) -> None:
    there = write_reports(run_report(naughty()), tmp_path / "there")
    assert len(always_in_child) == 1
    monkeypatch.setattr(begun, "FEW", 10_000)
    here = write_reports(run_report(naughty()), tmp_path / "here")
    assert len(always_in_child) == 1
    assert there == here


def test_few_rows_with_many_reasons_are_many(tmp_path: Path, always_in_child: list[int], monkeypatch: Any) -> None:
    monkeypatch.setattr(begun, "FEW", 2)
    reasons = [{"row": "2", "column": "Name", "code": "too_long", "message": "m"}] * 3
    write_reports(run_report(InMemory(headers=("Name",), reason_rows=reasons)), tmp_path)
    assert len(always_in_child) == 1


def test_it_begins_when_its_rows_are_there_and_counts_those_that_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun = threading.Event()

    class Noted(WorkbookBegun):
        def __init__(self, *arguments: Any) -> None:
            has_begun.set()
            super().__init__(*arguments)

    class Waiting(InMemory):
        def rejected(self) -> Generator[pa.Table]:
            for number, chunk in enumerate(super().rejected()):
                assert number == 0 or has_begun.wait(timeout=60)
                yield chunk

    monkeypatch.setattr("importer.reports.write.WorkbookBegun", Noted)
    rows = [(("x",), {"_row": str(row), "_run": RUN}) for row in range(2, 9)]
    data = Waiting(headers=("Name",), rejected_rows=rows)
    write_reports(run_report(data, workbook_rows=2), tmp_path)
    book = CalamineWorkbook.from_path(tmp_path / "rejections.xlsx")
    assert [row[1] for row in book.get_sheet_by_name("Rejected rows").to_python()[1:]] == ["2", "3"]
    assert any("5 more rows" in row for row in book.get_sheet_by_name("Summary").to_python())


@pytest.mark.parametrize("stream", ["changes", "results", "rejected"])
def test_where_nobody_wants_it_any_more_its_process_is_gone(
    tmp_path: Path, always_in_child: list[int], stream: str
) -> None:
    data = naughty()
    data.fails_in = stream
    with pytest.raises(RuntimeError, match="the database went away"):
        write_reports(run_report(data), tmp_path)
    assert not list(tmp_path.iterdir())
    assert not [pid for pid in always_in_child if psutil.pid_exists(pid)]


def test_a_process_that_dies_is_said_with_the_file(
    tmp_path: Path, always_in_child: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = BookInChild.finish

    def killed(self: BookInChild, summary: list[Line]) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        finish(self, summary)

    monkeypatch.setattr(BookInChild, "finish", killed)
    with pytest.raises(ReportFailed, match=r"rejections\.xlsx could not be written.*stopped with -9") as caught:
        write_reports(run_report(naughty()), tmp_path)
    assert caught.value.hint == f"importer report {RUN}"
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fails_there_is_the_same_error_here(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.touch()
    with path.open("rb") as only_read:
        book = BookInChild(only_read, tmp_path, OUTLINE)
        try:
            book.add_rows([ROW])
            with pytest.raises(OSError, match="Bad file descriptor"):
                book.finish([Line("title", "Rejected rows")])
        finally:
            book.close()


def test_what_it_meets_early_is_said_at_a_later_call(tmp_path: Path) -> None:
    with (tmp_path / "book.xlsx").open("w+b") as file:
        book = BookInChild(file, tmp_path / "missing", OUTLINE)
        try:
            book._process.wait(timeout=60)
            with pytest.raises(OSError, match="No such file"):
                book.add_rows([ROW])
        finally:
            book.close()


def test_ctrl_c_is_for_the_parent_and_without_it_the_child_ends(tmp_path: Path) -> None:
    with (tmp_path / "book.xlsx").open("w+b") as file:
        book = BookInChild(file, tmp_path, OUTLINE)
        try:
            assert os.getpgid(book._process.pid) != os.getpgrp()
            book._process.communicate(timeout=60)  # closes its input, as the end of this process would
            assert book._process.returncode == 0
        finally:
            book.close()
