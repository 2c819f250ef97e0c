"""Checks of the schema become codes and sentences; a check that can't say where it fails stops the run."""

from __future__ import annotations

import copy
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest

from importer.entity import Field
from importer.errors import SetupError
from importer.validation.rules import broken_rules
from importer.vocabulary import ValueKind

CODE = Field("code", "Code", ValueKind.TEXT, required=False)
DAYS = Field("days", "Days", ValueKind.INTEGER, required=False)
LONG_LIST = [f"{letter}{letter}{letter}" for letter in "ABCDEFGHIJKLMNOP"]
Check = pandera.Check


def reasons(check: Any, value: object, field: Field = CODE) -> list[tuple[str, str]]:
    failures = broken_rules(field, [check], pa.array([None, value]))
    assert failures.positions.tolist() in ([], [1])
    return list(zip(failures.codes.to_pylist(), failures.messages.to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("check", "value", "code", "said"),
    [
        pytest.param(Check.str_length(max_value=3), "ABCD", "too_long", "4 characters, at most 3", id="too long"),
        pytest.param(Check.str_length(3, 5), "AB", "too_short", "2 characters, at least 3", id="too short"),
        pytest.param(Check.str_length(exact_value=3), "AB", "too_short", "at least 3", id="exact length, short"),
        pytest.param(Check.str_length(exact_value=3), "ABCD", "too_long", "at most 3", id="exact length, long"),
        pytest.param(Check.str_length(max_value=2), "éöü", "too_long", "3 characters", id="characters, not bytes"),
        pytest.param(Check.isin(["S", "M"]), "L", "not_in_list", "allowed are S, M", id="short list in full"),
        pytest.param(Check.isin(LONG_LIST), "aab", "not_in_list", "nearest: AAA", id="long list by the nearest"),
        pytest.param(Check.isin(LONG_LIST), "zzzzzzz", "not_in_list", "and 4 more", id="nothing near"),
        pytest.param(Check.notin(["X"]), "X", "not_in_list", "not allowed are X", id="forbidden"),
        pytest.param(Check.isin(["S"], error="a size."), "L", "not_in_list", "value; a size.", id="list, own words"),
        pytest.param(Check.str_matches("^[A-Z]+$"), "a", "pattern_mismatch", "^[A-Z]+$", id="pattern"),
        pytest.param(
            Check.str_matches("^[A-Z]+$", error="capitals only"),
            "a",
            "pattern_mismatch",
            ": capitals only.",
            id="words",
        ),
        pytest.param(Check.str_contains("@"), "a", "pattern_mismatch", "contain @", id="contains"),
        pytest.param(Check.str_startswith("C-"), "a", "pattern_mismatch", "begin with C-", id="begins"),
        pytest.param(Check.str_endswith("-C"), "a", "pattern_mismatch", "end with -C", id="ends"),
        pytest.param(
            Check(lambda column: column.str.islower(), name="small", error="small letters only"),
            "A",
            "check_failed",
            "Code did not pass a check: small letters only.",
            id="own check",
        ),
        pytest.param(
            Check(lambda text: text == "a", element_wise=True, name="is_a"),
            "A",
            "check_failed",
            "is_a",
            id="by element",
        ),
    ],
)
def test_texts(check: Any, value: str, code: str, said: str) -> None:
    ((found, message),) = reasons(check, value)
    assert found == code
    assert said in message


@pytest.mark.parametrize(
    ("check", "said"),
    [
        pytest.param(Check.ge(6), "at least 6 is needed", id="ge"),
        pytest.param(Check.gt(5), "more than 5 is needed", id="gt"),
        pytest.param(Check.le(4), "at most 4 is allowed", id="le"),
        pytest.param(Check.lt(5), "less than 5 is needed", id="lt"),
        pytest.param(Check.in_range(6, 9), "at least 6 and at most 9 is allowed", id="in_range"),
        pytest.param(Check.eq(4), "only 4 is allowed", id="eq"),
        pytest.param(Check.ne(5), "5 is not allowed", id="ne"),
    ],
)
def test_ranges(check: Any, said: str) -> None:
    assert reasons(check, 5, DAYS) == [("out_of_range", f"Days is 5, but {said}.")]


def test_a_cell_has_one_reason_that_tells_all() -> None:
    checks = [Check.str_matches("^[A-Z]+$", error="capitals only"), Check.str_length(max_value=3)]
    failures = broken_rules(CODE, checks, pa.array(["abcd", "ABCD", "abc", "ABC", None]))
    assert sorted(failures.positions.tolist()) == [0, 1, 2]
    found = dict(zip(failures.positions.tolist(), failures.codes.to_pylist(), strict=True))
    assert found == {0: "too_long", 1: "too_long", 2: "pattern_mismatch"}
    first = failures.messages[failures.positions.tolist().index(0)].as_py()
    assert "at most 3 are allowed. Code 'abcd' does not have the expected form: capitals only." in first


def test_a_value_outside_its_list_needs_no_further_words() -> None:
    failures = broken_rules(CODE, [Check.str_length(max_value=1), Check.isin(["S"])], pa.array(["XXL"]))
    assert failures.codes.to_pylist() == ["not_in_list"]
    assert "characters" not in failures.messages[0].as_py()


def test_null_answers_count_as_passed() -> None:
    check = Check(lambda _: pd.Series([pd.NA, False, True], dtype="boolean"), name="unsure", ignore_na=False)
    failures = broken_rules(CODE, [check], pa.array(["a", "b", "c"]))
    assert failures.positions.tolist() == [1]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(Check(lambda _: False, name="total"), id="one answer for all"),
        pytest.param(Check(lambda column: column.str.islower().reset_index(drop=True), name="total"), id="other rows"),
        pytest.param(Check(lambda column: column.isna().iloc[:1], name="total"), id="some rows"),
    ],
)
def test_a_failure_without_rows_stops_the_run_naming_the_check(check: Any) -> None:
    with pytest.raises(RuntimeError, match=r"field code: the check 'total' failed without naming rows"):
        broken_rules(CODE, [check], pa.array([None, "A", "B"]))


def test_a_schema_made_before_pandera_met_pandas_is_checked_all_the_same() -> None:
    check = copy.deepcopy(Check.str_length(max_value=3))
    check._check_fn._function_registry.clear()
    assert broken_rules(CODE, [check], pa.array(["ABCD"])).codes.to_pylist() == ["too_long"]


def test_a_check_that_raises_is_a_mistake_of_the_set_up() -> None:
    check = Check(lambda column: column.no_such_thing, name="broken")
    with pytest.raises(SetupError, match="field code: the check 'broken' can't be run: AttributeError"):
        broken_rules(CODE, [check], pa.array(["a"]))
