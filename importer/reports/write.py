"""Writes all reports of a run: complete or not at all.

In: a `RunReport`, a folder. Out: seven files (`2-contract.md`, "Runs and reports") and the SHA-256 of six of them;
`summary.json` comes last and names the others. Streams are read once each, chunk by chunk.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from importer.reports.columns import CHANGE_COLUMNS, CORRECTION_COLUMNS, REASON_COLUMNS, RESULT_COLUMNS
from importer.reports.delimited import BOM, header_line, lines
from importer.reports.folder import Staged, staged
from importer.reports.kept import Counts, FirstRows, Kept, ReasonsOfFirstRows
from importer.reports.model import RunReport
from importer.reports.page import page
from importer.reports.workbook.begun import WORKBOOK, WorkbookBegun

SUMMARY = "summary.json"
RESULTS = "results.csv"
CHANGES = "changes.csv"
ERRORS = "errors.csv"
REJECTIONS = "rejections.csv"
PAGE = "report.html"

ROWS_ON_PAGE = 200


class Watcher(Protocol):
    """Sees every chunk of a stream that is written."""

    def see(self, chunk: pa.Table) -> None: ...


TABLES = (RESULTS, CHANGES, ERRORS, REJECTIONS)


@dataclass(frozen=True)
class Stream:
    """Chunks with these columns, on their way into one CSV file."""

    columns: tuple[str, ...]
    headers: tuple[str, ...]
    chunks: Generator[pa.Table]
    delimiter: str = ","
    begin: bytes = b""


@dataclass(frozen=True)
class Tables:
    """What workbook and page keep of the four CSV files, and the workbook, which may still be on its way."""

    kept: Kept
    workbook: Future[WorkbookBegun]


@dataclass(frozen=True)
class Begun:
    """The four CSV files, complete but for their final names, what the page keeps of them, the workbook."""

    files: Staged
    kept: Kept
    workbook: WorkbookBegun


def write_reports(
    report: RunReport, folder: Path, take_begun: Callable[[], Begun | None] | None = None
) -> dict[str, str]:
    """All seven files, replacing those of an earlier run there. ReportFailed (exit 6) leaves the folder as it was.

    What is begun is only finished. The seconds that the other six files took are added to the summary's `timings`.
    """
    start = time.perf_counter()
    begun = take_begun() if take_begun else None
    with staged(folder, str(report.summary["run_id"]), last=SUMMARY, begun=begun.files if begun else None) as files:
        begun = begun or _begun(report, files)
        begun.workbook.finish(report)
        with files.file(PAGE) as file:
            file.write(page(report, begun.kept, {name: files.digests[name] for name in (*TABLES, WORKBOOK)}))
        reports = {name: files.digests[name] for name in (*TABLES, WORKBOOK, PAGE)}
        report.summary.setdefault("timings", {})["reports"] = round(time.perf_counter() - start, 3)
        with files.file(SUMMARY) as file:
            file.write(_as_json({**report.summary, "reports": reports}))
    return reports


def _begun(report: RunReport, files: Staged) -> Begun:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="importer-workbook") as pool:
        tables = write_tables(report, files, pool)
        return Begun(files, tables.kept, tables.workbook.result())


def write_tables(report: RunReport, files: Staged, pool: ThreadPoolExecutor) -> Tables:
    """The four CSV files; workbook and page get what they show on the way.

    The longest has a thread of its own, and what may still be listed meanwhile comes last. The workbook is written in
    a thread of `pool`; nothing is read for it.
    """
    data, key = report.data, report.entity.key
    rejected = _rejections(report)
    kept = _nothing_yet(report, rejected.headers)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="importer-results") as beside:
        results = beside.submit(_write_table, files, RESULTS, _named(("row", *key, *RESULT_COLUMNS), data.results()))
        _write_table(files, ERRORS, _named(REASON_COLUMNS, data.reasons()), kept.codes, kept.reasons)
        begin = _Beginning(lambda: pool.submit(WorkbookBegun, report, files, kept), kept)
        try:
            _write_table(files, REJECTIONS, rejected, kept.for_workbook, kept.for_page, begin)
            workbook = begin.at_last()
            changes = _named(("row", *key, *CHANGE_COLUMNS), data.changes())
            _write_table(files, CHANGES, changes, kept.fields, kept.changes)
            results.result()
        except BaseException:
            files.stop()
            if begin.workbook is not None:
                give_up(begin.workbook)
            raise
    return Tables(kept, workbook)


class _Beginning:
    """A watcher of the rejected rows that has the workbook begun as soon as all that it shows is kept."""

    def __init__(self, begin: Callable[[], Future[WorkbookBegun]], kept: Kept) -> None:
        self._begin = begin
        self._kept = kept
        self.workbook: Future[WorkbookBegun] | None = None

    def see(self, _: pa.Table) -> None:
        if self._kept.for_workbook.is_full:
            self.at_last()

    def at_last(self) -> Future[WorkbookBegun]:
        if self.workbook is None:
            self.workbook = self._begin()
        return self.workbook


def give_up(workbook: Future[WorkbookBegun]) -> None:
    """Returns when nothing of it is open any more."""
    if workbook.exception() is None:
        workbook.result().give_up()


def _nothing_yet(report: RunReport, headers: tuple[str, ...]) -> Kept:
    limit = report.entity.parameters.reports.workbook_rows
    return Kept(
        columns=headers,
        fields=Counts("field", "disposition"),
        changes=FirstRows(ROWS_ON_PAGE),
        codes=Counts("code", "repeated"),
        reasons=ReasonsOfFirstRows(max(limit, ROWS_ON_PAGE)),
        for_workbook=FirstRows(limit),
        for_page=FirstRows(ROWS_ON_PAGE),
    )


def _named(columns: tuple[str, ...], chunks: Generator[pa.Table]) -> Stream:
    return Stream(columns, columns, chunks)


def _rejections(report: RunReport) -> Stream:
    """Source headers and our five columns; a source column with the name of one of ours is no data and left out."""
    kept = [(f"c{n}", header) for n, header in enumerate(report.source_headers) if header not in CORRECTION_COLUMNS]
    columns = tuple(name for name, _ in kept) + CORRECTION_COLUMNS
    headers = tuple(header for _, header in kept) + CORRECTION_COLUMNS
    return Stream(columns, headers, report.data.rejected(), report.delimiter, BOM)


def _write_table(files: Staged, name: str, stream: Stream, *watchers: Watcher) -> None:
    with files.file(name) as file:
        file.write(stream.begin + header_line(stream.headers, stream.delimiter))
        with closing(stream.chunks) as chunks:
            for chunk in chunks:
                files.go_on()
                table = chunk.select(list(stream.columns))
                for watcher in watchers:
                    watcher.see(table)
                file.write(lines(table, stream.delimiter))


def _as_json(summary: dict[str, Any]) -> bytes:
    """File names that are no UTF-8 carry lone surrogates; as `\\udcff` they are JSON again."""
    text = json.dumps(summary, ensure_ascii=False, indent=2, default=str)
    return text.encode("utf-8", "backslashreplace") + b"\n"
