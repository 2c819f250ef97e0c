"""A person in an empty folder who makes entities from files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from preview.conftest import Desk, desk

from importer.validation.booleans import TRUE_WORDS
from importer.validation.text import clean_text

__all__ = ["Desk", "canonical", "desk", "fields", "scaffold", "stored"]

Answer = dict[str, Any]


def scaffold(desk: Desk, file: object, *options: object, entity: str = "thing") -> Answer:
    """`importer scaffold FILE --json`, which has to have an answer."""
    said = desk.say("scaffold", file, "--entity", entity, *options, "--json")
    answer: Answer = said.json
    assert "error" not in answer, answer
    assert said.exit_code == 0
    return answer


def fields(answer: Mapping[str, Any]) -> dict[str, Answer]:
    """The decided fields by the file's header."""
    return {field["header"]: field for field in answer["fields"]}


def stored(desk: Desk, table: str = "thing") -> list[dict[str, Any]]:
    engine = sa.create_engine(os.environ.get("IMPORTER_DATABASE", f"sqlite:///{desk.folder / 'importer.db'}"))
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"').mappings()]
    engine.dispose()
    return rows


def canonical(field: Mapping[str, Any], text: str, answer: Mapping[str, Any]) -> Any:
    """What a text of the file is once it is stored, reckoned without the importer's own parsers."""
    clean = clean_text(text)
    if not clean:
        return None
    match field["type"]:
        case "integer" | "decimal":
            plain = clean.replace(answer["grouping"], "") if answer["grouping"] else clean
            return Decimal(plain.replace(answer["decimal"], "."))
        case "boolean":
            return clean.casefold() in TRUE_WORDS
        case "date":
            (day,) = {day for form in answer["date_formats"] if (day := _day(clean, form))}
            return day
        case _:
            return clean


def typed(field: Mapping[str, Any], value: Any) -> Any:
    """A stored value in the form of `canonical`."""
    if value is None:
        return None
    match field["type"]:
        case "integer" | "decimal":
            return round(Decimal(str(value)), field["scale"] or 0)  # SQLite keeps decimals as doubles
        case "boolean":
            return bool(value)
        case "date":
            return str(value)[:10]
        case _:
            return value


def _day(text: str, form: str) -> str | None:
    try:
        return datetime.strptime(text, form).date().isoformat()
    except ValueError:
        return None
