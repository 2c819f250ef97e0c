"""What the extremes prove, the check itself says too."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandera.pandas as pandera
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.validation.engine import failing_positions, series
from importer.validation.extremes import is_kept_by_all

from .conftest import patient

LENGTHS = [
    pandera.Check.str_length(max_value=3),
    pandera.Check.str_length(1, 3),
    pandera.Check.str_length(exact_value=2),
]
RANGES = [
    check(limit)
    for check in (pandera.Check.gt, pandera.Check.ge, pandera.Check.lt, pandera.Check.le)
    for limit in (0, 7)
]
DATES = [pandera.Check.ge(date(2020, 1, 1)), pandera.Check.lt(date(2020, 1, 1))]


@patient
@given(texts=st.lists(st.none() | st.text("aé漢", max_size=4), max_size=6))
def test_lengths(texts: list[str | None]) -> None:
    agree(pa.array(texts, pa.string()), LENGTHS)


@patient
@given(numbers=st.lists(st.none() | st.integers(-9, 9), max_size=6))
def test_ranges(numbers: list[int | None]) -> None:
    agree(pa.array(numbers, pa.int64()), RANGES)
    amounts = [None if number is None else Decimal(number) for number in numbers]
    agree(pa.array(amounts, pa.decimal128(18, 2)), RANGES)


@patient
@given(days=st.lists(st.none() | st.dates(date(2019, 12, 30), date(2020, 1, 2)), max_size=6))
def test_dates(days: list[date | None]) -> None:
    agree(pa.array(days, pa.date32()), DATES)


def agree(values: pa.Array, checks: list[pandera.Check]) -> None:
    for check in checks:
        if is_kept_by_all(check, values):
            assert not len(failing_positions(check, series(values), "field"))


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (LENGTHS[0], pa.array(["abc", None, ""])),
        (pandera.Check.ge(0), pa.array([Decimal("0.00"), None], pa.decimal128(18, 2))),
        (DATES[0], pa.array([date(2020, 1, 1)])),
        (pandera.Check.lt(7), pa.array([6, -1])),
    ],
)
def test_values_within_bounds_need_no_check(check: pandera.Check, values: pa.Array) -> None:
    assert is_kept_by_all(check, values)
