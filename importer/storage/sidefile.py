"""Where a run's tables stand on SQLite: a side file per run, and how long it lasts.

A plan that is kept is on the disk, in a file of its run's name. What a command plans and applies itself needn't come
there: after COMMIT the reports can be made from the journal and the source file too. So nobody waits until it is on the
disk, and mostly it never gets there. Its name says in which life of the machine it was written: the next one, which
can't know how much of it was saved, doesn't find it.
"""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from importer.errors import TryLater

if TYPE_CHECKING:
    from importer.storage.database import Database

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_FILE = re.compile(r"(\d{8}T\d{6}Z-[0-9a-f]{6})\.(?:(?:[0-9a-f]{8}\.db|db|listed)(?:-journal|-wal|-shm)?|work)")


def side_file(database: Database, run_id: str) -> Path | None:
    """Where a run's tables stand on SQLite, or will stand; None on PostgreSQL."""
    if not database.is_sqlite:
        return None
    kept = _folder(database) / f"{run_id}.db"
    life = _life()
    return kept if life is None or kept.exists() else kept.with_suffix(f".{life}.db")


def listed_file(database: Database, run_id: str) -> Path | None:
    """Where `RunSpace.listed` stands on SQLite; None on PostgreSQL."""
    return _folder(database) / f"{run_id}.listed" if database.is_sqlite else None


def keep(database: Database, run_id: str) -> None:
    """The run's tables outlast the machine from here on. No connection of this process may use them meanwhile, since
    who closes a file gives up the locks that the process has on it.
    """
    side = side_file(database, run_id)
    if side is None or is_kept(side):
        return
    try:
        _sync(side)
        side.rename(side.with_name(f"{run_id}.db"))
        _sync(side.parent)
    except OSError as error:
        raise TryLater(f"the plan can't be kept in {side.parent}: {error.strerror}", run_id=run_id) from error


def is_kept(side: Path) -> bool:
    return len(side.suffixes) == 1


def files_of(database: Database, run_id: str) -> list[Path]:
    """What stands of a run, but for the lock of who works on it."""
    found = _folder(database).glob(f"{run_id}.*")
    return [file for file in found if _FILE.fullmatch(file.name) and file.suffix != ".work"]


def runs_with_files(database: Database) -> set[str]:
    """The ids of runs of which something stands."""
    folder = _folder(database)
    if not folder.is_dir():
        return set()
    return {found[1] for file in folder.iterdir() if (found := _FILE.fullmatch(file.name))}


def _folder(database: Database) -> Path:
    return database.path.with_name(database.path.name + ".runs")


@functools.cache
def _life() -> str | None:
    """A word for the time since the system started; None where the system doesn't tell."""
    try:
        found = _BOOT.read_text(encoding="ascii").strip()[:8]
    except (OSError, ValueError):
        return None
    return found if re.fullmatch(r"[0-9a-f]{8}", found) else None


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
