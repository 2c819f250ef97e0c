"""The reports written ahead as far as possible, while the run that they tell of is still being applied.

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
from importer.reports.model import RunReport
from importer.reports.write import Begun, Tables, give_up, write_tables
from importer.storage.private import make_private


class ReportsAhead:
    """Writes a run's four tables and the rows of its workbook into `folder` beside the caller's work. Use as a
    context manager.

    `list_for_journal` fills the run's tables `change` and `rejection` meanwhile; `open_report` gives the report in the
    thread that writes, and is given how to wait for them. Nothing is read or written before `begin`; leaving the block
    takes away what nobody has taken.
    """

    def __init__(
        self,
        folder: Path,
        list_for_journal: Callable[[], None],
        open_report: Callable[[Callable[[], None]], AbstractContextManager[RunReport]],
    ) -> None:
        self._files = Staged(folder)
        self._is_new = not folder.is_dir()
        self._list_for_journal = list_for_journal
        self._open_report = open_report
        self._pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="importer-ahead")
        self._taken = False
        self._listed: Future[None] | None = None
        self._tables: Future[Tables] | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """Once, however often it is said."""
        if self._tables is None:
            self._listed = self._pool.submit(self._list_for_journal)
            self._tables = self._pool.submit(self._write_tables, self._listed)

    def has_listed(self) -> bool:
        """Whether the run's tables `change` and `rejection` are filled; waits until that is known."""
        return self._listed is not None and self._listed.exception() is None

    def wait(self) -> None:
        """Returns when nothing is read from the database any more."""
        if self._listed is not None and self._tables is not None:
            self._listed.exception()
            self._tables.exception()

    def give_up(self) -> None:
        """Nothing of it is wanted: returns when nothing is read from the database any more."""
        self._files.stop()
        self.wait()

    def take(self) -> Begun | None:
        """What is begun; None where it could not be written: whoever writes it again meets the same trouble."""
        if self._tables is None:
            return None
        try:
            tables = self._tables.result()
            begun = Begun(self._files, tables.kept, tables.workbook.result())
        except (ImporterError, OSError):
            return None
        self._taken = True
        return begun

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.stop()
        self._pool.shutdown()
        if self._tables is not None and self._tables.exception() is None:
            give_up(self._tables.result().workbook)
        if self._taken:
            return
        self._files.discard()
        if self._is_new:
            with suppress(OSError):  # it is there only if it holds something else by now
                self._files.folder.rmdir()

    def _write_tables(self, listed: Future[None]) -> Tables:
        make_private(self._files.folder)
        with self._open_report(listed.result) as report:
            return write_tables(report, self._files, self._pool)
