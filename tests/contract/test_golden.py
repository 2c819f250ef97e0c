"""The rules of the product as cases to read: `tests/golden/<rule>/<case>/`.

A case has `case.toml` (what it shows, parameters, options, exit code, counts), `input.csv`, and what has to come out:
`results.csv`, `errors.csv`, `changes.csv`, `proposals.csv` (all lines, in the columns that the case names) and
`table.csv` (the records that differ from `current.csv`; every other record must be as it was). A file that is not there
means that nothing may come out, unless `silent` names it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from .conftest import GOLDEN, MakeProject
from .harness import Project, Row, Run, only, read_csv
from .pages import KEY

CASES = sorted(path.parent for path in GOLDEN.glob("*/*/case.toml"))
LISTS = ("codes", "fields_updated", "fields_proposed", "fields_rejected", "proposal_effects")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_file_comes_out_as_the_rule_says(case: Path, make_project: MakeProject) -> None:
    told = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))
    project = make_project()
    project.change(told.get("parameters", {}))
    before = project.table()
    text = (case / "input.csv").read_text(encoding="utf-8")

    run = project.run(project.write(told.get("file", "input.csv"), text), *told.get("options", []))

    expected = {name: _expected(case, name) for name in ("results", "errors", "changes", "proposals", "table")}
    assert _in(expected["results"], run.results) == _sorted(expected["results"])
    assert _in(expected["errors"], run.errors) == _sorted(expected["errors"])
    if "changes" not in told.get("silent", []):
        assert _in(expected["changes"], run.changes) == _sorted(expected["changes"])
    assert _in(expected["proposals"], _proposed(project)) == _sorted(expected["proposals"])
    _assert_table(before, project.table(), expected["table"])
    _assert_told(told, run)


def _expected(case: Path, name: str) -> list[Row]:
    path = case / f"{name}.csv"
    return read_csv(path) if path.exists() else []


def _in(expected: list[Row], found: list[Row]) -> list[tuple[tuple[str, str], ...]]:
    """What was found, in the columns that are expected (all of them where nothing is expected)."""
    return _sorted([{column: row[column] for column in expected[0]} for row in found] if expected else found)


def _sorted(rows: list[Row]) -> list[tuple[tuple[str, str], ...]]:
    return sorted(
        tuple((name, " ".join(sorted(text.split())) if name in LISTS else text) for name, text in row.items())
        for row in rows
    )


def _proposed(project: Project) -> list[Row]:
    return [
        {
            **proposal["key"],
            "kind": proposal["kind"],
            "status": proposal["status"],
            "version": str(proposal["version"]),
            "source": proposal["source"],
            "row": str(proposal["row"]),
            **{name: change[name] or "" for name in ("field", "original", "proposed", "current")},
            "change": change["status"],
        }
        for proposal in project.proposals()
        for change in proposal["changes"]
    ]


def _assert_table(before: dict[tuple[str, ...], Row], after: dict[tuple[str, ...], Row], expected: list[Row]) -> None:
    changed = {tuple(row[field] for field in KEY): row for row in expected}
    assert {key: row for key, row in after.items() if key not in changed} == {
        key: row for key, row in before.items() if key not in changed
    }
    for key, row in changed.items():
        assert {field: after[key][field] for field in row} == row
        untouched = before.get(key, {})
        assert {f: v for f, v in after[key].items() if f in untouched and f not in row} == {
            f: v for f, v in untouched.items() if f not in row
        }, f"{key}: fields that the case does not name"


def _assert_told(told: dict[str, Any], run: Run) -> None:
    assert run.exit_code == told["exit_code"]
    assert run.counts == told["counts"]
    for path, value in told.get("summary", {}).items():
        found: Any = run.summary
        for part in path.split("."):
            found = found[part]
        assert found == value, path
    for row, words in told.get("messages", {}).items():
        said = " ".join(message for number, message in only(run.errors, "row", "message") if number == row)
        assert all(word in said for word in words), said
