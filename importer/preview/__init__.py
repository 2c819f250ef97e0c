"""The story of a preview: how a file is read, and what an import would say about each of its cells.

In: a path and what the command says. Out: the answer as one dictionary, and with `output` the readable rows as plain
CSV. It reads the file the way an import does and touches no database; so what depends on stored records (duplicates,
changes, checks across fields) is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from importer.entity import DataEntity, pick
from importer.errors import SetupError
from importer.intake import ImportOptions, constants_of, header_rules, open_matched
from importer.preview.columns import Column, Fate, is_ours, match_columns, refusal
from importer.preview.findings import Answer, Matched, Seen, look
from importer.preview.plain_csv import plain_csv
from importer.reading import ReadOptions, open_source
from importer.settings import Source
from importer.validation.declared import check_declared

if TYPE_CHECKING:
    from importer.reading import SourceFile

__all__ = ["preview_file"]


def preview_file(
    path: Path, entities: Mapping[str, DataEntity], options: ImportOptions, output: Path | None = None
) -> Answer:
    """How the file is read. FileRefused (exit 5) and SetupError (exit 2) as for an import.

    What would stop an import only afterwards (unknown columns, no key column) is shown, not refused.
    """
    chosen, why_none = _choose(path, entities, options)
    with _open_file(path, chosen, options) as file:
        matched = _match(file, *chosen, options) if chosen else None
        seen = Seen()
        kept = [index for index, header in enumerate(file.headers) if not is_ours(file, header)]
        with plain_csv(output, path, [file.headers[index] for index in kept]) as write:
            for raw in file.batches():
                look(raw, file, matched, seen)
                write(raw.cells.select(kept))
        return _answer(file, matched, seen, output, why_none)


def _choose(
    path: Path, entities: Mapping[str, DataEntity], options: ImportOptions
) -> tuple[tuple[DataEntity, Source] | None, str | None]:
    """Entity and source of the file, or why there is none."""
    if not entities:
        return None, "there is no entity yet; importer scaffold makes one from a file"
    try:
        return pick(entities, path.name, options.entity, options.source), None
    except SetupError as error:
        if options.entity is not None or options.source is not None:
            raise
        return None, error.message


def _open_file(path: Path, chosen: tuple[DataEntity, Source] | None, options: ImportOptions) -> SourceFile:
    if chosen is not None:
        return open_matched(path, *chosen, options)
    if options.values:
        raise SetupError("--set names fields, but no entity is known for this file", hint="say which with --entity")
    return open_source(
        path,
        ReadOptions(
            delimiter=options.delimiter,
            encoding=options.encoding,
            header_row=options.header_row,
            sheet=options.sheet,
        ),
    )


def _match(file: SourceFile, entity: DataEntity, source: Source, options: ImportOptions) -> Matched:
    """Each column by itself, so that one that is wrong hides nothing about the others."""
    check_declared(entity)
    constants = constants_of(entity, source, options)
    rules = header_rules(entity, source, constants)
    columns = match_columns(file, rules)
    brought = {column.field for column in columns}
    used = {name: text for name, text in constants.items() if name not in brought}
    why = _set_twice(columns, options) or refusal(file, rules)
    return Matched(entity, source, columns, used, why)


def _set_twice(columns: tuple[Column, ...], options: ImportOptions) -> Answer | None:
    for column in columns:
        if column.field in options.values:
            message = f"--set {column.field}: the file brings this field itself, in the column {column.header!r}"
            return {"message": message, "hint": "leave the option out, or take the column out of the file"}
    return None


def _answer(file: SourceFile, matched: Matched | None, seen: Seen, output: Path | None, why_none: str | None) -> Answer:
    unreadable = seen.unreadable.counts.total()
    plain = tuple(Column(position, header, Fate.READ) for position, header in enumerate(file.headers, 1))
    return {
        "exit_code": 3 if unreadable else 0,
        "file": {"name": file.name, "sha256": file.sha256, "bytes": file.bytes},
        "entity": matched.entity.name if matched else None,
        "source": matched.source.name if matched else None,
        "no_entity": why_none,
        **asdict(file.dialect),
        "notes": list(file.dialect.notes),
        "is_correction": file.is_correction,
        "columns": [asdict(column) for column in (matched.columns if matched else plain)],
        "constants": dict(matched.constants) if matched else {},
        "refusal": matched.refusal if matched else None,
        "rows": {"read": seen.readable + unreadable, "readable": seen.readable, "unreadable": unreadable},
        "first_rows": seen.first,
        "unreadable": seen.unreadable.answer(),
        "flagged": seen.flagged.answer(),
        "rows_with_errors": seen.rows_with_errors if matched else None,
        "errors": seen.errors.answer() if matched else {},
        "output": str(output) if output else None,
    }
