"""Ctrl-C and SIGTERM end a command soon, whatever it does.

A signal becomes an exception, so that transactions roll back and staging is dropped on the way out. Python raises it
only between two steps of its own; a thread that hears the signal at once interrupts the statement that runs, and ends
the process if it does not come to its end.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

LONGEST = 1.6
"""Seconds from the signal to the end of the process."""

_HEEDED = (signal.SIGINT, signal.SIGTERM)


class Ear:
    """Hears signals; `heard` is the first one, later ones don't disturb the way out."""

    def __init__(self, last_words: Callable[[int], int]) -> None:
        self.heard: int | None = None
        self._last_words = last_words
        self._over = threading.Event()
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)

    @contextmanager
    def listening(self) -> Iterator[None]:
        # A process that was started to ignore interrupts goes on ignoring them.
        numbers = [number for number in _HEEDED if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._hear) for number in numbers}
        woken = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        watcher = threading.Thread(target=self._watch, name="importer-signals", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._sender.close()
            watcher.join()
            self._receiver.close()

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self.heard is None:
            self.heard = number
            raise KeyboardInterrupt

    def _watch(self) -> None:
        while received := self._receiver.recv(1):
            if received[0] in _HEEDED:
                self._end(received[0])

    def _end(self, number: int) -> None:
        from importer.storage.interrupting import interrupt_statements

        interrupt_statements()
        if not self._over.wait(LONGEST):
            os._exit(self._last_words(number))
