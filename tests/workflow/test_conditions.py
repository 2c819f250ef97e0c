"""CEL conditions: what they may use, what they say of a change, and that what fails never holds."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from decimal import Decimal

import cel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.workflow.change_columns import ChangeColumns
from importer.workflow.condition_names import FUNCTIONS, METHODS, Names, tokens_of
from importer.workflow.conditions import LONGEST, Condition, Failed, compile_condition
from tests.workflow.conftest import Facts, patient

KEY = "workflow.automatic.1.when"


def _compile(text: str, customer: DataEntity) -> Condition:
    return compile_condition(text, customer, KEY)


HOLDS = [
    ("true", {}),
    ("field == 'credit_limit' && percent <= 5.0 && drift <= 10000.0", {}),
    ("percent == 2", {}),
    ("percent <= 5 && percent <= 5.0 && percent < 0x10", {}),
    ("difference == 100.0 && difference > 99", {}),
    ("difference == -100", {"proposed": "4900.00"}),
    ("percent == 2.0", {"proposed": "4900.00"}),
    ("drift == 600", {"approved": "4500.00"}),
    ("percent == null", {"original": None}),
    ("percent == null", {"original": "0.00"}),
    ("difference == null && drift == null && proposed == null", {"proposed": None}),
    ("original == null", {"original": ""}),
    ("proposed > 2 * original", {"proposed": "10000.01"}),
    ("(proposed - original) / original > 1 / 100", {}),
    ("original == 0 || difference / original > 1", {"original": "0.00"}),
    ("field in ['credit_limit', 'payment_terms']", {}),
    ("record.credit_limit > 100000", {"credit_limit": "100000.01"}),
    ("record['credit_limit'] > 100000.0", {"credit_limit": "100000.01"}),
    ("record.credit_limit_is_mandatory", {"credit_limit_is_mandatory": "true"}),
    ("record.sales_memo == null && !has(record.sales_memo)", {}),
    ("has(record.sales_memo) && record.sales_memo.contains('x')", {"sales_memo": "fax"}),
    ("record.exists(name, name == 'site_id')", {}),
    ("record.customer_since < '2020-01-01'", {"customer_since": "2019-12-31"}),
    ("timestamp(record.customer_since + 'T00:00:00Z').getFullYear() == 2019", {"customer_since": "2019-12-31"}),
    ("size(source) + 1 == 7", {}),
    ("entity == 'customer' && source == 'legacy' && submitter.startsWith('an')", {}),
    ("source == null", {"source": None}),
    ("original == 'a' && proposed == 'b' && difference == null && percent == null", "text"),
    ("!original && proposed", "boolean"),
    ("[1, 2, 3].exists(n, n * 2 == 4) && [1, 2][1] == 2", {}),
    ("percent <= 5 // small: 'record.nope' is fine\n", {}),
    ("r'\\' != 'credit_limit' && '''it's''' != \"\"\"a 'b' \"c\" \"\"\"", {}),
    ("percent > 5 || true", {"original": None}),
]


@pytest.mark.parametrize(("text", "given_facts"), HOLDS, ids=[text for text, _ in HOLDS])
def test_a_condition_holds(text: str, given_facts: dict[str, str] | str, customer: DataEntity, facts: Facts) -> None:
    special = {
        "text": {"field": "payment_terms", "original": "a", "proposed": "b", "approved": None},
        "boolean": {"field": "credit_limit_is_mandatory", "original": "false", "proposed": "true", "approved": None},
    }
    found = special[given_facts] if isinstance(given_facts, str) else given_facts
    assert _compile(text, customer).evaluate(facts(**found)) == [True]


FAILS = [
    ("percent <= 5", {"original": None}, "(blank: percent)"),
    ("!(percent > 5)", {"original": "0.00"}, "(blank: percent)"),
    ("drift <= 5", {"approved": None}, "(blank: drift)"),
    ("record.credit_limit > 5", {}, "(blank: record.credit_limit)"),
    ("record.sales_memo.contains('x')", {}, "contains() can't be used"),
    ("original / 0 > 1", {}, "divides by zero"),
    ("proposed / original > 1", {"original": "0.00"}, "divides by zero"),
    ("1 / 0 > 0", {}, "divides by zero"),
    ("source > 5", {}, "another type"),
    ("percent", {}, "neither true nor false"),
    ("'true'", {}, "neither true nor false"),
    ("original > 5", {"original": "NaN"}, "no value of its field"),
    ("original > 5", {"original": "Infinity"}, "no value of its field"),
    ("original > 5", {"original": "much"}, "no value of its field"),
    ("record.credit_limit_is_mandatory", {"credit_limit_is_mandatory": "maybe"}, "no value of its field"),
    ("[1][3] == 1", {}, "no such field"),
    ("source.matches('[')", {}, "matches() can't be used"),
]


@pytest.mark.parametrize(("text", "given_facts", "reason"), FAILS, ids=[f"{t} {f}" for t, f, _ in FAILS])
def test_what_fails_never_holds_and_says_why(
    text: str, given_facts: dict[str, str], reason: str, customer: DataEntity, facts: Facts
) -> None:
    (answer,) = _compile(text, customer).evaluate(facts(**given_facts))
    assert isinstance(answer, Failed)
    assert reason in answer.reason


def test_reasons_hold_no_values(customer: DataEntity, facts: Facts) -> None:
    (answer,) = _compile("double(record.sales_memo) > 1", customer).evaluate(facts(sales_memo="secret"))
    assert isinstance(answer, Failed)
    assert "secret" not in answer.reason


WRONG = [
    ("percnt <= 5", "unknown name 'percnt'; nearest: percent"),
    ("credit_limit > 5", "unknown name 'credit_limit'; nearest: record.credit_limit"),
    ("record.credit_limt > 5", "unknown field 'credit_limt'; nearest: credit_limit"),
    ("record['credit_limt'] > 5", "unknown field 'credit_limt'; nearest: credit_limit"),
    ("has(record.credit_limt)", "unknown field 'credit_limt'; nearest: credit_limit"),
    ("'credit_limt' in record", "unknown field 'credit_limt'"),
    ("field == 'credit_limt'", "unknown field 'credit_limt'; nearest: credit_limit"),
    ("'credit_limt' != field", "unknown field 'credit_limt'"),
    ("field in ['credit_limit', 'payment_term']", "unknown field 'payment_term'; nearest: payment_terms"),
    ("source.startWith('x')", "unknown function 'startWith'; nearest: startsWith"),
    ("sze(source) > 1", "unknown function 'sze'; nearest: size"),
    ("exists(record) == 1", "unknown function 'exists'"),
    ("source.has(record)", "unknown function 'has'"),
    ("entity.name == 'x'", "only record has fields"),
    ("(record).credit_limit > 1", "only record has fields"),
    ("record.credit_limit.x > 1", "only record has fields"),
    (".percent > 1", "only record has fields"),
    ("[1].exists(v, v == 1) && v == 1", "unknown name 'v'"),
    ("[1].exists(percent, percent == 1)", "'percent' has a meaning here"),
    ("optional.of(1) == 1", "unknown name 'optional'"),
    ("Thing{a: 1} == 1", "unknown name 'Thing'"),
    ("true || nope", "unknown name 'nope'"),
    ("percent ==", "line 1, position 11: "),
    ("percent\n== )", "line 2, position 4: "),
    ("'open", "line 1, position 1: "),
    ("", "line 1"),
    ("percent == 99999999999999999999", "line 1, position 12: invalid int literal"),
    ("1 + " * LONGEST + "1 > 0", "at most 2000 characters"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_a_wrong_condition_is_a_set_up_error(text: str, problem: str, customer: DataEntity) -> None:
    with pytest.raises(SetupError) as caught:
        _compile(text, customer)
    assert problem in caught.value.message
    assert caught.value.message.startswith(f"{customer.files[1]}: {KEY}: ")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "variables", "fields"),
    [
        ("1 < 2", set(), []),
        ("percent <= 5", {"percent"}, []),
        ("record.site_id == 'x' || record['credit_limit'] > 1", {"record"}, ["credit_limit", "site_id"]),
        ("has(record.site_id) && field == 'credit_limit'", {"record", "field"}, ["site_id"]),
        ("'percent' != source // record", {"source"}, []),
    ],
)
def test_it_knows_what_it_uses(text: str, variables: set[str], fields: list[str], customer: DataEntity) -> None:
    condition = _compile(text, customer)
    assert condition.variables == variables
    assert [field.name for field in condition.record_fields] == fields
    assert (condition.constant is None) == bool(variables)


@pytest.mark.parametrize("text", ["size(record) > 3", "record[field] == original", "record.all(name, name != 'x')"])
def test_the_map_as_a_whole_needs_every_field(text: str, customer: DataEntity) -> None:
    assert _compile(text, customer).record_fields == customer.fields


def test_a_field_that_was_not_read_is_a_bug(customer: DataEntity, facts: Facts) -> None:
    change = replace(facts(), record={})
    with pytest.raises(KeyError):
        _compile("record.site_id == 'x'", customer).evaluate(change)


@pytest.mark.parametrize(
    ("original", "proposed", "text"),
    [
        ("250000.10", "500000.10", "difference >= 250000"),  # 249999.99999999997 with doubles
        ("100.00", "105.00", "percent <= 5.0"),
        ("0.10", "0.30", "difference == 0.2"),
        ("9999999999999999.98", "9999999999999999.99", "difference == 0.01"),
        ("3.00", "3.15", "percent == 5"),
    ],
)
def test_amounts_are_computed_as_decimals(
    original: str, proposed: str, text: str, customer: DataEntity, facts: Facts
) -> None:
    assert _compile(text, customer).evaluate(facts(original, proposed)) == [True]


amounts = st.decimals(0, Decimal("9999999999999999.99"), places=2).map(str)


@patient
@given(amounts, amounts, amounts)
def test_difference_percent_and_drift_are_exact(
    customer: DataEntity, facts: Facts, original: str, proposed: str, approved: str
) -> None:
    change = facts(original, proposed, approved)
    (difference,), (percent,), (drift,) = change.differences, change.percents, change.drifts
    assert difference == Decimal(proposed) - Decimal(original)
    assert drift == abs(Decimal(proposed) - Decimal(approved))
    if Decimal(original) == 0:
        assert percent is None
    else:
        assert percent == pytest.approx(100 * abs(difference) / Decimal(original))


@pytest.mark.parametrize("blank", [None, ""])
def test_only_what_is_reckoned_with_must_be_a_number(customer: DataEntity, facts: Facts, blank: str | None) -> None:
    assert _compile("difference == null", customer).evaluate(facts("five", blank)) == [True]
    assert _compile("drift == null", customer).evaluate(facts("five", blank, "six")) == [True]
    (answer,) = _compile("difference == null", customer).evaluate(facts("five", "5.00"))
    assert isinstance(answer, Failed)


stored = st.sampled_from([None, "", "0.00", "5000.00", "5100.00", "1e30", "NaN", "five", "true", "false"])
change = st.tuples(stored, stored, stored, stored)


@patient
@given(
    st.sampled_from(["credit_limit", "payment_terms", "credit_limit_is_mandatory"]),
    st.lists(change, max_size=4),
    st.sampled_from([text for text, _ in HOLDS] + [text for text, _, _ in FAILS]),
)
def test_many_changes_are_judged_as_each_alone(
    customer: DataEntity, field: str, changes: list[tuple[str | None, ...]], text: str
) -> None:
    original, proposed, approved, limit = zip(*changes, strict=True) if changes else ((), (), (), ())
    blank = {name: [None] * len(changes) for name in customer.names}
    record = {**blank, "credit_limit": limit}
    source, submitter = ["legacy"] * len(changes), [None] * len(changes)
    columns = ChangeColumns(customer.by_name[field], original, proposed, approved, record, source, submitter)
    condition = _compile(text, customer)
    alone = [condition.evaluate(columns.part(slice(at, at + 1))) for at in range(len(changes))]
    assert condition.evaluate(columns) == [answer for answers in alone for answer in answers]


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_every_function_that_is_allowed_exists(name: str) -> None:
    examples = {
        "has": "has({'a': 1}.a)",
        "int": "int('1')",
        "double": "double('1')",
        "string": "string(1)",
        "size": "size('a') + 'a'.size()",
        "timestamp": "timestamp('2020-01-01T00:00:00Z')",
        "duration": "duration('1h')",
    }
    macros = {name: f"[1].{name}(v, v == 1)" for name in ("exists", "exists_one", "all", "filter", "map")}
    texts = {name: f"'a'.{name}('a')" for name in ("contains", "startsWith", "endsWith", "matches")}
    dates = f"timestamp('2020-01-01T00:00:00Z').{name}()"
    cel.compile({**examples, **macros, **texts}.get(name, dates)).execute({})


@pytest.mark.parametrize("text", [text for text, _ in HOLDS])
def test_our_reading_of_names_agrees_with_the_binding(text: str, customer: DataEntity) -> None:
    bound = {"n", "name"}
    assert set(cel.compile(text).variables()) - bound == Names(text, customer).variables


@pytest.mark.parametrize(
    ("text", "compiled"),
    [
        ("percent <= 5", "percent <= 5.0"),
        ("percent <= 5u", "percent <= 5u"),
        ("size(source) <= 5", "size(source) <= 5"),
        ("[7][0] == 1", "[7.0][0] == 1.0"),
        ("has( record . site_id )", "( record . site_id  != null)"),
        ("'a / 1' == '2' // 3 / 4\n", "'a / 1' == '2'"),
    ],
)
def test_what_is_given_to_the_binding(text: str, compiled: str, customer: DataEntity) -> None:
    assert Names(text, customer).text_to_compile == compiled


@pytest.mark.parametrize(
    "divisor", ["original", "-original", "(original - 0)", "record['credit_limit']", "double('0')"]
)
def test_no_divisor_can_be_zero(divisor: str, customer: DataEntity, facts: Facts) -> None:
    change = facts(original="0.00", credit_limit="0.00")
    for text in (f"proposed / {divisor} > 1", f"1 / (1 / {divisor}) < 1", f"2 * proposed / 1 / {divisor} > 0"):
        (answer,) = _compile(text, customer).evaluate(change)
        assert isinstance(answer, Failed)


@pytest.mark.parametrize("text", ["1" + "/1" * 990 + " > 0", "!" * 1990 + "true", "1" + "+1" * 990 + " > 0"])
def test_the_longest_conditions_do_not_exhaust_the_stack(text: str, customer: DataEntity) -> None:
    assert _compile(text, customer).constant is True


@patient
@given(st.text(st.sampled_from("ab1 '\"\\/.r()[]=&|record\n"), max_size=40))
def test_a_text_is_read_without_a_gap(text: str) -> None:
    read = "".join(token.text for token in tokens_of(text))
    outside_comments = [part.split("//")[0] for part in text.split("\n")] if not set(text) & set("'\"") else None
    if outside_comments is not None:
        assert read == "".join("".join(outside_comments).split())


@patient
@given(st.text(st.sampled_from("ab1 '\"\\/.r()[]=&|record\n"), max_size=40))
def test_any_text_compiles_or_is_refused(customer: DataEntity, text: str) -> None:
    with contextlib.suppress(SetupError):
        assert isinstance(_compile(text, customer), Condition)
