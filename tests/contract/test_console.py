"""The installed command in a process of its own: environment, defaults, stdout and stderr, time to start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .harness import REPOSITORY, Project, lines

NEW = "customer_account,organization_name,customer_group_id,sales_currency_code"


def importer(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("IMPORTER_")}
    return subprocess.run(
        [sys.executable, "-m", "importer", *words],
        cwd=folder,
        env={**surroundings, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_without_options_schemas_database_and_reports_are_in_the_working_folder(tmp_path: Path) -> None:
    project = Project(tmp_path / "work", "")
    project.write("list.csv", lines(NEW, "C-1,Nordlys,10,EUR"))
    done = importer(project.folder, "run", "list.csv", "--json")
    assert (done.returncode, done.stderr) == (0, ""), done
    summary = json.loads(done.stdout)
    assert summary["counts"]["created"] == 1
    assert (project.folder / "importer.db").is_file()
    assert (project.folder / "runs" / summary["run_id"] / "summary.json").is_file()
    assert summary["target"]["dialect"] == "sqlite"


def test_the_environment_sets_schemas_database_and_user(database: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "parameters", database)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "list.csv").write_text(lines(NEW, "C-1,Nordlys,10,EUR"), encoding="utf-8")
    environment = {
        "IMPORTER_SCHEMAS": str(project.schemas),
        "IMPORTER_DATABASE": database,
        "IMPORTER_USER": "sven",
    }
    done = importer(tmp_path / "elsewhere", "run", "list.csv", "--json", **environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["user"] == "sven"
    assert project.table()["usmf", "C-1"]["organization_name"] == "Nordlys"


def test_options_win_over_the_environment(tmp_path: Path) -> None:
    project = Project(tmp_path / "work", f"sqlite:///{tmp_path}/asked.db")
    project.write("list.csv", lines(NEW, "C-1,Nordlys,10,EUR"))
    options = ("--database", project.database, "--schemas", "schemas", "--user", "rosa")
    environment = {"IMPORTER_DATABASE": "sqlite:////nowhere/x.db", "IMPORTER_SCHEMAS": "/nowhere"}
    done = importer(project.folder, "run", "list.csv", "--json", *options, IMPORTER_USER="sven", **environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["user"] == "rosa"


def test_answers_go_to_stdout_and_trouble_to_stderr(tmp_path: Path) -> None:
    project = Project(tmp_path / "work", "")
    done = importer(project.folder, "run", "nowhere.csv")
    assert (done.returncode, done.stdout) == (5, "")
    assert "nowhere.csv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["--help", "--version", "run --help", "proposals --help"])
def test_help_and_version_come_at_once(tmp_path: Path, words: str) -> None:
    started = time.monotonic()
    done = importer(tmp_path, *words.split())
    assert done.returncode == 0
    assert done.stdout.strip()
    assert time.monotonic() - started < 2, "0.3 s on an idle machine"


def test_a_small_file_takes_no_longer_than_a_person_waits(tmp_path: Path) -> None:
    project = Project(tmp_path / "work", "")
    project.write("list.csv", lines(NEW, *(f"C-{number},Customer {number},10,EUR" for number in range(1, 101))))
    started = time.monotonic()
    assert importer(project.folder, "run", "list.csv").returncode == 0
    assert time.monotonic() - started < 6, "1.5 s on an idle machine"
