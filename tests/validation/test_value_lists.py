"""[sources.values]: text in the file = value to store."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .conftest import Check


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("size", "Small", "S", id="mapped"),
        pytest.param("size", " Small\u00a0", "S", id="mapped after trimming"),
        pytest.param("size", "M", "M", id="valid without an entry"),
        pytest.param("size", "n/a", None, id="mapped to nothing"),
        pytest.param("size", "", None, id="blank"),
        pytest.param("amount", "a lot", Decimal("1000.50"), id="number"),
        pytest.param("amount", "12", Decimal("12.00"), id="number without an entry"),
        pytest.param("active", "y", True, id="boolean"),
        pytest.param("active", "no", False, id="boolean without an entry"),
        pytest.param("code", "one", "ONE", id="what would not match the pattern"),
    ],
)
def test_values(check: Check, name: str, text: str, value: object) -> None:
    checked = check({name: [text]}, source="mapped")
    assert checked.typed[name].to_pylist() == [value]
    assert checked.cleared.to_pylist() == [None]
    assert not len(checked.reasons)


@pytest.mark.parametrize(
    ("name", "text", "code", "said"),
    [
        pytest.param("size", "XL", "unmapped_value", "allowed are S, M, L", id="not in list"),
        pytest.param("size", "small", "unmapped_value", "allowed are S, M, L", id="compared exactly"),
        pytest.param("active", "Y", "unmapped_value", "Yes or No", id="boolean"),
        pytest.param("amount", "some", "unmapped_value", "1234.56", id="number"),
        pytest.param("code", "two", "unmapped_value", "^[A-Z]+$", id="pattern"),
        pytest.param("code", "TOOLONG", "too_long", "at most 5", id="a length is no matter of the list"),
        pytest.param("amount", "-5", "out_of_range", "at least 0", id="a range is no matter of the list"),
        pytest.param("colour", "Grene", "not_in_list", "nearest: green", id="a field without a list"),
    ],
)
def test_what_has_no_entry_and_is_not_valid_itself(check: Check, name: str, text: str, code: str, said: str) -> None:
    (reason,) = check({name: [text]}, source="mapped").reasons.to_pylist()
    assert (reason["code"], reason["value"]) == (code, text)
    assert said in reason["message"]


def test_a_word_may_stand_for_clearing(check: Check) -> None:
    checked = check({"size": ["nothing", "-", "S"]}, source="mapped")
    assert checked.cleared.to_pylist() == ["|size|", "|size|", None]
    assert checked.typed["size"].to_pylist() == [None, None, "S"]
