"""Reports appear complete or not at all: every file is written beside its name, all are renamed together at the end.

Who writes into the same folder at the same time has names of its own, and comes after the other with renaming.

In: a folder. Out: files under their final names and their SHA-256; OSError becomes `ReportFailed` (exit 6).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from importer.errors import ReportFailed
from importer.failpoints import reached
from importer.storage.private import PRIVATE_FILE, PRIVATE_FOLDER, make_private

_HOST = re.sub(r"[^0-9A-Za-z-]", "-", platform.node()) or "host"
_PART = re.compile(rf"\..+\.{re.escape(_HOST)}\.(\d+)\.[0-9a-f]{{6}}\.part")


class Staged:
    """Files of one run on their way. `digests` maps the name of every finished file to its SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writing = folder
        self.digests: dict[str, str] = {}
        self._writer = f"{_HOST}.{os.getpid()}.{secrets.token_hex(3)}"
        self._stopped = False

    def stop(self) -> None:
        """Nothing more is wanted: whoever writes ends with an OSError at the next block."""
        self._stopped = True

    def go_on(self) -> None:
        if self._stopped:
            raise InterruptedError("the report is not wanted any more")

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """A file to write `name` into; it is on the disk when the block ends, under a name of its own."""
        part = self.part(name)
        self.writing = self.folder / name
        part.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(part, flags, PRIVATE_FILE), "w+b") as file:
            self.digests[name] = ""
            with self._said_of(name):
                reached(f"write {name}")
                yield file
                reached(f"fsync {name}")
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def _said_of(self, name: str) -> Iterator[None]:
        """Several files are written at a time: what is said of a failure is said of the one that failed."""
        try:
            yield
        except InterruptedError:
            raise
        except OSError:
            self.writing = self.folder / name
            raise

    def part(self, name: str) -> Path:
        return self.folder / f".{name}.{self._writer}.part"

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """A folder for what is needed on the way to `name`."""
        folder = self.part(f"{name}.scratch")
        folder.mkdir(mode=PRIVATE_FOLDER)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, last: str) -> None:
        """Renames all; `last` is taken away first and comes last, so that where it stands everything is its own."""
        with _one_at_a_time(self.folder):
            self._refuse_folders()
            (self.folder / last).unlink(missing_ok=True)
            for name in sorted(self.digests, key=lambda name: name == last):
                self.writing = self.folder / name
                reached(f"rename {name}")
                self.part(name).replace(self.folder / name)
        reached("published")

    def _refuse_folders(self) -> None:
        """Known before the first file is replaced: the folder stays as it was."""
        for name in self.digests:
            if (self.folder / name).is_dir():
                self.writing = self.folder / name
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))

    def discard(self) -> None:
        """Takes away what was not published; a disk that fails keeps it, under names that are no report's."""
        for name in self.digests:
            with contextlib.suppress(OSError):
                self.part(name).unlink(missing_ok=True)


@contextmanager
def staged(folder: Path, run_id: str, last: str, begun: Staged | None = None) -> Iterator[Staged]:
    """Publishes what the block wrote (after what is `begun`) when it ends well, else leaves the folder as it was."""
    files = begun or Staged(folder)
    try:
        make_private(folder)
        _remove_abandoned(folder)
        yield files
        files.publish(last)
    except OSError as error:
        files.discard()
        raise ReportFailed(
            f"{files.writing} could not be written: {error.strerror or error}",
            file=str(files.writing),
            hint=f"importer report {run_id}",
            run_id=run_id,
        ) from error
    except BaseException:
        files.discard()
        raise


def _remove_abandoned(folder: Path) -> None:
    """Unfinished files of processes of this machine that are gone."""
    for path in folder.iterdir():
        found = _PART.fullmatch(path.name)
        if found is None or _is_alive(int(found[1])):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Alone in publishing into the folder, and on the disk when the block ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network folders have no locks: then the last one to rename wins
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        reached("fsync folder")
        os.fsync(handle)
    finally:
        os.close(handle)
