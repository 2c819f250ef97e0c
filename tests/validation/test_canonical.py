"""Canonical text and single values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.entity import DataEntity, Field
from importer.validation.canonical import Refusal, canonical, check_value, parse_value
from importer.vocabulary import ValueKind

from .conftest import patient

AMOUNT = Field("amount", "Amount", ValueKind.DECIMAL, required=False, precision=18, scale=2)
WIDE = Field("wide", "Wide", ValueKind.DECIMAL, required=False, precision=38, scale=10)
DAYS = Field("days", "Days", ValueKind.INTEGER, required=False)
ACTIVE = Field("active", "Active", ValueKind.BOOLEAN, required=False)
SINCE = Field("since", "Since", ValueKind.DATE, required=False)
NAME = Field("name", "Name", ValueKind.TEXT, required=False)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        pytest.param(AMOUNT, Decimal(5000), "5000.00", id="decimal at its scale"),
        pytest.param(AMOUNT, 5000.1, "5000.10", id="decimal kept as a double"),
        pytest.param(AMOUNT, "7", "7.00", id="decimal kept as text"),
        pytest.param(AMOUNT, Decimal("-0.00"), "0.00", id="no negative zero"),
        pytest.param(AMOUNT, Decimal("1E+3"), "1000.00", id="no exponent"),
        pytest.param(AMOUNT, Decimal("1.239"), "1.239", id="a difference is never hidden"),
        pytest.param(WIDE, Decimal(0), "0.0000000000", id="zero with many decimals"),
        pytest.param(WIDE, Decimal("9" * 28 + ".1234567891"), "9" * 28 + ".1234567891", id="38 digits"),
        pytest.param(DAYS, 30, "30", id="integer"),
        pytest.param(DAYS, "30", "30", id="integer kept as text"),
        pytest.param(ACTIVE, True, "true", id="true"),
        pytest.param(ACTIVE, 0, "false", id="boolean kept as a number"),
        pytest.param(SINCE, date(2024, 2, 29), "2024-02-29", id="date"),
        pytest.param(SINCE, datetime(2024, 2, 29, 12), "2024-02-29", id="timestamp"),
        pytest.param(SINCE, "2024-02-29", "2024-02-29", id="date kept as text"),
        pytest.param(NAME, " Malmo\u0308 ", "Malmö", id="text"),
        pytest.param(NAME, "", None, id="the empty string is blank"),
        pytest.param(NAME, None, None, id="null is blank"),
    ],
)
def test_canonical(field: Field, value: object, text: str | None) -> None:
    assert canonical(field, value) == text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(ACTIVE, "maybe", id="boolean"),
        pytest.param(SINCE, "yesterday", id="date"),
        pytest.param(AMOUNT, "NaN", id="no number"),
    ],
)
def test_canonical_refuses_what_is_no_value(field: Field, value: object) -> None:
    with pytest.raises(ValueError):
        canonical(field, value)


@patient
@given(
    pair=st.one_of(
        st.tuples(st.just(AMOUNT), st.decimals(-(10**16) + 1, 10**16 - 1, places=2)),
        st.tuples(st.just(WIDE), st.decimals(-(10**28) + 1, 10**28 - 1, places=10)),
        st.tuples(st.just(DAYS), st.integers(-(10**18) + 1, 10**18 - 1)),
        st.tuples(st.just(ACTIVE), st.booleans()),
        st.tuples(st.just(SINCE), st.dates()),
        st.tuples(st.just(NAME), st.text(st.characters(categories=["L", "N", "P", "Zs"]))),
    )
)
def test_canonical_text_reads_back_as_itself(pair: tuple[Field, object]) -> None:
    field, value = pair
    text = canonical(field, value)
    again = parse_value(field, text or "")
    assert not isinstance(again, Refusal)
    assert canonical(field, again) == text


def test_parse_value_in_the_forms_of_a_source(thing: DataEntity) -> None:
    german = thing.source("german")
    assert parse_value(thing.by_name["amount"], "1.234,50", german) == Decimal("1234.50")
    assert parse_value(thing.by_name["since"], "31.12.2024", german) == date(2024, 12, 31)
    assert parse_value(thing.by_name["memo"], "  ") is None
    refused = parse_value(thing.by_name["amount"], "1.234,50")
    assert isinstance(refused, Refusal)
    assert refused.code == "invalid_number"


def test_check_value_knows_the_checks_of_the_schema(thing: DataEntity) -> None:
    assert check_value(thing, "size", "S") == "S"
    assert check_value(thing, "size", "Small", thing.source("mapped")) == "S"
    refused = check_value(thing, "size", "XL")
    assert refused == Refusal(refused.code, "Size 'XL' is not an allowed value; allowed are S, M, L.")  # type: ignore[union-attr]
    assert check_value(thing, "number", "").code == "missing_key"  # type: ignore[union-attr]
