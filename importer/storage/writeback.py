"""SQLite's write-ahead log goes to the disk while it grows, so that COMMIT finds little left to wait for.

Nothing relies on it: SQLite itself waits for the disk wherever it has to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAUSE = 0.2
_GROWN = 1 << 24
"""A file that grew by less costs COMMIT no time."""

_sync = getattr(os, "fdatasync", os.fsync)


@contextmanager
def written_back(log: Path) -> Iterator[None]:
    """Meanwhile a thread has it written. Not for a file that SQLite locks, as it does the database itself: closing it
    gives up the locks.
    """
    over = threading.Event()
    thread = threading.Thread(target=_write_back, args=(log, over), name="importer-writeback", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _write_back(log: Path, over: threading.Event) -> None:
    written = 0
    while not over.wait(_PAUSE):
        with suppress(OSError):  # whoever writes it meets the same trouble, and tells
            if abs(log.stat().st_size - written) >= _GROWN:
                written = _write(log)


def _write(log: Path) -> int:
    """The size up to which the file is on the disk now."""
    opened = os.open(log, os.O_RDWR)
    try:
        size = os.fstat(opened).st_size
        _sync(opened)
    finally:
        os.close(opened)
    return size
