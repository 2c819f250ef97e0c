"""What the tests of faults work with: processes that can be killed, and what has to be true afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from importer.storage import control
from importer.storage.database import Database

ROOT = Path(__file__).parents[2]
REPORTS = {
    "summary.json",
    "results.csv",
    "changes.csv",
    "rejections.csv",
    "errors.csv",
    "rejections.xlsx",
    "report.html",
}
CANARY = "Canary-7Qx-Gmbh"
"""A customer's value. It may stand in the database and in the reports, never in what a command says."""
PASSWORD = "s3cret-canary"
LONGEST = 120.0


@dataclass
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return self.out + self.err


class Launcher:
    """Forks importers; see `launcher.py`."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("launcher.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        self._lock = threading.Lock()
        assert self._answer() == "ready"

    def ask(self, order: Mapping[str, Any]) -> int:
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return int(self._answer())

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


class Running:
    """A command that runs."""

    def __init__(self, launcher: Launcher, order: Mapping[str, Any]) -> None:
        self._launcher = launcher
        self._order = order
        self.pid = launcher.ask(order)

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    @property
    def said_so_far(self) -> str:
        return Path(self._order["err"]).read_text(encoding="utf-8")

    def wait(self) -> Ended:
        limit = threading.Timer(LONGEST, self.send, (signal.SIGKILL,))
        limit.start()
        code = self._launcher.ask({"wait": self.pid})
        limit.cancel()
        out, err = (Path(self._order[name]).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
        ended = Ended(code, out, err)
        assert CANARY not in ended.said, "a customer's value was said"
        assert PASSWORD not in ended.said, "a password was said"
        assert "Traceback" not in ended.said, ended.err
        assert "database is locked" not in ended.said, ended.said
        assert "deadlock" not in ended.said, ended.said
        return ended


@dataclass
class State:
    """What the importer has made of a database, without times and ids."""

    target: list[Any]
    proposals: list[Any]
    journal: list[Any]
    outcomes: list[Any]
    applied: int

    @classmethod
    def of(cls, url: str) -> State:
        database = Database(url)
        run, proposal, change = control.run, control.proposal, control.proposed_change
        applied = sa.select(run.c.sequence).where(run.c.status == "applied")
        with closing(Reader(database)) as read:
            if not read.has("importer_run"):
                return cls(read.target(), [], [], [], 0)
            return cls(
                target=read.target(),
                proposals=read(
                    sa.select(change.c.key_2, change.c.field, change.c.original, change.c.proposed, change.c.status)
                    .join_from(change, proposal, proposal.c.id == change.c.proposal_id)
                    .order_by(change.c.key_2, change.c.field, change.c.status)
                ),
                journal=read(_journal(control.change, applied)),
                outcomes=read(_journal(control.outcome, applied)),
                applied=len(read(applied)),
            )


def _journal(table: sa.Table, runs: sa.Select[Any]) -> sa.Select[Any]:
    left_out = ("run_sequence", "proposal_id")
    columns = [column for column in table.columns if column.name not in left_out]
    return sa.select(*columns).where(table.c.run_sequence.in_(runs)).order_by(*columns)


class Reader:
    """Everything it reads stood there at one moment: another transaction's COMMIT comes before it or after it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._context = database.connect()
        self._connection = self._context.__enter__()
        if not database.is_sqlite:
            self._connection.execution_options(isolation_level="REPEATABLE READ")
        self._schema = None if database.is_sqlite else "importer"

    def __call__(self, select: sa.Select[Any]) -> list[Any]:
        return [tuple(row) for row in self._connection.execute(select)]

    def has(self, table: str) -> bool:
        return sa.inspect(self._connection).has_table(table, schema=self._schema)

    def target(self) -> list[Any]:
        if not sa.inspect(self._connection).has_table("customer"):
            return []
        rows = self._connection.exec_driver_sql("SELECT * FROM customer ORDER BY data_area_id, customer_account")
        return [tuple(row) for row in rows]

    def close(self) -> None:
        self._context.__exit__(None, None, None)
        self._database.dispose()


@dataclass
class Place:
    """A folder with files and a database of its own, in which commands are given."""

    launcher: Launcher
    folder: Path
    url: str
    schemas: Path
    number: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *words: object, **faults: Any) -> Running:
        self.number += 1
        surroundings = {
            "IMPORTER_DATABASE": self.url,
            "IMPORTER_SCHEMAS": str(self.schemas),
            "IMPORTER_USER": "rosa",
            **self.environment,
        }
        order = {
            "words": [str(word) for word in words],
            "folder": str(self.folder),
            "out": str(self.folder.parent / f"{self.folder.name}.{self.number}.out"),
            "err": str(self.folder.parent / f"{self.folder.name}.{self.number}.err"),
            "environment": surroundings,
            **faults,
        }
        for name in ("out", "err"):
            Path(str(order[name])).touch()  # also for a command that is killed before it has made them
        return Running(self.launcher, order)

    def run(self, *words: object, **faults: Any) -> Ended:
        return self.start(*words, **faults).wait()

    def night(self, **faults: Any) -> Running:
        """The command of every night."""
        return self.start("run", "night.csv", "--output", "out", "--json", **faults)

    @property
    def state(self) -> State:
        return State.of(self.url)

    def runs(self) -> list[dict[str, Any]]:
        database = Database(self.url)
        with database.begin() as connection:
            if not sa.inspect(connection).has_table("importer_run", schema=None if database.is_sqlite else "importer"):
                return []
            found = connection.execute(sa.select(control.run).order_by(control.run.c.sequence)).mappings().all()
        return [dict(row) for row in found]

    @property
    def side_folder(self) -> Path:
        """Where SQLite keeps the tables of runs."""
        path = Database(self.url).path
        return path.with_name(path.name + ".runs")

    def leftovers(self) -> list[str]:
        """Tables and files of runs that stand there now."""
        database = Database(self.url)
        if database.is_sqlite:
            folder = self.side_folder
            return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        with database.begin() as connection:
            names = sa.text("SELECT relname FROM pg_class WHERE relname LIKE 'run\\_%' AND relkind = 'r' ORDER BY 1")
            return list(connection.scalars(names))

    def check_reports(self, folder: str = "out") -> None:
        """Complete and of one run: every file is the one that the summary names."""
        import hashlib

        place = self.folder / folder
        assert {path.name for path in place.iterdir()} == REPORTS
        named = json.loads((place / "summary.json").read_text(encoding="utf-8"))["reports"]
        assert set(named) == REPORTS - {"summary.json"}
        for name, digest in named.items():
            assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest, name


def customers(count: int, **changed: str) -> str:
    """A file of `count` customers; `changed` columns get another value in every third row."""
    lines = ["customer_account,organization_name,customer_group_id,sales_currency_code,credit_limit,sales_memo"]
    for number in range(1, count + 1):
        values = {"organization_name": f"{CANARY} {number}", "credit_limit": "1000", "sales_memo": "old"}
        if number % 3 == 0:
            values |= changed
        name, limit, memo = values["organization_name"], values["credit_limit"], values["sales_memo"]
        lines.append(f"C-{number:04},{name},10,USD,{limit},{memo}")
    return "\n".join(lines) + "\n"


def night(count: int) -> str:
    """Some rows are written, some proposed, some new, some rejected, some unchanged."""
    lines = customers(count, sales_memo="new").splitlines()
    for number in range(1, count + 1, 5):
        lines[number] = lines[number].replace(",1000,", ",1500,")
    lines += [f"N-{number:04},{CANARY} new {number},10,USD,5,fresh" for number in range(1, count // 5)]
    lines += [f"C-{number:04},{CANARY} wrong,10,USD,-5,bad" for number in range(count + 1, count + 4)]
    return "\n".join(lines) + "\n"


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)
