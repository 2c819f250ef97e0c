"""Every report file: its columns and keys as in the contract, its figures, its safety. One rich run for all of them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import stat
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest

from .conftest import MakeProject
from .harness import Project, Run, header, lines, read_csv
from .pages import COLUMNS, REJECTION_COLUMNS, REPORTS, SUMMARY, SUMMARY_PARTS

HEADER = "Customer account;=Name;Group;Currency;Credit limit;City;Memo;Since;Note 1"
ROWS = (
    "US-001;;;;9000.00;=1+1;;;",  # 2 partly proposed; a city that could act as a formula
    "NEW-1;Nordlys Skipsrøkteri;10;EUR;50;;;;",  # 3 created
    'NEW-2;"=HYPERLINK(""x"")";10;ZZZ;12;;;;-5',  # 4 rejected: currency; texts that could act
    "US-002;;;;;;'quoted;;",  # 5 updated: begins with an apostrophe
    "US-003;;;;;Busan;;;kept",  # 6 unchanged
    "US-004;@work;10;USD;-1;+city;-memo;1 May;-12.5",  # 7 rejected: amount and date
    "US-003;;;;;Busan;;;kept",  # 8 an identical duplicate of row 6
)


@pytest.fixture(scope="module")
def project(make_module_project: MakeProject) -> Project:
    project = make_module_project()
    mapped = {
        "=Name": "organization_name",
        "Group": "customer_group_id",
        "Currency": "sales_currency_code",
        "City": "address_city",
        "Memo": "sales_memo",
        "Since": "customer_since",
    }
    project.change({"sources.0.columns": mapped, "sources.0.ignore_columns": ["Note*"]})
    return project


@pytest.fixture(scope="module")
def rich(project: Project) -> Run:
    return project.run(project.write("tonight.csv", lines(HEADER, *ROWS)))


def test_the_run_is_as_rich_as_this_module_needs(rich: Run) -> None:
    assert rich.counts == {
        "read": 7,
        "rejected": 2,
        "created": 1,
        "partly_proposed": 1,
        "updated": 1,
        "unchanged": 1,
        "not_processed": 1,
    }


def test_all_reports_are_there_and_nothing_else(rich: Run) -> None:
    assert sorted(path.name for path in rich.folder.iterdir()) == sorted(REPORTS)


def test_the_summary_has_the_contracts_keys_in_their_order(rich: Run) -> None:
    assert [key for key in rich.summary if key in SUMMARY] == SUMMARY
    assert set(rich.summary) - set(SUMMARY) <= {"timings", "warnings", "declined"}


@pytest.mark.parametrize("part", SUMMARY_PARTS)
def test_parts_of_the_summary_have_exactly_the_contracts_keys(rich: Run, part: str) -> None:
    assert list(rich.summary[part]) == SUMMARY_PARTS[part]


def test_the_summary_tells_what_was_run(project: Project, rich: Run) -> None:
    summary = rich.summary
    assert (summary["entity"], summary["source"], summary["status"]) == ("customer", project.source, "applied")
    assert (summary["exit_code"], summary["behavior"], summary["user"]) == (3, "propose", "rosa")
    assert "run" in str(summary["command"])
    assert summary["four_eyes"] is True
    assert re.fullmatch(r"[0-9a-f]{64}", summary["settings_sha256"])
    assert datetime.fromisoformat(summary["started_at"]) <= datetime.fromisoformat(summary["finished_at"])
    target = summary["target"]
    assert target["dialect"] in project.database
    assert (target["table"], target["records_before"], target["records_after"]) == ("customer", 7, 8)


def test_the_summary_tells_which_file_it_was(project: Project, rich: Run) -> None:
    content = (project.folder / "tonight.csv").read_bytes()
    file = rich.summary["file"]
    assert (file["name"], file["bytes"]) == ("tonight.csv", len(content))
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert (file["format"], file["delimiter"], file["sheet"]) == ("csv", ";", None)
    assert file["encoding"].lower().replace("_", "-") in ("utf-8", "utf-8-sig", "ascii")


def test_the_summary_has_the_figures_an_auditor_adds_up(rich: Run) -> None:
    summary = rich.summary
    assert summary["ignored_columns"] == ["Note 1"]
    assert summary["proposals"]["opened"] == 1
    assert "organization_name" in summary["blanks_kept"]
    assert list(summary["control_totals"]) == ["credit_limit"]
    assert Decimal(str(summary["control_totals"]["credit_limit"])) >= Decimal(9000)
    assert "identical_duplicate" not in summary["rejected_by_code"]
    assert summary["rejected_by_code"]["not_in_list"] == 1


def test_the_control_total_is_the_sum_that_was_read(make_project: MakeProject) -> None:
    project = make_project()
    file = project.write(
        "tonight.csv", lines("customer_account,credit_limit", "US-001,9000.10", "US-002,0.20", "US-003,")
    )
    assert project.plan(file).summary["control_totals"] == {"credit_limit": "9000.30"}


def test_the_summary_lists_the_hash_of_every_other_report(rich: Run) -> None:
    expected = {
        name: hashlib.sha256((rich.folder / name).read_bytes()).hexdigest()
        for name in REPORTS
        if name != "summary.json"
    }
    assert rich.summary["reports"] == expected


@pytest.mark.parametrize("name", COLUMNS)
def test_a_report_has_exactly_the_contracts_columns(rich: Run, name: str) -> None:
    assert header(rich.folder / name) == COLUMNS[name]


def test_every_report_is_there_with_headers_if_nothing_is_in_it(make_project: MakeProject) -> None:
    project = make_project()
    run = project.run(project.write("nothing.csv", lines("customer_account,sales_memo")))
    assert (run.exit_code, run.counts) == (0, {})
    for name, columns in COLUMNS.items():
        assert header(run.folder / name) == columns
    assert header(run.folder / "rejections.csv")[:2] == ["customer_account", "sales_memo"]
    assert sorted(path.name for path in run.folder.iterdir()) == sorted(REPORTS)


def test_reports_are_for_their_owner_only(rich: Run) -> None:
    assert stat.S_IMODE(rich.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in rich.folder.iterdir()} == {0o600}


def test_the_default_folder_is_for_its_owner_only(make_project: MakeProject) -> None:
    project = make_project()
    project.write("tonight.csv", lines("customer_account,sales_memo", "US-001,x"))
    run_id = project.importer("run", "tonight.csv", "--json").json["run_id"]
    for folder in (project.folder / "runs", project.folder / "runs" / run_id):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_results_are_in_file_order_with_key_and_applied(rich: Run) -> None:
    assert [line["row"] for line in rich.results] == [str(row) for row in range(2, 2 + len(ROWS))]
    assert [line["customer_account"] for line in rich.results] == [row.split(";")[0] for row in ROWS]
    assert {line["data_area_id"] for line in rich.results} == {"usmf"}
    written = [line for line in rich.results if line["outcome"] in ("created", "updated", "partly_proposed")]
    assert {line["applied"] for line in written} == {"yes"}
    assert {line["applied"] for line in rich.results} <= {"yes", "no"}
    assert {line["origin_run"] + line["origin_row"] for line in rich.results} == {""}


def test_rejections_have_all_source_columns_as_they_were_and_what_is_wrong(rich: Run) -> None:
    columns = [name for name in header(rich.folder / "rejections.csv", ";") if name != "_text"]
    assert columns == [*("'" + name if name == "=Name" else name for name in HEADER.split(";")), *REJECTION_COLUMNS]
    rejected = {row["_row"]: row for row in rich.rejections}
    first = rejected["4"]
    assert [first[name] for name in ("Customer account", "Group", "Currency", "Credit limit")] == [
        "NEW-2",
        "10",
        "ZZZ",
        "12",
    ]
    assert (first["_codes"], first["_run"]) == ("not_in_list", rich.id)
    assert "ZZZ" in first["_reasons"]
    assert rejected["7"]["Since"] == "1 May"
    assert set(rejected["7"]["_codes"].replace("|", " ").split()) == {"out_of_range", "invalid_date"}
    assert rejected["7"]["_reasons"].count(" | ") == 1


def test_rejections_are_utf8_with_a_mark_and_the_delimiter_of_the_source(rich: Run) -> None:
    content = (rich.folder / "rejections.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig").startswith("Customer account;'=Name;Group;")


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
PLAIN_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*")


@pytest.mark.parametrize("name", ["results.csv", "changes.csv", "errors.csv", "rejections.csv"])
def test_no_cell_of_a_csv_can_act_as_a_formula(rich: Run, name: str) -> None:
    delimiter = ";" if name == "rejections.csv" else ","
    text = (rich.folder / name).read_text(encoding="utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=delimiter) for cell in row]
    acting = [cell for cell in cells if cell.startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(cell)]
    assert cells
    assert acting == []


GUARDED = {
    "a_formula": ("4", "'=Name", '\'=HYPERLINK("x")'),
    "a_plain_number_stays": ("4", "Note 1", "-5"),
    "a_plain_number_with_a_fraction_stays": ("7", "Note 1", "-12.5"),
    "at": ("7", "'=Name", "'@work"),
    "plus": ("7", "City", "'+city"),
    "minus": ("7", "Memo", "'-memo"),
}


@pytest.mark.parametrize("case", GUARDED)
def test_a_cell_that_could_act_gets_an_apostrophe(rich: Run, case: str) -> None:
    row, column, cell = GUARDED[case]
    (rejected,) = [one for one in rich.rejections if one["_row"] == row]
    assert rejected[column] == cell


def test_an_apostrophe_at_the_start_is_doubled_in_reports_and_stored_as_it_is(project: Project, rich: Run) -> None:
    changed = {change["row"]: change["new"] for change in rich.changes if change["field"] != "credit_limit"}
    assert changed["2"] == "'=1+1"
    assert changed["5"] == "''quoted"
    assert project.table()["usmf", "US-001"]["address_city"] == "=1+1"
    assert project.table()["usmf", "US-002"]["sales_memo"] == "'quoted"


def test_workbook_cells_are_strings_or_numbers_never_formulas(rich: Run) -> None:
    workbook = openpyxl.load_workbook(rich.folder / "rejections.xlsx")
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert cells
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert '=HYPERLINK("x")' in [cell.value for cell in cells]


def test_the_workbook_has_a_summary_the_marked_rows_and_the_reasons(rich: Run) -> None:
    workbook = openpyxl.load_workbook(rich.folder / "rejections.xlsx")
    assert len(workbook.sheetnames) == 3
    rows = next(sheet for sheet in workbook if "_row" in [cell.value for cell in sheet[first_row(sheet)]])
    titles = [cell.value for cell in rows[first_row(rows)]]
    currency = titles.index("Currency")
    cell = next(row[currency] for row in rows.iter_rows() if row[currency].value == "ZZZ")
    plain = next(row[currency + 1] for row in rows.iter_rows() if row[currency].value == "ZZZ")
    assert cell.fill.fgColor.rgb != plain.fill.fgColor.rgb
    assert cell.comment is not None, "the offending cell is explained"
    assert "ZZZ" in cell.comment.text


def first_row(sheet) -> int:
    """Where the header of the rejected rows stands."""
    for row in sheet.iter_rows():
        if any(cell.value == "_row" for cell in row):
            return row[0].row
    return 1


def test_the_workbook_stops_at_workbook_rows_and_the_summary_counts_the_rest(make_project: MakeProject) -> None:
    project = make_project()
    project.change({"reports.workbook_rows": 1})
    file = project.write("tonight.csv", lines("customer_account,credit_limit", "US-001,-1", "US-002,-1", "US-004,-1"))
    run = project.run(file)
    workbook = openpyxl.load_workbook(run.folder / "rejections.xlsx")
    rows = next(sheet for sheet in workbook if "_row" in [cell.value for cell in sheet[first_row(sheet)]])
    assert rows.max_row - first_row(rows) == 1
    assert len(run.rejections) == 3
    summary = " ".join(str(cell.value) for row in workbook.worksheets[0].iter_rows() for cell in row)
    assert "2" in re.findall(r"\d+", summary)


class Page(HTMLParser):
    """Texts of a page, and everything that it would fetch from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href") and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_self_contained_and_tells_the_whole_story(rich: Run) -> None:
    text = (rich.folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert [address for address in page.fetched if not address.startswith(("#", "data:"))] == []
    assert "@import" not in text
    said = " ".join(page.texts)
    for word in (rich.id, "tonight.csv", rich.summary["file"]["sha256"], "rosa", "not_in_list", "ZZZ", "9000.00"):
        assert word in said, word
    assert "svg" in page.tags, "reasons as a chart"
    assert "table" in page.tags


def test_values_of_the_file_are_text_on_the_page(make_project: MakeProject) -> None:
    project = make_project()
    attack = "<script>alert(1)</script>"
    file = project.write("tonight.csv", lines("customer_account,credit_limit,address_city", f"US-001,-1,{attack}"))
    text = (project.run(file).folder / "report.html").read_text(encoding="utf-8")
    assert attack not in text
    assert "&lt;script&gt;" in text


def test_a_workbook_as_source_says_so_in_the_summary(make_project: MakeProject) -> None:
    project = make_project()
    workbook = openpyxl.Workbook()
    workbook.active.title = "May"
    workbook.active.append(["customer_account", "credit_limit", "customer_since", "sales_memo"])
    workbook.active.append(["US-004", 100, "2020-01-31", "from a workbook"])
    workbook.active.append(["US-001", "much", None, None])
    workbook.save(project.folder / "tonight.xlsx")
    run = project.run("tonight.xlsx")
    assert run.counts == {"read": 2, "updated": 1, "rejected": 1}
    file = run.summary["file"]
    assert (file["format"], file["delimiter"], file["sheet"]) == ("xlsx", None, "May")
    assert run.errors[0]["row"] == "3"
    assert header(run.folder / "rejections.csv")[:2] == ["customer_account", "credit_limit"]


def test_declined_is_empty_while_nothing_was_decided(rich: Run) -> None:
    assert {line["fields_declined"] for line in rich.results} == {""}
    assert rich.summary["proposals"]["declined"] == 0


def test_progress_and_logs_name_no_values_of_customers(rich: Run) -> None:
    for value in ("Nordlys", "HYPERLINK", "9000", "ZZZ"):
        assert value not in rich.answer.stderr


def test_summary_json_is_one_object_and_csv_reports_are_strict(rich: Run) -> None:
    assert isinstance(json.loads((rich.folder / "summary.json").read_text(encoding="utf-8")), dict)
    for name in COLUMNS:
        for row in read_csv(rich.folder / name):
            assert None not in row, "more cells than columns"
            assert None not in row.values(), "fewer cells than columns"
