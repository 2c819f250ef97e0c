"""A file is opened, matched with an entity, checked batch by batch, and staged: the way in.

In: a path and what the command says. Out: an `Intake` whose rows `stage` puts into the run's tables, while reading,
checking and loading overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import DataEntity, nearest, pick
from importer.errors import FileRefused, ImporterError, SetupError
from importer.reading import HeaderMatch, HeaderRules, RawBatch, ReadOptions, match_headers, open_source
from importer.reading.headers import CORRECTION_COLUMNS
from importer.settings import Source
from importer.storage.bulk import Loader, in_target_types
from importer.storage.runspace import RunSpace
from importer.storage.target import Target
from importer.validation.check import check_batch
from importer.validation.flagged import RefusedCell, imprecise_cells, refuse_cells
from importer.validation.model import CheckedBatch, TextBatch
from importer.vocabulary import Behavior, Blank, ValueKind

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
    file = _open(path, entity, source, options)
    try:
        batches = file.batches()
        if file.is_correction and run_of is not None:
            first = next(batches, None)
            batches = _chain(first, batches)
            entity, source = _of_run(first, file, entities, options, run_of) or (entity, source)
        constants = _constants(entity, source, options)
        match = _match(file, entity, source, options, constants)
        _refuse_set_twice(match, options, file)
        used = {name: text for name, text in constants.items() if name not in match.fields}
        return Intake(entity, source, file, match, used, batches)
    except BaseException:
        file.close()
        raise


def _open(path: Path, entity: DataEntity, source: Source, options: ImportOptions) -> SourceFile:
    """With the source's dialect; a correction in its own, whatever the parameters say."""
    asked = _read_options(entity, source, options)
    plain = replace(asked, delimiter=options.delimiter, encoding=options.encoding, quote=None, escape=None)
    plain = replace(plain, header_row=options.header_row, sheet=options.sheet)
    try:
        file = open_source(path, asked)
    except ImporterError:
        if plain == asked:
            raise
        correction = _correction(path, plain)
        if correction is None:
            raise
        return correction
    if file.is_correction and plain != asked:
        file.close()
        return open_source(path, plain)
    return file


def _correction(path: Path, options: ReadOptions) -> SourceFile | None:
    try:
        file = open_source(path, options)
    except ImporterError:
        return None
    if file.is_correction:
        return file
    file.close()
    return None


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


def _constants(entity: DataEntity, source: Source, options: ImportOptions) -> dict[str, str]:
    for name in options.values:
        if name not in entity.by_name:
            raise SetupError(f"--set: unknown field {name!r}{nearest(name, entity.names)}")
    return {**source.defaults, **options.values}


def _match(
    file: SourceFile, entity: DataEntity, source: Source, options: ImportOptions, constants: Mapping[str, str]
) -> HeaderMatch:
    rules = HeaderRules(
        fields=entity.names,
        key=entity.key,
        columns=source.columns,
        titles={field.name: field.title for field in entity.fields},
        ignore=source.ignore_columns,
        provided=frozenset(constants),
        required=source.required_columns,
        ignore_unknown=options.ignore_unknown_columns or source.unknown_columns == "ignore",
    )
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


@dataclass
class Staged:
    """What was counted on the way."""

    rows: int = 0
    control_totals: dict[str, Decimal] = field(default_factory=dict)
    blanks: Counter[str] = field(default_factory=Counter)


def stage(
    intake: Intake, target: Target, space: RunSpace, loader: Loader, watch: Callable[[int, float], None]
) -> Staged:
    """Checks and stages every row of the file; `watch` hears rows and the share read so far."""
    staged = Staged()
    staging = _Staging(intake, target, space, staged)
    for raw in intake.batches:
        for table, data in staging.tables(raw):
            loader.put(table, data)
        staged.rows += len(raw.rows) + len(raw.unreadable)
        watch(staged.rows, intake.file.progress)
    return staged


@dataclass(frozen=True)
class _Staging:
    intake: Intake
    target: Target
    space: RunSpace
    counted: Staged

    def tables(self, raw: RawBatch) -> Iterator[tuple[Any, pa.Table]]:
        """The rows of the run's tables that one batch gives."""
        if len(raw.rows) + len(raw.unreadable) == 0:
            return
        checked = self._check(raw)
        self._count(checked)
        yield self.space.stage, self._stage_rows(raw, checked)
        yield self.space.reason, self._reason_rows(raw, checked)
        yield self.space.batch, self._source_texts(raw)

    def _check(self, raw: RawBatch) -> CheckedBatch:
        entity, headers = self.intake.entity, self.intake.headers
        texts = {
            name: raw.cells.column(index).combine_chunks()
            for index, name in enumerate(self.intake.match.columns)
            if name is not None
        }
        for name, text in self.intake.constants.items():
            texts[name] = pa.repeat(text, len(raw.rows))
        batch = TextBatch(raw.number, raw.rows, texts, {name: headers.get(name, "") for name in texts})
        checked = refuse_cells(check_batch(batch, entity, self.intake.source), self._flagged(raw))
        if self.target.dialect == "sqlite":
            checked = refuse_cells(checked, imprecise_cells(checked, entity, headers))
        return checked

    def _flagged(self, raw: RawBatch) -> list[RefusedCell]:
        cells = []
        for cell in raw.flagged:
            name = self.intake.match.columns[cell.column] if cell.column < len(self.intake.match.columns) else None
            if name is not None:
                number, header = self.space.ordinal[name], self.intake.file.headers[cell.column]
                text = storable(cell.text)
                cells.append(RefusedCell(cell.row, number, header, name, text, cell.code, cell.message))
        return cells

    def _count(self, checked: CheckedBatch) -> None:
        wrong = Counter(checked.reasons["field"].to_pylist())
        for name in self.intake.match.fields:
            values = checked.typed[name]
            kept = self.intake.source.blank_fields.get(name, self.intake.source.blank) is Blank.KEEP
            if kept and name not in self.target.key and values.null_count:
                self.counted.blanks[name] += values.null_count - wrong[name] - _cleared(checked, name)
        for name in checked.typed.column_names:
            if self.intake.entity.by_name[name].kind is ValueKind.DECIMAL:
                total = pc.sum(checked.typed[name]).as_py() or Decimal(0)
                self.counted.control_totals[name] = self.counted.control_totals.get(name, Decimal(0)) + total

    def _stage_rows(self, raw: RawBatch, checked: CheckedBatch) -> pa.Table:
        data = in_target_types(checked.typed, self.target.columns, self.target.dialect)
        for name, values in (("_cleared", checked.cleared), ("_bad", checked.bad), ("_across", checked.across)):
            data = data.append_column(name, values)
        data = data.add_column(0, "_row", checked.rows)
        for name, header in (("_origin_run", "_run"), ("_origin_row", "_row")):
            if self.intake.file.is_correction:
                data = data.append_column(name, raw.cells.column(self.intake.file.headers.index(header)))
        if not raw.unreadable:
            return data
        lost = pa.table(
            {
                "_row": pa.array([row.row for row in raw.unreadable], pa.int64()),
                "_bad": [f"|_row={storable(row.text)}|" for row in raw.unreadable],
            }
        )
        return pa.concat_tables([data, lost], promote_options="default")

    def _reason_rows(self, raw: RawBatch, checked: CheckedBatch) -> pa.Table:
        reasons = checked.reasons
        places = pc.index_in(reasons["field"], value_set=pa.array(list(self.space.ordinal)))
        numbers = pc.fill_null(pc.add(places, 1), 0)
        reasons = reasons.set_column(1, "ord", pc.cast(numbers, pa.int32()))
        reasons = reasons.rename_columns({"column": "column_name"})
        if not raw.unreadable:
            return reasons
        lost = pa.table(
            {
                "row": pa.array([row.row for row in raw.unreadable], pa.int64()),
                "ord": pa.array([0] * len(raw.unreadable), pa.int32()),
                "value": [storable(row.text) for row in raw.unreadable],
                "code": [str(row.code) for row in raw.unreadable],
                "message": [row.message for row in raw.unreadable],
            }
        )
        return pa.concat_tables([reasons, lost], promote_options="default")

    def _source_texts(self, raw: RawBatch) -> pa.Table:
        """The batch's source text as one compressed block, so that any row of it can be given back unaltered."""
        columns = {f"c{place}": raw.cells.column(index) for place, index in enumerate(self.intake.source_columns)}
        table = pa.table({"row": raw.rows, **columns, "text": self._lost_texts(raw)})
        if raw.unreadable:
            rows, texts = [row.row for row in raw.unreadable], [row.text for row in raw.unreadable]
            lost = pa.table({"row": pa.array(rows, pa.int64()), "text": texts})
            table = pa.concat_tables([table, lost], promote_options="default").sort_by("row")
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(table)
        block = sink.getvalue().to_pybytes()
        first, last = table["row"][0].as_py(), table["row"][-1].as_py()
        return pa.table({"number": [raw.number], "first_row": [first], "last_row": [last], "texts": [block]})

    def _lost_texts(self, raw: RawBatch) -> Any:
        """A row that could not be split before and comes back uncorrected still has its text."""
        headers = self.intake.file.headers
        if not self.intake.file.is_correction or "_text" not in headers:
            return pa.nulls(len(raw.rows), pa.string())
        texts = raw.cells.column(headers.index("_text"))
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL in a text: it is shown by its symbol."""
    return text.replace("\x00", "\u2400")


def _cleared(checked: CheckedBatch, name: str) -> int:
    if checked.cleared.null_count == len(checked.cleared):
        return 0
    return int(pc.sum(pc.match_substring(checked.cleared, f"|{name}|")).as_py() or 0)
