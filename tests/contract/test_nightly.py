"""Under `propose`, tonight's file against the open change of the field: each cell of the table on page 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project, lines

US = ("usmf", "US-001")
CHANGE = ("US-001", "credit_limit")


@pytest.fixture(scope="module")
def monday(make_module_project: MakeProject) -> str:
    """Database URL of a project in which last night's file proposed 9000.00 for the credit limit of US-001."""
    project = make_module_project()
    run = project.run(project.write("monday.csv", limit("9000")))
    assert run.counts == {"read": 1, "proposed": 1}
    assert run.summary["proposals"]["opened"] == 1
    return project.database


@pytest.fixture
def night(databases, monday: str, tmp_path: Path) -> Iterator[Project]:
    """The night after: a copy of Monday's database."""
    url = databases.create(monday)
    yield Project(tmp_path / "night", url)
    databases.drop(url)


def limit(value: str, memo: str = "") -> str:
    return lines("customer_account,credit_limit,sales_memo", f"US-001,{value},{memo}")


def proposal(project: Project) -> dict:
    (found,) = project.proposals()
    return found


TABLE = {
    # tonight's file, its source: outcome, effect on the open change, the value proposed after it, version
    "blank": ("", None, "unchanged", "kept", "9000.00", 1),
    "value_of_the_record": ("5000.00", None, "unchanged", "withdrawn", None, None),
    "proposed_value": ("9000.0", None, "proposed", "kept", "9000.00", 1),
    "another_value": ("8000", None, "proposed", "superseded", "8000.00", 2),
    "blank_of_another_source": ("", "crm", "unchanged", "kept", "9000.00", 1),
    "value_of_the_record_from_another_source": ("5000", "crm", "unchanged", "kept", "9000.00", 1),
    "proposed_value_from_another_source": ("9000", "crm", "proposed", "kept", "9000.00", 1),
    "another_value_from_another_source": ("8000", "crm", "rejected", "kept", "9000.00", 1),
}


@pytest.mark.parametrize("case", TABLE)
def test_an_open_change_meets_tonights_file(night: Project, case: str) -> None:
    value, source, outcome, effect, proposed, version = TABLE[case]
    before = proposal(night)

    run = night.run(night.write("tuesday.csv", limit(value)), *(["--source", source] if source else []))

    assert run.counts == {"read": 1, outcome: 1}
    assert run.row(2)["proposal_effects"] == f"credit_limit={effect}"
    assert {name: number for name, number in run.summary["proposals"].items() if number} == (
        {effect: 1, "competing": 1} if outcome == "rejected" else {effect: 1}
    )
    assert night.open_changes() == ({CHANGE: ("5000.00", proposed)} if proposed else {})
    assert night.table()[US]["credit_limit"] == "5000.00"
    after = proposal(night)
    assert after["id"] == before["id"]
    if version:
        assert after["version"] == version
        assert after["first_proposed_at"] == before["first_proposed_at"]
    else:
        assert after["status"] == "withdrawn"
        assert [change["status"] for change in after["changes"]] == ["withdrawn"]


def test_a_file_without_the_column_leaves_the_change_and_counts_it_as_kept(night: Project) -> None:
    run = night.run(night.write("tuesday.csv", lines("customer_account,sales_memo", "US-001,x", "US-004,y")))
    assert run.counts == {"read": 2, "updated": 2}
    assert run.summary["proposals"]["kept"] == 1
    assert night.open_changes() == {CHANGE: ("5000.00", "9000.00")}


def test_a_competing_change_is_named_and_the_rest_of_the_row_goes_on(night: Project) -> None:
    run = night.run(night.write("tuesday.csv", limit("8000.00", "still written")), "--source", "crm")
    assert run.exit_code == 3
    assert run.counts == {"read": 1, "partly_rejected": 1}
    (reason,) = run.errors
    assert (reason["column"], reason["field"], reason["value"]) == ("credit_limit", "credit_limit", "8000.00")
    assert reason["code"] == "competing_change"
    assert "9000.00" in reason["message"]
    assert run.row(2)["fields_rejected"] == "credit_limit"
    assert night.table()[US]["sales_memo"] == "still written"


def test_superseding_keeps_the_first_date_and_starts_again_with_a_new_version(night: Project) -> None:
    first = proposal(night)
    for version, value in ((2, "8000"), (3, "8500")):
        night.run(night.write(f"night{version}.csv", limit(value)))
        now = proposal(night)
        assert (now["version"], now["first_proposed_at"]) == (version, first["first_proposed_at"])
        assert night.open_changes() == {CHANGE: ("5000.00", f"{value}.00")}
    shown = night.importer("proposals", "show", str(first["id"]), "--json").json
    assert shown["version"] == 3
    assert shown["status"] == "pending"


def test_after_a_withdrawal_the_same_value_is_proposed_anew(night: Project) -> None:
    night.run(night.write("tuesday.csv", limit("5000")))
    run = night.run(night.write("wednesday.csv", limit("9000.00")))
    assert run.counts == {"read": 1, "proposed": 1}
    assert run.summary["proposals"]["opened"] == 1
    assert night.open_changes() == {CHANGE: ("5000.00", "9000.00")}


def test_the_same_file_twice_changes_nothing_and_opens_nothing(make_project: MakeProject) -> None:
    project = make_project()
    file = project.write(
        "tonight.csv",
        lines("customer_account,credit_limit,sales_memo", "US-001,9000,x", "US-002,,y", "US-004,-1,z"),
    )
    first = project.run(file)
    assert first.counts == {"read": 3, "partly_proposed": 1, "updated": 1, "rejected": 1}
    table, proposals = project.table(), project.proposals()

    second = project.run(file)

    assert second.counts == {"read": 3, "proposed": 1, "unchanged": 1, "rejected": 1}
    assert [change for change in second.changes if change["disposition"] == "written"] == []
    assert (second.summary["proposals"]["opened"], second.summary["proposals"]["kept"]) == (0, 1)
    assert project.table() == table
    assert project.proposals() == proposals


@pytest.mark.parametrize(
    ("value", "still_open"), [("9000", None), ("8000", "9000.00")], ids=["with_that_value", "with_another"]
)
def test_under_allow_the_field_is_written_over_an_open_change(
    night: Project, value: str, still_open: str | None
) -> None:
    night.change({"approvals.behavior": "allow"})
    run = night.run(night.write("tuesday.csv", limit(value)))
    assert run.counts == {"read": 1, "updated": 1}
    assert night.table()[US]["credit_limit"] == f"{value}.00"
    assert night.open_changes() == ({CHANGE: ("5000.00", still_open)} if still_open else {})
    assert run.summary["proposals"]["withdrawn"] == (0 if still_open else 1)


def test_under_reject_open_changes_stay(night: Project) -> None:
    run = night.run(night.write("tuesday.csv", limit("8000")), "--behavior", "reject")
    assert run.codes == {2: {"approval_required"}}
    assert night.open_changes() == {CHANGE: ("5000.00", "9000.00")}


def test_a_check_across_fields_counts_kept_changes_as_approved(night: Project) -> None:
    """A mandatory limit needs a limit: US-003 has none stored, but one is on its way."""
    night.change({"approvals.fields": ["credit_limit"]})
    fields = "customer_account,credit_limit,credit_limit_is_mandatory"
    night.run(night.write("tuesday.csv", lines(fields, "US-003,700,")))
    run = night.run(night.write("wednesday.csv", lines(fields, "US-003,,Yes")))
    assert run.counts == {"read": 1, "proposed": 1}
    assert night.open_changes()["US-003", "credit_limit_is_mandatory"] == ("false", "true")
    assert night.table()["usmf", "US-003"]["credit_limit_is_mandatory"] == "false"
