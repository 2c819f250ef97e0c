"""The sample list, then the sample update, with the shipped parameters: what `make demo` shows.

Which row has which defect stands in `sample_data/README.md`; that table is the expectation here.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from .harness import REPOSITORY, SCHEMAS, Project, Run

SAMPLES = REPOSITORY / "sample_data"


class Demo(NamedTuple):
    project: Project
    first: Run
    update: Run


@pytest.fixture(scope="module")
def demo(databases, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    project = Project(tmp_path_factory.mktemp("demo"), databases.create())
    for path in SCHEMAS.iterdir():
        if path.is_file():
            shutil.copy(path, project.schemas)
    first = project.run(SAMPLES / "erp_customers.csv")
    return Demo(project, first, project.run(SAMPLES / "treasury_update.xlsx"))


def planted(name: str) -> dict[int, set[str]]:
    """Row numbers and codes of the defects that the page on the samples lists for a file."""
    page = (SAMPLES / "README.md").read_text(encoding="utf-8")
    section = page.split(f"## Planted in `{name}`")[1].split("\n## ")[0]
    found: dict[int, set[str]] = {}
    for row, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", section, re.MULTILINE):
        found.setdefault(int(row), set()).add(code)
    return found


def test_both_files_are_applied_with_some_rows_rejected(demo: Demo) -> None:
    for run, source in ((demo.first, "legacy_erp"), (demo.update, "treasury")):
        assert (run.exit_code, run.summary["status"], run.summary["source"]) == (3, "applied", source)
    assert demo.first.counts["created"] == len(demo.first.results) - len(planted("erp_customers.csv"))


@pytest.mark.parametrize("name", ["erp_customers.csv", "treasury_update.xlsx"])
def test_every_planted_defect_is_found_and_nothing_else(demo: Demo, name: str) -> None:
    run = demo.first if name == "erp_customers.csv" else demo.update
    assert run.codes == planted(name)


def test_the_update_shows_every_treatment(demo: Demo) -> None:
    counts = demo.update.counts
    for outcome in ("created", "partly_proposed", "proposed", "updated", "unchanged", "rejected", "not_processed"):
        assert counts.get(outcome), outcome
    assert counts["created"] == 24
    assert demo.update.summary["proposals"]["opened"] == len(demo.project.open_changes())


def test_names_of_every_script_arrive_as_they_were(demo: Demo) -> None:
    names = "".join(row["organization_name"] for row in demo.project.table().values())
    assert re.search("[가-힣]", names)
    assert re.search("[åäö]", names)
    assert re.search("[éèç]", names)


def test_the_update_again_changes_nothing(demo: Demo) -> None:
    table, changes = demo.project.table(), demo.project.open_changes()
    again = demo.project.run(SAMPLES / "treasury_update.xlsx")
    assert {name for name in again.counts if name in ("created", "updated", "partly_proposed")} == set()
    assert again.summary["rejected_new"] == 0
    assert (demo.project.table(), demo.project.open_changes()) == (table, changes)


def test_rejected_rows_of_the_list_come_back_as_the_same_rejections(demo: Demo) -> None:
    back = demo.project.run(demo.first.folder / "rejections.csv")
    assert back.summary["counts"]["read"] == demo.first.counts["rejected"]
    assert back.summary["counts"]["created"] == 0
    origins = {int(line["origin_row"]): set(line["codes"].split()) for line in back.results}
    first = {row: codes for row, codes in demo.first.codes.items() if "identical_duplicate" not in codes}
    unsplittable = {row for row, codes in first.items() if "row_too_long" in codes}
    assert origins.keys() == first.keys()
    assert {row: codes for row, codes in origins.items() if row not in unsplittable} == {
        row: codes for row, codes in first.items() if row not in unsplittable
    }


def test_the_two_column_sample_touches_one_field(demo: Demo, tmp_path: Path) -> None:
    before = demo.project.table()
    run = demo.project.run(SAMPLES / "two_columns.csv")
    assert {change["field"] for change in run.changes} == {"employee_responsible_number"}
    after = demo.project.table()
    for record in (*before.values(), *after.values()):
        record.pop("employee_responsible_number")
    assert after == before
