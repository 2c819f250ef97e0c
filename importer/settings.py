"""The TOML files as frozen, strict models; the environment is read here and nowhere else.

In: `schemas/<entity>.toml` and environment variables. Out: `Parameters`, or a `SetupError` that names the file, the key
and the nearest valid name. Whether the named fields exist is checked in `entity.py`, which knows the schema.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import getpass
import hashlib
import os
import re
import tomllib
from decimal import Decimal
from encodings import aliases
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from importer.errors import SetupError
from importer.vocabulary import Behavior, Blank, Duplicates, NewRecords, RejectScope

DEFAULT_DATABASE = "sqlite:///importer.db"
IDENTIFIER = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,62}$")


def _identifier(value: str) -> str:
    if not IDENTIFIER.match(value):
        raise ValueError("must be a plain name of letters, digits and underscores that begins with a letter")
    return value


def _table_name(value: str) -> str:
    parts = value.split(".")
    if len(parts) > 2:
        raise ValueError("must be a table or schema.table")
    for part in parts:
        _identifier(part)
    return value


def _one_character(value: str) -> str:
    if len(value) != 1:
        raise ValueError("must be exactly one character")
    return value


def _encoding(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        near = difflib.get_close_matches(value.lower().replace("-", "_"), [*aliases.aliases, *_ENCODINGS], n=1)
        guess = f"; nearest: {near[0]}" if near else ""
        raise ValueError(f"{value!r} is no known encoding{guess}") from None
    return value


_ENCODINGS = ("utf-8", "utf-16", "windows-1252", "latin-1", "mac_roman", "cp949", "shift_jis")

Identifier = Annotated[str, AfterValidator(_identifier)]
TableName = Annotated[str, AfterValidator(_table_name)]
Character = Annotated[str, AfterValidator(_one_character)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_enum_values=False, defer_build=True)


class Limit(_Model):
    """A number (500) or a percent ("10%") of a base; `percent` is None for a plain number."""

    text: str
    number: Decimal
    is_percent: bool


def _limit(value: object) -> object:
    if isinstance(value, Limit):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Limit(text=str(value), number=Decimal(value), is_percent=False)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError('must be a number such as 500 or a percent such as "10%"')
    return Limit(text=str(value).strip(), number=Decimal(match[1]), is_percent=bool(match[2]))


def _percent(text: str) -> Any:
    return Field(default_factory=lambda: _limit(text))


LimitValue = Annotated[Limit, BeforeValidator(_limit)]


def _days(value: object) -> object:
    match = re.fullmatch(r"(\d+)\s*days?", value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError('must be a number of days such as "365 days"')
    return int(match[1])


Days = Annotated[int, BeforeValidator(_days)]


def _enum(kind: type[StrEnum]) -> Any:
    def read(value: object) -> object:
        if isinstance(value, kind):
            return value
        try:
            return kind(str(value))
        except ValueError:
            words = ", ".join(kind)
            near = difflib.get_close_matches(str(value), list(kind), n=1)
            guess = f"; nearest: {near[0]}" if near else ""
            raise ValueError(f"{value!r} is not one of {words}{guess}") from None

    return BeforeValidator(read)


BehaviorValue = Annotated[Behavior, _enum(Behavior)]
NewRecordsValue = Annotated[NewRecords, _enum(NewRecords)]
BlankValue = Annotated[Blank, _enum(Blank)]

DefaultValue = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else _plain(value))]


def _plain(value: object) -> str:
    """A default is what a cell of the file would say; TOML numbers, booleans and dates are taken as their text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) or hasattr(value, "isoformat"):
        return str(value)
    raise ValueError("must be a text, a number, a boolean or a date")


class EntitySettings(_Model):
    name: Identifier
    title: str
    schema_: Annotated[str, Field(alias="schema", pattern=r"^[A-Za-z_]\w*:[A-Za-z_]\w*$")]
    table: TableName
    key: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=4, strict=False)]
    create_table: bool = False
    defaults: dict[str, DefaultValue] = {}


CurrencySign = Annotated[str, Field(pattern=r"^[^\s\d.,+'’-]{1,5}$")]
"""What may stand before or after an amount: €, kr, CHF."""


class Source(_Model):
    """Where files come from: patterns, mapping, formats."""

    name: Identifier
    owner: str | None = None
    files: Annotated[tuple[str, ...], Field(strict=False)] = ()
    blank: BlankValue = Blank.KEEP
    clear_token: str = "<clear>"  # noqa: S105
    duplicates: Annotated[Duplicates, _enum(Duplicates)] = Duplicates.REJECT
    similar_keys: Literal["reject", "allow"] = "reject"
    unknown_columns: Literal["refuse", "ignore"] = "refuse"
    ignore_columns: Annotated[tuple[str, ...], Field(strict=False)] = ()
    required_columns: Annotated[tuple[str, ...], Field(strict=False)] = ()
    date_formats: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] = ("%Y-%m-%d",)
    decimal: Literal[".", ","] = "."
    grouping: Literal["", ".", ",", "'", " ", "’"] = ""
    currency_signs: Annotated[tuple[CurrencySign, ...], Field(strict=False)] = ()
    delimiter: Character | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    quote: Character | None = None
    escape: Character | None = None
    header_row: Annotated[int, Field(ge=1)] | None = None
    sheet: str | None = None
    behavior: BehaviorValue | None = None
    defaults: dict[str, DefaultValue] = {}
    columns: dict[str, str] = {}
    values: dict[str, dict[str, DefaultValue]] = {}
    blank_fields: dict[str, BlankValue] = {}


class Override(_Model):
    """Other approval parameters where key fields have the values of `when`."""

    when: Annotated[dict[str, DefaultValue], Field(min_length=1)]
    enabled: bool | None = None
    behavior: BehaviorValue | None = None
    fields: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    new_records: NewRecordsValue | None = None


class Approvals(_Model):
    enabled: bool = True
    behavior: BehaviorValue = Behavior.PROPOSE
    fields: Annotated[tuple[str, ...], Field(strict=False)] = ()
    new_records: NewRecordsValue = NewRecords.CREATE
    reject_scope: Annotated[RejectScope, _enum(RejectScope)] = RejectScope.ROW
    remember_decisions: Days = 365
    context: Annotated[tuple[str, ...], Field(strict=False)] = ()
    overrides: Annotated[tuple[Override, ...], Field(strict=False)] = ()

    @property
    def name_field(self) -> str | None:
        """What people call a record: the first field of `context`."""
        return self.context[0] if self.context else None


class Limits(_Model):
    max_rejected: LimitValue = _percent("10%")
    max_changed: LimitValue = _percent("20%")
    max_proposed: LimitValue = _percent("10%")
    max_cleared: LimitValue = _percent("5%")
    min_rows: LimitValue = _percent("0%")
    exit_on_rejected: Literal["any", "new"] = "any"


class Reports(_Model):
    workbook_rows: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000


class AutomaticAction(_Model):
    name: str
    when: str
    action: Literal["approve", "reject"]


class Step(_Model):
    name: str
    when: str = "true"
    approvers: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(user|group|field):.+$")], ...],
        Field(min_length=1, strict=False),
    ]
    policy: Annotated[str, Field(pattern=r"^(single|majority|all|\d{1,3}%)$")] = "single"
    due: Days | None = None
    escalate_to: Annotated[tuple[str, ...], Field(strict=False)] = ()
    overdue: Literal["escalate", "approve", "reject"] = "escalate"
    final_action: Literal["none", "approve", "reject"] = "none"


class Workflow(_Model):
    name: str = "Proposed change workflow"
    auto_submit: bool = True
    four_eyes: bool = True
    automatic: Annotated[tuple[AutomaticAction, ...], Field(strict=False)] = ()
    steps: Annotated[tuple[Step, ...], Field(strict=False)] = ()


class Parameters(_Model):
    """One `schemas/<entity>.toml`."""

    entity: EntitySettings
    sources: Annotated[tuple[Source, ...], Field(min_length=1, strict=False)]
    approvals: Approvals = Field(default_factory=Approvals)
    limits: Limits = Field(default_factory=Limits)
    reports: Reports = Field(default_factory=Reports)
    workflow: Workflow = Field(default_factory=Workflow)


def load_parameters(path: Path) -> Parameters:
    """Reads one parameters file strictly; SetupError (exit 2) names file, key and nearest valid name."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} can't be read: {error}", file=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path} is not valid TOML: {error}", file=str(path)) from None
    _load_value_files(raw, path)
    try:
        parameters = Parameters.model_validate(raw)
    except ValidationError as error:
        raise SetupError(*_explain(error, path), file=str(path)) from None
    names = [source.name for source in parameters.sources]
    for name in names:
        if names.count(name) > 1:
            raise SetupError(f"{path}: sources.name: two sources are named {name!r}", file=str(path))
    return parameters


def settings_sha256(paths: list[Path]) -> str:
    """The hash of everything that decides: schema, parameters and the value lists they name."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def value_files(path: Path) -> list[Path]:
    """The value list files that a parameters file names, beside it."""
    raw = tomllib.loads(path.read_text("utf-8"))
    tables = [table for source in raw.get("sources", []) for table in source.get("values", {}).values()]
    return sorted({path.parent / table["file"] for table in tables if set(table) == {"file"}})


def _load_value_files(raw: dict[str, Any], path: Path) -> None:
    sources = raw.get("sources", [])
    for source in sources if isinstance(sources, list) else []:
        values = source.get("values", {}) if isinstance(source, dict) else {}
        for field, table in values.items() if isinstance(values, dict) else []:
            if isinstance(table, dict) and set(table) == {"file"}:
                values[field] = _read_value_file(path, field, str(table["file"]))


def _read_value_file(path: Path, field: str, name: str) -> dict[str, str]:
    file = path.parent / name
    if file.resolve().parent != path.parent.resolve():
        raise SetupError(f"{path}: sources.values.{field}.file: {name!r} must lie beside it", file=str(path))
    try:
        rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"{path}: sources.values.{field}.file: {name} can't be read: {error}", file=str(path)
        ) from None
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            raise SetupError(
                f"{file}, line {number}: two columns are needed, the value in the file and the value to store",
                file=str(file),
            )
    return {row[0]: row[1] for row in rows}


def _explain(error: ValidationError, path: Path) -> tuple[str]:
    """The first problem in words: file, key, what is wrong, nearest valid name."""
    problem = error.errors()[0]
    where = [part for part in problem["loc"] if not (isinstance(part, str) and part.startswith("function-"))]
    key = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in where)
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(where[-1]), _valid_names(where[:-1]), n=1, cutoff=0.5)
        guess = f"; nearest valid name: {near[0]}" if near else f"; valid: {', '.join(_valid_names(where[:-1]))}"
        return (f"{path}: unknown key {key}{guess}",)
    if problem["type"] == "missing":
        return (f"{path}: {key} is missing",)
    text = problem["msg"].removeprefix("Value error, ")
    return (f"{path}: {key}: {text[:1].lower()}{text[1:]}, but is {problem['input']!r}",)


_PLACES: dict[tuple[str, ...], type[_Model]] = {
    (): Parameters,
    ("entity",): EntitySettings,
    ("sources",): Source,
    ("approvals",): Approvals,
    ("approvals", "overrides"): Override,
    ("limits",): Limits,
    ("reports",): Reports,
    ("workflow",): Workflow,
    ("workflow", "automatic"): AutomaticAction,
    ("workflow", "steps"): Step,
}


def _valid_names(where: list[Any]) -> list[str]:
    model = _PLACES.get(tuple(part for part in where if isinstance(part, str)))
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def environment(name: str, default: str) -> str:
    """`IMPORTER_SCHEMAS`, `IMPORTER_DATABASE`, `IMPORTER_USER`."""
    return os.environ.get(f"IMPORTER_{name}") or default


def login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
