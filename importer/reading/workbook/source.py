"""A workbook: in comes a tracked file, out go its sheet, headers and rows, opened by a child process under limits."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import pyarrow as pa

from importer.child import python
from importer.errors import FileRefused
from importer.reading.formats import Format
from importer.reading.model import Dialect, FlaggedCell, ReadOptions, UnreadableRow
from importer.reading.pieces import Piece, text_table
from importer.reading.tracking import TrackedFile
from importer.reading.workbook.child import READ_ERROR_HINT, Request
from importer.reading.workbook.limits import MEMORY, MESSAGE_BYTES, seconds_for
from importer.vocabulary import RejectionCode

CHUNK = 1 << 18


@dataclass
class WorkbookContent:
    """What the child said about the sheet, and the way to its rows."""

    file: TrackedFile
    child: Child
    dialect: Dialect
    headers: tuple[str, ...]
    progress: float = field(default=0.0)

    def pieces(self) -> Iterator[Piece]:
        while (message := self.child.receive())["kind"] == "rows":
            self.progress = min(1.0, message["progress"])
            yield _piece(message)
        self.progress = 1.0
        self.file.finish()

    def close(self) -> None:
        self.child.close()


def open_workbook(file: TrackedFile, kind: Format, options: ReadOptions) -> WorkbookContent:
    """Starts the child and waits for what it says about sheet and header. Raises FileRefused, naming why."""
    for _ in file.blocks():
        """The hash is taken first; that the child reads the same bytes is checked when it has finished."""
    request = Request(file.fd, file.size, str(file.path), kind is Format.ZIP, options)
    child = Child(request, str(file.path))
    try:
        opened = child.receive()
    except BaseException:
        child.close()
        raise
    dialect = Dialect(
        format=opened["format"],
        header_row=opened["header_row"],
        sheet=opened["sheet"],
        notes=tuple(opened["notes"]),
    )
    return WorkbookContent(file, child, dialect, tuple(opened["headers"]))


def _piece(message: dict[str, Any]) -> Piece:
    return Piece(
        pa.array(message["rows"], pa.int64()),
        text_table(message["columns"]),
        tuple(UnreadableRow(row, RejectionCode(code), why, text) for row, code, why, text in message["unreadable"]),
        tuple(
            FlaggedCell(row, column, RejectionCode(code), text, why)
            for row, column, code, text, why in message["flagged"]
        ),
    )


class Child:
    """The child process as a source of messages. Whatever ends it ends here as a FileRefused."""

    def __init__(self, request: Request, path: str) -> None:
        self.path = path
        self.seconds = seconds_for(request.size)
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            python("importer.reading.workbook.child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            pass_fds=(request.fd,),
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(request.dump())
            self._process.stdin.close()
        self._buffer = bytearray()

    def receive(self) -> dict[str, Any]:
        """The next message. Raises FileRefused if the child refuses the workbook, dies or keeps silent."""
        message: dict[str, Any] = json.loads(self._line())
        if message["kind"] == "refused":
            raise FileRefused(message["message"], file=self.path, hint=message["hint"])
        return message

    def _line(self) -> bytes:
        deadline = time.monotonic() + self.seconds
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self._buffer += self._more(deadline - time.monotonic())
            if len(self._buffer) > MESSAGE_BYTES:
                raise self._refused("a few of its rows have more text than a table of customers can have")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _more(self, seconds: float) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], max(0.0, seconds))
        if not ready:
            raise self._refused(f"it takes longer than {self.seconds} seconds to read")
        chunk: bytes = stdout.read1(CHUNK)  # type: ignore[attr-defined]
        if not chunk:
            raise self._died()
        return chunk

    def _died(self) -> FileRefused:
        code = self._process.wait()
        self._stderr.seek(0)
        said = self._stderr.read(10_000)
        if b"memory allocation" in said or b"MemoryError" in said:
            return self._refused(f"it needs more than {MEMORY >> 20} MiB of memory")
        if code in (-getattr(signal, "SIGXCPU", 24), -signal.SIGKILL):
            return self._refused(f"it takes longer than {self.seconds} seconds to read")
        return self._refused(f"it is damaged, the program that read it stopped with {code}")

    def _refused(self, why: str) -> FileRefused:
        return FileRefused(f"The workbook is refused: {why}.", file=self.path, hint=READ_ERROR_HINT)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()
