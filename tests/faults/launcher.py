"""Starts importers quickly: a process that has everything imported and forks for each command.

In: one JSON object a line (`Order`, or `{"wait": pid}`). Out: one JSON value a line, the pid or how it ended.
A fork is a real process of its own: killed, it dies as any other.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def load_everything() -> None:
    for name in (
        "adbc_driver_sqlite",
        "alembic.config",
        "alembic.command",
        "cel",
        "jinja2",
        "psycopg",
        "xlsxwriter",
    ):
        importlib.import_module(name)
    import importer

    for module in pkgutil.walk_packages(importer.__path__, "importer."):
        if module.name != "importer.__main__" and ".migrations" not in module.name:
            importlib.import_module(module.name)
    _import_once()
    gc.collect()
    gc.freeze()  # what all have in common is not looked through again in every one of them


def _import_once() -> None:
    """What a first import prepares in its process stands ready in those that are forked."""
    from importer.cli.answer import run_command
    from importer.cli.commands import cli

    before = set(sys.modules)
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(name)
        (folder / "first.csv").write_text(
            "customer_account,organization_name,customer_group_id,sales_currency_code\nA,B,1,USD\n"
        )
        where = ["--schemas", str(Path.cwd() / "schemas"), "--database", f"sqlite:///{folder}/first.db"]
        code = run_command(cli, ["run", str(folder / "first.csv"), "--output", str(folder / "out"), "--json", *where])
    assert code == 0, "the first import failed"
    for module in {found for found in sys.modules if found.startswith("importer_schema_")} - before:
        del sys.modules[module]  # a command has a folder of parameters of its own


def arm(order: dict[str, Any]) -> None:
    """What happens at the named places of the story."""
    from importer import failpoints

    place, number = order["at"]
    seen = 0

    def act(reached: str) -> None:
        nonlocal seen
        if reached != place:
            return
        seen += 1
        if seen == number or (seen > number and order.get("always")):
            _happen(order)

    failpoints.arm(act)


def _happen(order: dict[str, Any]) -> None:
    match order["happens"]:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "error":
            raise OSError(order["number"], os.strerror(order["number"]))
        case "signal":
            with open(order["noted"], "w", encoding="utf-8") as file:
                file.write(str(time.monotonic()))
            os.kill(os.getpid(), order["number"])
        case "pause":  # the test hears of it, and lets the process go on
            os.write(4, b".")
            os.read(5, 1)


def shift_clock(seconds: float) -> None:
    """The machine's clock, as far as the importer reads it, is `seconds` off."""
    from datetime import datetime, timedelta

    from importer.storage import runs

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=seconds)

    runs.datetime = Shifted  # type: ignore[misc]


def run(order: dict[str, Any]) -> int:
    from importer.cli.answer import run_command
    from importer.cli.commands import cli

    if order.get("at"):
        arm(order)
    if order.get("clock"):
        shift_clock(order["clock"])
    if order.get("disk"):
        from disk import Disk  # a neighbour: this file is started as a script

        Disk(**order["disk"]).install()
    if order.get("largest_file"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], resource.RLIM_INFINITY))
    sys.argv = ["importer", *order["words"]]
    return run_command(cli, order["words"])


def start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        null = os.open(os.devnull, os.O_RDONLY)
        out, err = (os.open(order[name], os.O_CREAT | os.O_TRUNC | os.O_WRONLY) for name in ("out", "err"))
        for place, handle in enumerate((null, out, err)):
            os.dup2(handle, place)
        for place, pipe in enumerate(order.get("pipes", ()), start=4):
            os.dup2(os.open(pipe, os.O_RDWR), place)
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        code = run(order)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def end(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    load_everything()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(end(order["wait"]) if "wait" in order else start(order)), flush=True)


if __name__ == "__main__":
    main()
