"""A workbook that a child process writes, on another processor, while this one goes on."""

from __future__ import annotations

import contextlib
import errno
import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any, BinaryIO

from importer.child import python
from importer.reports.workbook.model import Line, Outline, Texts


class BookInChild:
    """A `Book`. Whatever ends the child ends here as an OSError; `close` ends it, whatever it is doing."""

    def __init__(self, file: BinaryIO, scratch: Path, outline: Outline) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            python("importer.reports.workbook.child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(file.fileno(),),
            process_group=0,  # Ctrl-C is for the parent, which then closes this
        )
        self._say(fd=file.fileno(), scratch=str(scratch), outline=asdict(outline))

    def add_reasons(self, reasons: Sequence[Texts]) -> None:
        self._say(reasons=reasons)

    def add_rows(self, rows: Sequence[Texts]) -> None:
        self._say(rows=rows)

    def finish(self, summary: Sequence[Line]) -> None:
        self._say(summary=[astuple(line) for line in summary])
        self._hear()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # what it did not take any more
                pipe.close()

    def _say(self, **call: Any) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps(call).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            self._hear()

    def _hear(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        said = pipe.readline()
        if not said:
            why = f"the process that wrote the workbook stopped with {self._process.wait()}"
            raise OSError(errno.EIO, why)
        ended = json.loads(said)
        if "why" in ended:
            raise OSError(ended["errno"] or errno.EIO, ended["why"])
