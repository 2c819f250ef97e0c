"""Disks that fail or are full, folders that may not be written, names that collide: no partial report, a sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import LONG, Stock, places, shortly_on, times
from .test_kills import REPORTS, check_again
from .workshop import Place


@dataclass(frozen=True)
class Failure:
    """How the disk fails at a step: with this error, once or from then on."""

    error: int
    lasting: bool

    def __str__(self) -> str:
        return f"{errno.errorcode[self.error]}-{'lasting' if self.lasting else 'once'}"


FAILURES = [Failure(errno.EIO, True), Failure(errno.ENOSPC, True), Failure(errno.EIO, False)]
SHORT = [Failure(errno.ENOSPC, True), Failure(errno.EIO, False)]
PARTS = times(1, 4)


def steps(place: Place, number: int = 0, how: Failure = FAILURES[0]) -> dict[str, object]:
    """The folder `out` is on a disk that fails at this step."""
    log = str(place.folder.parent / f"{place.folder.name}.steps")
    return {
        "folder": str(place.folder / "out"),
        "log": log,
        "number": number,
        "error": how.error,
        "lasting": how.lasting,
    }


def taken(place: Place) -> list[str]:
    return Path(str(steps(place)["log"])).read_text(encoding="utf-8").splitlines()


def standing(place: Place) -> dict[str, bytes]:
    """What stands under names that are no writer's own."""
    folder = place.folder / "out"
    names = [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.exists() else []
    return {path.name: path.read_bytes() for path in names}


def check_whole(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """No partial file under a final name, and where the summary stands, all that it names stands as well."""
    assert set(found) <= REPORTS
    for name, content in found.items():
        assert name == "summary.json" or content == expected[name], f"{name} is not whole"
    if "summary.json" in found:
        assert set(found) == REPORTS
        for name, digest in json.loads(found["summary.json"])["reports"].items():
            assert hashlib.sha256(found[name]).hexdigest() == digest, name


@shortly_on("sqlite")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", places(FAILURES, SHORT), ids=str)
def test_a_disk_that_fails_at_any_step_of_the_reports(stock: Stock, place: Place, how: Failure, part: int) -> None:
    """Every report is written again over one that stands there."""
    run_id = place.night().wait().json["run_id"]
    words = ("report", run_id, "--output", "out", "--json")
    assert place.run(*words, disk=steps(place)).code == 0
    expected, number = standing(place), len(taken(place))
    assert set(expected) == REPORTS
    assert number > 100
    for step in range(1 + part, number + 1, PARTS) if LONG else (number // 2, number - 4):
        ended = place.run(*words, disk=steps(place, step, how))
        assert taken(place)[step - 1].endswith(" fails"), "the disk did not fail"
        said = f"{taken(place)[step - 1]}: {ended}"
        check_whole(standing(place), expected)
        only_tidying = not how.lasting and said.startswith(("unlink", "remove", "rmdir"))
        assert ended.code == 6 or (ended.code == 0 and only_tidying), said
        if ended.code == 6:
            assert ended.json["error"]["hint"] == f"importer report {run_id}", said
        else:  # the reports are complete; what could not be taken away has a name of its own
            assert set(standing(place)) == REPORTS, said
        assert place.run(*words).code == 0
        place.check_reports()
    assert place.state == stock.after


@shortly_on("postgresql")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", FAILURES[::2] if LONG else FAILURES[:1], ids=str)
def test_a_disk_that_fails_at_any_step_of_a_run(stock: Stock, how: Failure, part: int) -> None:
    """Tables that could not be written ahead are written again, with the same trouble: applied, and not reported."""
    place = stock.place()
    assert place.night(disk=steps(place)).wait().code == 3
    numbers = [number for number, line in enumerate(taken(place), 1) if line.split()[1][:3] != "tmp"]
    stock.drop(place)
    for step in numbers[part::PARTS] if LONG else numbers[10:11]:
        place = stock.place()
        ended = place.night(disk=steps(place, step, how)).wait()
        left = standing(place)
        assert ended.code in (3, 6), ended
        assert place.state == stock.after
        said = ended.json
        assert said["counts"] == stock.answer.json["counts"]
        if ended.code == 6:
            assert said["error"]["hint"] == f"importer report {said['run_id']}"
        else:
            assert set(left) == REPORTS
        assert place.run("report", said["run_id"], "--output", "out", "--json").code == 0
        place.check_reports()
        check_whole(left, standing(place))
        assert not place.leftovers()
        stock.drop(place)


@shortly_on("sqlite")
def test_the_same_command_completes_what_could_not_be_reported(stock: Stock, place: Place) -> None:
    assert place.night(at=["fsync results.csv", 1], happens="error", number=errno.ENOSPC, always=True).wait().code == 6
    check_again(stock, place)


@shortly_on("postgresql")
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


@shortly_on("sqlite")
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


@shortly_on("sqlite")
@pytest.mark.parametrize("folder", places(("/proc/reports", "file/reports"), ("file/reports",)))
def test_a_folder_that_cannot_be_made(stock: Stock, place: Place, folder: str) -> None:
    (place.folder / "file").write_text("a file", encoding="utf-8")
    ended = place.run("run", "night.csv", "--output", folder, "--json")
    assert ended.code == 6, ended
    assert place.state == stock.after
    assert place.run("report", ended.json["run_id"], "--output", "out", "--json").code == 0
    place.check_reports()


@shortly_on("sqlite")
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


@shortly_on("sqlite")
def test_two_runs_that_report_into_one_folder(stock: Stock, place: Place) -> None:
    """The reports that stand there in the end are all of one run."""
    (place.folder / "other.csv").write_text("customer_account,sales_memo\nC-0001,other\n", encoding="utf-8")
    both = [place.night(), place.start("run", "other.csv", "--output", "out", "--json")]
    assert {running.wait().code for running in both} <= {0, 3}
    place.check_reports()
    summary = json.loads((place.folder / "out" / "summary.json").read_text(encoding="utf-8"))
    results = (place.folder / "out" / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(results) - 1 == summary["counts"]["read"]
