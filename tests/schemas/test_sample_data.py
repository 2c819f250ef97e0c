"""The committed samples are what the script writes, and they hold what their README says."""

from __future__ import annotations

import csv
import importlib
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

import openpyxl
import pytest

from importer.entity import load_entity

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_data"
LIMIT = 600_000


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as it runs from its own folder."""
    sys.path.insert(0, str(SAMPLES))
    try:
        return importlib.import_module("make_samples")
    finally:
        sys.path.remove(str(SAMPLES))


@pytest.fixture(scope="module")
def made(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    script.write_samples(folder)
    return folder


def cells(path: Path) -> list[list[tuple[object, str]]]:
    """Value and number format of every cell."""
    workbook = openpyxl.load_workbook(path, data_only=True)
    return [[(cell.value, cell.number_format) for cell in row] for sheet in workbook for row in sheet.iter_rows()]


def legacy_rows() -> list[list[str]]:
    with (SAMPLES / "erp_customers.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=";"))


@pytest.mark.parametrize("name", ["erp_customers.csv", "two_columns.csv"])
def test_text_files_are_what_the_script_writes(made: Path, name: str) -> None:
    assert (made / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_the_workbook_is_what_the_script_writes(made: Path) -> None:
    assert cells(made / "treasury_update.xlsx") == cells(SAMPLES / "treasury_update.xlsx")


def test_the_readme_names_every_planted_defect(script: ModuleType, tmp_path: Path) -> None:
    readme = (SAMPLES / "README.md").read_text("utf-8")
    listed = [line for line in readme.splitlines() if line.startswith("| ") and line[2].isdigit() and "`" in line]
    planted = [script.table_row(defect) for defect in script.write_samples(tmp_path)]
    assert [line for line in listed if line in planted] == planted


def test_the_samples_are_small() -> None:
    names = ("erp_customers.csv", "treasury_update.xlsx", "two_columns.csv")
    assert sum((SAMPLES / name).stat().st_size for name in names) < LIMIT


def test_planted_defects_stay_within_the_shipped_limits(script: ModuleType, tmp_path: Path) -> None:
    planted = script.write_samples(tmp_path)
    rows = {
        "erp_customers.csv": len(legacy_rows()) - 1,
        "treasury_update.xlsx": len(cells(SAMPLES / "treasury_update.xlsx")) - 1,
    }
    for file, count in rows.items():
        assert sum(defect.file == file for defect in planted) < count / 10


@pytest.mark.parametrize("source", ["legacy_erp", "treasury"])
def test_every_header_has_a_field_or_is_no_data(source: str) -> None:
    entity = load_entity(ROOT / "schemas" / "customer.toml")
    parameters = entity.source(source)
    workbook = [str(value) for value, _ in cells(SAMPLES / "treasury_update.xlsx")[0]]
    headers = workbook if source == "treasury" else legacy_rows()[0]
    ignored = [header for header in headers if any(fnmatchcase(header, each) for each in parameters.ignore_columns)]
    fields = [parameters.columns.get(header, header.lower().replace(" ", "_")) for header in headers]
    unknown = [header for header, field in zip(headers, fields, strict=True) if field not in entity.by_name]
    assert unknown == ignored
    assert len(ignored) == (1 if source == "treasury" else 3)


def test_every_legacy_value_is_mapped_apart_from_the_planted_one() -> None:
    parameters = load_entity(ROOT / "schemas" / "customer.toml").source("legacy_erp")
    header, *rows = legacy_rows()
    unmapped = {
        row[header.index(column)]
        for column, field in parameters.columns.items()
        if field in parameters.values
        for row in rows
        if len(row) == len(header) and row[header.index(column)] not in parameters.values[field]
    }
    assert unmapped == {"Atlantis"}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param("가", "힣", id="Korean"),
        pytest.param("å", "å", id="Swedish"),
        pytest.param("œ", "œ", id="French"),
        pytest.param("ò", "ò", id="Italian"),
        pytest.param("’", "’", id="Dutch apostrophe"),
    ],
)
def test_names_in_several_scripts(first: str, last: str) -> None:
    assert any(first <= character <= last for row in legacy_rows() for character in row[2].lower())


def test_leading_zeros_are_there_to_be_lost() -> None:
    assert any(row[:2] == ["010", "00123"] for row in legacy_rows())
    accounts = [row[1][0] for row in cells(SAMPLES / "treasury_update.xlsx")]
    assert 123 in accounts
