"""What the README says can be done: its commands run as written, its links lead somewhere.

In a ```console block a line that begins with `$ ` is a command. `importer …` commands run one after the other in a copy
of the sample project; RUN stands for the run before. `make …` has to be a target. Others are for the reader's machine.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
README = REPOSITORY / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUN_ID = re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def commands() -> list[str]:
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def sample_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    for name in ("schemas", "sample_data"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_readme_shows_commands() -> None:
    shown = commands()
    assert any(command.startswith("importer run") for command in shown)
    assert "make demo" in shown
    assert "make test" in shown


def test_its_importer_commands_run_as_written(sample_project: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IMPORTER_")}
    last_run = ""
    for command in commands():
        if not command.startswith("importer "):
            continue
        words = [last_run if word == "RUN" else word for word in shlex.split(command, comments=True)]
        done = subprocess.run(
            [sys.executable, "-m", "importer", *words[1:]],
            cwd=sample_project,
            env={**environment, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        expected = re.search(r"# exit (\d+)", command)
        codes = (int(expected[1]),) if expected else (0, 3)
        assert done.returncode in codes, f"{command}\n{done.stdout}{done.stderr}"
        last_run = (RUN_ID.findall(done.stdout) or [last_run])[-1]


def test_its_make_commands_are_targets() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    asked = {command.split()[1] for command in commands() if command.startswith("make ")}
    assert asked <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize(
    "page", sorted(REPOSITORY.glob("*.md")) + sorted(REPOSITORY.glob("docs/**/*.md")), ids=lambda page: page.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
