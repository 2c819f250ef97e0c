"""Who holds what others wait for, and files that are locked as long as a process lives (`flock`).

The system takes such a lock away when the process ends, however it ends: a dead holder never blocks.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from importer.errors import TryLater
from importer.storage.private import make_private

_PAUSE = 0.1
_BUSY = (errno.EAGAIN, errno.EACCES)


@dataclass(frozen=True)
class Holder:
    """Who is at work on what others wait for."""

    run_id: str
    user: str
    host: str
    started_at: str

    def __str__(self) -> str:
        return f"run {self.run_id} of {self.user} on {self.host}, started {self.started_at}"


def busy(holder: str | None) -> TryLater:
    """TryLater (exit 75) that names the holder."""
    return TryLater(
        f"somebody else is at work on these records: {holder or 'it has not said which'}",
        hint="give the same command again later, or wait longer with --wait SECONDS",
    )


class LockFile:
    """A lock that a process has on a file. `holder` is written into it for whoever waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self, holder: Holder) -> bool:
        """False where somebody else has it. TryLater where the file can't be made."""
        try:
            make_private(self.path.parent)
            while self._file is None:
                file = self.path.open("a+", encoding="utf-8")
                if not _lock(file):
                    file.close()
                    return False
                if self._is_still(file):
                    self._file = file
                else:
                    file.close()
            self._say(holder)
        except OSError as error:
            raise TryLater(
                f"{self.path} could not be written: {error.strerror or error}",
                hint="see to the folder's permissions and free space, then give the same command again",
            ) from error
        return True

    def release(self, *, remove: bool = False) -> None:
        if self._file is None:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        else:
            self._file.truncate(0)
        self._file.close()
        self._file = None

    def _is_still(self, file: IO[str]) -> bool:
        """Whoever had it before may have removed it."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _say(self, holder: Holder) -> None:
        assert self._file is not None
        self._file.truncate(0)
        json.dump(asdict(holder), self._file)
        self._file.flush()


def holder_in(path: Path) -> str | None:
    """Who has the lock on this file, as far as it says; None where nobody has."""
    try:
        with path.open("r", encoding="utf-8") as file:
            if _lock(file):
                return None
            return str(Holder(**json.loads(file.read())))
    except (OSError, ValueError, TypeError):
        return None


def wait_for(take: Callable[[], bool], seconds: float) -> bool:
    """Tries again until it has it; False where `seconds` passed in vain."""
    deadline = time.monotonic() + seconds
    while not take():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise
    return True
