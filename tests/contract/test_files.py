"""How files are read: what is detected, which row number a person sees, which code a broken row gets."""

from __future__ import annotations

import datetime
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from importer.intake import open_intake

from .conftest import GOLDEN
from .harness import Project, lines, read_csv
from .pages import CODES

NEW = "customer_account,organization_name,customer_group_id,sales_currency_code"
PLAIN = lines(NEW, "C-1,Umeå Söner,10,SEK", "C-2,Zoë & Fils,20,EUR")

DETECTED: dict[str, tuple[bytes, dict[str, str | None]]] = {
    "comma": (PLAIN.encode(), {"delimiter": ","}),
    "semicolon": (PLAIN.replace(",", ";").encode(), {"delimiter": ";"}),
    "tab": (PLAIN.replace(",", "\t").encode(), {"delimiter": "\t"}),
    "bar": (PLAIN.replace(",", "|").encode(), {"delimiter": "|"}),
    "utf_8_with_a_mark": (b"\xef\xbb\xbf" + PLAIN.encode(), {"delimiter": ","}),
    "utf_16": (PLAIN.encode("utf-16"), {"delimiter": ","}),
    "windows_1252": (PLAIN.encode("cp1252"), {"delimiter": ","}),
    "carriage_returns": (PLAIN.replace("\n", "\r\n").encode(), {}),
    "no_newline_at_the_end": (PLAIN.rstrip("\n").encode(), {}),
    "quoted": (PLAIN.replace("Umeå Söner", '"Umeå Söner"').encode(), {}),
}


@pytest.mark.parametrize("case", DETECTED)
def test_the_form_of_a_file_is_detected(plain_project: Project, case: str) -> None:
    content, told = DETECTED[case]
    (plain_project.folder / "list.csv").write_bytes(content)
    run = plain_project.run("list.csv")
    assert run.counts == {"read": 2, "created": 2}
    assert {key[1]: row["organization_name"] for key, row in plain_project.table().items()} == {
        "C-1": "Umeå Söner",
        "C-2": "Zoë & Fils",
    }
    assert {name: run.summary["file"][name] for name in told} == told


def test_a_header_row_below_a_title_is_detected(plain_project: Project) -> None:
    plain_project.write("list.csv", "Customers of May\n\n" + PLAIN)
    run = plain_project.run("list.csv")
    assert run.counts == {"read": 2, "created": 2}
    assert [line["row"] for line in run.results] == ["4", "5"]


def test_row_numbers_are_those_of_a_spreadsheet_program(plain_project: Project) -> None:
    """A line break in a cell begins no row; a blank line is one, though it holds no record."""
    rows = ('C-1,"Two\nlines, one row",10,EUR', "", "C-2,Bad,10,ZZZ")
    plain_project.write("list.csv", lines(NEW.replace("organization_name", "sales_memo"), *rows))
    run = plain_project.run("list.csv", "--set", "organization_name=Somebody")
    assert run.outcomes == {2: "created", 4: "rejected"}
    assert run.errors[0]["row"] == "4"
    assert plain_project.table()["usmf", "C-1"]["sales_memo"] == "Two\nlines, one row"


def workbook(path: Path, *rows: list[Any], first: int = 1) -> None:
    book = openpyxl.Workbook()
    for number, row in enumerate(rows, first):
        for column, value in enumerate(row, 1):
            book.active.cell(number, column, value)
    book.save(path)


def test_rows_above_the_header_of_a_workbook_count(plain_project: Project) -> None:
    path = plain_project.folder / "list.xlsx"
    workbook(path, NEW.split(","), ["C-1", "Nordlys", "10", "EUR"], ["C-2", "Bad", "10", "ZZZ"], first=3)
    run = plain_project.run("list.xlsx")
    assert run.outcomes == {4: "created", 5: "rejected"}


def test_typed_cells_of_a_workbook_are_read_as_they_show(plain_project: Project) -> None:
    path = plain_project.folder / "list.xlsx"
    header = [*NEW.split(","), "credit_limit", "customer_since", "credit_limit_is_mandatory"]
    day = datetime.datetime(2024, 5, 1, tzinfo=None)
    workbook(path, header, ["C-1", "Nordlys", 10, "EUR", 1234.5, day, True])
    run = plain_project.run("list.xlsx")
    assert run.counts == {"read": 1, "created": 1}, run.errors
    record = plain_project.table()["usmf", "C-1"]
    assert (record["customer_group_id"], record["credit_limit"]) == ("10", "1234.50")
    assert (record["customer_since"], record["credit_limit_is_mandatory"]) == ("2024-05-01", "true")


BROKEN: dict[str, tuple[str, bytes]] = {
    "row_too_short": ("", lines(NEW, "C-1,Nordlys,10").encode()),
    "row_too_long": ("", lines(NEW, "C-1,Nordlys,Skip,10,EUR").encode()),
    "bad_quoting": ("", lines(NEW, 'C-1,"Nordlys" Skip,10,EUR').encode()),
    "repeated_header": ("", lines(NEW, NEW).encode()),
    "undecodable_text": ("--encoding utf-8", lines(NEW, "C-1,Umeå,10,EUR").encode("cp1252")),
    "control_character": ("", lines(NEW, "C-1,Nord\x07lys,10,EUR").encode()),
    "unmapped_value": ("", lines(f"{NEW},address_country_region_id", "C-1,Nordlys,10,EUR,Atlantis").encode()),
    "too_short": ("", lines(NEW, "C-1,N,10,EUR").encode()),
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_row_is_rejected_and_its_neighbours_get_in(plain_project: Project, code: str) -> None:
    options, content = BROKEN[code]
    plain_project.change({"sources.0.values": {"address_country_region_id": {"Deutschland": "DEU"}}})
    if code == "too_short":
        schema = plain_project.schemas / "customer.py"
        text = schema.read_text(encoding="utf-8")
        longer = text.replace(
            'title="Name", str_length={"max_value": 100}', 'title="Name", str_length={"min_value": 2}'
        )
        assert longer != text
        schema.write_text(longer, encoding="utf-8")
    good = b"C-9,Good neighbour,10,EUR" + (b"," if b"address" in content else b"") + b"\n"
    (plain_project.folder / "list.csv").write_bytes(content + good)

    run = plain_project.run("list.csv", *options.split())

    assert run.codes == {2: {code}}
    assert run.outcomes == {2: "rejected", 3: "created"}


CELLS: dict[str, object] = {"error_cell": "#N/A", "imprecise_number": 12345678901234567}


@pytest.mark.parametrize("code", CELLS)
def test_a_cell_of_a_workbook_that_cant_be_trusted_is_rejected(plain_project: Project, code: str) -> None:
    path = plain_project.folder / "list.xlsx"
    good = ["C-9", "Good neighbour", "10", "EUR", 5]
    workbook(path, [*NEW.split(","), "credit_limit"], ["C-1", "Nordlys", "10", "EUR", CELLS[code]], good)
    run = plain_project.run("list.xlsx")
    assert run.codes == {2: {code}}
    assert run.outcomes == {2: "rejected", 3: "created"}


ELSEWHERE = {"target_changed", "constraint_violation", "competing_change"}
"""Codes that no single file brings: see `test_plans`, `test_existing_table` and `test_nightly`."""


def test_every_code_of_the_contract_has_a_case() -> None:
    cases = [path.parent for path in GOLDEN.glob("*/*/case.toml")]
    shown = {row.get("code", "") for case in cases for row in _errors(case)}
    notices = {"identical_duplicate"} & {code for case in cases for code in _codes(case)}
    assert shown | notices | set(BROKEN) | set(CELLS) | ELSEWHERE >= set(CODES)


def _errors(case: Path) -> list[dict[str, str]]:
    return read_csv(case / "errors.csv") if (case / "errors.csv").exists() else []


def _codes(case: Path) -> list[str]:
    return [code for row in read_csv(case / "results.csv") for code in row.get("codes", "").split()]


def test_every_golden_case_says_what_it_shows() -> None:
    for path in GOLDEN.glob("*/*/case.toml"):
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        assert told["title"]
        assert told["counts"]["read"] == len(read_csv(path.parent / "results.csv"))


def test_opening_a_file_counts_as_reading(plain_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large workbook takes as long to open as to read: no seconds without a phase."""

    @contextmanager
    def opened_slowly(*arguments: Any) -> Iterator[Any]:
        time.sleep(0.5)
        with open_intake(*arguments) as intake:
            yield intake

    monkeypatch.setattr("importer.drafting.open_intake", opened_slowly)
    run = plain_project.plan(plain_project.write("list.csv", PLAIN))
    assert run.summary["timings"]["reading"] >= 0.5
