"""Ctrl-C and SIGTERM end a command soon, whatever it does.

A signal becomes an exception, so that transactions roll back and staging is dropped on the way out. Python raises it
only between two steps of its own; a thread that hears the signal at once interrupts the statements that run, as long as
the connections of before are there, and another one ends the process if it does not come to its end.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from importer.storage.interrupting import interrupt_statements, spare_what_comes

LONGEST = 1.6
"""Seconds from the signal to the end of the process."""

_PAUSE = 0.1
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
            spare_what_comes()
            raise KeyboardInterrupt

    def _watch(self) -> None:
        while received := self._receiver.recv(1):
            if received[0] in _HEEDED:
                self._end(received[0])

    def _end(self, number: int) -> None:
        threading.Thread(target=self._interrupt, name="importer-interrupt", daemon=True).start()
        if not self._over.wait(LONGEST):
            os._exit(self._last_words(number))

    def _interrupt(self) -> None:
        """Again and again: a thread may begin its next statement before it hears that nothing more is wanted."""
        interrupt_statements()
        while not self._over.wait(_PAUSE):
            interrupt_statements()
