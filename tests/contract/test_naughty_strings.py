"""The naughty strings as customer names: stored as trimmed NFC or rejected with a code, and harmless everywhere."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest

from importer.validation.text import clean_text

from .conftest import MakeProject
from .harness import Project, Run

REFUSALS = {"control_character", "too_long", "imprecise_number", "missing_required"}
FORMULA = re.compile(r"[=+\-@\t\r]")


@pytest.fixture(scope="module")
def naughty(shared_data: Path) -> list[str]:
    path = shared_data / "naughty-strings" / "blns.json"
    if not path.is_file():
        pytest.skip(f"the shared strings are not there: {path}")
    found: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def project(make_module_project: MakeProject) -> Project:
    project = make_module_project(None)
    project.change({"limits.max_rejected": "100%", "reports.workbook_rows": 10000})
    return project


@pytest.fixture(scope="module")
def first(project: Project, naughty: list[str]) -> Run:
    return project.run(_file(project, naughty))


def _account(index: int) -> str:
    return f"N-{index:04d}"


def _file(project: Project, names: list[str]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["customer_account", "organization_name", "customer_group_id", "sales_currency_code"])
    writer.writerows([_account(index), name, "10", "EUR"] for index, name in enumerate(names))
    return project.write("customers_naughty.csv", text.getvalue())


def test_each_name_is_stored_in_its_plain_form_or_rejected_with_a_code(
    project: Project, first: Run, naughty: list[str]
) -> None:
    names = {key[1]: row["organization_name"] for key, row in project.table().items()}
    codes = {line["customer_account"]: set(line["codes"].split()) for line in first.results}
    assert len(codes) == len(naughty)
    for index, name in enumerate(naughty):
        account = _account(index)
        if account in names:
            assert names[account] == clean_text(name) == unicodedata.normalize("NFC", names[account])
            assert not codes[account]
        else:
            assert codes[account], name
            assert codes[account] <= REFUSALS
    assert len(names) > len(naughty) * 0.8


def test_what_is_stored_is_unchanged_the_second_time(project: Project, first: Run, naughty: list[str]) -> None:
    again = project.run(_file(project, naughty))
    stored = len(project.table())
    assert again.counts == {"read": len(naughty), "unchanged": stored, "rejected": len(naughty) - stored}


def test_no_report_has_a_live_formula_or_script(first: Run, naughty: list[str]) -> None:
    for path in first.folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file, strict=True) for cell in row]
        live = [cell for cell in cells if FORMULA.match(cell) and not re.fullmatch(r"[+-]?\d+(\.\d+)?", cell)]
        assert not live, path.name
    book = openpyxl.load_workbook(first.folder / "rejections.xlsx")
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    page = Page()
    page.feed((first.folder / "report.html").read_text(encoding="utf-8"))
    assert not page.dangerous


class Page(HTMLParser):
    """Collects what could act on its own in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.dangerous: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        acts = [name for name, value in attrs if name.startswith("on") or "javascript:" in (value or "").lower()]
        if tag in ("script", "iframe", "object", "embed", "img", "link", "base", "form") or acts:
            self.dangerous.append(f"{tag} {acts}")


def test_rejections_bring_each_name_back_unchanged(project: Project, first: Run, naughty: list[str]) -> None:
    refused = {int(line["row"]): line["value"] for line in first.errors}
    assert refused
    back = project.run(first.folder / "rejections.csv")
    assert back.counts == {"read": len(refused), "rejected": len(refused)}
    come_back = {int(line["origin_row"]): line for line in back.results}
    by_account = {line["customer_account"]: line["organization_name"] for line in back.rejections}
    assert set(come_back) == set(refused)
    before = {line["customer_account"]: line["organization_name"] for line in first.rejections}
    assert by_account == before


def test_corrections_that_keep_the_text_store_it_as_it_was(project: Project, naughty: list[str]) -> None:
    """Rejected for another cell, a name comes back from `rejections.csv` and is stored as if it had passed at once."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["customer_account", "organization_name", "customer_group_id", "sales_currency_code"])
    writer.writerows([f"R-{index:04d}", name, "10", "wrong"] for index, name in enumerate(naughty))
    run = project.run(project.write("customers_wrong.csv", text.getvalue()))
    assert run.counts == {"read": len(naughty), "rejected": len(naughty)}
    corrected = project.folder / "corrected.csv"
    # only the currency is put right: everything else stays as the bytes are
    corrected.write_bytes((run.folder / "rejections.csv").read_bytes().replace(b",10,wrong,", b",10,EUR,"))
    project.run(corrected)
    table = {key[1]: row["organization_name"] for key, row in project.table().items()}
    for index in range(len(naughty)):
        assert table.get(f"R-{index:04d}") == table.get(f"N-{index:04d}"), naughty[index]
