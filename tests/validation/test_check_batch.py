"""A batch: every wrong cell one reason, no wrong cell hides another, the rest is typed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.entity import DataEntity
from importer.validation.check import check_batch
from importer.validation.model import REASONS, CheckedBatch, TextBatch

from .conftest import Check, batch_of, patient

GOOD = {
    "area": "a",
    "number": "1",
    "name": "Contoso",
    "code": "ABC",
    "size": "M",
    "colour": "green",
    "amount": "12.50",
    "share": "0.5",
    "days": "30",
    "small": "-5",
    "active": "yes",
    "since": "2024-01-31",
    "until": "2024-02-29",
    "memo": "two\nlines",
}
BAD = {
    "area": ("", "missing_key"),
    "number": ("1 2", "pattern_mismatch"),
    "name": ("<clear>", "missing_required"),
    "code": ("A", "too_short"),
    "size": ("XL", "not_in_list"),
    "colour": ("Grene", "not_in_list"),
    "amount": ("12,50", "invalid_number"),
    "share": ("1.5", "out_of_range"),
    "days": ("366", "out_of_range"),
    "small": ("32768", "out_of_range"),
    "active": ("maybe", "invalid_boolean"),
    "since": ("2024-02-30", "invalid_date"),
    "until": ("tomorrow", "invalid_date"),
    "memo": ("\x07bell\x07", "control_character"),
}


def codes(checked: CheckedBatch) -> list[tuple[int, str, str]]:
    return [(reason["row"], reason["field"], reason["code"]) for reason in checked.reasons.to_pylist()]


def test_a_sound_batch_is_typed(check: Check, thing: DataEntity) -> None:
    checked = check({name: [text] for name, text in reversed(GOOD.items())})
    assert checked.typed.column_names == list(thing.names)
    assert [str(kind) for kind in checked.typed.schema.types] == (
        ["string"] * 6 + ["decimal128(9, 2)", "decimal128(4, 4)", "int64", "int64", "bool", "date32[day]"]
    ) + ["date32[day]", "string"]
    assert checked.typed.to_pylist()[0] | {"name": "Contoso"} == {
        **GOOD,
        "amount": Decimal("12.50"),
        "share": Decimal("0.5000"),
        "days": 30,
        "small": -5,
        "active": True,
        "since": date(2024, 1, 31),
        "until": date(2024, 2, 29),
    }
    assert (checked.number, checked.rows.to_pylist()) == (7, [2])
    assert checked.cleared.to_pylist() == checked.bad.to_pylist() == checked.across.to_pylist() == [None]
    assert checked.reasons.schema == REASONS
    assert not len(checked.reasons)


def test_every_error_of_every_row_is_named_in_one_pass(check: Check, thing: DataEntity) -> None:
    checked = check({name: [GOOD[name], text] for name, (text, _) in BAD.items()})
    assert codes(checked) == [(3, name, BAD[name][1]) for name in thing.names]
    assert checked.reasons["ord"].to_pylist() == list(range(len(BAD)))
    assert checked.reasons["column"].to_pylist() == [name.upper() for name in thing.names]
    assert checked.reasons["value"].to_pylist() == [BAD[name][0] for name in thing.names]
    assert all(value is not None for value in checked.typed.slice(0, 1).to_pylist()[0].values())
    assert set(checked.typed.slice(1, 1).to_pylist()[0].values()) == {None}


@pytest.mark.parametrize("name", list(BAD))
def test_one_bad_cell_hides_nothing_else(name: str, check: Check) -> None:
    text, code = BAD[name]
    cells = {other: [good, good] for other, good in GOOD.items()}
    checked = check({**cells, name: [GOOD[name], text]})
    assert codes(checked) == [(3, name, code)]
    expected = check(cells).typed.to_pylist()
    expected[1][name] = None
    assert checked.typed.to_pylist() == expected


@patient
@given(wrong=st.lists(st.frozensets(st.sampled_from(list(BAD))), min_size=1, max_size=12))
def test_every_bad_cell_has_exactly_one_reason_and_no_good_cell_has_any(
    wrong: list[frozenset[str]], check: Check, thing: DataEntity
) -> None:
    cells = {name: [BAD[name][0] if name in row else GOOD[name] for row in wrong] for name in GOOD}
    checked = check(cells)
    expected = [
        (number, name, BAD[name][1]) for number, row in enumerate(wrong, start=2) for name in thing.in_order(row)
    ]
    assert codes(checked) == expected
    for row, typed, bad in zip(wrong, checked.typed.to_pylist(), checked.bad.to_pylist(), strict=True):
        assert {name for name, value in typed.items() if value is None} == set(row)
        assert (bad is None) == (not row)


@patient
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=8), name=st.sampled_from(list(GOOD)))
def test_any_text_is_either_a_value_a_blank_or_one_reason(texts: list[str], name: str, check: Check) -> None:
    checked = check({name: texts})
    found = [number for number, field, _ in codes(checked) if field == name]
    assert len(found) == len(set(found))
    values = checked.typed[name].to_pylist()
    assert all(values[number - 2] is None for number in found)


def test_the_value_of_a_reason_is_the_text_in_the_file(check: Check) -> None:
    checked = check({"amount": ["  twelve\u00a0"], "name": ["  x "]})
    (reason,) = checked.reasons.to_pylist()
    assert reason["value"] == "  twelve\u00a0"
    assert "'twelve'" in reason["message"]
    assert checked.typed["name"].to_pylist() == ["x"]


def test_the_clear_token_clears_but_not_what_must_not_be_empty(check: Check) -> None:
    checked = check(
        {
            "amount": [" <clear>", "1"],
            "memo": ["<clear>", "<CLEAR>"],
            "name": ["x", "<clear>"],
            "area": ["a", "<clear>"],
        }
    )
    assert checked.cleared.to_pylist() == ["|amount|memo|", None]
    assert checked.typed["memo"].to_pylist() == [None, "<CLEAR>"]
    assert codes(checked) == [(3, "area", "missing_key"), (3, "name", "missing_required")]


def test_each_empty_part_of_the_key_is_named(check: Check) -> None:
    assert codes(check({"area": ["", "a"], "number": [" ", "\u200b"]})) == [
        (2, "area", "missing_key"),
        (2, "number", "missing_key"),
        (3, "number", "missing_key"),
    ]


def test_no_text_of_a_reason_has_a_nul(check: Check) -> None:
    checked = check({"name": ["a\x00b", "a\x00b"], "memo": ["\x00|\x00", "x"]})
    assert checked.reasons["value"].to_pylist() == ["a␀b", "␀|␀", "a␀b"]
    assert checked.bad.to_pylist() == ["|name=a␀b|memo=␀\\p␀|", "|name=a␀b|"]


def test_bad_tells_rows_with_different_errors_apart(check: Check) -> None:
    checked = check({"amount": ["x|days=y", "x", "x ", "x"], "days": ["1", "y", "1", "1"]})
    assert checked.bad.to_pylist() == ["|amount=x\\pdays=y|", "|amount=x|days=y|", "|amount=x|", "|amount=x|"]


def test_a_batch_without_a_key_field_is_our_mistake(thing: DataEntity) -> None:
    batch = TextBatch(0, pa.array([2]), {"area": pa.array(["a"])}, {"area": "AREA"})
    with pytest.raises(ValueError, match="the batch lacks the key field number"):
        check_batch(batch, thing, thing.source(None))


def test_an_empty_batch_is_checked(check: Check) -> None:
    checked = check({name: [] for name in GOOD})
    assert len(checked.typed) == len(checked.bad) == len(checked.across) == len(checked.cleared) == 0


def test_constants_have_no_header(thing: DataEntity) -> None:
    batch = batch_of({"amount": ["x"]})
    checked = check_batch(
        TextBatch(0, batch.rows, batch.texts, {**batch.headers, "amount": ""}), thing, thing.source(None)
    )
    assert checked.reasons["column"].to_pylist() == [""]


def test_a_shared_and_sliced_batch_is_read_where_it_stands(check: Check, thing: DataEntity) -> None:
    whole = {name: pa.array(["wrong\x00", good, BAD[name][0], ""]) for name, good in GOOD.items()}
    batch = TextBatch(0, pa.array([9, 10]), {name: texts.slice(1, 2) for name, texts in whole.items()}, {})
    checked = check_batch(batch, thing, thing.source(None))
    assert codes(checked) == [(10, name, BAD[name][1]) for name in thing.names]
    assert checked.typed["number"].to_pylist() == ["1", None]
