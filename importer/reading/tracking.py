"""A file that is being read: in comes a path, out go its bytes, once, with their hash; it must not change meanwhile."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from importer.errors import FileRefused

BLOCK_BYTES = 4 << 20
"""Bytes read at a time. What makes rows near a wrong quote doubtful is looked for in its block and the one before, so a
smaller block is less strict; a larger one only costs memory.
"""


class TrackedFile:
    """One open regular file. The hash is taken of exactly the bytes that `blocks` handed out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = _open_regular(path)
        self._before = os.fstat(self.fd)
        self.size = self._before.st_size
        self.bytes = 0
        self._hash = hashlib.sha256()
        self._complete = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def peek(self, size: int) -> bytes:
        """The first bytes; nothing counts as read."""
        return os.pread(self.fd, size, 0)

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """The next bytes, b'' at the end. A single call never returns more than the file had when it was opened."""
        block = os.read(self.fd, size)
        self.bytes += len(block)
        if self.bytes > self.size or (not block and self.bytes < self.size):
            raise self._changed()
        self._hash.update(block)
        if not block:
            self.finish()
        return block

    def blocks(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def finish(self) -> None:
        """Call when everything was read: a file that changed in the meantime is refused."""
        after = os.fstat(self.fd)
        if (after.st_size, after.st_mtime_ns) != (self.size, self._before.st_mtime_ns):
            raise self._changed()
        self._complete = True

    @property
    def sha256(self) -> str:
        if not self._complete:
            raise RuntimeError("the hash is known when the file was read to its end")
        return self._hash.hexdigest()

    @property
    def progress(self) -> float:
        return min(1.0, self.bytes / self.size) if self.size else 1.0

    def _changed(self) -> FileRefused:
        return FileRefused(
            "The file changed while it was being read.",
            file=str(self.path),
            hint="Import it again when the program that writes it has finished.",
        )


def _open_regular(path: Path) -> int:
    """A descriptor of a regular file; opening never waits, not even for a named pipe."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise FileRefused(_why_not_open(error), file=str(path), hint="Check path and permissions.") from None
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    what = "a folder" if stat.S_ISDIR(mode) else "no regular file (a pipe, socket or device)"
    raise FileRefused(f"This is {what}.", file=str(path), hint="Name a file that is stored on disk.")


def _why_not_open(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "The file does not exist."
        case PermissionError():
            return "The file may not be read by this user."
        case IsADirectoryError():
            return "This is a folder."
        case _:
            return f"The file can't be opened: {error.strerror}."
