"""The child process that opens a workbook: in comes a request, out go JSON lines; whatever happens here stays here.

It lives under limits on memory and time, so a damaged or hostile workbook can only end this process. It does not load
pyarrow, to leave the memory to the workbook.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from importer.reading.model import ReadOptions
from importer.reading.workbook.limits import MEMORY, TooLarge, check_archive, check_size, seconds_for

READ_ERROR_HINT = "Open it in a spreadsheet program and save it anew, or save the sheet as CSV."


@dataclass(frozen=True)
class Request:
    """`fd` is the open file that was inherited, `path` helps to name what is wrong."""

    fd: int
    size: int
    path: str
    is_archive: bool
    options: ReadOptions

    def dump(self) -> bytes:
        options = asdict(self.options) | {"known_headers": sorted(self.options.known_headers)}
        return json.dumps(asdict(self) | {"options": options}).encode()

    @classmethod
    def load(cls, raw: bytes) -> Request:
        content = json.loads(raw)
        options = content.pop("options")
        options["known_headers"] = frozenset(options["known_headers"])
        return cls(**content, options=ReadOptions(**options))


def send(kind: str, **content: Any) -> None:
    sys.stdout.write(json.dumps({"kind": kind} | content) + "\n")
    sys.stdout.flush()


def main() -> None:
    request = Request.load(sys.stdin.buffer.read())
    limit(request.size)
    try:
        _answer(request)
        send("done")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  calamine's panics are no Exception
        send("refused", message=_sentence(error), hint=getattr(error, "hint", None) or READ_ERROR_HINT)


def limit(size: int) -> None:
    """Where the system has no such limits, the time limit of the parent remains."""
    try:
        import resource
    except ImportError:
        return
    seconds = seconds_for(size)
    wanted = (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    )
    for which, value in wanted:
        hard = resource.getrlimit(which)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (allowed, allowed))


def _answer(request: Request) -> None:
    # calamine is loaded under the limits
    from importer.reading.workbook.sheets import send_sheet

    check_size(request.size)
    with os.fdopen(request.fd, "rb") as file:
        send_sheet(file, request.path, workbook_format(file, request), request.options)


class NoWorkbook(Exception):
    """A ZIP archive, but of something else."""

    hint = "Unpack it and import the file inside."


def workbook_format(file: BinaryIO, request: Request) -> str:
    """One of xlsx, xlsm, xlsb, ods, xls, by the parts inside."""
    if not request.is_archive:
        return "xls"
    names = {name.lower() for name in check_archive(file)}
    if any(name.endswith("workbook.bin") for name in names):
        return "xlsb"
    if any(name.endswith("workbook.xml") for name in names):
        is_macro = any(name.endswith("vbaproject.bin") for name in names) or request.path.lower().endswith(".xlsm")
        return "xlsm" if is_macro else "xlsx"
    if "content.xml" in names:
        return "ods"
    raise NoWorkbook("This is a ZIP archive, whatever its name says, not a table.")


def _sentence(error: BaseException) -> str:
    from importer.errors import ImporterError

    if isinstance(error, ImporterError):
        return error.message
    if isinstance(error, NoWorkbook):
        return str(error)
    if isinstance(error, TooLarge):
        return f"The workbook is refused: {error}."
    if isinstance(error, MemoryError):
        return f"The workbook is refused: it needs more than {MEMORY >> 20} MiB of memory."
    if type(error).__name__ == "PasswordError":
        return "The workbook is protected with a password."
    return f"The workbook is damaged and can't be read ({type(error).__name__}: {str(error)[:200]})."


if __name__ == "__main__":
    main()
