"""A wrong parameter stops with exit 2, naming the file, the key and the nearest valid name; nothing is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .harness import REPOSITORY, SCHEMAS, Project, lines

FILE = lines("customer_account,sales_memo", "US-001,x")

UNKNOWN_KEYS: dict[str, tuple[dict[str, Any], str, str]] = {
    "table": ({"limit": {"max_rejected": "5%"}}, "limit", "limits"),
    "entity": ({"entity.tabel": "customer"}, "tabel", "table"),
    "source": ({"sources.0.duplicate": "first"}, "duplicate", "duplicates"),
    "approvals": ({"approvals.behaviour": "allow"}, "behaviour", "behavior"),
    "override": (
        {"approvals.overrides": [{"when": {"data_area_id": "frrt"}, "behaviour": "allow"}]},
        "behaviour",
        "behavior",
    ),
    "limits": ({"limits.max_reject": "5%"}, "max_reject", "max_rejected"),
    "reports": ({"reports.workbook_row": 5}, "workbook_row", "workbook_rows"),
    "workflow": ({"workflow.autosubmit": True}, "autosubmit", "auto_submit"),
    "workflow_automatic": ({"workflow.automatic.0.acton": "approve"}, "acton", "action"),
    "workflow_step": ({"workflow.steps.0.approver": ["group:credit"]}, "approver", "approvers"),
}
UNKNOWN_FIELDS: dict[str, dict[str, Any]] = {
    "key": {"entity.key": ["data_area_id", "credit_limt"]},
    "entity_defaults": {"entity.defaults": {"credit_limt": "1"}},
    "approval_fields": {"approvals.fields": ["credit_limt"]},
    "approval_context": {"approvals.context": ["credit_limt"]},
    "override_fields": {"approvals.overrides": [{"when": {"data_area_id": "frrt"}, "fields": ["credit_limt"]}]},
    "source_columns": {"sources.0.columns": {"Limit": "credit_limt"}},
    "source_defaults": {"sources.0.defaults": {"data_area_id": "usmf", "credit_limt": "1"}},
    "source_values": {"sources.0.values": {"credit_limt": {"none": "0"}}},
    "source_blank_fields": {"sources.0.blank_fields": {"credit_limt": "clear"}},
    "source_required_columns": {"sources.0.required_columns": ["credit_limt"]},
}
WRONG_VALUES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "behavior": ({"approvals.behavior": "propos"}, ("behavior", "propose")),
    "new_records": ({"approvals.new_records": "creat"}, ("new_records", "create")),
    "reject_scope": ({"approvals.reject_scope": "fields"}, ("reject_scope", "field")),
    "blank": ({"sources.0.blank": "keeps"}, ("blank", "keep")),
    "blank_field": ({"sources.0.blank_fields": {"sales_memo": "cler"}}, ("blank_fields", "sales_memo", "clear")),
    "duplicates": ({"sources.0.duplicates": "frist"}, ("duplicates", "first")),
    "similar_keys": ({"sources.0.similar_keys": "alow"}, ("similar_keys", "allow")),
    "unknown_columns": ({"sources.0.unknown_columns": "ignor"}, ("unknown_columns", "ignore")),
    "exit_on_rejected": ({"limits.exit_on_rejected": "news"}, ("exit_on_rejected", "new")),
    "enabled_is_a_text": ({"approvals.enabled": "yes"}, ("enabled",)),
    "key_is_a_text": ({"entity.key": "customer_account"}, ("key",)),
    "key_is_empty": ({"entity.key": []}, ("key",)),
    "key_of_five_fields": (
        {"entity.key": ["site_id", "known_as", "sales_memo", "address_city", "language_id"]},
        ("key",),
    ),
    "workbook_rows_is_a_text": ({"reports.workbook_rows": "many"}, ("workbook_rows",)),
    "limit_without_a_number": ({"limits.max_rejected": "ten percent"}, ("max_rejected",)),
    "limit_is_negative": ({"limits.max_changed": -1}, ("max_changed",)),
    "remember_without_a_number": ({"approvals.remember_decisions": "a year"}, ("remember_decisions",)),
    "date_format_is_a_text": ({"sources.0.date_formats": "%d.%m.%Y"}, ("date_formats",)),
    "delimiter_of_two_characters": ({"sources.0.delimiter": "||"}, ("delimiter",)),
    "header_row_zero": ({"sources.0.header_row": 0}, ("header_row",)),
    "encoding_that_is_none": ({"sources.0.encoding": "utf-9"}, ("encoding", "utf-9")),
    "grouping_is_the_decimal_sign": ({"sources.0.grouping": "."}, ("grouping",)),
    "looser_source": ({"sources.1.behavior": "allow"}, ("behavior", "crm", "stricter")),
    "override_of_no_key_field": (
        {"approvals.overrides": [{"when": {"credit_rating": "A"}, "behavior": "reject"}]},
        ("when", "credit_rating"),
    ),
    "two_sources_of_one_name": ({"sources.1.name": "base"}, ("base",)),
    "schema_without_a_class": ({"entity.schema": "customer"}, ("schema",)),
    "schema_of_another_file": ({"entity.schema": "custmer:Customer"}, ("custmer",)),
    "schema_of_another_class": ({"entity.schema": "customer:Custmer"}, ("Custmer", "Customer")),
    "step_policy": ({"workflow.steps.0.policy": "singel"}, ("policy", "single")),
    "automatic_action": ({"workflow.automatic.0.action": "aprove"}, ("action", "approve")),
    "overdue": ({"workflow.steps.0.overdue": "escalat"}, ("overdue", "escalate")),
    "name_is_missing": ({"entity.name": None}, ("name",)),
}


def refused_parameters(project: Project) -> str:
    project.write("tonight.csv", FILE)
    said = project.refused(2, "run", "tonight.csv")
    assert "customer.toml" in said
    assert project.table() == {}
    assert not (project.folder / "runs").exists()
    return said


@pytest.mark.parametrize("case", UNKNOWN_KEYS)
def test_an_unknown_key_is_named_with_the_nearest_valid_one(plain_project: Project, case: str) -> None:
    change, wrong, nearest = UNKNOWN_KEYS[case]
    plain_project.change(change)
    said = refused_parameters(plain_project)
    assert wrong in said
    assert re.search(rf"\b{nearest}\b", said)


@pytest.mark.parametrize("case", UNKNOWN_FIELDS)
def test_an_unknown_field_is_named_with_the_nearest_valid_one(plain_project: Project, case: str) -> None:
    plain_project.change(UNKNOWN_FIELDS[case])
    said = refused_parameters(plain_project)
    (path,) = UNKNOWN_FIELDS[case]
    assert path.rsplit(".", 1)[-1] in said, "the key"
    assert "credit_limt" in said
    assert re.search(r"\bcredit_limit\b", said)


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_a_wrong_value_is_named_with_its_key(plain_project: Project, case: str) -> None:
    change, words = WRONG_VALUES[case]
    plain_project.change(change)
    said = refused_parameters(plain_project)
    assert [word for word in words if word not in said] == []


def test_a_file_that_is_no_toml_is_named_with_the_line(plain_project: Project) -> None:
    path = plain_project.schemas / "customer.toml"
    path.write_text('[entity]\nname = "customer"\ntable =\n', encoding="utf-8")
    assert "line 3" in refused_parameters(plain_project)


def test_a_schema_that_is_no_python_is_named(plain_project: Project) -> None:
    (plain_project.schemas / "customer.py").write_text("class Customer(\n", encoding="utf-8")
    plain_project.write("tonight.csv", FILE)
    assert "customer.py" in plain_project.refused(2, "run", "tonight.csv")


@pytest.mark.parametrize("command", ["plan", "run"])
def test_without_a_schemas_folder_the_way_out_is_named(plain_project: Project, command: str) -> None:
    plain_project.write("tonight.csv", FILE)
    said = plain_project.refused(2, command, "tonight.csv", "--schemas", "nowhere")
    assert "nowhere" in said
    assert "--schemas" in said


WRONG_USAGE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "looser_behavior": (("run", "tonight.csv", "--behavior", "allow"), ("behavior", "allow", "propose")),
    "unknown_source": (("run", "tonight.csv", "--source", "crn"), ("crn", "crm")),
    "unknown_entity": (("run", "tonight.csv", "--entity", "custmer"), ("custmer", "customer")),
    "set_of_an_unknown_field": (("run", "tonight.csv", "--set", "sales_mem=x"), ("sales_mem", "sales_memo")),
    "set_without_a_value": (("run", "tonight.csv", "--set", "sales_memo"), ("sales_memo", "FIELD=VALUE")),
    "unknown_run_to_show": (("show", "20200101T000000Z-abcdef"), ("20200101T000000Z-abcdef",)),
    "unknown_run_to_report": (("report", "20200101T000000Z-abcdef"), ("20200101T000000Z-abcdef",)),
    "unknown_run_to_apply": (("apply", "20200101T000000Z-abcdef"), ("20200101T000000Z-abcdef",)),
    "unknown_proposal": (("proposals", "show", "4711"), ("4711",)),
    "database_url_that_is_none": (("run", "tonight.csv", "--database", "importer.db"), ("sqlite:///",)),
    "database_of_another_kind": (("run", "tonight.csv", "--database", "mysql://x/y"), ("mysql", "postgresql")),
}


@pytest.mark.parametrize("case", WRONG_USAGE)
def test_wrong_usage_stops_with_one_clear_sentence(plain_project: Project, case: str) -> None:
    command, words = WRONG_USAGE[case]
    plain_project.write("tonight.csv", FILE)
    said = plain_project.refused(2, *command)
    assert [word for word in words if word not in said] == []
    assert plain_project.table() == {}


MISSPELT: dict[str, tuple[str, ...]] = {
    "no_file": ("run",),
    "no_run": ("apply",),
    "unknown_command": ("rnu", "tonight.csv"),
    "unknown_option": ("run", "tonight.csv", "--sorce", "crm"),
    "behavior_that_is_none": ("run", "tonight.csv", "--behavior", "ask"),
    "header_row_that_is_no_number": ("run", "tonight.csv", "--header-row", "first"),
    "wait_that_is_no_number": ("run", "tonight.csv", "--wait", "long"),
}


@pytest.mark.parametrize("case", MISSPELT)
def test_a_misspelt_command_line_is_exit_2_without_a_traceback(plain_project: Project, case: str) -> None:
    plain_project.write("tonight.csv", FILE)
    answer = plain_project.importer(*MISSPELT[case])
    assert answer.exit_code == 2
    assert answer.stderr.strip()
    assert "Traceback" not in answer.stdout + answer.stderr


def test_a_hand_typed_name_of_a_command_or_option_gets_the_nearest(plain_project: Project) -> None:
    assert "--source" in plain_project.importer("run", "x.csv", "--sorce", "crm").stderr
    assert "crm" in plain_project.importer("run", "x.csv", "--source", "crn", "--json").stdout


def test_several_entities_need_the_option_for_a_file_that_no_pattern_matches(plain_project: Project) -> None:
    for name in ("customer.py", "customer.toml"):
        text = (plain_project.schemas / name).read_text(encoding="utf-8")
        text = text.replace('"customer:Customer"', '"vendor:Customer"').replace('"customer"', '"vendor"')
        text = text.replace('["customers', '["vendors').replace('["crm', '["vcrm').replace('["base', '["vbase')
        (plain_project.schemas / name.replace("customer", "vendor")).write_text(text, encoding="utf-8")
    plain_project.write("tonight.csv", FILE)
    said = plain_project.refused(2, "run", "tonight.csv")
    assert "--entity" in said
    assert "vendor" in said


def test_an_entity_field_without_a_column_in_an_existing_table_is_exit_2(plain_project: Project) -> None:
    plain_project.sql("CREATE TABLE customer (data_area_id VARCHAR(4), customer_account VARCHAR(20))")
    plain_project.write("tonight.csv", FILE)
    said = plain_project.refused(2, "run", "tonight.csv")
    assert "organization_name" in said


def test_a_missing_table_is_exit_2_where_it_may_not_be_made(plain_project: Project) -> None:
    plain_project.change({"entity.create_table": False})
    plain_project.write("tonight.csv", FILE)
    said = plain_project.refused(2, "run", "tonight.csv")
    assert "create_table" in said
    assert "customer" in said


TABLES = (
    "entity",
    "entity.defaults",
    "sources",
    "sources.defaults",
    "sources.columns",
    "sources.values.address_country_region_id",
    "sources.blank_fields",
    "approvals",
    "limits",
    "reports",
    "workflow",
    "workflow.automatic",
    "workflow.steps",
)


def test_the_shipped_parameters_can_be_edited_line_by_line() -> None:
    """Tables in the order of the contract, each key on its own line, `[workflow]` last."""
    text = (SCHEMAS / "customer.toml").read_text(encoding="utf-8")
    headings = [line.split("]")[0].strip("[") for line in text.splitlines() if line.startswith("[")]
    firsts = list(dict.fromkeys(heading for heading in headings if heading in TABLES))
    assert firsts == list(TABLES)
    assert all(heading.startswith("workflow") for heading in headings[headings.index("workflow") :])
    for line in (
        'behavior = "propose"',
        'new_records = "create"',
        'reject_scope = "row"',
        'duplicates = "reject"',
        'similar_keys = "reject"',
        'unknown_columns = "refuse"',
        'max_rejected = "10%"',
        'max_changed = "20%"',
        'max_proposed = "10%"',
        'max_cleared = "5%"',
        'min_rows = "0%"',
        'exit_on_rejected = "any"',
        "workbook_rows = 10000",
        "auto_submit = true",
    ):
        assert any(found.startswith(line) for found in text.splitlines()), line


def test_the_shipped_parameters_work_as_they_are(tmp_path: Path) -> None:
    project = Project(tmp_path / "shipped", f"sqlite:///{tmp_path}/importer.db")
    (project.schemas / "customer.toml").write_bytes((REPOSITORY / "schemas" / "customer.toml").read_bytes())
    new = "customer_account,organization_name,customer_group_id,sales_currency_code,address_country_region_id"
    run = project.run(project.write("customers_new.csv", lines(new, "C-1,Nordlys,10,EUR,Germany")))
    assert run.counts == {"read": 1, "created": 1}
    record = project.table()["usmf", "C-1"]
    assert (record["address_country_region_id"], record["language_id"]) == ("DEU", "en-us")
