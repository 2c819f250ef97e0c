"""The tables of the reports written ahead, while the run that they tell of is still being applied.

What was planned is what is applied, unless a record changed meanwhile: then nothing written ahead is used.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from importer.errors import ImporterError
from importer.reports.folder import Staged
from importer.reports.kept import Kept
from importer.reports.model import RunReport
from importer.reports.write import Tables, write_tables
from importer.storage.private import make_private


class TablesAhead:
    """Writes the four tables of a run's reports into `folder` beside the caller's work. Use as a context manager.

    `list_changes` fills the run's table `change` first, or says that it doesn't; `open_report` gives the report in
    the thread that writes, from that table or not. Nothing is read or written before `begin`; leaving the block takes
    away what nobody has taken.
    """

    def __init__(
        self,
        folder: Path,
        list_changes: Callable[[], bool],
        open_report: Callable[[bool], AbstractContextManager[RunReport]],
    ) -> None:
        self._files = Staged(folder)
        self._is_new = not folder.is_dir()
        self._list_changes = list_changes
        self._open_report = open_report
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="importer-ahead")
        self._taken = False
        self._listed: Future[bool] | None = None
        self._kept: Future[Kept] | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """Once, however often it is said."""
        if self._kept is None:
            self._listed = self._pool.submit(self._list_changes)
            self._kept = self._pool.submit(self._write)

    def has_changes(self) -> bool:
        """Whether the run's table `change` is filled; waits until that is known."""
        return self._listed is not None and self._listed.exception() is None and self._listed.result()

    def wait(self) -> None:
        """Returns when nothing is read or written any more."""
        if self._kept is not None:
            self._kept.exception()

    def take(self) -> Tables | None:
        """The tables; None where they could not be written: whoever writes them again meets the same trouble."""
        if self._kept is None:
            return None
        try:
            kept = self._kept.result()
        except (ImporterError, OSError):
            return None
        self._taken = True
        return Tables(self._files, kept)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.stop()
        self._pool.shutdown()
        if self._taken:
            return
        self._files.discard()
        if self._is_new:
            with suppress(OSError):  # it is there only if it holds something else by now
                self._files.folder.rmdir()

    def _write(self) -> Kept:
        make_private(self._files.folder)
        with self._open_report(self.has_changes()) as report:
            return write_tables(report, self._files)
