"""What a scaffold decides, and that its files are clean, explain themselves and work at once."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from .conftest import Desk, fields, scaffold, stored

REPOSITORY = Path(__file__).parents[2]
NAUGHTY = (
    "class", "def", "name", "index", "schema", "validate", "columns", "Config", "to_schema", "pa", "pd", "pyarrow",
    "Annotated", "row", "outcome", "codes", "order", "select", "group", "_private", "__dunder__", "1st", "2", "l", "O",
    "Größe", "Año", "国人", "이름", "", "twice", "twice", "Name", "NAME", "na-me", "na me", "a.b", 'say "hi"', "it's",
    "tab\there", "line\nbreak", "back\\slash", "[x]*", "x" * 200, "#", "%", "key=value", "'''", "\u202eabc", "é",
    "e\u0301", "straße", "customerAccountNo", "True", "None", "-", "  padded  ", "import", "match", "=1+1",
    "\U0001f600",
)  # fmt: skip


def of(desk: Desk, text: str, *options: object) -> dict[str, Any]:
    desk.write("things.csv", text)
    return scaffold(desk, "things.csv", *options)


def column(values: list[str]) -> str:
    """A file with a key and one column."""
    return "id,value\n" + "".join(f'K{number},"{value}"\n' for number, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "22", "-3"], "integer"),
        (["00123", "124"], "text"),
        (["007", "008"], "text"),
        (["+1", "2"], "text"),
        (["-0", "1"], "text"),
        (["1234567890", "2"], "text"),
        (["12345678901234567890", "1"], "text"),
        (["10115", "80331"], "text"),
        (["1.5", "22.25", ""], "decimal"),
        (["1,5", "22,25"], "decimal"),
        (["1.234,50", "99,00"], "decimal"),
        (["1,234", "5,678"], "text"),
        (["1.234", "5.678"], "text"),
        (["1e5", "2"], "text"),
        (["1.5", "n/a"], "text"),
        (["2024-01-31", "2023-12-01"], "date"),
        (["31.01.2024", "01.12.2023"], "date"),
        (["31/01/2024", "01/12/2023"], "date"),
        (["01/02/2024", "03/04/2024"], "text"),
        (["01.02.24", "03.04.24"], "text"),
        (["2024-01-31", "2024-02-30"], "text"),
        (["20240131", "20231201"], "text"),
        (["yes", "No"], "boolean"),
        (["TRUE", "FALSE", ""], "boolean"),
        (["1", "0"], "integer"),
        (["NO", "NO"], "text"),
        (["SI", "NO"], "text"),
        (["", ""], "text"),
        (["NULL", "1"], "text"),
    ],
)
def test_a_column_is_text_when_in_doubt(desk: Desk, values: list[str], kind: str) -> None:
    assert fields(of(desk, column(values)))["value"]["type"] == kind


def test_a_number_that_is_named_like_a_code_is_text(desk: Desk) -> None:
    answer = of(desk, "id,phone,zip_code,Kundennummer,amount\n1,12,34,56,78\n2,123,345,567,789\n")
    assert {name: field["type"] for name, field in fields(answer).items()} == {
        "id": "text",
        "phone": "text",
        "zip_code": "text",
        "Kundennummer": "text",
        "amount": "integer",
    }


def test_leading_zeros_reach_the_table(desk: Desk) -> None:
    of(desk, "account,value\n00123,007\n123,08\n")
    assert desk.say("run", "things.csv", "--json").exit_code == 0
    assert {(row["account"], row["value"]) for row in stored(desk)} == {("00123", "007"), ("123", "08")}


def test_keys_that_differ_by_leading_zeros_are_told_and_allowed(desk: Desk) -> None:
    answer = of(desk, "account,value\n00123,a\n123,b\n")
    assert any("leading zeros" in warning for warning in answer["warnings"])
    source = tomllib.loads((desk.folder / "schemas" / "thing.toml").read_text())["sources"][0]
    assert source["similar_keys"] == "allow"


def test_columns_that_write_numbers_in_another_way_stay_text(desk: Desk) -> None:
    answer = of(desk, 'id,a,b,c\nx,"1,5","2,5",3.25\ny,"1,75","2,75",4.5\n')
    assert answer["decimal"] == ","
    assert [field["type"] for field in answer["fields"]] == ["text", "decimal", "decimal", "text"]


def test_a_list_needs_few_values_that_all_occur_often(desk: Desk) -> None:
    often, rare = ["red", "green"] * 50, ["red", "green"] * 49 + ["blue", "red"]
    rows = "".join(
        f"K{number},{first},{second}\n" for number, (first, second) in enumerate(zip(often, rare, strict=True))
    )
    answer = of(desk, f"id,often,rare\n{rows}")
    assert fields(answer)["often"]["values"] == ["green", "red"]
    assert fields(answer)["rare"]["values"] == []
    assert "blue" in (desk.folder / "schemas" / "thing.py").read_text()


def test_lengths_leave_room(desk: Desk) -> None:
    answer = of(desk, f"id,a,b\nx,{'y' * 30},{'z' * 3999}\n")
    assert {name: field["max_length"] for name, field in fields(answer).items()} == {"id": 10, "a": 60, "b": None}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name,id\na,1\nb,2\n", ["id"]),
        ("amount,name\n1,a\n2,b\n", ["name"]),
        ("company,account_no,x\n1,7,a\n1,8,b\n2,7,a\n", ["company", "account_no"]),
        ("thing_id,id\n1,1\n2,2\n", ["thing_id"]),
        ("account,city\n", ["account"]),
    ],
    ids=["by name", "text before numbers", "together", "the entity's own", "no rows"],
)
def test_the_key_is_what_is_unique_and_named_like_one(desk: Desk, text: str, key: list[str]) -> None:
    answer = of(desk, text)
    assert answer["key"]["fields"] == key
    assert answer["key"]["why"] in (desk.folder / "schemas" / "thing.toml").read_text().replace("\n#  ", "")


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2\n1,2\n", "id,b\n1,2\n1,3\n,4\n", "city,street\n", "a,b\n1,x\n1,y\n2,x\n"],
    ids=["nothing is unique", "blank and repeated", "no rows and no name", "unique together, but named like nothing"],
)
def test_a_key_that_can_not_be_told_is_asked_for(desk: Desk, text: str) -> None:
    desk.write("things.csv", text)
    said = desk.say("scaffold", "things.csv", "--entity", "thing", "--json")
    assert said.exit_code == said.json["exit_code"] == 2
    assert "--key" in said.json["error"]["hint"]
    assert not (desk.folder / "schemas").exists()


def test_a_given_key_is_taken_with_a_warning(desk: Desk) -> None:
    answer = of(desk, "Company,b\n1,2\n1,3\n2,2\n", "--key", "Company")
    assert answer["key"] | {"why": ""} == {"fields": ["company"], "why": "", "unique": False, "never_blank": True}
    assert any("not unique" in warning for warning in answer["warnings"])
    assert desk.say("run", "things.csv", "--json").json["rejected_by_code"] == {"duplicate_key": 2}


@pytest.mark.parametrize("key", ["nothing", "a,a", "a,b,c,d,e"])
def test_a_wrong_key_is_refused(desk: Desk, key: str) -> None:
    desk.write("things.csv", "a,b,c,d,e\n1,2,3,4,5\n")
    assert desk.say("scaffold", "things.csv", "--entity", "thing", "--key", key, "--json").exit_code == 2


@pytest.mark.parametrize("name", ["1st", "a-b", "importer_run", "ä", ""])
def test_a_wrong_name_is_refused(desk: Desk, name: str) -> None:
    desk.write("things.csv", "id\n1\n")
    assert desk.say("scaffold", "things.csv", "--entity", name, "--json").exit_code == 2


@pytest.mark.parametrize("existing", ["thing.py", "thing.toml"])
def test_nothing_is_overwritten(desk: Desk, existing: str) -> None:
    (desk.folder / "schemas").mkdir()
    (desk.folder / "schemas" / existing).write_text("mine")
    desk.write("things.csv", "id\n1\n")
    assert desk.say("scaffold", "things.csv", "--entity", "thing", "--json").exit_code == 2
    assert [file.read_text() for file in (desk.folder / "schemas").iterdir()] == ["mine"]


@pytest.mark.parametrize(("content", "code"), [("", 5), ("\n\n", 5), ("a,a\n1,2\n", 5)])
def test_a_file_without_columns_is_refused(desk: Desk, content: str, code: int) -> None:
    desk.write("things.csv", content)
    assert desk.say("scaffold", "things.csv", "--entity", "thing", "--json").exit_code == code


def test_a_header_alone_makes_an_entity(desk: Desk) -> None:
    answer = of(desk, "id,name\n")
    assert [field["type"] for field in answer["fields"]] == ["text", "text"]
    assert desk.say("run", "things.csv", "--json").exit_code == 0


def test_naughty_headers_become_fields_that_work_and_pass_the_lint(desk: Desk) -> None:
    headers = ["id", *NAUGHTY]
    cells = ["1", *("" if header in ("", "twice") else f"v{number}" for number, header in enumerate(NAUGHTY))]
    quoted = ",".join('"' + header.replace('"', '""') + '"' for header in headers)
    answer = of(desk, f"{quoted}\n{','.join(cells)}\n")
    ran = desk.say("run", "things.csv", "--json")
    assert ran.exit_code == 0, ran.json
    (row,) = stored(desk)
    named = fields(answer)
    assert {header.strip(): row[named[header.strip()]["field"]] for header in headers if header.strip() in named} == {
        header.strip(): cell for header, cell in zip(headers, cells, strict=True) if header.strip() in named
    }
    assert len(named) == len({header.strip() for header in headers} - {"", "twice"})
    _lint(desk)


def test_a_file_of_all_types_passes_the_lint(desk: Desk) -> None:
    rows = "".join(
        f"{n:05},{n},{n}.25,{'yes' if n % 2 else 'no'},2024-01-{n % 28 + 1:02},c{n % 3}\n" for n in range(90)
    )
    of(
        desk,
        f"No.,count,amount,flag,since,A rather long header that does not fit into a line of the schema file\n{rows}",
    )
    _lint(desk)
    assert desk.say("run", "things.csv", "--json").exit_code == 0


def _lint(desk: Desk) -> None:
    """The project's own lint, as it runs on its schemas."""
    config = REPOSITORY / "pyproject.toml"
    for command in (("ruff", "check"), ("ruff", "format", "--check", "--diff")):
        words = [sys.executable, "-m", *command, "--config", str(config), "--no-cache", "schemas"]
        result = subprocess.run(words, cwd=desk.folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_written_files_pass_the_type_check(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    of(desk, "id,class,name,count,amount,flag,since\nx,a,b,1,1.5,yes,2024-01-31\ny,a,b,2,2.5,no,2024-02-29\n")
    cache = REPOSITORY / ".mypy_cache"
    words = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(REPOSITORY / "pyproject.toml"),
        "--cache-dir",
        str(cache),
    ]
    file = desk.folder / "schemas" / "thing.py"
    result = subprocess.run([*words, str(file)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_german_workbook_keeps_its_codes(desk: Desk) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Kundennummer", "Name", "Kreditlimit", "Seit"])
    sheet.append(["00123", "Müller & Söhne", 1234.5, "31.01.2024"])
    sheet.append(["00124", "Groß GmbH", 99, "01.12.2023"])
    book.save(desk.folder / "kunden.xlsx")
    answer = scaffold(desk, "kunden.xlsx", entity="kunde")
    assert [field["type"] for field in answer["fields"]] == ["text", "text", "decimal", "date"]
    assert desk.say("run", "kunden.xlsx", "--json").exit_code == 0
    assert {row["kundennummer"]: (row["kreditlimit"], row["seit"]) for row in stored(desk, "kunde")} == {
        "00123": (1234.5, "2024-01-31"),
        "00124": (99, "2023-12-01"),
    }


def test_options_that_were_needed_are_written_down(desk: Desk) -> None:
    desk.write("things.csv", "Report of today\nid|name;x\n1|a;b\n2|c;d\n")
    answer = scaffold(desk, "things.csv", "--delimiter", ";", "--header-row", "2", "--key", "id|name")
    assert [field["header"] for field in answer["fields"]] == ["id|name", "x"]
    assert desk.say("run", "things.csv", "--json").exit_code == 0


def test_cells_that_say_clear_are_stored(desk: Desk) -> None:
    of(desk, "id,value\n1,<clear>\n2,x\n")
    assert desk.say("run", "things.csv", "--json").exit_code == 0
    assert {row["value"] for row in stored(desk)} == {"<clear>", "x"}


def test_line_breaks_in_cells_are_kept(desk: Desk) -> None:
    answer = of(desk, 'id,memo\n1,"a\nb"\n2,c\n')
    assert fields(answer)["memo"]["multiline"]
    assert desk.say("run", "things.csv", "--json").exit_code == 0
    assert {row["memo"] for row in stored(desk)} == {"a\nb", "c"}


def test_the_next_command_is_right_where_another_entity_takes_the_file(desk: Desk) -> None:
    of(desk, "id,name\n1,a\n")
    answer = scaffold(desk, "things.csv", entity="zebra")
    assert answer["next"] == "importer run things.csv --entity zebra"
    assert desk.say(*answer["next"].split()[1:], "--json").exit_code == 0


def test_no_database_is_touched(desk: Desk) -> None:
    of(desk, "id,name\n1,a\n")
    found = {
        str(path.relative_to(desk.folder))
        for path in desk.folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert found == {"things.csv", "schemas/thing.py", "schemas/thing.toml"}


def test_the_answer_has_always_the_same_parts(desk: Desk) -> None:
    assert set(of(desk, "id,name\n1,a\n")) == {
        "exit_code", "entity", "files", "file", "rows", "dialect", "key", "fields", "left_out", "columns",
        "date_formats", "decimal", "grouping", "warnings", "next",
    }  # fmt: skip


def test_people_see_what_was_decided(desk: Desk) -> None:
    desk.write("things.csv", "id,[red]amount\n1,1.50\n2,2.25\n")
    said = desk.say("scaffold", "things.csv", "--entity", "thing")
    for expected in ("[red]amount", "decimal (18,2)", "Key", "unique", "schemas/thing.toml", "importer run things.csv"):
        assert expected in said.stdout


def test_uniqueness_is_found_over_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importer.scaffold.unique.PART", 1_000)
    rows = "".join(f"{number // 2 if number > 60_000 else number},{number},x\n" for number in range(60_100))
    answer = of(desk, f"code,item_no,z\n{rows}")
    assert answer["key"]["fields"] == ["item_no"]
    assert not fields(answer)["code"]["unique"]
