"""Reports appear complete or not at all: every file is written beside its name, all are renamed together at the end.

In: a folder. Out: files under their final names and their SHA-256; OSError becomes `ReportFailed` (exit 6).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from importer.errors import ReportFailed

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


class Staged:
    """Files of one run on their way. `digests` maps the name of every finished file to its SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writing = folder
        self.digests: dict[str, str] = {}
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
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()

    def part(self, name: str) -> Path:
        return self.folder / f".{name}.part"

    def publish(self, last: str) -> None:
        """Renames all; `last` is taken away first and comes last, so that where it stands everything is its own."""
        (self.folder / last).unlink(missing_ok=True)
        for name in sorted(self.digests, key=lambda name: name == last):
            self.writing = self.folder / name
            self.part(name).replace(self.folder / name)
        _flush_folder(self.folder)

    def discard(self) -> None:
        for name in self.digests:
            self.part(name).unlink(missing_ok=True)


@contextmanager
def staged(folder: Path, run_id: str, last: str) -> Iterator[Staged]:
    """Publishes what the block wrote when it ends well, else leaves the folder as it was."""
    files = Staged(folder)
    try:
        make_private(folder)
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


def make_private(folder: Path) -> None:
    """Makes the folder and its missing parents, each 0700; one that stands already keeps its rights."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_private(folder.parent)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
