"""The story of a scaffold: a file is read once, every column gets a type with its reason, an entity is written.

In: a file and a name. Out: `schemas/NAME.py` and `NAME.toml`, with which `importer run FILE` works at once, and the
answer that says what was decided and why. In doubt a column is text, and a key that can't be told is asked for.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from importer.entity import DataEntity, load_entities, load_entity, pick
from importer.errors import FileRefused, ImporterError, SetupError
from importer.intake import ImportOptions, open_intake
from importer.reading import Dialect, ReadOptions, open_source
from importer.reading.source import SourceFile
from importer.scaffold.decided import Decided
from importer.scaffold.guess import file_forms, guess
from importer.scaffold.keys import Seen, find_key
from importer.scaffold.names import MOST_FIELDS, LeftOut, Named, name_fields
from importer.scaffold.observe import observe
from importer.scaffold.parameters import parameters_source
from importer.scaffold.schema import schema_source
from importer.settings import IDENTIFIER
from importer.validation.declared import check_declared

__all__ = ["scaffold_file"]

Answer = dict[str, Any]


def scaffold_file(path: Path, name: str, schemas: Path, options: ReadOptions, key: Sequence[str] = ()) -> Answer:
    """Writes both files and says what they hold. SetupError (exit 2): a wrong name, files that exist, no key to be
    told. FileRefused (exit 5): the file can't be read.
    """
    files = _places(schemas, name)
    with tempfile.TemporaryDirectory(prefix="importer-scaffold-") as folder:
        decided = _decide(path, name, options, key, Path(folder))
        decided, entity = _proven(path, decided, Path(folder))
    _write(files, decided)
    return _answer(decided, entity, files, _next(path, decided, schemas))


def _places(schemas: Path, name: str) -> tuple[Path, Path]:
    if not IDENTIFIER.match(name) or name.startswith("importer_"):
        raise SetupError(
            f"--entity: {name!r} is no name for an entity",
            hint="letters, digits and underscores, beginning with a letter; importer_ is taken",
        )
    files = schemas / f"{name}.py", schemas / f"{name}.toml"
    for file in files:
        if file.exists():
            raise SetupError(
                f"{file} exists already", file=str(file), hint="nothing is overwritten: move it away first"
            )
    return files


def _decide(path: Path, name: str, options: ReadOptions, key: Sequence[str], folder: Path) -> Decided:
    with open_source(path, options) as file:
        _refuse_correction(file)
        named, left_out = _names(file)
        observed, rows = observe(file, named, folder)
        headers, dialect = file.headers, file.dialect
    forms = file_forms(named, observed, dialect.format != "csv")
    fields = [Seen(column, seen, guess(column, seen, forms)) for column, seen in zip(named, observed, strict=True)]
    found = find_key(fields, name, key, lambda: open_source(path, options), folder)
    return Decided(name, path.name, headers, dialect, options, rows, tuple(fields), left_out, forms, found)


def _names(file: SourceFile) -> tuple[tuple[Named, ...], tuple[LeftOut, ...]]:
    if len(file.headers) > MOST_FIELDS:
        raise FileRefused(
            f"The file has {len(file.headers):,} columns, a table holds at most {MOST_FIELDS:,} here.",
            file=str(file.path),
            hint="Is it a matrix? An entity needs one row for each record and one column for each field.",
        )
    named, left_out = name_fields(file.headers)
    if not named:
        raise FileRefused(
            "No column has a header of its own.", file=str(file.path), hint="Say where it is with --header-row N."
        )
    return named, left_out


def _refuse_correction(file: SourceFile) -> None:
    if file.is_correction:
        raise FileRefused(
            "The file is a rejection report of an earlier run: its entity exists.",
            file=str(file.path),
            hint="importer run takes it as it is.",
        )


def _proven(path: Path, decided: Decided, folder: Path) -> tuple[Decided, DataEntity]:
    """The entity as an import would load it. Where the fields' names lead the detection astray, it is pinned down."""
    try:
        return decided, _tried(path, decided, folder)
    except ImporterError:
        pinned = replace(decided, is_pinned=True)
        return pinned, _tried(path, pinned, folder)


def _tried(path: Path, decided: Decided, folder: Path) -> DataEntity:
    (folder / f"{decided.name}.py").write_text(schema_source(decided), "utf-8")
    (folder / f"{decided.name}.toml").write_text(parameters_source(decided), "utf-8")
    entity = load_entity(folder / f"{decided.name}.toml")
    check_declared(entity)
    with open_intake(path, {entity.name: entity}, ImportOptions()) as intake:
        if intake.file.headers != decided.headers or _signs(intake.file.dialect) != _signs(decided.dialect):
            raise FileRefused(
                "The file would be read in another way.", file=str(path), hint="Say how with the options."
            )
    return entity


def _signs(dialect: Dialect) -> Dialect:
    return replace(dialect, notes=())


def _write(files: tuple[Path, Path], decided: Decided) -> None:
    """Both or none; what exists is left alone."""
    written: list[Path] = []
    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
        for file, text in zip(files, (schema_source(decided), parameters_source(decided)), strict=True):
            with file.open("x", encoding="utf-8", newline="\n") as opened:
                written.append(file)
                opened.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        raise SetupError(f"{files[0].parent} can't be written: {error.strerror}", file=str(files[0].parent)) from None


def _next(path: Path, decided: Decided, schemas: Path) -> str:
    """The command that imports the file; it names the entity where the file's name alone leads elsewhere."""
    words = ["importer", "run", str(path)]
    try:
        entity, _ = pick(load_entities(schemas), path.name, None, None)
        is_found = entity.name == decided.name
    except SetupError:
        is_found = False
    words += [] if is_found else ["--entity", decided.name]
    words += [] if schemas == Path("schemas") else ["--schemas", str(schemas)]
    return shlex.join(words)


def _answer(decided: Decided, entity: DataEntity, files: tuple[Path, Path], command: str) -> Answer:
    return {
        "exit_code": 0,
        "entity": decided.name,
        "files": [str(file) for file in files],
        "file": decided.file,
        "rows": asdict(decided.rows),
        "dialect": {**asdict(decided.dialect), "notes": list(decided.dialect.notes)},
        "key": {
            "fields": list(decided.key.fields),
            "why": decided.key.why,
            "unique": decided.key.is_unique,
            "never_blank": decided.key.is_complete,
        },
        "fields": [_field(seen, entity) for seen in decided.fields],
        "left_out": [asdict(column) for column in decided.left_out],
        "columns": decided.mapping,
        "date_formats": list(decided.forms.date_formats),
        "decimal": decided.forms.style.decimal,
        "grouping": decided.forms.style.grouping,
        "warnings": list(decided.warnings),
        "next": command,
    }


def _field(seen: Seen, entity: DataEntity) -> Answer:
    field = entity.by_name[seen.name]
    return {
        "header": seen.column.header,
        "field": seen.name,
        "type": str(field.kind),
        "required": field.required,
        "precision": field.precision or None,
        "scale": field.scale if field.precision else None,
        "max_length": field.max_length,
        "values": list(seen.guess.values),
        "multiline": seen.guess.multiline,
        "filled": seen.observed.filled,
        "unique": seen.observed.is_unique,
        "why": seen.guess.why,
        "renamed": seen.column.renamed,
    }
