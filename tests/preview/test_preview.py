"""A preview shows how a file is read and what is wrong with it, and touches nothing."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from .conftest import SHIPPED, Desk

GERMAN = "Kundennummer;Name;Limit\r\n00123;Müller & Söhne;1.234,50\r\n00124;Groß GmbH;99,00\r\n"
SCHEMAS = ("--schemas", SHIPPED)


def test_without_schemas_a_file_shows_how_it_is_read(desk: Desk) -> None:
    desk.write("kunden.csv", GERMAN.encode("windows-1252"))
    answer = desk.preview("kunden.csv", "--encoding", "windows-1252")
    assert answer["exit_code"] == 0
    assert (answer["format"], answer["delimiter"], answer["quote"], answer["header_row"]) == ("csv", ";", '"', 1)
    assert answer["encoding"] in ("cp1252", "windows-1252")
    assert [column["fate"] for column in answer["columns"]] == ["read"] * 3
    assert answer["first_rows"][0] == {"row": 2, "cells": ["00123", "Müller & Söhne", "1.234,50"]}
    assert answer["rows"] == {"read": 2, "readable": 2, "unreadable": 0}
    assert "scaffold" in answer["no_entity"]


def test_scientific_notation_is_named_with_and_without_an_entity(desk: Desk) -> None:
    desk.write("customers.csv", "customer_account,payment_bank_account\nC1,1.23E+11\nC2,12E3\n")
    for options, part in (((), "flagged"), (SCHEMAS, "errors")):
        found = desk.preview("customers.csv", *options)[part]
        assert {code: entry["count"] for code, entry in found.items()} == {"imprecise_number": 1}
        assert "scientific notation" in found["imprecise_number"]["examples"][0]["message"]


def test_the_answer_has_always_the_same_parts(desk: Desk) -> None:
    desk.write("a.csv", "a,b\n1,2\n")
    desk.write("customers.csv", "customer_account,organization_name\nC1,Contoso\n")
    parts = {
        "exit_code", "file", "entity", "source", "no_entity", "format", "header_row", "encoding", "delimiter", "quote",
        "escape", "sheet", "notes", "is_correction", "columns", "constants", "refusal", "rows", "first_rows",
        "unreadable", "flagged", "rows_with_errors", "errors", "output",
    }  # fmt: skip
    assert set(desk.preview("a.csv")) == parts
    assert set(desk.preview("customers.csv", *SCHEMAS)) == parts


def test_nothing_is_written_anywhere(desk: Desk) -> None:
    file = desk.write("customers.csv", "customer_account,organization_name\nC1,Contoso\n")
    desk.preview(file.name, *SCHEMAS)
    desk.say("preview", file.name, *SCHEMAS)
    assert list(desk.folder.iterdir()) == [file]


@pytest.mark.parametrize(
    ("header", "fates"),
    [
        (
            "CUSTOMERACCOUNT,Name,Colour,Cust. No.",
            {"CUSTOMERACCOUNT": "customer_account", "Colour": "unknown", "Cust. No.": "customer_account"},
        ),
        ("customer_account,,name_alias", {"": "unnamed", "name_alias": "name_alias"}),
        ("customer_account,Search name,_row", {"Search name": "name_alias", "_row": "unknown"}),
    ],
    ids=["two for one and unknown", "no header", "title and underscore"],
)
def test_every_column_has_its_fate(desk: Desk, header: str, fates: dict[str, str]) -> None:
    desk.write("customers.csv", f"{header}\n" + "," * header.count(",") + "\n")
    found = desk.fates(desk.preview("customers.csv", *SCHEMAS))
    assert {name: found[name] for name in fates} == fates


def test_what_an_import_would_refuse_is_shown_and_not_refused(desk: Desk) -> None:
    desk.write("customers.csv", "organization_name,colour,credit_limit\nContoso,red,oops\n")
    answer = desk.preview("customers.csv", *SCHEMAS)
    assert answer["exit_code"] == 0
    assert "customer_account" in answer["refusal"]["message"]
    assert {code: found["count"] for code, found in answer["errors"].items()} == {"invalid_number": 1}


def test_a_file_of_something_else_is_shown_too(desk: Desk) -> None:
    desk.write("birds.csv", "species,wing\nwren,5\n")
    answer = desk.preview("birds.csv", *SCHEMAS)
    assert answer["exit_code"] == 0
    assert set(desk.fates(answer).values()) == {"unknown"}
    assert answer["errors"] == {}


def test_errors_are_counted_over_the_whole_file_with_first_examples(desk: Desk) -> None:
    rows = "".join(f"C{number},X,{'oops' if number % 2 else '5.00'}\n" for number in range(2000))
    desk.write("customers.csv", f"customer_account,organization_name,credit_limit\n{rows}")
    answer = desk.preview("customers.csv", *SCHEMAS)
    assert answer["errors"]["invalid_number"]["count"] == answer["rows_with_errors"] == 1000
    first = answer["errors"]["invalid_number"]["examples"]
    assert [(example["row"], example["field"], example["value"]) for example in first[:2]] == [
        (3, "credit_limit", "oops"),
        (5, "credit_limit", "oops"),
    ]
    assert len(first) == 5


def test_rows_that_can_not_be_read_are_named(desk: Desk) -> None:
    desk.write("a.csv", 'a,b\n1,2\n1,2,3\n"x"y,2\n3,4\n')
    answer = desk.preview("a.csv")
    assert answer["exit_code"] == 3
    assert answer["rows"] == {"read": 4, "readable": 2, "unreadable": 2}
    assert {code: found["examples"][0]["row"] for code, found in answer["unreadable"].items()} == {
        "row_too_long": 3,
        "bad_quoting": 4,
    }


def test_the_wrong_delimiter_shows_one_wide_column(desk: Desk) -> None:
    desk.write("a.csv", "a;b\n1;2\n")
    answer = desk.preview("a.csv", "--delimiter", "|")
    assert [column["header"] for column in answer["columns"]] == ["a;b"]


def test_a_header_further_down_is_found(desk: Desk) -> None:
    desk.write("a.csv", "Customer list\n\nid,name\n1,Contoso\n")
    answer = desk.preview("a.csv")
    assert answer["header_row"] == 3
    assert answer["first_rows"] == [{"row": 4, "cells": ["1", "Contoso"]}]


@pytest.mark.parametrize("content", ["", "\n\n"], ids=["no byte", "no row"])
def test_an_empty_file_is_refused(desk: Desk, content: str) -> None:
    desk.write("a.csv", content)
    said = desk.say("preview", "a.csv", "--json")
    assert said.exit_code == said.json["exit_code"] == 5
    assert said.json["error"]["message"]


def test_a_header_alone_is_readable(desk: Desk) -> None:
    desk.write("a.csv", "a,b\n")
    answer = desk.preview("a.csv")
    assert (answer["exit_code"], answer["rows"]["read"], answer["first_rows"]) == (0, 0, [])


def test_a_german_workbook_shows_sheet_merged_cells_and_flagged_cells(desk: Desk) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Kundenübersicht"
    sheet.append(["Kundennummer", "Größe", "Konto"])
    sheet.append(["00123", 1.5, 123456789012345678])
    sheet.append(["00124", "#N/A", "00"])
    sheet.append(["00125", "", ""])
    sheet.merge_cells("B4:C4")
    book.save(desk.folder / "kunden.xlsx")
    answer = desk.preview("kunden.xlsx")
    assert (answer["format"], answer["sheet"], answer["encoding"]) == ("xlsx", "Kundenübersicht", None)
    assert [column["header"] for column in answer["columns"]] == ["Kundennummer", "Größe", "Konto"]
    assert any("merged" in note for note in answer["notes"])
    assert {code: found["examples"][0]["column"] for code, found in answer["flagged"].items()} == {
        "error_cell": "Größe",
        "imprecise_number": "Konto",
    }
    assert answer["exit_code"] == 0


def test_constants_come_from_defaults_and_set(desk: Desk) -> None:
    desk.write("customers.csv", "customer_account\nC1\n")
    answer = desk.preview("customers.csv", *SCHEMAS, "--set", "credit_rating=A")
    assert answer["constants"] == {"data_area_id": "usmf", "credit_rating": "A"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--schemas", "nowhere"), 2),
        (("--entity", "customer"), 2),
        ((*SCHEMAS, "--entity", "custmer"), 2),
        ((*SCHEMAS, "--set", "nothing=1"), 2),
        (("--set", "a=1"), 2),
        (("--behavior", "reject"), 2),
        (("--encoding", "utf-99"), 2),
        (("--output", "a.csv"), 2),
        (("--output", "nowhere/b.csv"), 2),
        (("--header-row", "9"), 5),
    ],
)
def test_wrong_options_stop_with_a_sentence(desk: Desk, options: tuple[object, ...], code: int) -> None:
    before = desk.write("a.csv", "a,b\n1,2\n").read_bytes()
    said = desk.say("preview", "a.csv", *options, "--json")
    assert said.exit_code == said.json["exit_code"] == code
    assert (desk.folder / "a.csv").read_bytes() == before
    assert len(list(desk.folder.iterdir())) == 1


def test_the_clean_file_has_the_readable_rows_unaltered(desk: Desk) -> None:
    desk.write("a.csv", 'na\u0301me;Wert\r\n  x ;=1+1\r\n\'q;"a;""b""\r\nc"\r\nbad\r\n,;\r\n'.encode("utf-16"))
    answer = desk.preview("a.csv", "--output", "clean.csv")
    assert answer["exit_code"] == 3
    clean = (desk.folder / "clean.csv").read_bytes().decode()
    assert clean == 'na\u0301me,Wert\n  x ,=1+1\n\'q,"a;""b""\r\nc"\n",",\n'
    again = desk.preview("clean.csv")
    assert again["first_rows"][1]["cells"] == ["'q", 'a;"b"\r\nc']


def test_a_single_column_keeps_its_blank_rows(desk: Desk) -> None:
    desk.write("a.csv", 'a\nx\n""\ny\n')
    desk.preview("a.csv", "--output", "clean.csv")
    assert (desk.folder / "clean.csv").read_text() == 'a\nx\n""\ny\n'


def test_a_clean_file_is_kept_when_the_next_one_is_refused(desk: Desk) -> None:
    desk.write("clean.csv", "before")
    desk.write("a.csv", "")
    assert desk.say("preview", "a.csv", "--output", "clean.csv").exit_code == 5
    assert (desk.folder / "clean.csv").read_text() == "before"


def test_a_correction_loses_its_own_columns(desk: Desk) -> None:
    run = "20261120T093000Z-abc123"
    desk.write("rejections.csv", f"a,b,_row,_codes,_reasons,_run\n1,'=x,2,c,r,{run}\n")
    answer = desk.preview("rejections.csv", "--output", "clean.csv")
    assert answer["is_correction"]
    assert (desk.folder / "clean.csv").read_text() == "a,b\n1,=x\n"


@pytest.mark.parametrize("name", ["erp_customers.csv", "treasury_update.xlsx", "two_columns.csv"])
def test_people_see_it_on_a_terminal(desk: Desk, name: str) -> None:
    said = desk.say("preview", Path(__file__).parents[2] / "sample_data" / name, *SCHEMAS)
    assert name in said.stdout
    assert "customer_account" in said.stdout
    assert "importer plan" in said.stdout


def test_no_cell_steers_the_terminal(desk: Desk) -> None:
    desk.write("a.csv", 'a,[red]b\n\u202e1,"[bold]x\ny"\n')
    said = desk.say("preview", "a.csv")
    assert "[red]b" in said.stdout
    assert "\u202e" not in said.stdout
