"""Rejections come back corrected: as CSV, as workbook, in whatever dialect the first file was."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from .harness import Project, Run, header, lines

FIRST = lines(
    "customer_account;organization_name;credit_limit;sales_memo",
    "US-001;;letters;=memo",
    "US-002;;;good",
    'US-004;;-1;"two\nlines"',
    "US-003;;;'quoted",
)


def first_run(project: Project) -> Run:
    run = project.run(project.write("crm_first.csv", FIRST))
    assert run.counts == {"read": 4, "rejected": 2, "updated": 2}
    return run


def correct_csv(run: Run, path: Path, corrections: dict[str, str]) -> Path:
    """What a person does in a spreadsheet program: changes the credit limits, saves as CSV."""
    delimiter = run.summary["file"]["delimiter"] or ","
    columns, rows = header(run.folder / "rejections.csv", delimiter), run.rejections
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows({**row, "credit_limit": corrections[row["_row"]]} for row in rows)
    return path


def correct_workbook(run: Run, path: Path, corrections: dict[str, str]) -> Path:
    workbook = openpyxl.load_workbook(run.folder / "rejections.xlsx")
    for sheet in workbook:
        for row in sheet.iter_rows():
            names = [cell.value for cell in row]
            if "_row" in names:
                for line in sheet.iter_rows(min_row=row[0].row + 1):
                    number = str(line[names.index("_row")].value)
                    line[names.index("credit_limit")].value = corrections[number]
                workbook.save(path)
                return path
    raise AssertionError("no sheet has the rejected rows")


CORRECT = {"csv": correct_csv, "xlsx": correct_workbook}


@pytest.mark.parametrize("form", CORRECT)
def test_corrected_rejections_go_in_as_rows_of_their_first_run(project: Project, form: str) -> None:
    first = first_run(project)
    project.change({"sources.1.delimiter": ",", "sources.1.decimal": ","})
    back = CORRECT[form](first, project.folder / f"corrected.{form}", {"2": "9000", "4": "100"})

    run = project.run(back)

    assert run.exit_code == 0, run.errors
    assert run.counts == {"read": 2, "partly_proposed": 1, "updated": 1}
    assert (run.summary["source"], run.summary["entity"]) == ("crm", "customer")
    assert [(line["origin_run"], line["origin_row"]) for line in run.results] == [(first.id, "2"), (first.id, "4")]
    assert project.open_changes() == {("US-001", "credit_limit"): ("5000.00", "9000.00")}
    table = project.table()
    assert table["usmf", "US-001"]["sales_memo"] == "=memo"
    assert table["usmf", "US-004"]["sales_memo"] == "two\nlines"
    assert table["usmf", "US-003"]["sales_memo"] == "'quoted"


@pytest.mark.parametrize("form", CORRECT)
def test_half_corrected_rejections_come_back_once_more(project: Project, form: str) -> None:
    first = first_run(project)
    second = project.run(CORRECT[form](first, project.folder / f"half.{form}", {"2": "letters", "4": "100"}))
    assert second.exit_code == 3
    assert second.counts == {"read": 2, "rejected": 1, "updated": 1}
    third = project.run(CORRECT["csv"](second, project.folder / "rest.csv", {"2": "9000"}))
    assert third.counts == {"read": 1, "partly_proposed": 1}


def test_rejections_sent_back_uncorrected_are_rejected_for_the_same_reasons(project: Project) -> None:
    first = first_run(project)
    again = project.run(first.folder / "rejections.csv")
    assert again.counts == {"read": 2, "rejected": 2}
    assert [(e["field"], e["value"], e["code"]) for e in again.errors] == [
        (e["field"], e["value"], e["code"]) for e in first.errors
    ]


UNSPLITTABLE = lines(
    "customer_account,sales_memo",
    "US-001,good",
    "US-002,too,many,cells",
    "US-004",
    'US-003,"no" closing',
)


def test_rows_that_cant_be_split_carry_their_text(project: Project) -> None:
    run = project.run(project.write("tonight.csv", UNSPLITTABLE))
    assert run.counts == {"read": 4, "updated": 1, "rejected": 3}
    assert run.codes == {3: {"row_too_long"}, 4: {"row_too_short"}, 5: {"bad_quoting"}}
    assert header(run.folder / "rejections.csv") == [
        "customer_account",
        "sales_memo",
        *("_row", "_codes", "_reasons", "_run", "_text"),
    ]
    assert {row["_row"]: row["_text"] for row in run.rejections} == {
        "3": "US-002,too,many,cells",
        "4": "US-004",
        "5": 'US-003,"no" closing',
    }
    assert {row["customer_account"] + row["sales_memo"] for row in run.rejections} == {""}
    again = project.run(run.folder / "rejections.csv")
    assert again.counts == {"read": 3, "rejected": 3}


def test_corrected_rejections_are_no_later_file_of_their_source(project: Project) -> None:
    first = first_run(project)
    project.run(CORRECT["csv"](first, project.folder / "corrected.csv", {"2": "9000", "4": "100"}))
    again = project.run(project.folder / "crm_first.csv")
    assert again.summary["rejected_repeated"] == 2
    assert again.exit_code == 3


def test_corrected_rejections_do_not_count_for_min_rows(project: Project) -> None:
    first = first_run(project)
    project.change({"limits.min_rows": 4})
    back = CORRECT["csv"](first, project.folder / "corrected.csv", {"2": "9000", "4": "100"})
    assert project.run(back).exit_code == 0


def test_a_file_with_other_underscored_headers_is_an_ordinary_file(project: Project) -> None:
    project.change({"sources.0.columns": {"_memo": "sales_memo"}})
    run = project.run(project.write("tonight.csv", lines("customer_account,_memo", "US-001,''=x")))
    assert run.counts == {"read": 1, "updated": 1}
    assert project.table()["usmf", "US-001"]["sales_memo"] == "''=x"
    assert run.row(2)["origin_row"] == ""
