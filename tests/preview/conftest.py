"""A person in an empty folder who asks for previews."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from importer.cli.answer import run_command
from importer.cli.commands import cli

SHIPPED = Path(__file__).parents[2] / "schemas"


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Desk:
    """A folder with files, and the importer's commands in it."""

    folder: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def say(self, *words: object) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_command(cli, [str(word) for word in words])
        return Said(code, out.getvalue(), err.getvalue())

    def preview(self, file: Path | str, *options: object) -> dict[str, Any]:
        """`importer preview FILE --json`, which has to have an answer."""
        said = self.say("preview", file, *options, "--json")
        answer: dict[str, Any] = said.json
        assert "error" not in answer, answer
        assert answer["exit_code"] == said.exit_code
        return answer

    def fates(self, answer: Mapping[str, Any]) -> dict[str, str]:
        return {column["header"]: column["field"] or column["fate"] for column in answer["columns"]}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty folder; at the end nothing that looks like a database may lie in it."""
    for name in ("SCHEMAS", "DATABASE", "USER"):
        monkeypatch.delenv(f"IMPORTER_{name}", raising=False)
    return Desk(tmp_path)
