"""Values in the parameters are checked before any file is read."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from importer.entity import DataEntity, load_entity
from importer.errors import SetupError
from importer.validation.declared import check_declared

from .conftest import SCHEMAS

REPOSITORY = Path(__file__).parents[2]


def entity_with(folder: Path, toml: str, schema: tuple[str, str] = ("", "")) -> DataEntity:
    """The entity of these tests with `toml` in place of its sources and defaults."""
    head = (SCHEMAS / "thing.toml").read_text("utf-8").split("[entity.defaults]")[0]
    (folder / "thing.toml").write_text(head + toml, "utf-8")
    text = (SCHEMAS / "thing.py").read_text("utf-8")
    assert schema[0] in text
    (folder / "thing.py").write_text(text.replace(*schema), "utf-8")
    return load_entity(folder / "thing.toml")


def test_defaults_are_typed(thing: DataEntity) -> None:
    assert check_declared(thing) == {"amount": Decimal("1.00")}


def test_the_shipped_entity_is_sound() -> None:
    assert check_declared(load_entity(REPOSITORY / "schemas" / "customer.toml")) == {"language_id": "en-us"}


SOURCE = '[[sources]]\nname = "s"\n'


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        pytest.param(
            f'[entity.defaults]\nsize = "XL"\n{SOURCE}', ["entity.defaults.size", "allowed are S, M, L"], id="default"
        ),
        pytest.param(
            f'[entity.defaults]\namount = "1,5"\n{SOURCE}', ["entity.defaults.amount", "1234.56"], id="default, form"
        ),
        pytest.param(
            f'{SOURCE}decimal = ","\n[sources.defaults]\namount = 1.5\n',
            ["sources.defaults.amount of source 's'", "1234,56"],
            id="source default in the form of the source",
        ),
        pytest.param(
            f'{SOURCE}[sources.defaults]\narea = ""\n', ["sources.defaults.area", "part of the key"], id="empty key"
        ),
        pytest.param(
            f'{SOURCE}[sources.values.size]\nBig = "XL"\n', ["sources.values.size.'Big'", "S, M, L"], id="target value"
        ),
        pytest.param(
            f'{SOURCE}[sources.values.size]\n" " = "S"\n', ["sources.values.size", "sources.defaults"], id="blank text"
        ),
        pytest.param(
            f'{SOURCE}[sources.values.size]\n"a" = "S"\n"a " = "M"\n', ["another value"], id="one text, two values"
        ),
        pytest.param(f'{SOURCE}date_formats = ["%Y-%m"]\n', ["date_formats", "'%Y-%m'", "'%Y-%m-%d'"], id="no day"),
        pytest.param(f'{SOURCE}decimal = ","\ngrouping = ","\n', ["grouping", "decimal sign"], id="one sign twice"),
    ],
)
def test_a_wrong_value_stops_with_file_key_and_reason(tmp_path: Path, toml: str, said: list[str]) -> None:
    with pytest.raises(SetupError) as caught:
        check_declared(entity_with(tmp_path, toml))
    assert caught.value.exit_code == 2
    assert caught.value.file == str(tmp_path / "thing.toml")
    for words in [str(tmp_path / "thing.toml"), *said]:
        assert words in caught.value.message


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        pytest.param(('title="Size",', 'title="Size", unique=True,'), "size: unique is not supported", id="unique"),
        pytest.param(('fields=("since", "until")', 'fields=("since", "untl")'), "unknown field 'untl'", id="typo"),
        pytest.param(("return since <= until", "return since <= untill"), "can't be run: NameError", id="broken check"),
        pytest.param(
            (
                '    @pa.check("name",',
                '    @pa.parser("name")\n    def p(cls, x):\n        return x\n\n    @pa.check("name",',
            ),
            "name: parsers are not supported",
            id="parser",
        ),
        pytest.param(('r"^[^ ]+$"', 'r"^(?! )"'), "number: the check 'str_matches' can't be run", id="unknown to RE2"),
        pytest.param(("~names.str.isupper()", "names.isna().all()"), "failed without naming rows", id="one answer"),
        pytest.param(
            ('error="a name is not shouted"', "raise_warning=True"), "raise_warning, which is not", id="only a warning"
        ),
    ],
)
def test_a_schema_that_an_import_can_not_keep_is_refused(tmp_path: Path, schema: tuple[str, str], said: str) -> None:
    with pytest.raises(SetupError) as caught:
        check_declared(entity_with(tmp_path, SOURCE, schema))
    assert said in caught.value.message


def test_the_clear_token_may_be_a_target(tmp_path: Path) -> None:
    shutil.copy(SCHEMAS / "thing.py", tmp_path)
    assert check_declared(entity_with(tmp_path, f'{SOURCE}[sources.values.size]\nnone = "<clear>"\n')) == {}
