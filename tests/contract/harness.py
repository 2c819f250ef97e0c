"""A person with a folder: parameters, files, one database, and the real console command.

Every run that a test makes through `Project` is also held against what every run promises (`invariants.py`).
"""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import signal
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import sqlalchemy as sa
from click.testing import CliRunner

from .pages import BOOLEANS, KEY

REPOSITORY = Path(__file__).parents[2]
SCHEMAS = REPOSITORY / "schemas"
Row = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """stdout as one JSON value and nothing else."""
        return json.loads(self.stdout)

    @property
    def error(self) -> str:
        """Message, file and hint of a refused command as one text."""
        assert set(self.json) == {"exit_code", "run_id", "error"}, self.stdout
        assert set(self.json["error"]) == {"message", "file", "hint"}, self.stdout
        assert self.json["exit_code"] == self.exit_code
        assert "Traceback" not in self.stderr
        return " ".join(str(part) for part in self.json["error"].values() if part)


@dataclass(frozen=True)
class Run:
    """One import: its answer and its reports."""

    answer: Answer
    folder: Path

    @property
    def exit_code(self) -> int:
        return self.answer.exit_code

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.answer.json
        return found

    @property
    def id(self) -> str:
        return str(self.summary["run_id"])

    @property
    def counts(self) -> dict[str, int]:
        """Only what happened: outcomes with a count of 0 are left out."""
        return {name: number for name, number in self.summary["counts"].items() if number}

    @property
    def results(self) -> list[Row]:
        return read_csv(self.folder / "results.csv")

    @property
    def changes(self) -> list[Row]:
        return read_csv(self.folder / "changes.csv")

    @property
    def errors(self) -> list[Row]:
        return read_csv(self.folder / "errors.csv")

    @property
    def rejections(self) -> list[Row]:
        return read_csv(self.folder / "rejections.csv", self.summary["file"]["delimiter"] or ",")

    @property
    def outcomes(self) -> dict[int, str]:
        return {int(line["row"]): line["outcome"] for line in self.results}

    @property
    def codes(self) -> dict[int, set[str]]:
        """Codes of the rows that have any."""
        return {int(line["row"]): set(line["codes"].split()) for line in self.results if line["codes"]}

    def row(self, number: int) -> Row:
        (found,) = [line for line in self.results if line["row"] == str(number)]
        return found


class ConsoleScript(click.Command):
    """The console script `importer` for click's runner: called as an installed script is, arguments in `sys.argv`."""

    def main(self, args: Sequence[str] | None = None, *_: object, **__: object) -> None:
        from importer.cli import main

        terminating = signal.getsignal(signal.SIGTERM)
        try:
            with patch.object(sys, "argv", ["importer", *(args or ())]):
                main()
        finally:
            signal.signal(signal.SIGTERM, terminating)


def lasting(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary without what differs whenever reports are written: how long it took, hashes of workbooks."""
    return {name: value for name, value in summary.items() if name not in ("timings", "reports")}


def read_csv(path: Path, delimiter: str = ",") -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, strict=True))


def header(path: Path, delimiter: str = ",") -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file, delimiter=delimiter, strict=True))


def canonical(field: str, value: object) -> str:
    """A value of the target table as the reports write it."""
    if value is None:
        return ""
    if field in BOOLEANS:
        return "true" if value in (True, 1, "1", "true") else "false"
    if field == "credit_limit":
        return f"{Decimal(str(value)):.2f}"
    return str(value)


class Project:
    """A folder as a person has it who uses the importer; the parameters are the shipped ones but for their sources.

    The first shipped source stands there without its mappings, then the same once more as `crm` and as `base`.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database
        self.schemas = folder / "schemas"
        self._outputs = count(1)
        shutil.copytree(SCHEMAS, self.schemas, ignore=shutil.ignore_patterns("__pycache__"))
        self.parameters = tomllib.loads((SCHEMAS / "customer.toml").read_text(encoding="utf-8"))
        shipped = self.parameters["sources"][0]
        plain = {name: value for name, value in shipped.items() if name not in ("columns", "values", "blank_fields")}
        others = [{**plain, "name": "crm", "files": ["crm*"]}, {**plain, "name": "base", "files": ["base*"]}]
        self.parameters["sources"] = [plain, *others]
        self.change({})

    @property
    def source(self) -> str:
        """The source that takes files whose name no pattern matches."""
        return str(self.parameters["sources"][0]["name"])

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set parameters by dotted path, `sources.0.blank`; None takes one away."""
        for path, value in changes.items():
            *parents, last = path.split(".")
            table: Any = self.parameters
            for part in parents:
                table = table[int(part)] if isinstance(table, list) else table.setdefault(part, {})
            if value is None:
                table.pop(last, None)
            else:
                table[last] = value
        (self.schemas / "customer.toml").write_text(toml(self.parameters), encoding="utf-8")

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def importer(self, *words: object, env: Mapping[str, str | None] | None = None) -> Answer:
        """The console command in this folder, with this database and these schemas."""
        surroundings: dict[str, str | None] = {
            "IMPORTER_DATABASE": self.database,
            "IMPORTER_SCHEMAS": str(self.schemas),
            "IMPORTER_USER": "rosa",
            "COLUMNS": "200",
            **(env or {}),
        }
        with contextlib.chdir(self.folder):
            result = CliRunner().invoke(ConsoleScript("importer"), [str(word) for word in words], env=surroundings)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def run(self, file: Path | str, *options: object) -> Run:
        """`importer run FILE --json`, reports in a new folder."""
        return self._import("run", file, *options)

    def plan(self, file: Path | str, *options: object) -> Run:
        return self._import("plan", file, *options)

    def apply(self, run: Run, *options: object) -> Run:
        return self._import("apply", run.id, *options)

    def _import(self, command: str, *words: object) -> Run:
        from .invariants import check_run

        folder = self.folder / f"out{next(self._outputs)}"
        output = () if command == "apply" else ("--output", folder)
        answer = self.importer(command, *words, *output, "--json")
        assert "error" not in answer.json, answer.stdout
        if command == "apply":  # apply has no --output: the reports are fetched
            fetched = self.importer("report", answer.json["run_id"], "--output", folder, "--json")
            assert "error" not in fetched.json, fetched.stdout
        run = Run(answer, folder)
        check_run(self, run)
        return run

    def refused(self, exit_code: int, *words: object) -> str:
        """A command that has to stop with this code and one clear sentence: that sentence."""
        answer = self.importer(*words, "--json")
        assert answer.exit_code == exit_code, answer
        return answer.error

    def proposals(self, *filters: object) -> list[dict[str, Any]]:
        answer = self.importer("proposals", "list", *filters, "--json")
        assert answer.exit_code == 0, answer
        found: list[dict[str, Any]] = answer.json
        return found

    def open_changes(self) -> dict[tuple[str, str], tuple[str | None, str | None]]:
        """Original and proposed value of every pending change by account and field."""
        return {
            (proposal["key"]["customer_account"], change["field"]): (change["original"], change["proposed"])
            for proposal in self.proposals()
            for change in proposal["changes"]
            if change["status"] == "pending"
        }

    def sql(self, statement: str, **values: object) -> list[Any]:
        """A statement by hand in the target database, committed."""
        engine = sa.create_engine(self.database)
        try:
            with engine.begin() as connection:
                result = connection.execute(sa.text(statement), values)
                return list(result.all()) if result.returns_rows else []
        finally:
            engine.dispose()

    def table(self, name: str = "customer") -> dict[tuple[str, ...], Row]:
        """The target table in canonical text, by key; empty where there is no table."""
        engine = sa.create_engine(self.database)
        try:
            if not sa.inspect(engine).has_table(name):
                return {}
            with engine.connect() as connection:
                rows = connection.exec_driver_sql(f"SELECT * FROM {name}").mappings().all()
        finally:
            engine.dispose()
        texts = [{field: canonical(field, value) for field, value in row.items()} for row in rows]
        return {tuple(row[field] for field in KEY): row for row in texts}


def toml(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """A TOML table: its own keys first, then the tables and lists of tables in it."""
    lines = [f"{_quoted(name)} = {_literal(value)}" for name, value in table.items() if not _is_table(value)]
    for name, value in table.items():
        if not _is_table(value):
            continue
        inner = (*path, _quoted(name))
        heading = ".".join(inner)
        many = isinstance(value, list)
        for one in value if many else [value]:
            lines += ["", f"[[{heading}]]" if many else f"[{heading}]", toml(one, inner)]
    return "\n".join(lines)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _quoted(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and name.isascii() else json.dumps(name, ensure_ascii=False)


def lines(*rows: str) -> str:
    """The text of a file of these lines."""
    return "".join(f"{row}\n" for row in rows)


def only(rows: Sequence[Row], *columns: str) -> list[tuple[str, ...]]:
    """These columns of the rows, sorted, to compare with what should be there."""
    return sorted(tuple(row[column] for column in columns) for row in rows)
