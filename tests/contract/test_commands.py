"""The commands of the contract and the shape of their answers."""

from __future__ import annotations

import json
import re
from typing import Any

import openpyxl
import pytest

from .conftest import MakeProject
from .harness import Project, lasting, lines
from .pages import CHANGE, CODES, FIELDS, PROPOSAL, REPORTS

RUN_ID = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{6}$")
FILE = lines(
    "customer_account,credit_limit,address_city",
    "US-001,9000,Quincy",
    "US-002,,Malmö",
    "US-004,-1,",
)


@pytest.fixture(scope="module")
def project(make_module_project: MakeProject) -> Project:
    """A project with one applied run of `tonight.csv`, reports in `runs/RUN/`; the tests here only look."""
    project = make_module_project()
    project.write("tonight.csv", FILE)
    answer = project.importer("run", "tonight.csv", "--json")
    assert answer.exit_code == 3, answer
    return project


@pytest.fixture(scope="module")
def summary(project: Project) -> dict[str, Any]:
    (found,) = [run for run in project.importer("runs", "--json").json if run["file"]["name"] == "tonight.csv"]
    return dict(found)


def test_every_run_is_listed_with_its_whole_summary(project: Project, summary: dict[str, Any]) -> None:
    listed = project.importer("runs", "--json").json
    assert sorted(run["file"]["name"] for run in listed) == ["base.csv", "tonight.csv"]
    sequences = [run["sequence"] for run in listed]
    assert sorted(sequences) in (sequences, sequences[::-1])
    assert RUN_ID.match(summary["run_id"])


def test_show_gives_the_summary_of_one_run(project: Project, summary: dict[str, Any]) -> None:
    answer = project.importer("show", summary["run_id"], "--json")
    assert answer.exit_code == 0
    assert lasting(answer.json) == lasting(summary)
    assert answer.json["reports"] == summary["reports"]


def test_reports_go_to_a_folder_named_after_the_run(project: Project, summary: dict[str, Any]) -> None:
    folder = project.folder / "runs" / summary["run_id"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(REPORTS)
    assert lasting(json.loads((folder / "summary.json").read_text(encoding="utf-8"))) == lasting(summary)


def test_report_writes_the_same_reports_again(project: Project, summary: dict[str, Any]) -> None:
    answer = project.importer("report", summary["run_id"], "--output", "again", "--json")
    assert answer.exit_code in (0, 3)
    assert answer.json["counts"] == summary["counts"]
    first, again = project.folder / "runs" / summary["run_id"], project.folder / "again"
    assert sorted(path.name for path in again.iterdir()) == sorted(REPORTS)
    for name in ("results.csv", "changes.csv", "rejections.csv", "errors.csv"):
        assert (again / name).read_bytes() == (first / name).read_bytes(), name


@pytest.mark.parametrize("command", ["runs", "show RUN", "proposals list", "proposals show ID", "codes", "migrate"])
def test_every_listing_has_a_form_for_people(project: Project, summary: dict[str, Any], command: str) -> None:
    proposal = project.proposals()[0]["id"]
    words = command.replace("RUN", summary["run_id"]).replace("ID", str(proposal)).split()
    answer = project.importer(*words)
    assert answer.exit_code == 0
    assert answer.stdout.strip()
    assert not answer.stdout.lstrip().startswith(("{", "["))


def test_the_form_for_people_shows_counts_that_add_up_and_where_the_reports_lie(make_project: MakeProject) -> None:
    project = make_project()
    project.write("tonight.csv", FILE)
    answer = project.importer("run", "tonight.csv", "--output", "reports")
    assert answer.exit_code == 3
    said = answer.stdout
    for word in ("partly_proposed", "updated", "rejected"):
        assert re.search(word.replace("_", "[ _]") + r"\D+1\b", said, re.IGNORECASE), said
    assert "reports" in said
    assert "Traceback" not in answer.stderr


def test_codes_is_the_catalogue(project: Project) -> None:
    codes = project.importer("codes", "--json").json
    assert all(set(code) == {"code", "title", "message", "hint"} for code in codes)
    assert all(code["title"] and code["message"] for code in codes)
    assert {code["code"] for code in codes} >= set(CODES)
    assert len({code["code"] for code in codes}) == len(codes)


def test_codes_needs_neither_parameters_nor_database(plain_project: Project) -> None:
    answer = plain_project.importer("codes", "--json", env={"IMPORTER_SCHEMAS": "nowhere"})
    assert answer.exit_code == 0
    assert not (plain_project.folder.parent / "importer.db").exists()


def test_migrate_can_be_run_at_any_time(project: Project) -> None:
    for _ in range(2):
        assert project.importer("migrate").exit_code == 0
    assert len(project.importer("runs", "--json").json) == 2


def test_migrate_prepares_an_empty_database(empty_project: Project) -> None:
    assert empty_project.importer("migrate", "--json").exit_code == 0
    assert empty_project.importer("runs", "--json").json == []


def test_looking_into_an_empty_database_finds_nothing(empty_project: Project) -> None:
    assert empty_project.importer("runs", "--json").json == []
    assert empty_project.proposals() == []


def test_a_listed_proposal_has_the_contracts_keys(project: Project, summary: dict[str, Any]) -> None:
    (proposal,) = project.proposals()
    assert list(proposal) == PROPOSAL
    assert proposal["kind"] != "create"
    assert (proposal["version"], proposal["status"], proposal["entity"]) == (1, "pending", "customer")
    assert proposal["key"] == {"data_area_id": "usmf", "customer_account": "US-001"}
    assert proposal["name"] == "Harbour Lights Trading"
    assert (proposal["source"], proposal["run_id"], proposal["row"]) == (project.source, summary["run_id"], 2)
    assert isinstance(proposal["id"], int)
    (change,) = proposal["changes"]
    assert [key for key in change if key in CHANGE] == CHANGE
    assert set(change) - set(CHANGE) <= {"id", "difference", "percent", "first_proposed_at", "due_at"}
    values = ("credit_limit", "5000.00", "9000.00", "5000.00", "pending")
    assert tuple(change[name] for name in ("field", "original", "proposed", "current", "status")) == values
    assert (change["decided_by"], change["decided_at"], change["comment"]) == (None, None, None)


def test_show_of_a_proposal_has_what_the_listing_has(project: Project) -> None:
    (proposal,) = project.proposals()
    shown = project.importer("proposals", "show", str(proposal["id"]), "--json").json
    assert {name: shown[name] for name in PROPOSAL} == proposal


FILTERS = {
    "run": ("--run {run_id}", 1),
    "another_run": ("--run 20200101T000000Z-abcdef", 0),
    "source": ("--source {source}", 1),
    "another_source": ("--source crm", 0),
    "field": ("--field credit_limit", 1),
    "another_field": ("--field payment_terms", 0),
    "status": ("--status pending", 1),
    "another_status": ("--status applied", 0),
    "key": ("--key usmf,US-001", 1),
    "another_key": ("--key frrt,US-001", 0),
}


@pytest.mark.parametrize("case", FILTERS)
def test_proposals_are_filtered(project: Project, summary: dict[str, Any], case: str) -> None:
    options, number = FILTERS[case]
    answer = project.importer("proposals", "list", *options.format(**summary).split(), "--json")
    if answer.exit_code == 2:  # an unknown run may as well be wrong usage
        assert case == "another_run"
        return
    assert len(answer.json) == number


def test_a_new_record_can_be_proposed_whole(make_project: MakeProject) -> None:
    project = make_project()
    project.change({"approvals.new_records": "propose"})
    fields = "customer_account,organization_name,customer_group_id,sales_currency_code,credit_limit"
    run = project.run(project.write("new.csv", lines(fields, "NEW-1,Nordlys,10,USD,50", "US-001,,,,")))
    assert run.counts == {"read": 2, "proposed": 1, "unchanged": 1}
    assert run.exit_code == 0
    assert len(project.table()) == 7
    (proposal,) = project.proposals()
    assert (proposal["kind"], proposal["status"]) == ("create", "pending")
    assert proposal["key"] == {"data_area_id": "usmf", "customer_account": "NEW-1"}
    changes = {change["field"]: (change["original"], change["proposed"]) for change in proposal["changes"]}
    given = {"organization_name": "Nordlys", "customer_group_id": "10", "sales_currency_code": "USD"}
    expected = {name: (None, value) for name, value in {**given, "credit_limit": "50.00"}.items()}
    assert {name: changes.get(name) for name in expected} == expected
    again = project.run(project.write("again.csv", lines(fields, "NEW-1,Nordlys,10,USD,50", "US-001,,,,")))
    assert again.counts == {"read": 2, "proposed": 1, "unchanged": 1}
    assert len(project.proposals()) == 1


def test_proposals_wait_as_drafts_where_they_are_not_submitted(make_project: MakeProject) -> None:
    project = make_project()
    project.change({"workflow.auto_submit": False})
    run = project.run(project.write("tonight.csv", FILE))
    assert run.summary["proposals"]["opened"] == 1
    assert [proposal["status"] for proposal in project.proposals()] == ["draft"]


OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "delimiter": ("customer_account|sales_memo\nUS-001|a;b,c\n", ("--delimiter", "|")),
    "encoding": ("customer_account,sales_memo\nUS-001,a;b,c\n".replace("a;b,c", "a"), ("--encoding", "cp1252")),
    "header_row": ("Extract of 1 May,\nfor,Rosa\ncustomer_account,sales_memo\nUS-001,a\n", ("--header-row", "3")),
    "entity_and_source": ("customer_account,sales_memo\nUS-001,a\n", ("--entity", "customer", "--source", "crm")),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_reading_options_override_what_is_detected(make_project: MakeProject, case: str) -> None:
    text, options = OPTIONS[case]
    project = make_project()
    run = project.run(project.write("tonight.csv", text), *options)
    assert run.counts == {"read": 1, "updated": 1}
    (row,) = run.results
    assert row["row"] == ("4" if case == "header_row" else "2")
    file = run.summary["file"]
    assert file["delimiter"] == ("|" if case == "delimiter" else ",")
    if case == "encoding":
        assert file["encoding"].replace("windows-", "cp") == "cp1252"
    if case == "entity_and_source":
        assert run.summary["source"] == "crm"


def test_the_file_name_picks_the_source(make_project: MakeProject) -> None:
    project = make_project()
    run = project.run(project.write("crm_tonight.csv", lines("customer_account,sales_memo", "US-001,a")))
    assert run.summary["source"] == "crm"


def test_who_asked_and_who_ran_it_stand_in_the_summary(make_project: MakeProject) -> None:
    project = make_project()
    file = project.write("tonight.csv", lines("customer_account,sales_memo", "US-001,a"))
    run = project.run(file, "--requested-by", "ruth", "--user", "sven")
    assert (run.summary["user"], run.summary["requested_by"]) == ("sven", "ruth")
    assert run.summary["login"]
    assert run.summary["host"]


def test_reports_replace_those_of_an_earlier_run_in_the_same_folder(make_project: MakeProject) -> None:
    project = make_project()
    project.write("one.csv", lines("customer_account,sales_memo", "US-001,a", "US-002,b"))
    project.write("two.csv", lines("customer_account,sales_memo", "US-004,c"))
    for name in ("one.csv", "two.csv"):
        assert project.importer("run", name, "--output", "reports", "--json").exit_code == 0
    folder = project.folder / "reports"
    assert sorted(path.name for path in folder.iterdir()) == sorted(REPORTS)
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["file"]["name"] == "two.csv"
    assert "US-001" not in (folder / "results.csv").read_text(encoding="utf-8-sig")


def test_a_sheet_is_chosen_by_option(make_project: MakeProject) -> None:
    project = make_project()
    workbook = openpyxl.Workbook()
    workbook.active.append(["customer_account", "sales_memo"])
    workbook.active.append(["US-001", "the first sheet"])
    workbook.create_sheet("June")
    workbook["June"].append(["customer_account", "sales_memo"])
    workbook["June"].append(["US-004", "the sheet of June"])
    workbook.save(project.folder / "tonight.xlsx")
    run = project.run("tonight.xlsx", "--sheet", "June")
    assert (run.summary["file"]["sheet"], run.counts) == ("June", {"read": 1, "updated": 1})
    assert project.table()["usmf", "US-004"]["sales_memo"] == "the sheet of June"
    assert "June" in project.refused(5, "run", "tonight.xlsx", "--sheet", "Jun")


def test_the_target_table_is_made_with_all_fields_of_the_entity(empty_project: Project) -> None:
    new = "customer_account,organization_name,customer_group_id,sales_currency_code"
    run = empty_project.run(empty_project.write("first.csv", lines(new, "C-1,Nordlys,10,EUR")))
    assert run.counts == {"read": 1, "created": 1}
    assert list(empty_project.table()["usmf", "C-1"]) == FIELDS
    target = run.summary["target"]
    assert (target["records_before"], target["records_after"]) == (0, 1)
