"""A file is opened and matched with an entity: the way in.

In: a path and what the command says. Out: an `Intake`, whose batches `staging.py` checks and stages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from importer.entity import DataEntity, nearest, pick
from importer.errors import FileRefused, SetupError
from importer.reading import HeaderMatch, HeaderRules, RawBatch, ReadOptions, match_headers, open_source
from importer.reading.headers import CORRECTION_COLUMNS
from importer.settings import Source
from importer.vocabulary import Behavior

if TYPE_CHECKING:
    from importer.reading import SourceFile


@dataclass(frozen=True)
class ImportOptions:
    """What the command line says about one import; None: as the parameters say."""

    entity: str | None = None
    source: str | None = None
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header_row: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    behavior: Behavior | None = None
    ignore_unknown_columns: bool = False
    again: str | None = None
    requested_by: str | None = None
    wait: float = 30.0


@dataclass(frozen=True)
class Intake:
    """An open file, matched: `constants` are fields with one value for all rows (defaults, `--set`)."""

    entity: DataEntity
    source: Source
    file: SourceFile
    match: HeaderMatch
    constants: Mapping[str, str]
    batches: Iterator[RawBatch]

    @property
    def headers(self) -> dict[str, str]:
        """The file's header of each field that it brings."""
        pairs = zip(self.match.columns, self.file.headers, strict=True)
        return {name: header for name, header in pairs if name is not None}

    @property
    def brought(self) -> frozenset[str]:
        return self.match.fields | set(self.constants)

    @property
    def source_columns(self) -> tuple[int, ...]:
        """Positions of the columns that are the source's own; a correction's five `_` columns are not."""
        own = CORRECTION_COLUMNS if self.file.is_correction else frozenset()
        return tuple(index for index, header in enumerate(self.file.headers) if header.strip() not in own)

    @property
    def positions(self) -> dict[str, int]:
        """The place of each field's column among the source's own columns."""
        columns = [self.match.columns[index] for index in self.source_columns]
        return {name: place for place, name in enumerate(columns) if name is not None}

    @property
    def source_headers(self) -> tuple[str, ...]:
        return tuple(self.file.headers[index] for index in self.source_columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()


RunLookup = Callable[[str], tuple[str, str] | None]
"""From a run id to the entity and source of that run."""


def open_intake(
    path: Path, entities: Mapping[str, DataEntity], options: ImportOptions, run_of: RunLookup | None = None
) -> Intake:
    """Opens and matches a file. FileRefused (exit 5) or SetupError (exit 2) say what to do.

    A correction (columns `_row` and `_run`) has entity and source of that run unless they are given; `run_of` finds
    them.
    """
    entity, source = pick(entities, path.name, options.entity, options.source)
    file = open_matched(path, entity, source, options)
    try:
        batches = file.batches()
        if file.is_correction and run_of is not None:
            first = next(batches, None)
            batches = _chain(first, batches)
            entity, source = _of_run(first, file, entities, options, run_of) or (entity, source)
        constants = constants_of(entity, source, options)
        match = _match(file, entity, source, options, constants)
        _refuse_set_twice(match, options, file)
        used = {name: text for name, text in constants.items() if name not in match.fields}
        return Intake(entity, source, file, match, used, batches)
    except BaseException:
        file.close()
        raise


def open_matched(path: Path, entity: DataEntity, source: Source, options: ImportOptions) -> SourceFile:
    """With the source's dialect, unless an option says otherwise; the reader knows a correction by itself."""
    return open_source(path, _read_options(entity, source, options))


def _read_options(entity: DataEntity, source: Source, options: ImportOptions) -> ReadOptions:
    titles = {field.title for field in entity.fields}
    return ReadOptions(
        delimiter=options.delimiter or source.delimiter,
        encoding=options.encoding or source.encoding,
        quote=source.quote,
        escape=source.escape,
        header_row=options.header_row or source.header_row,
        sheet=options.sheet or source.sheet,
        known_headers=frozenset({*entity.names, *titles, *source.columns}),
        date_format=source.date_formats[0],
        decimal=source.decimal,
    )


def _chain(first: RawBatch | None, rest: Iterator[RawBatch]) -> Iterator[RawBatch]:
    if first is not None:
        yield first
    yield from rest


def _of_run(
    first: RawBatch | None,
    file: SourceFile,
    entities: Mapping[str, DataEntity],
    options: ImportOptions,
    run_of: RunLookup,
) -> tuple[DataEntity, Source] | None:
    if first is None or first.cells.num_rows == 0 or (options.entity and options.source):
        return None
    run_id = first.cells.column(file.headers.index("_run"))[0].as_py().strip()
    found = run_of(run_id)
    if found is None:
        raise FileRefused(
            f"The file says that it comes from run {run_id!r}, which this database does not have.",
            file=str(file.path),
            hint="Give --entity and --source, or the --database of that run.",
        )
    name = options.entity or found[0]
    if name not in entities:
        raise SetupError(f"there is no entity {name!r}{nearest(name, entities)}")
    return entities[name], entities[name].source(options.source or found[1])


def constants_of(entity: DataEntity, source: Source, options: ImportOptions) -> dict[str, str]:
    for name in options.values:
        if name not in entity.by_name:
            raise SetupError(f"--set: unknown field {name!r}{nearest(name, entity.names)}")
    return {**source.defaults, **options.values}


def header_rules(
    entity: DataEntity, source: Source, constants: Mapping[str, str], *, ignore_unknown: bool = False
) -> HeaderRules:
    """What entity and source say about headers; `ignore_unknown` beside what the source says."""
    return HeaderRules(
        fields=entity.names,
        key=entity.key,
        columns=source.columns,
        titles={field.name: field.title for field in entity.fields},
        ignore=source.ignore_columns,
        provided=frozenset(constants),
        required=source.required_columns,
        ignore_unknown=ignore_unknown or source.unknown_columns == "ignore",
    )


def _match(
    file: SourceFile, entity: DataEntity, source: Source, options: ImportOptions, constants: Mapping[str, str]
) -> HeaderMatch:
    rules = header_rules(entity, source, constants, ignore_unknown=options.ignore_unknown_columns)
    return match_headers(file.headers, rules, is_correction=file.is_correction, file=str(file.path))


def _refuse_set_twice(match: HeaderMatch, options: ImportOptions, file: SourceFile) -> None:
    for name in options.values:
        position = match.position(name)
        if position is not None:
            raise SetupError(
                f"--set {name}: the file brings this field itself, in the column {file.headers[position]!r}",
                file=str(file.path),
                hint="leave the option out, or take the column out of the file",
            )
