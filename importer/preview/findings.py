"""What is found on the way through the rows: counts over the whole file, and the first examples of every code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import DataEntity
from importer.preview.columns import Column, Fate
from importer.reading import RawBatch
from importer.settings import Source
from importer.staging import storable
from importer.validation.check import check_batch
from importer.validation.flagged import RefusedCell, refuse_cells
from importer.validation.model import TextBatch
from importer.validation.shortened import shortened_numbers
from importer.vocabulary import RejectionCode

if TYPE_CHECKING:
    from importer.reading import SourceFile

Answer = dict[str, Any]

FIRST_ROWS = 5
EXAMPLES = 5


@dataclass
class Tally:
    """Counts by code over the whole file, and the first examples of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Answer]] = field(default_factory=dict)

    def add(self, code: str, count: int, examples: Iterable[Answer]) -> None:
        self.counts[code] += count
        kept = self.examples.setdefault(code, [])
        kept += [example for _, example in zip(range(EXAMPLES - len(kept)), examples, strict=False)]

    def answer(self) -> Answer:
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return {code: {"count": count, "examples": self.examples[code]} for code, count in ordered}


@dataclass(frozen=True)
class Matched:
    """An entity and source for the file; `refusal` is why an import would refuse it all the same."""

    entity: DataEntity
    source: Source
    columns: tuple[Column, ...]
    constants: Mapping[str, str]
    refusal: Answer | None

    @property
    def fields(self) -> dict[str, int]:
        """The fields that exactly one column brings, with its index."""
        return {
            column.field: column.position - 1
            for column in self.columns
            if column.field is not None and column.fate is Fate.MATCHED
        }


@dataclass
class Seen:
    """What was found on the way through the rows."""

    readable: int = 0
    first: list[Answer] = field(default_factory=list)
    unreadable: Tally = field(default_factory=Tally)
    flagged: Tally = field(default_factory=Tally)
    errors: Tally = field(default_factory=Tally)
    rows_with_errors: int = 0


def look(raw: RawBatch, file: SourceFile, matched: Matched | None, seen: Seen) -> None:
    seen.readable += len(raw.rows)
    for index in range(min(len(raw.rows), FIRST_ROWS - len(seen.first))):
        cells = [column[index].as_py() for column in raw.cells.columns]
        seen.first.append({"row": raw.rows[index].as_py(), "cells": cells})
    for row in raw.unreadable:
        seen.unreadable.add(row.code, 1, [{"row": row.row, "message": row.message, "text": row.text}])
    for cell in raw.flagged:
        header = file.headers[cell.column]
        example = {"row": cell.row, "column": header, "text": cell.text, "message": cell.message}
        seen.flagged.add(cell.code, 1, [example])
    if matched is None:
        _look_for_lost_digits(raw, file, seen)
    elif matched.fields and len(raw.rows):
        _count_errors(_reasons(raw, file, matched), seen)


def _look_for_lost_digits(raw: RawBatch, file: SourceFile, seen: Seen) -> None:
    """Scientific notation is damage whatever the column is for; the rest depends on what an entity declares."""
    for header, column in zip(file.headers, raw.cells.columns, strict=True):
        found = shortened_numbers(column.combine_chunks(), header)
        examples = [
            {
                "row": raw.rows[position].as_py(),
                "column": header,
                "text": column[position].as_py(),
                "message": message.as_py(),
            }
            for position, message in zip(found.positions[:EXAMPLES].tolist(), found.messages[:EXAMPLES], strict=True)
        ]
        if examples:
            seen.flagged.add(RejectionCode.IMPRECISE_NUMBER, len(found), examples)


def _reasons(raw: RawBatch, file: SourceFile, matched: Matched) -> pa.Table:
    """What is wrong with each cell by itself. A key field that nothing brings is not held against every row."""
    texts = {name: raw.cells.column(index).combine_chunks() for name, index in matched.fields.items()}
    texts |= {name: pa.repeat(text, len(raw.rows)) for name, text in matched.constants.items()}
    headers = {name: file.headers[index] for name, index in matched.fields.items()}
    entity = replace(matched.entity, key=tuple(name for name in matched.entity.key if name in texts))
    batch = TextBatch(raw.number, raw.rows, texts, {name: headers.get(name, "") for name in texts})
    return refuse_cells(check_batch(batch, entity, matched.source), _flagged(raw, file, matched)).reasons


def _flagged(raw: RawBatch, file: SourceFile, matched: Matched) -> list[RefusedCell]:
    fields = {index: name for name, index in matched.fields.items()}
    return [
        RefusedCell(
            row=cell.row,
            ord=matched.entity.names.index(fields[cell.column]),
            column=file.headers[cell.column],
            field=fields[cell.column],
            text=storable(cell.text),
            code=cell.code,
            message=cell.message,
        )
        for cell in raw.flagged
        if cell.column in fields
    ]


def _count_errors(reasons: pa.Table, seen: Seen) -> None:
    seen.rows_with_errors += pc.count_distinct(reasons["row"]).as_py()
    for counted in pc.value_counts(reasons["code"]).to_pylist():
        code = counted["values"]
        first = reasons.filter(pc.equal(reasons["code"], code)).slice(0, EXAMPLES)
        examples = first.select(["row", "column", "field", "value", "message"]).to_pylist()
        seen.errors.add(code, counted["counts"], examples)
