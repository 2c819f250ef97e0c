"""Progress on stderr: phase, rows and rate on a terminal, what is waited for or made good everywhere."""

from __future__ import annotations

import sys
import time

import click

from importer.session import Progress, Silent

_PAUSE = 0.2
_BAR = 24


def terminal_progress(*, quiet: bool = False) -> Progress:
    return _Line() if sys.stderr.isatty() and not quiet else _Notes()


class _Notes(Silent):
    """Only what a log should have."""

    def note(self, sentence: str) -> None:
        click.echo(f"note: {sentence}", err=True)


class _Line:
    """One line that is written over; cleared before the answer is printed."""

    def __init__(self) -> None:
        self._phase = ""
        self._start = time.monotonic()
        self._shown = 0.0

    def phase(self, name: str) -> None:
        self._phase = name
        self._start = time.monotonic()
        self._write(f"{name} …")
        if name == "":
            self.clear()

    def rows(self, rows: int, share: float) -> None:
        now = time.monotonic()
        if now - self._shown < _PAUSE:
            return
        self._shown = now
        seconds = max(now - self._start, 1e-6)
        filled = round(_BAR * min(max(share, 0.0), 1.0))
        left = f", {seconds / share - seconds:,.0f} s left" if 0.02 < share < 1 else ""
        bar = "█" * filled + "░" * (_BAR - filled)
        self._write(f"{self._phase} {bar} {share:4.0%}  {rows:,} rows, {rows / seconds:,.0f} rows/s{left}")

    def note(self, sentence: str) -> None:
        self.clear()
        click.echo(f"note: {sentence}", err=True)

    def clear(self) -> None:
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()
