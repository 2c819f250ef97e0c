"""A TCP proxy before PostgreSQL that reads what the client says, and cuts the connection at a chosen statement."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

_SSL, _GSS = 80877103, 80877104


class Cut(Enum):
    """When the connection breaks: the server never hears the statement, or its answer is lost."""

    BEFORE = "before the server hears it"
    AFTER = "after the server has done it"
    AT_ONCE = "while the server does it"
    STALL = "never, but no answer comes any more"


Chooser = Callable[[str, set[str]], Cut | None]
"""From a statement, and all statements of its connection so far, to what happens."""


class Proxy:
    """Listens on 127.0.0.1. `choose` is asked for every statement until it has cut once."""

    def __init__(self, upstream: str, choose: Chooser) -> None:
        self._upstream = upstream
        self._choose = choose
        self.has_cut = threading.Event()
        self.stays_down = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.stays_down and self.has_cut.is_set():
                client.close()
                continue
            _Connection(self, client, self._upstream).start()

    def choose(self, statement: str, said: set[str]) -> Cut | None:
        if self.has_cut.is_set():
            return None
        cut = self._choose(statement, said)
        if cut is not None:
            self.has_cut.set()
        return cut


class _Connection:
    def __init__(self, proxy: Proxy, client: socket.socket, upstream: str) -> None:
        self._proxy = proxy
        self._client = client
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(upstream)
        self._said: set[str] = set()
        self._swallow = threading.Event()
        self._stalled = False

    def start(self) -> None:
        threading.Thread(target=self._forward, daemon=True).start()
        threading.Thread(target=self._back, daemon=True).start()

    def _forward(self) -> None:
        with suppress(OSError, ConnectionError):
            self._greet()
            while True:
                kind, message = self._message()
                statement = _statement(kind, message)
                self._said.add(statement)
                cut = self._proxy.choose(statement, self._said) if statement else None
                if cut is Cut.BEFORE:
                    break
                if cut is Cut.AFTER:
                    self._swallow.set()
                self._stalled |= cut is Cut.STALL
                self._server.sendall(message)
                if cut is Cut.AT_ONCE:
                    break
        self._close()

    def _greet(self) -> None:
        while True:
            head = self._exactly(8)
            size, code = struct.unpack("!II", head)
            message = head + self._exactly(size - 8)
            if code in (_SSL, _GSS):
                self._client.sendall(b"N")
                continue
            self._server.sendall(message)
            return

    def _message(self) -> tuple[bytes, bytes]:
        head = self._exactly(5)
        return head[:1], head + self._exactly(struct.unpack("!I", head[1:])[0] - 4)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            block = self._client.recv(size - len(data))
            if not block:
                raise ConnectionError
            data += block
        return data

    def _back(self) -> None:
        with suppress(OSError):
            while block := self._server.recv(1 << 16):
                if self._swallow.is_set():
                    break  # the server has answered: the statement is done
                if not self._stalled:
                    self._client.sendall(block)
        self._close()

    def _close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _statement(kind: bytes, message: bytes) -> str:
    if kind == b"Q":
        return message[5:-1].decode(errors="replace")
    if kind == b"P":
        return message[5:].split(b"\0", 2)[1].decode(errors="replace")
    return ""
