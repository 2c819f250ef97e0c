"""Checks across fields, the frame checks of the schema: which of them fail for which records.

In: typed records. Out: per record the numbers of the failing checks, e.g. '0 2', else null. They are declared as
`@pa.dataframe_check(fields=("a", "b"), error="…")` and answer with a boolean Series; null counts as passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from importer.entity import DataEntity, nearest
from importer.errors import SetupError
from importer.validation.canonical import Refusal, Value, parse_value
from importer.validation.engine import check_name, failing_positions, series
from importer.validation.failures import Mask, blanked, mask_of, names_where
from importer.validation.numbers import arrow_type


@dataclass(frozen=True)
class CrossCheck:
    """`number` stands in the answers of `failing`; `fields` are those that the check looks at, in entity order."""

    number: int
    name: str
    fields: tuple[str, ...]
    message: str


def cross_checks(entity: DataEntity) -> tuple[CrossCheck, ...]:
    """The frame checks of an entity; one that declares no fields looks at all of them."""
    return tuple(
        CrossCheck(number, check_name(check), _fields(entity, check), str(check.error or check_name(check)))
        for number, check in enumerate(entity.schema.checks)
    )


def failing(entity: DataEntity, frame: pa.Table) -> pa.Array:
    """For records as they would be stored: '0 2' or null. Fields that `frame` lacks count as blank.

    SetupError if a check raises; RuntimeError if one fails without saying for which records.
    """
    columns = {name: frame[name].combine_chunks() for name in frame.column_names}
    masks = {str(cross.number): _failing(entity, cross, columns, len(frame)) for cross in cross_checks(entity)}
    return names_where(masks, len(frame), " ")


def failing_as_new(entity: DataEntity, typed: pa.Table, cleared: dict[str, Mask], wrong: Mask) -> pa.Array:
    """`failing` for rows taken as new records: defaults fill their blanks. Null for `wrong` rows."""
    needed = {name for cross in cross_checks(entity) for name in cross.fields}
    if not needed:
        return pa.nulls(len(typed), pa.string())
    frame = pa.table({name: _as_new(entity, name, typed, cleared) for name in entity.in_order(needed)})
    return blanked(failing(entity, frame), wrong)


def _fields(entity: DataEntity, check: Any) -> tuple[str, ...]:
    declared = (check._check_kwargs or {}).get("fields")
    for name in declared or ():
        if name not in entity.by_name:
            raise SetupError(
                f"{_where(entity)}: the check {check_name(check)!r} declares the unknown field {name!r}"
                f"{nearest(name, entity.names)}",
                file=str(entity.files[0]),
            )
    return tuple(entity.in_order(declared)) if declared else entity.names


def _where(entity: DataEntity) -> str:
    return f"{entity.files[0]}: {entity.schema.name or entity.name}"


def _failing(entity: DataEntity, cross: CrossCheck, columns: dict[str, pa.Array], count: int) -> Mask:
    data = {name: series(columns.get(name, _blanks(entity, name, count))) for name in cross.fields}
    frame = pd.DataFrame(data, index=pd.RangeIndex(count))
    return mask_of(failing_positions(entity.schema.checks[cross.number], frame, _where(entity)), count)


def _blanks(entity: DataEntity, name: str, count: int) -> pa.Array:
    return pa.nulls(count, arrow_type(entity.by_name[name]))


def _as_new(entity: DataEntity, name: str, typed: pa.Table, cleared: dict[str, Mask]) -> pa.Array:
    """A column with the entity's default where the cell is blank; a cleared cell stays empty."""
    present = name in typed.column_names
    values = typed[name].combine_chunks() if present else _blanks(entity, name, len(typed))
    default = _default(entity, name)
    if default is None:
        return values
    filled = values.fill_null(pa.scalar(default, values.type))
    return blanked(filled, cleared[name]) if present else filled


def _default(entity: DataEntity, name: str) -> Value:
    """The entity's default as a value; SetupError if it is none (`declared.py` finds that at the start)."""
    text = entity.parameters.entity.defaults.get(name)
    value = parse_value(entity.by_name[name], text) if text is not None else None
    if isinstance(value, Refusal):
        raise SetupError(f"{entity.files[-1]}: entity.defaults.{name}: {value.message}", file=str(entity.files[-1]))
    return value
