"""Disks that fail or are full, folders that may not be written, names that collide: no partial report, a sentence."""

from __future__ import annotations

import errno
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LONG, Stock, places
from .test_kills import REPORTS, check_again
from .workshop import Place

STEPS = (*(f"{step} {name}" for name in sorted(REPORTS) for step in ("write", "fsync", "rename")), "fsync folder")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO] if LONG else [errno.ENOSPC], ids=errno.errorcode.get)
@pytest.mark.parametrize("where", places(STEPS, ("write results.csv", "fsync summary.json", "rename report.html")))
def test_a_disk_that_fails_at_any_step(stock: Stock, place: Place, where: str, number: int) -> None:
    """The first attempt at a file may be one written ahead, which is then written again: it has to fail as well."""
    ended = place.night(at=[where, 1], happens="error", number=number, always=True).wait()
    assert ended.code == 6, ended
    said = ended.json
    assert said["exit_code"] == 6
    assert said["counts"] == stock.answer.json["counts"]
    assert said["error"]["hint"] == f"importer report {said['run_id']}"
    assert place.state == stock.after
    left = {path.name for path in (place.folder / "out").iterdir()} if (place.folder / "out").exists() else set()
    assert left <= REPORTS, "nothing but whole reports, and only if they came under their names one after the other"
    assert "summary.json" not in left or where == "fsync folder"
    whole = {name: (place.folder / "out" / name).read_bytes() for name in left if name.endswith(".csv")}

    completed = place.run("report", said["run_id"], "--output", "out", "--json")

    assert completed.code == 0, completed
    place.check_reports()
    for name, content in whole.items():
        assert (place.folder / "out" / name).read_bytes() == content, "what stood there was whole"
    assert not place.leftovers()


def test_the_same_command_completes_what_could_not_be_reported(stock: Stock, place: Place) -> None:
    assert place.night(at=["fsync results.csv", 1], happens="error", number=errno.ENOSPC, always=True).wait().code == 6
    check_again(stock, place)


def test_a_plan_that_could_not_be_reported_stands(stock: Stock, place: Place) -> None:
    words = ("plan", "night.csv", "--output", "out", "--json")
    ended = place.run(*words, at=["fsync results.csv", 1], happens="error", number=errno.ENOSPC, always=True)
    assert ended.code == 6, ended
    run_id = ended.json["run_id"]
    assert place.run("report", run_id, "--output", "out", "--json").code == 0
    place.check_reports()
    assert place.run("apply", run_id, "--output", "out", "--json").code == 3
    assert place.state == stock.after


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("only a superuser can make a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_reports_on_a_full_disk(stock: Stock, place: Place, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * 236_000)
    ended = place.run("run", "night.csv", "--output", small_disk / "out", "--json")
    assert ended.code == 6, ended
    assert "No space left" in ended.json["error"]["message"]
    assert place.state == stock.after
    assert not (small_disk / "out").exists() or not list((small_disk / "out").iterdir())
    (small_disk / "filler").unlink()
    assert place.run("report", ended.json["run_id"], "--output", small_disk / "out", "--json").code == 0
    assert {path.name for path in (small_disk / "out").iterdir()} == REPORTS


@pytest.mark.parametrize("folder", ["/proc/reports", "file/reports"])
def test_a_folder_that_cannot_be_made(stock: Stock, place: Place, folder: str) -> None:
    (place.folder / "file").write_text("a file", encoding="utf-8")
    ended = place.run("run", "night.csv", "--output", folder, "--json")
    assert ended.code == 6, ended
    assert place.state == stock.after
    assert place.run("report", ended.json["run_id"], "--output", "out", "--json").code == 0
    place.check_reports()


def test_a_working_folder_that_may_not_be_written(stock: Stock, place: Place) -> None:
    """Reports go to `runs/RUN` of the working folder unless told otherwise."""
    night = place.folder / "night.csv"
    elsewhere = Place(place.launcher, place.folder, place.url, place.schemas)
    ended = elsewhere.run("run", night, "--json", folder="/proc")
    assert ended.code == 6, ended
    assert place.state == stock.after


def test_a_limit_on_the_size_of_files(stock: Stock, place: Place) -> None:
    """SQLite's own files can't grow; on PostgreSQL it is the reports that can't."""
    ended = place.night(largest_file=7_000).wait()
    if place.url.startswith("sqlite"):
        assert ended.code in (1, 75), ended
        assert place.state == stock.before
    else:
        assert ended.code == 6, ended
        assert place.state == stock.after
    assert ended.json["error"]["message"]
    check_again(stock, place)


def test_two_runs_that_report_into_one_folder(stock: Stock, place: Place) -> None:
    """The reports that stand there in the end are all of one run."""
    (place.folder / "other.csv").write_text("customer_account,sales_memo\nC-0001,other\n", encoding="utf-8")
    both = [place.night(), place.start("run", "other.csv", "--output", "out", "--json")]
    assert {running.wait().code for running in both} <= {0, 3}
    place.check_reports()
    summary = json.loads((place.folder / "out" / "summary.json").read_text(encoding="utf-8"))
    results = (place.folder / "out" / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(results) - 1 == summary["counts"]["read"]
