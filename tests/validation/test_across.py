"""Checks across fields: on rows as new records, and on merged records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.validation.across import CrossCheck, cross_checks, failing

from .conftest import Check


def with_check(thing: DataEntity, function: Callable[..., Any], **options: Any) -> DataEntity:
    schema = pandera.DataFrameSchema(thing.schema.columns, checks=[pandera.Check(function, **options)], name="Thing")
    return replace(thing, schema=schema)


def test_cross_checks_are_numbered_and_name_their_fields(thing: DataEntity) -> None:
    assert cross_checks(thing) == (
        CrossCheck(0, "ends_after_begin", ("since", "until"), "it ends before it begins"),
        CrossCheck(1, "active_has_amount", ("amount", "active"), "an active thing has an amount"),
    )


def test_merged_records(thing: DataEntity) -> None:
    frame = pa.table(
        {
            "active": pa.array([True, True, None, True], pa.bool_()),
            "amount": pa.array([None, Decimal("1.00"), None, None], pa.decimal128(9, 2)),
            "since": pa.array([date(2024, 1, 2), date(2024, 1, 2), date(2024, 1, 2), None]),
            "until": pa.array([date(2024, 1, 1), date(2024, 1, 1), None, None], pa.date32()),
        }
    )
    assert failing(thing, frame).to_pylist() == ["0 1", "0", None, "1"]
    assert failing(thing, frame.slice(1, 2)).to_pylist() == ["0", None]
    assert failing(thing, frame.select(["active"])).to_pylist() == ["1", "1", None, "1"]
    assert failing(thing, frame.slice(0, 0)).to_pylist() == []


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        pytest.param({"active": "yes", "amount": "1"}, None, id="passes"),
        pytest.param({"active": "yes", "amount": ""}, None, id="the default fills a blank"),
        pytest.param({"active": "yes"}, None, id="the default fills an absent field"),
        pytest.param({"active": "yes", "amount": "<clear>"}, "1", id="a cleared cell stays empty"),
        pytest.param({"since": "2024-01-02", "until": "2024-01-01"}, "0", id="fails"),
        pytest.param({"since": "2024-01-02"}, None, id="null counts as passed"),
        pytest.param(
            {"since": "2024-01-02", "until": "2024-01-01", "active": "1", "amount": "<clear>"}, "0 1", id="both fail"
        ),
        pytest.param({"since": "2024-01-02", "until": "2024-01-01", "days": "x"}, None, id="a row with a wrong cell"),
    ],
)
def test_rows_as_new_records(check: Check, cells: dict[str, str], numbers: str | None) -> None:
    checked = check({name: [text, text] for name, text in cells.items()})
    assert checked.across.to_pylist() == [numbers, numbers]


def test_a_check_that_declares_no_fields_sees_them_all(thing: DataEntity) -> None:
    seen: list[list[str]] = []

    def look(frame: pd.DataFrame) -> pd.Series:
        seen.append(list(frame.columns))
        return frame["area"].notna()

    entity = with_check(thing, look)
    assert failing(entity, pa.table({"area": ["a", None]})).to_pylist() == [None, "0"]
    assert seen == [list(thing.names)]


@pytest.mark.parametrize(
    ("function", "options", "error", "said"),
    [
        pytest.param(
            lambda frame, **_: frame["size"].notna(),
            {"name": "peeks", "fields": ("area",)},
            SetupError,
            r"thing.py: Thing: the check 'peeks' can't be run: KeyError: 'size'",
            id="a field that is not declared",
        ),
        pytest.param(
            lambda frame, **_: frame["area"].notna(),
            {"name": "typo", "fields": ("aera",)},
            SetupError,
            "'typo' declares the unknown field 'aera'; nearest: area",
            id="a field that is not there",
        ),
        pytest.param(
            lambda _: False, {"name": "total"}, RuntimeError, "'total' failed without naming rows", id="one answer"
        ),
        pytest.param(
            lambda frame: frame.notna(), {"name": "cells"}, RuntimeError, "'cells' failed without", id="answers by cell"
        ),
    ],
)
def test_checks_that_can_not_be_run(
    thing: DataEntity, function: Callable[..., Any], options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        failing(with_check(thing, function, **options), pa.table({"area": ["a"]}))
