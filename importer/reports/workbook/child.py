"""The child process that writes a workbook: in come JSON lines, each a call of `Book`; out goes how it ended.

It ends when nothing more comes. It does not load pyarrow, to start fast and stay small.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import IO

from importer.reports.workbook.book import LocalBook
from importer.reports.workbook.model import Line, Outline


def main() -> None:
    try:
        ended = _write(sys.stdin.buffer)
    except OSError as error:
        ended = {"errno": error.errno, "why": error.strerror or str(error)}
    except Exception as error:  # noqa: BLE001  the parent says it
        ended = {"errno": None, "why": f"the workbook failed unexpectedly ({type(error).__name__})"}
    sys.stdout.write(json.dumps(ended) + "\n")


def _write(calls: IO[bytes]) -> dict[str, object]:
    begun = json.loads(calls.readline())
    with os.fdopen(begun["fd"], "r+b") as file:
        book = LocalBook(file, Path(begun["scratch"]), Outline(**begun["outline"]))
        for call in map(json.loads, calls):
            match call:
                case {"rows": rows}:
                    book.add_rows(rows)
                case {"reasons": reasons}:
                    book.add_reasons(reasons)
                case {"summary": lines}:
                    book.finish([Line(*line) for line in lines])
                    file.flush()
                    return {"done": True}
    raise InterruptedError("the workbook is not wanted any more")
