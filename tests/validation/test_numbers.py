"""Decimals and integers: exact, grouped only in the right places, nothing rounded."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.entity import Field
from importer.validation.formats import Formats
from importer.validation.numbers import _parsed, _read_at_once, parse_numbers
from importer.vocabulary import ValueKind

from .conftest import patient

POINT, COMMA = Formats(), Formats(decimal=",", grouping=".")
EURO = Formats(decimal=",", grouping=".", currency_signs=("€", "EUR", "kr"))
BLANK, QUOTE = Formats(decimal=",", grouping=" "), Formats(grouping="'")
AMOUNT = Field("amount", "Amount", ValueKind.DECIMAL, required=False, precision=9, scale=2)
DAYS = Field("days", "Days", ValueKind.INTEGER, required=False)


def parsed(text: str, formats: Formats, field: Field = AMOUNT) -> tuple[object, str | None, str]:
    values, failures = parse_numbers(pa.array([text, None], pa.string()), field, formats)
    assert values[1].as_py() is None
    if not len(failures):
        return values[0].as_py(), None, ""
    assert values[0].as_py() is None
    assert failures.positions.tolist() == [0]
    return None, failures.codes[0].as_py(), failures.messages[0].as_py()


@pytest.mark.parametrize(
    ("text", "formats", "number"),
    [
        pytest.param("1234.56", POINT, "1234.56", id="plain"),
        pytest.param("+5", POINT, "5.00", id="plus"),
        pytest.param("-0.5", POINT, "-0.50", id="minus"),
        pytest.param(".5", POINT, "0.50", id="no digit before the point"),
        pytest.param("0001.5", POINT, "1.50", id="leading zeros"),
        pytest.param("00000000000001", POINT, "1.00", id="more leading zeros than digits"),
        pytest.param("1.5000", POINT, "1.50", id="trailing zeros beyond the scale"),
        pytest.param("9999999.99", POINT, "9999999.99", id="largest"),
        pytest.param("1.234.567,89", COMMA, "1234567.89", id="grouped"),
        pytest.param("1234567,89", COMMA, "1234567.89", id="grouping may be left out"),
        pytest.param("-1.234", COMMA, "-1234.00", id="grouped without decimals"),
        pytest.param("1 234,56", BLANK, "1234.56", id="grouped by blanks"),
        pytest.param("1\u00a0234,56", BLANK, "1234.56", id="grouped by no-break blanks"),
        pytest.param("1\u202f234,56", BLANK, "1234.56", id="grouped by narrow blanks"),
        pytest.param("1'234.56", QUOTE, "1234.56", id="grouped by quotes"),
        pytest.param("1.234,56 €", EURO, "1234.56", id="currency sign behind"),
        pytest.param("€1.234,56", EURO, "1234.56", id="currency sign before"),
        pytest.param("EUR 5", EURO, "5.00", id="currency code"),
        pytest.param("-€ 5", EURO, "-5.00", id="minus before the sign"),
        pytest.param("kr -5,5", EURO, "-5.50", id="minus behind the sign"),
        pytest.param("5\u00a0€", EURO, "5.00", id="no-break blank before the sign"),
        pytest.param("5", EURO, "5.00", id="no currency sign"),
    ],
)
def test_numbers_are_read_exactly(text: str, formats: Formats, number: str) -> None:
    assert parsed(text, formats)[:2] == (Decimal(number), None)


@pytest.mark.parametrize(
    ("text", "formats", "code", "said"),
    [
        pytest.param("5 €", COMMA, "invalid_number", "5 €", id="currency sign not declared"),
        pytest.param("5 $", EURO, "invalid_number", "5 $", id="another currency sign"),
        pytest.param("€5€", EURO, "invalid_number", "€5€", id="two currency signs"),
        pytest.param("-€-5", EURO, "invalid_number", "-€-5", id="two minus signs"),
        pytest.param("€", EURO, "invalid_number", "€", id="only a currency sign"),
        pytest.param("1.555", POINT, "invalid_number", "not rounded", id="too many decimals"),
        pytest.param("12345678", POINT, "out_of_range", "at most 7 digits", id="too many digits"),
        pytest.param("12.34.567,89", COMMA, "invalid_number", "1.234,56", id="grouped in wrong places"),
        pytest.param("1.234.56", COMMA, "invalid_number", "1.234,56", id="group of two"),
        pytest.param("1234.567,00", COMMA, "invalid_number", "1.234,56", id="half grouped"),
        pytest.param("1,234.56", COMMA, "invalid_number", "1.234,56", id="signs the other way round"),
        pytest.param("100.00", COMMA, "invalid_number", "1.234,56", id="point where a comma is declared"),
        pytest.param("1,234", POINT, "invalid_number", "1234.56", id="grouping that is not declared"),
        pytest.param("1e3", POINT, "invalid_number", "1234.56", id="exponent"),
        pytest.param("€5", POINT, "invalid_number", "1234.56", id="currency sign"),
        pytest.param("5 EUR", POINT, "invalid_number", "1234.56", id="currency word"),
        pytest.param("5-", POINT, "invalid_number", "1234.56", id="minus behind"),
        pytest.param("(5)", POINT, "invalid_number", "1234.56", id="brackets"),
        pytest.param("--5", POINT, "invalid_number", "1234.56", id="two signs"),
        pytest.param("5.", POINT, "invalid_number", "1234.56", id="nothing after the point"),
        pytest.param(".", POINT, "invalid_number", "1234.56", id="no digit"),
        pytest.param("٣", POINT, "invalid_number", "1234.56", id="digits of another script"),
        pytest.param("nan", POINT, "invalid_number", "1234.56", id="nan"),
        pytest.param("Infinity", POINT, "invalid_number", "1234.56", id="infinity"),
        pytest.param("0x1F", POINT, "invalid_number", "1234.56", id="hexadecimal"),
        pytest.param("1_000", POINT, "invalid_number", "1234.56", id="underscore"),
    ],
)
def test_anything_else_is_refused_with_what_is_expected(text: str, formats: Formats, code: str, said: str) -> None:
    value, found, message = parsed(text, formats)
    assert (value, found) == (None, code)
    assert said in message
    assert text in message
    assert message.startswith("Amount")


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        pytest.param("365", 365, None, id="integer"),
        pytest.param("-5", -5, None, id="negative"),
        pytest.param("5.00", 5, None, id="zeros behind the point"),
        pytest.param("5.5", None, "invalid_number", id="decimals"),
        pytest.param("999999999999999999", 999999999999999999, None, id="largest"),
        pytest.param("1000000000000000000", None, "out_of_range", id="too large"),
    ],
)
def test_integers(text: str, value: int | None, code: str | None) -> None:
    assert parsed(text, POINT, DAYS)[:2] == (value, code)


@patient
@given(
    number=st.decimals(min_value=-9999999, max_value=9999999, places=2),
    formats=st.sampled_from([POINT, COMMA, BLANK, QUOTE]),
    grouped=st.booleans(),
    zeros=st.text("0", max_size=3),
)
def test_what_is_written_in_a_form_is_read_back(number: Decimal, formats: Formats, grouped: bool, zeros: str) -> None:
    english = f"{number:,.2f}" if grouped else f"{number:.2f}"
    text = english.translate({ord(","): formats.grouping, ord("."): formats.decimal}) + zeros
    assert parsed(text, formats)[:2] == (number, None)


@patient
@given(text=st.text("0123456789+-., '", min_size=1, max_size=12), formats=st.sampled_from([POINT, COMMA, QUOTE]))
def test_no_text_breaks_the_parser_and_no_number_changes_its_value(text: str, formats: Formats) -> None:
    value, code, _ = parsed(text, formats)
    assert (value is None) == (code is not None)
    if isinstance(value, Decimal):
        plain = text.replace(formats.grouping, "") if formats.grouping else text
        assert value == Decimal(plain.replace(formats.decimal, "."))


def test_a_field_of_decimals_only() -> None:
    share = Field("share", "Share", ValueKind.DECIMAL, required=False, precision=4, scale=4)
    assert parsed("0.1234", POINT, share)[0] == Decimal("0.1234")
    assert parsed("1.0", POINT, share)[1] == "out_of_range"


WIDE = Field("wide", "Wide", ValueKind.DECIMAL, required=False, precision=38, scale=20)
SHARE = Field("share", "Share", ValueKind.DECIMAL, required=False, precision=3, scale=3)
WHOLE = Field("whole", "Whole", ValueKind.DECIMAL, required=False, precision=20, scale=0)
EXACT = tuple(str(base**power + 5) for base, power in ((2, 63), (2, 64), (2, 127), (2, 128), (2, 256), (10, 18)))
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**7), max_value=10**7).map(str)
TEXTS = NUMBERS | st.text(st.sampled_from("0019+-.,/eE '"), max_size=8) | st.text("0123456789.", max_size=45)


@pytest.mark.parametrize("field", [AMOUNT, DAYS, WIDE, SHARE, WHOLE], ids=lambda field: field.name)
@pytest.mark.parametrize(
    "formats", [POINT, COMMA, BLANK, QUOTE, EURO], ids=["point", "comma", "blank", "quote", "euro"]
)
@patient
@given(
    texts=st.lists(st.none() | TEXTS | st.sampled_from(EXACT), max_size=4)
    | st.lists(st.none() | NUMBERS, min_size=1, max_size=30),
    start=st.integers(0, 2),
)
def test_a_column_read_at_once_is_what_the_patterns_make_of_it(
    field: Field, formats: Formats, texts: list[str | None], start: int
) -> None:
    column = pa.array(texts, pa.string())[start:]
    at_once = _read_at_once(column, field, formats)
    values, failures = _parsed(column, field, formats)
    if at_once is not None:
        assert not len(failures)
        assert at_once.equals(values)


@pytest.mark.parametrize("text", ["5.", ".", "", "+", "-", "5-", "--5", "1,5", "1/5", "1e5", "1.234", *EXACT])
@pytest.mark.parametrize("field", [AMOUNT, SHARE], ids=lambda field: field.name)
def test_what_a_pattern_refuses_is_not_read_at_once(text: str, field: Field) -> None:
    assert _read_at_once(pa.array([text, "0.5"]), field, POINT) is None


@pytest.mark.parametrize(
    ("text", "field", "formats"),
    [
        pytest.param("+1234.50", AMOUNT, POINT, id="point"),
        pytest.param("-1234,5", AMOUNT, COMMA, id="comma"),
        pytest.param("1234,567", WIDE, EURO, id="no sign of a currency"),
        pytest.param("123456789012345678", DAYS, POINT, id="integer"),
    ],
)
def test_plain_numbers_are_read_at_once(text: str, field: Field, formats: Formats) -> None:
    column = pa.array([text, None])
    values = _read_at_once(column, field, formats)
    assert values is not None
    assert values.equals(_parsed(column, field, formats)[0])
