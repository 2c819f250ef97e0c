"""`schemas/customer.toml` as shipped: the layout that the contract promises, and which source reads which file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from importer.entity import DataEntity, load_entities, pick
from importer.vocabulary import Behavior

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.fixture(scope="module")
def entities() -> dict[str, DataEntity]:
    return load_entities(SCHEMAS)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("customers.csv", "legacy"),
        ("customers_2026-11.xlsx", "legacy"),
        ("anything.csv", "legacy"),
        ("two_columns.csv", "legacy"),
        ("erp_customers.csv", "legacy_erp"),
        ("some/where/erp_customers_2026-11.csv", "legacy_erp"),
        ("treasury_update.xlsx", "treasury"),
    ],
)
def test_the_file_name_picks_the_source(entities: dict[str, DataEntity], file: str, source: str) -> None:
    assert pick(entities, file, None, None)[1].name == source


def test_the_first_source_reads_plain_files(entities: dict[str, DataEntity]) -> None:
    source = entities["customer"].parameters.sources[0]
    assert source.name == "legacy"
    assert source.date_formats == ("%Y-%m-%d",)
    assert (source.decimal, source.grouping) == (".", "")
    assert (source.delimiter, source.encoding, source.quote, source.escape) == (None, None, None, None)
    assert (source.header_row, source.sheet, source.behavior) == (None, None, None)
    assert source.required_columns == ()
    assert source.defaults == {"data_area_id": "usmf"}


def test_tables_stand_in_the_contract_s_order() -> None:
    raw = tomllib.loads((SCHEMAS / "customer.toml").read_text("utf-8"))
    assert list(raw) == ["entity", "sources", "approvals", "limits", "reports", "workflow"]


def test_each_key_stands_on_its_own_line() -> None:
    lines = (SCHEMAS / "customer.toml").read_text("utf-8").splitlines()
    code = [re.sub(r'"[^"]*"', '""', line).split("#")[0] for line in lines]
    assert [line for line in code if line.count(" = ") > 1] == []


def test_approvals_are_proposed_as_the_contract_shows(entities: dict[str, DataEntity]) -> None:
    approvals = entities["customer"].parameters.approvals
    assert (approvals.enabled, approvals.behavior) == (True, Behavior.PROPOSE)
    assert len(approvals.fields) == 10
    assert approvals.overrides == ()
    assert entities["customer"].parameters.limits.max_rejected.text == "10%"


def test_values_from_a_file_are_part_of_the_settings(entities: dict[str, DataEntity]) -> None:
    entity = entities["customer"]
    assert [file.name for file in entity.files] == ["customer.py", "customer.toml", "countries_legacy.csv"]
    assert entity.source("legacy_erp").values["address_country_region_id"]["Holland"] == "NLD"


def test_mapped_values_are_values_that_the_checks_allow(entities: dict[str, DataEntity]) -> None:
    entity = entities["customer"]
    for source in entity.parameters.sources:
        for field, values in source.values.items():
            lists = [c.statistics["allowed_values"] for c in entity.schema.columns[field].checks if c.name == "isin"]
            for allowed in lists:
                assert set(values.values()) <= set(allowed), (source.name, field)
