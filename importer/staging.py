"""Checked and staged batch by batch: the rows of a file become rows of the run's tables.

In: an `Intake`. Out: `Staged`, what was counted on the way. Reading, checking and loading overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from importer.intake import Intake
from importer.reading import RawBatch
from importer.reading.read_ahead import read_ahead
from importer.storage.blocks import PASSING, block_row, pack, whole_column
from importer.storage.bulk import Loader, Rows, in_target_types
from importer.storage.runspace import RunSpace
from importer.storage.target import Target
from importer.validation.check import check_batch
from importer.validation.flagged import RefusedCell, imprecise_cells, refuse_cells
from importer.validation.keys_seen import KeysSeen
from importer.validation.model import CheckedBatch, TextBatch
from importer.vocabulary import Blank, ValueKind


@dataclass
class Staged:
    """What was counted on the way. `incomplete`: fields that a row leaves without a value; `clears`: whether any cell
    says that a stored value is to be emptied; `fails_across`: whether a row taken as a new record fails a check across
    fields.
    """

    rows: int = 0
    control_totals: dict[str, Decimal] = field(default_factory=dict)
    blanks: Counter[str] = field(default_factory=Counter)
    keys: KeysSeen = field(default_factory=KeysSeen)
    incomplete: set[str] = field(default_factory=set)
    clears: bool = False
    fails_across: bool = False


def stage(
    intake: Intake,
    target: Target,
    space: RunSpace,
    loader: Loader,
    watch: Callable[[int, float], None],
    *,
    all_new: bool = False,
) -> Staged:
    """Checks and stages every row of the file; `watch` hears rows and the share read so far. `all_new`: the target
    holds nothing, so that similar keys matter among all rows.
    """
    similar = all_new and intake.source.similar_keys == "reject"
    staged = Staged(keys=KeysSeen(similar=similar, most_rows=intake.file.most_rows))
    staging = _Staging(intake, target, space, staged)
    with closing(read_ahead(intake.batches)) as batches:
        for raw in batches:
            for table, rows in staging.tables(raw):
                loader.put(table, rows)
            staged.rows += len(raw.rows) + len(raw.unreadable)
            watch(staged.rows, intake.file.progress)
    return staged


@dataclass(frozen=True)
class _Staging:
    intake: Intake
    target: Target
    space: RunSpace
    counted: Staged

    def tables(self, raw: RawBatch) -> Iterator[tuple[sa.Table, Rows]]:
        """The rows of the run's tables that one batch gives; all but checking is done where they are loaded."""
        if len(raw.rows) + len(raw.unreadable) == 0:
            return
        raw = replace(raw, cells=raw.cells.combine_chunks())  # once, for checking and for packing
        checked = self._check(raw)
        self._count(checked)
        yield self.space.stage, partial(self._stage_rows, raw, checked)
        yield self.space.reason, partial(self._reason_rows, raw, checked)
        yield self.space.batch, partial(self._source_texts, raw)
        yield self.space.line, partial(self._keys_of_rows, raw, checked)

    def _check(self, raw: RawBatch) -> CheckedBatch:
        entity, headers = self.intake.entity, self.intake.headers
        texts = {
            name: whole_column(raw.cells.column(index))
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
        incomplete = {name for name in checked.typed.column_names if checked.typed[name].null_count}
        self.counted.incomplete |= incomplete
        self.counted.fails_across |= checked.across.null_count < len(checked.across)
        self.counted.clears |= checked.cleared.null_count < len(checked.cleared)
        self.counted.clears |= not all(map(self._keeps, incomplete))
        for name in self.intake.match.fields:
            values = checked.typed[name]
            if self._keeps(name) and name not in self.target.key and values.null_count:
                self.counted.blanks[name] += values.null_count - wrong[name] - _cleared(checked, name)
        for name in checked.typed.column_names:
            if self.intake.entity.by_name[name].kind is ValueKind.DECIMAL:
                total = pc.sum(checked.typed[name]).as_py() or Decimal(0)
                self.counted.control_totals[name] = self.counted.control_totals.get(name, Decimal(0)) + total

    def _keeps(self, name: str) -> bool:
        """Whether a blank of the field leaves the stored value as it is."""
        return self.intake.source.blank_fields.get(name, self.intake.source.blank) is Blank.KEEP

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
        return block_row(raw.number, table["row"], "texts", pack(table, PASSING))

    def _keys_of_rows(self, raw: RawBatch, checked: CheckedBatch) -> pa.Table:
        """What the results say of every row, whatever becomes of it."""
        columns = {"row": checked.rows}
        for number, name in enumerate(self.target.key, start=1):
            columns[f"key_{number}"] = pc.cast(checked.typed[name], pa.string())
        if self.intake.file.is_correction:
            for name, header in (("origin_run", "_run"), ("origin_row", "_row")):
                columns[name] = raw.cells.column(self.intake.file.headers.index(header))
        keys = [whole_column(columns[f"key_{number}"]) for number, _ in enumerate(self.target.key, start=1)]
        self.counted.keys.add(checked.rows.to_numpy(), keys)
        table = pa.table(columns)
        if raw.unreadable:
            lost = pa.table({"row": pa.array([row.row for row in raw.unreadable], pa.int64())})
            table = pa.concat_tables([table, lost], promote_options="default").sort_by("row")
        return block_row(raw.number, table["row"], "keys", pack(table, PASSING))

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
