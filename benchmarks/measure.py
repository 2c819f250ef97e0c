"""Runs a command and measures it from outside: wall time of the whole process, peak memory of its whole tree."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psutil

INTERVAL = 0.2
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Measured:
    """`peak` bytes: PSS (shared pages counted once over the tree), or RSS where the system doesn't tell PSS."""

    seconds: float
    peak: int
    exit_code: int
    stdout: str
    stderr: str


def run(command: list[str]) -> Measured:
    """Run to the end, in the project's folder, with none of the product's environment variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IMPORTER_")}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=environment)
        peak = _watched(process)
        seconds = perf_counter() - start
        out.seek(0)
        err.seek(0)
        return Measured(seconds, peak, process.returncode, out.read(), err.read())


def _watched(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process; a thread beside takes the memory of its tree every `INTERVAL` seconds."""
    done = threading.Event()
    peaks = [0]

    def watch() -> None:
        while not done.wait(INTERVAL):
            peaks.append(_tree_memory(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
        done.set()
        watcher.join()
    return max(peaks)


def _tree_memory(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(_held(_memory, process) for process in family)


def _held(memory: Callable[[psutil.Process], int], process: psutil.Process) -> int:
    try:
        return memory(process)
    except psutil.Error:
        return 0


def _memory(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))
