"""DataEntity: pandera model + key + table + parameters.

In: `schemas/<entity>.py` and `.toml`. Out: a `DataEntity` whose parameters name only fields that exist.
"""

from __future__ import annotations

import difflib
import fnmatch
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from importer.errors import SetupError
from importer.settings import Parameters, Source, load_parameters, settings_sha256, value_files
from importer.vocabulary import ValueKind


@dataclass(frozen=True)
class Field:
    """One field of an entity: `precision` and `scale` of decimals, `max_length` of texts in characters."""

    name: str
    title: str
    kind: ValueKind
    required: bool
    precision: int = 0
    scale: int = 0
    max_length: int | None = None


@dataclass(frozen=True)
class DataEntity:
    """One kind of record that files bring. `schema` is the pandera schema of a row (typed Arrow columns)."""

    name: str
    title: str
    table: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    schema: Any
    parameters: Parameters
    files: tuple[Path, ...]
    settings_sha256: str

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def required(self) -> tuple[str, ...]:
        """Fields that must not be empty, the key left out (an empty key part is `missing_key`)."""
        return tuple(field.name for field in self.fields if field.required and field.name not in self.key)

    def source(self, name: str | None) -> Source:
        """The named source, or the first. SetupError names the nearest."""
        sources = self.parameters.sources
        if name is None:
            return sources[0]
        for source in sources:
            if source.name == name:
                return source
        raise SetupError(
            f"entity {self.name} has no source {name!r}{nearest(name, (s.name for s in sources))}",
            file=str(self.files[-1]),
        )

    def in_order(self, names: Iterable[str]) -> list[str]:
        wanted = set(names)
        return [name for name in self.names if name in wanted]


def nearest(name: str, valid: Iterable[str]) -> str:
    """'; nearest: x', or the valid names where nothing is near."""
    names = list(valid)
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; nearest: {found[0]}" if found else f"; there are: {', '.join(names)}"


def load_entities(folder: Path) -> dict[str, DataEntity]:
    """Every entity declared in `folder`, by name. SetupError where there is none or one is wrong."""
    if not folder.is_dir():
        raise SetupError(f"there is no schemas folder {folder}", hint="give one with --schemas DIR")
    entities: dict[str, DataEntity] = {}
    for path in sorted(folder.glob("*.toml")):
        entity = load_entity(path)
        if entity.name in entities:
            raise SetupError(f"{path}: entity.name: {entity.name!r} is declared twice", file=str(path))
        entities[entity.name] = entity
    if not entities:
        raise SetupError(f"{folder} has no entity (no .toml file)", hint="importer scaffold FILE --entity NAME")
    return entities


def load_entity(path: Path) -> DataEntity:
    """One entity from its parameters file and the schema that it names."""
    parameters = load_parameters(path)
    module, _, model = parameters.entity.schema_.partition(":")
    schema_file = path.parent / f"{module}.py"
    schema = _load_schema(schema_file, model, path)
    fields = tuple(_field(name, column, schema_file) for name, column in schema.columns.items())
    files = [schema_file, path, *value_files(path)]
    entity = DataEntity(
        name=parameters.entity.name,
        title=parameters.entity.title,
        table=parameters.entity.table,
        key=parameters.entity.key,
        fields=fields,
        schema=schema,
        parameters=parameters,
        files=tuple(files),
        settings_sha256=settings_sha256(files),
    )
    _check_names(entity, path)
    return entity


def pick(
    entities: Mapping[str, DataEntity], file: str, entity: str | None, source: str | None
) -> tuple[DataEntity, Source]:
    """Entity and source of a file: as asked for, else by the `files` patterns, else the only entity's first source."""
    if entity is not None and entity not in entities:
        raise SetupError(f"there is no entity {entity!r}{nearest(entity, entities)}")
    candidates = [entities[entity]] if entity else list(entities.values())
    if source is not None:
        named = [e for e in candidates if any(s.name == source for s in e.parameters.sources)]
        if len(named) > 1:
            raise SetupError(f"several entities have a source {source!r}", hint="say which with --entity")
        return (named[0], named[0].source(source)) if named else (candidates[0], candidates[0].source(source))
    for candidate in candidates:
        for found in candidate.parameters.sources:
            if any(fnmatch.fnmatchcase(Path(file).name, pattern) for pattern in found.files):
                return candidate, found
    if len(candidates) > 1:
        raise SetupError(
            f"{file} matches no source's file pattern, and there are several entities: "
            f"{', '.join(e.name for e in candidates)}",
            file=file,
            hint="say which with --entity",
        )
    return candidates[0], candidates[0].parameters.sources[0]


def _load_schema(file: Path, model: str, toml: Path) -> Any:
    if not file.is_file():
        raise SetupError(f"{toml}: entity.schema: there is no file {file}", file=str(toml))
    spec = importlib.util.spec_from_file_location(f"importer_schema_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise SetupError(f"{file} is no Python file", file=str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # type hints of the model are looked up there
    try:
        spec.loader.exec_module(module)
        found = getattr(module, model, None)
        if found is None:
            models = [name for name, value in vars(module).items() if hasattr(value, "to_schema")]
            own = [name for name in models if getattr(vars(module)[name], "__module__", "") == spec.name]
            guess = nearest(model, own) if own else ""
            raise SetupError(f"{toml}: entity.schema: {file.name} has no {model!r}{guess}", file=str(toml))
        return found.to_schema()
    except SetupError:
        raise
    except Exception as error:
        raise SetupError(f"{file} can't be loaded: {type(error).__name__}: {error}", file=str(file)) from error


_KINDS = {
    "ArrowString": ValueKind.TEXT,
    "ArrowLargeString": ValueKind.TEXT,
    "ArrowDecimal128": ValueKind.DECIMAL,
    "ArrowInt16": ValueKind.INTEGER,
    "ArrowInt32": ValueKind.INTEGER,
    "ArrowInt64": ValueKind.INTEGER,
    "ArrowBool": ValueKind.BOOLEAN,
    "ArrowDate32": ValueKind.DATE,
}


def _field(name: str, column: Any, file: Path) -> Field:
    kind = _KINDS.get(type(column.dtype).__name__)
    if kind is None:
        raise SetupError(
            f"{file}: {name}: the type {column.dtype} is not one of string, decimal128, int64, bool_, date32 of Arrow",
            file=str(file),
        )
    lengths = [
        limit
        for check in column.checks
        if check.name == "str_length"
        for limit in (check.statistics.get("exact_value"), check.statistics.get("max_value"))
        if limit is not None
    ]
    return Field(
        name=name,
        title=column.title or name.replace("_", " ").capitalize(),
        kind=kind,
        required=not column.nullable,
        precision=getattr(column.dtype, "precision", 0) or 0,
        scale=getattr(column.dtype, "scale", 0) or 0,
        max_length=min(lengths) if lengths else None,
    )


def _check_names(entity: DataEntity, path: Path) -> None:
    """Every field that the parameters name must be one of the schema."""
    for key, names in _named_fields(entity):
        for name in names:
            if name not in entity.by_name:
                raise SetupError(f"{path}: {key}: unknown field {name!r}{nearest(name, entity.names)}", file=str(path))
    for name in entity.parameters.approvals.fields:
        if name in entity.key:
            raise SetupError(f"{path}: approvals.fields: {name!r} is part of the key", file=str(path))
    for override in entity.parameters.approvals.overrides:
        for name in override.when:
            if name not in entity.key:
                raise SetupError(
                    f"{path}: approvals.overrides.when: {name!r} is no key field{nearest(name, entity.key)}",
                    file=str(path),
                )
    for source in entity.parameters.sources:
        behavior = entity.parameters.approvals.behavior
        if source.behavior is not None and source.behavior.strictness < behavior.strictness:
            raise SetupError(
                f"{path}: sources.behavior: {source.behavior} of source {source.name!r} is looser than the "
                f"entity's {behavior}; a source may only be stricter",
                file=str(path),
            )


def _named_fields(entity: DataEntity) -> Iterable[tuple[str, Iterable[str]]]:
    parameters = entity.parameters
    yield "entity.key", entity.key
    yield "entity.defaults", parameters.entity.defaults
    yield "approvals.fields", parameters.approvals.fields
    yield "approvals.context", parameters.approvals.context
    for override in parameters.approvals.overrides:
        yield "approvals.overrides.when", override.when
        yield "approvals.overrides.fields", override.fields or ()
    for source in parameters.sources:
        yield "sources.required_columns", source.required_columns
        yield "sources.defaults", source.defaults
        yield "sources.columns", source.columns.values()
        yield "sources.values", source.values
        yield "sources.blank_fields", source.blank_fields
