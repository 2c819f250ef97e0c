"""An iterator that works ahead in a thread: what is slow in one place runs while the other place is busy."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")
AHEAD = 2
"""Items that wait at most; more would cost memory and gain nothing."""


class _End:
    """The iterator is over, with the exception that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(items: Iterator[Item]) -> Generator[Item]:
    """The same items in the same order. When nobody wants more of them, the thread ends with the item it has."""
    ready: queue.Queue[Item | _End] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in items:
                _put(ready, item, stopped)
                if stopped.is_set():
                    return
            _put(ready, _End(), stopped)
        except BaseException as error:  # noqa: BLE001  raised again where the items are used
            _put(ready, _End(error), stopped)

    worker = threading.Thread(target=work, name="read-ahead", daemon=True)
    worker.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        worker.join()


def _put(ready: queue.Queue[Item | _End], item: Item | _End, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            ready.put(item, timeout=0.1)
        except queue.Full:
            continue
        return
