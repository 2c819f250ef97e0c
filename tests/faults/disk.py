"""A folder on a disk that fails: at its n-th step, with the error of a real one, once or from then on.

A step is whatever changes the disk: making, opening for writing, each write of a block, truncating, `fsync`, renaming,
removing. Installed in the process that runs the command; nothing in the importer knows of it.
"""

from __future__ import annotations

import builtins
import io
import os
import threading
from collections.abc import Callable
from typing import Any


class Disk:
    """`number` 0 never fails; `log` gets a line for every step, as it is taken."""

    def __init__(self, folder: str, log: str, number: int = 0, error: int = 0, *, lasting: bool = False) -> None:
        self._folder = os.path.realpath(folder)
        self._number, self._error, self._lasting = number, error, lasting
        self._taken = 0
        self._lock = threading.Lock()
        self._log = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)

    def install(self) -> None:
        os.open = self._before(os.open, lambda _path, flags, *_, **__: flags & (os.O_WRONLY | os.O_RDWR))
        for name in ("mkdir", "unlink", "remove", "rmdir", "rename", "replace", "truncate", "ftruncate", "fsync"):
            setattr(os, name, self._before(getattr(os, name)))
        builtins.open = io.open = self._opened(io.open)  # type: ignore[assignment]

    def step(self, name: str, path: str) -> None:
        with self._lock:
            self._taken += 1
            fails = self._taken == self._number or (self._lasting and self._taken > self._number > 0)
            os.write(self._log, f"{name} {os.path.basename(path)}{' fails' * fails}\n".encode())
        if fails:
            raise OSError(self._error, os.strerror(self._error), path)

    def path_in(self, file: Any) -> str | None:
        """Where the file or handle is, if it is in the folder."""
        if isinstance(file, int):
            try:
                path = os.readlink(f"/proc/self/fd/{file}")
            except OSError:
                return None
        else:
            path = os.path.join(os.path.realpath(os.path.dirname(os.fsdecode(file)) or "."), os.path.basename(file))
        return path if path == self._folder or path.startswith(self._folder + "/") else None

    def _before(self, function: Callable[..., Any], counts: Callable[..., Any] = lambda *_, **__: True) -> Any:
        def stepped(file: Any, *rest: Any, **named: Any) -> Any:
            if counts(file, *rest, **named) and not named.get("dir_fd") and (path := self.path_in(file)):
                self.step(function.__name__, path)
            return function(file, *rest, **named)

        return stepped

    def _opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
                   newline: Any = None, closefd: bool = True, opener: Any = None) -> Any:  # fmt: skip
            path = self.path_in(file) if set(mode) & set("wax+") else None
            if path is None:
                return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
            if not isinstance(file, int) and opener is None:
                self.step("open", path)
            raw = _File(self, path, file, mode.replace("b", "").replace("t", ""), closefd, opener)
            if buffering == 0:
                return raw
            buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

        return opened


class _File(io.FileIO):
    """Each block that is written is a step; so a report may break in the middle."""

    def __init__(self, disk: Disk, path: str, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        self._disk, self._path = disk, path
        super().__init__(file, mode, closefd, opener)

    def write(self, data: Any) -> int:
        self._disk.step("write", self._path)
        return super().write(data)

    def truncate(self, size: int | None = None) -> int:
        self._disk.step("truncate", self._path)
        return super().truncate(size)
