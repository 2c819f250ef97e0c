"""Cells refused for what they are rather than for what they say: each is reported once, with nothing else about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import DataEntity
from importer.validation.catalogue import explain
from importer.validation.model import REASONS, CheckedBatch
from importer.vocabulary import RejectionCode, ValueKind

EXACT_DIGITS = 15
"""Significant digits that a double keeps exactly."""


@dataclass(frozen=True)
class RefusedCell:
    """A cell of `row` that can't be used; `text` is what the file has."""

    row: int
    ord: int
    column: str
    field: str
    text: str
    code: RejectionCode
    message: str


def refuse_cells(checked: CheckedBatch, cells: Sequence[RefusedCell]) -> CheckedBatch:
    """The batch with these cells blank and one reason each, in place of any other reason of the same cell."""
    if not cells:
        return checked
    places = {row: index for index, row in enumerate(checked.rows.to_pylist())}
    named = {(cell.row, cell.field) for cell in cells}
    kept = [reason for reason in checked.reasons.to_pylist() if (reason["row"], reason["field"]) not in named]
    bad, across = checked.bad.to_pylist(), checked.across.to_pylist()
    blank: dict[str, set[int]] = {}
    for cell in cells:
        index = places[cell.row]
        bad[index] = f"{bad[index] or '|'}{cell.field}={cell.text}|"
        across[index] = None
        blank.setdefault(cell.field, set()).add(index)
        kept.append(_reason(cell))
    kept.sort(key=lambda reason: (reason["row"], reason["ord"]))
    return replace(
        checked,
        typed=_blanked(checked.typed, blank),
        bad=pa.array(bad, pa.string()),
        across=pa.array(across, pa.string()),
        reasons=pa.Table.from_pylist(kept, schema=REASONS),
    )


def _reason(cell: RefusedCell) -> dict[str, Any]:
    return {
        "row": cell.row,
        "ord": cell.ord,
        "column": cell.column,
        "field": cell.field,
        "value": cell.text,
        "code": str(cell.code),
        "message": cell.message,
    }


def _blanked(typed: pa.Table, blank: dict[str, set[int]]) -> pa.Table:
    for name, indexes in blank.items():
        if name not in typed.column_names:
            continue
        mask = pa.array([index in indexes for index in range(typed.num_rows)])
        values = pc.if_else(mask, pa.scalar(None, typed[name].type), typed[name])
        typed = typed.set_column(typed.column_names.index(name), name, values)
    return typed


def imprecise_cells(checked: CheckedBatch, entity: DataEntity, headers: dict[str, str]) -> list[RefusedCell]:
    """Decimals with more digits than a double keeps, for databases that store doubles (SQLite)."""
    cells = []
    for name in checked.typed.column_names:
        field = entity.by_name[name]
        if field.kind is not ValueKind.DECIMAL:
            continue
        # Only values of many digits can be meant: all others are told apart as a column.
        large = pc.greater_equal(pc.abs(checked.typed[name]), pa.scalar(Decimal(10) ** (EXACT_DIGITS - field.scale)))
        for index in pc.indices_nonzero(pc.fill_null(large, False)).to_pylist():
            value = checked.typed[name][index].as_py()
            if len(value.normalize().as_tuple().digits) > EXACT_DIGITS:
                cells.append(
                    RefusedCell(
                        row=checked.rows[index].as_py(),
                        ord=entity.names.index(name),
                        column=headers.get(name, ""),
                        field=name,
                        text=str(value),
                        code=RejectionCode.IMPRECISE_NUMBER,
                        message=explain(
                            RejectionCode.IMPRECISE_NUMBER,
                            title=field.title,
                            value=str(value),
                            limit=f"this database keeps {EXACT_DIGITS} digits",
                        ),
                    )
                )
    return cells
