"""What holds for any file: every row one outcome, importing twice changes nothing, reports round-trip.

That every row has one outcome, that counts add up and that written values are in the table is checked after each run
by `invariants.py`; here hypothesis brings the files.
"""

from __future__ import annotations

import csv
import io
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import MakeProject
from .harness import Project, header, read_csv

FIELDS = (
    "customer_account",
    "organization_name",
    "customer_group_id",
    "sales_currency_code",
    "credit_limit",
    "sales_memo",
)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
ROW = st.tuples(
    st.sampled_from(["US-001", "US-002", "us-002", "N-1", "N-01", "N-2", "", " N-3 "]),
    st.one_of(st.just(""), st.just("Nordlys"), NAMES),
    st.sampled_from(["", "10", "elevenchars"]),
    st.sampled_from(["", "USD", "ZZZ"]),
    st.sampled_from(["", "9000", "1.005", "-1", "x", "5000.00"]),
    st.one_of(st.just(""), NAMES, st.sampled_from(["=1+1", "'=x", "<clear>", 'a "b"', "two\nlines"])),
)
FILES = st.lists(ROW, min_size=1, max_size=8)
SMALL: dict[str, Any] = {
    "max_examples": 5,
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
}
numbers = count(1)


@pytest.fixture(scope="module")
def project(make_module_project: MakeProject) -> Project:
    """One project for all examples: each meets the table that the earlier ones left."""
    return make_module_project()


def file_of(project: Project, rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([FIELDS, *rows])
    name = f"file{next(numbers)}.csv"
    project.write(name, text.getvalue())
    return name


@settings(**SMALL)
@given(rows=FILES)
def test_importing_twice_changes_nothing(project: Project, rows: list[tuple[str, ...]]) -> None:
    name = file_of(project, rows)
    first = project.run(name, "--again", "an example may repeat an earlier one")
    assert first.summary["counts"]["read"] == len(rows)
    table, proposals = project.table(), project.proposals()

    second = project.run(name)

    assert project.table() == table
    assert project.proposals() == proposals
    assert [change for change in second.changes if change["disposition"] == "written"] == []
    assert second.summary["proposals"]["opened"] == 0
    assert [e["code"] for e in second.errors] == [e["code"] for e in first.errors]


@settings(**SMALL)
@given(rows=FILES)
def test_rejections_round_trip(project: Project, rows: list[tuple[str, ...]]) -> None:
    """Sent back as they are, rejected rows are read with the same text and refused for reasons of their own."""
    first = project.run(file_of(project, rows), "--again", "an example may repeat an earlier one")
    if not first.rejections:
        return
    back = project.run(first.folder / "rejections.csv")
    assert back.summary["counts"]["read"] == len(first.rejections)
    assert [line["origin_row"] for line in back.results] == [row["_row"] for row in first.rejections]
    sent = {row["_row"]: row for row in first.rejections}
    for row in back.rejections:
        origin = back.row(int(row["_row"]))["origin_row"] if row["_run"] == back.id else row["_row"]
        assert {name: row[name] for name in FIELDS} == {name: sent[origin][name] for name in FIELDS}


def test_a_table_compared_with_itself_differs_in_nothing(make_project: MakeProject) -> None:
    project = make_project()
    fields = ["data_area_id", *FIELDS]
    rows = [[record[name] for name in fields] for record in project.table().values()]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([fields, *rows])
    run = project.run(project.write("itself.csv", text.getvalue()))
    assert run.counts == {"read": len(rows), "unchanged": len(rows)}
    assert (run.changes, run.errors) == ([], [])
    assert header(run.folder / "results.csv")[0] == "row"
    assert len(read_csv(run.folder / "results.csv")) == len(rows)
