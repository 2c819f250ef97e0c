"""`scaffold`, then `run`: the table holds exactly what the file says, for files of many shapes."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from .conftest import Desk, canonical, fields, scaffold, stored, typed

Grid = list[list[str]]

DIALECTS: dict[str, tuple[str, str]] = {
    "delimiter.csv": (";", "utf-8"),
    "issue-1009-semicolon.csv": (";", "utf-8"),
    "table-with-accents.csv": (";", "cp1252"),
    "table.tsv": ("\t", "utf-8"),
    "latin1.csv": (",", "cp1252"),
    "vix.csv": (";", "utf-8"),
}
FILES: list[tuple[str, str, str | None]] = [
    # file, the key that is found, the key that has to be given
    ("Table With Data.csv", "id", None),
    ("bom.csv", "id", None),
    ("blank-cells.csv", "id", None),
    ("capitals.csv", "id", None),
    ("countries-truefalsevalues.csv", "id", None),
    ("delimiter.csv", "id", None),
    ("geopoint/data/geopoint-object.csv", "office", None),
    ("issue-1009-semicolon.csv", "field_name_a", None),
    ("issue-277.csv", "identifier", None),
    ("issue-305.csv", "event_id_no_cnty", None),
    ("issue-825.csv", "musei", None),
    ("latin1.csv", "id", None),
    ("package-dialect-no-header.csv", "key", None),
    ("table-unicode-headers.csv", "id", None),
    ("table.tsv", "id", None),
    ("transform-groups.csv", "id", None),
    ("vix.csv", "date", None),
    ("without-rows.csv", "id", None),
    ("transform-pivot.csv", "region,gender,style", "region,gender,style"),
    ("table-with-accents.csv", "classement,quartier,date", "Classement,Quartier,Date"),
    ("table-output.xlsx", "id", None),
    ("preserve-formatting-percentage.xlsx", "col1", None),
    ("cast-int-to-string-issue-1251.xlsx", "a", None),
]


@pytest.fixture(scope="module")
def frictionless(shared_data: Path) -> Path:
    folder = shared_data / "frictionless"
    if not folder.is_dir():
        pytest.skip(f"the shared test files are not there: {folder}")
    return folder


def test_what_a_spreadsheet_program_shortened_is_no_value(desk: Desk, frictionless: Path) -> None:
    file = frictionless / "issue-493.csv"
    answer = scaffold(desk, file)
    ran = desk.say("run", file, "--json")
    assert ran.exit_code == 3
    damaged = sum(any("E+1" in cell for cell in row) for row in _grid(file)[1:])
    assert (ran.json["counts"]["rejected"], set(ran.json["rejected_by_code"])) == (damaged, {"imprecise_number"})
    assert len(stored(desk)) == len(_grid(file)) - 1 - damaged
    assert answer["key"]["fields"]


@pytest.fixture
def desk_with_database(desk: Desk, database: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("IMPORTER_DATABASE", database)
    return desk


@pytest.mark.parametrize(("name", "key", "given"), FILES, ids=[name for name, _, _ in FILES])
def test_the_table_is_the_file(
    desk_with_database: Desk, frictionless: Path, name: str, key: str, given: str | None
) -> None:
    desk, file = desk_with_database, frictionless / name
    answer = scaffold(desk, file, *(("--key", given) if given else ()))
    assert ",".join(answer["key"]["fields"]) == key
    ran = desk.say("run", file, "--json")
    assert ran.exit_code == 0, ran.json
    headers, *rows = _grid(file)
    known = fields(answer)
    columns = [known[header.strip()] for header in headers]
    expected = Counter(_record(columns, row, canonical, answer) for row in rows)
    found = Counter(tuple(typed(column, record[column["field"]]) for column in columns) for record in stored(desk))
    assert found == expected
    assert desk.say("run", file, "--json").json["counts"]["unchanged"] == len(rows)


def _record(columns: list[dict[str, Any]], row: list[str], read: Any, answer: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(read(column, text, answer) for column, text in zip(columns, row, strict=True))


def _grid(file: Path) -> Grid:
    """The file as another program reads it."""
    if file.suffix == ".xlsx":
        sheet = openpyxl.load_workbook(file, data_only=True).worksheets[0]
        return [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    delimiter, encoding = DIALECTS.get(file.name, (",", "utf-8"))
    text = file.read_bytes().decode("utf-8-sig" if encoding == "utf-8" else encoding)
    return [row for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter) if row]


def test_every_file_ends_in_an_entity_or_a_sentence(desk: Desk, frictionless: Path) -> None:
    names = ["empty.csv", "duplicate-rows.csv", "sheets.xlsx", "wide.csv", "issue-1109.csv", "blank-rows.csv"]
    codes = {name: desk.say("scaffold", frictionless / name, "--entity", "thing", "--json") for name in names}
    assert {name: said.exit_code for name, said in codes.items()} == {
        "empty.csv": 5,
        "duplicate-rows.csv": 2,
        "sheets.xlsx": 5,
        "wide.csv": 5,
        "issue-1109.csv": 5,
        "blank-rows.csv": 2,
    }
    assert all(said.json["error"]["hint"] for said in codes.values())
    assert not (desk.folder / "schemas").exists()
