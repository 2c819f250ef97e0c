"""What a customer row may hold, field by field: values that the contract allows pass, others fail the named check."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from importer.entity import DataEntity, load_entity
from importer.vocabulary import ValueKind

SCHEMAS = Path(__file__).parents[2] / "schemas"


def words(text: str) -> list[str]:
    return text.split()


CONTRACT_FIELDS = words("""
data_area_id customer_account organization_name name_alias customer_group_id sales_currency_code credit_limit
credit_limit_is_mandatory credit_rating payment_terms payment_terms_base_days payment_method payment_specification
payment_cash_discount payment_bank_account sales_tax_group tax_exempt_number invoice_account on_hold_status
is_excluded_from_interest_charge_calculation is_excluded_from_collection_fee_calculation delivery_terms
delivery_mode language_id address_street address_city address_state address_zip_code
address_country_region_id primary_contact_email primary_contact_phone primary_contact_url
employee_responsible_number site_id warehouse_id line_of_business_id known_as organization_number sales_memo
customer_since
""")

CODES = words("""
customer_group_id credit_rating payment_terms payment_method payment_specification payment_cash_discount
sales_tax_group delivery_terms delivery_mode site_id warehouse_id line_of_business_id
""")

GOOD = [
    *[
        ("customer_account", value)
        for value in ("1", "00123", "US-7", "us-007", "é#%/\\\"'|;", "고객-1", "=1+1", "x" * 20)
    ],
    *[("organization_name", value) for value in ("Å", "x" * 100, "한" * 100, "-", "=HYPERLINK(1)", 'O\'Neill; "Ltd"')],
    *[("sales_currency_code", value) for value in ("USD", "EUR", "SEK", "KRW", "XAF")],
    *[("address_country_region_id", value) for value in ("USA", "SWE", "KOR", "DEU")],
    *[("on_hold_status", value) for value in ("No", "Invoice", "All", "Payment", "Requisition", "Never")],
    *[("credit_limit", Decimal(value)) for value in ("0.00", "0.01", "9999999999999999.99")],
    *[("payment_terms_base_days", value) for value in (0, 30, 999)],
    *[(field, value) for field in CODES for value in ("Net 30", "x" * 10, "é/&-")],
    *[("payment_bank_account", value) for value in ("x" * 34, "DE00 1234", "no bank, pays cash", "123-4")],
    *[(field, "1 (2) / any text, 30 characters") for field in ("known_as", "address_city")],
    *[(field, "x" * 30) for field in ("tax_exempt_number", "primary_contact_phone", "organization_number")],
    *[("primary_contact_phone", value) for value in ("+46 8 465 004 00", "ask for Åsa")],
    *[("invoice_account", value) for value in ("00123", "x" * 20)],
    *[("language_id", value) for value in ("en-us", "EN-US", "fr", "zh-hans", "sv_SE", "kok")],
    *[("primary_contact_email", value) for value in ("a@b.se", "o'neill+ar@a-b.co.example", "å.ö@räksmörgås.example")],
    ("primary_contact_email", "x" * 243 + "@abc.example"),
    *[
        ("primary_contact_url", value)
        for value in ("www.a.example", "HTTPS://a.example:8443/b?c=d#e", "http://intranet/x")
    ],
    *[("primary_contact_url", value) for value in ("a.example", "http://räka.example/ö", "ftp://192.0.2.1/")],
    *[("customer_since", value) for value in (datetime.date(1800, 1, 1), datetime.date(2026, 2, 28))],
    ("sales_memo", "two\nlines\tand a tab"),
    ("address_street", "c/o Åberg\nStorgatan 1"),
    ("data_area_id", "usmf"),
]

BAD = [
    *[
        ("customer_account", value, "str_matches")
        for value in ("a b", "a\tb", "a\u00a0b", "a\u3000b", "a\u200bb", "a\x85b")
    ],
    *[("customer_account", value, "str_matches") for value in ("a\x00", "a\x7fb", "a\nb")],
    ("customer_account", "x" * 21, "str_length"),
    ("invoice_account", "a b", "str_matches"),
    ("invoice_account", "x" * 21, "str_length"),
    ("data_area_id", "x" * 11, "str_length"),
    ("organization_name", "x" * 101, "str_length"),
    ("organization_name", "Caf\ufffd", "no_lost_characters"),
    *[("sales_currency_code", value, "isin") for value in ("usd", "EURO", "DEM", "€", "US")],
    *[("address_country_region_id", value, "isin") for value in ("US", "Sweden", "swe", "XYZ")],
    *[("on_hold_status", value, "isin") for value in ("no", "Yes", "Blocked")],
    *[("credit_limit", Decimal(value), "greater_than_or_equal_to") for value in ("-0.01", "-5000.00")],
    ("payment_terms_base_days", -1, "greater_than_or_equal_to"),
    *[(field, "x" * 11, "str_length") for field in CODES],
    ("payment_bank_account", "x" * 35, "str_length"),
    *[
        (field, "x" * 31, "str_length")
        for field in ("tax_exempt_number", "primary_contact_phone", "organization_number")
    ],
    *[("language_id", value, "str_matches") for value in ("e", "english", "en us", "en-", "12")],
    *[("primary_contact_email", value, "str_matches") for value in ("a", "a@", "@b.se", "a@b", "a@@b.se", "a b@c.se")],
    *[
        ("primary_contact_email", value, "str_matches")
        for value in ("a@b..se", "a@.b.se", ".a@b.se", "a.@b.se", "a@b.se.")
    ],
    *[
        ("primary_contact_email", value, "str_matches")
        for value in ("a@b.se; c@d.se", "A <a@b.se>", "a@-b.se", "a@b_c.se")
    ],
    ("primary_contact_email", "x" * 244 + "@abc.example", "str_length"),
    *[("primary_contact_url", value, "str_matches") for value in ("no site", "javascript:alert(1)", "http://", "www")],
    *[
        ("primary_contact_url", value, "str_matches")
        for value in ("http://a.example/b c", "a.example:port", "mailto:a@b.se")
    ],
    ("primary_contact_url", "www.a.example/" + "x" * 242, "str_length"),
    ("sales_memo", "x" * 4001, "str_length"),
    ("customer_since", datetime.date(24, 5, 1), "greater_than_or_equal_to"),
]

ACROSS = [
    pytest.param(Decimal("100.00"), True, True, id="mandatory with a limit"),
    pytest.param(Decimal("0.00"), True, False, id="mandatory with 0"),
    pytest.param(None, True, False, id="mandatory and blank"),
    pytest.param(Decimal("0.00"), False, True, id="not mandatory with 0"),
    pytest.param(None, False, True, id="not mandatory and blank"),
    pytest.param(Decimal("100.00"), None, True, id="unknown with a limit"),
    pytest.param(None, None, True, id="both blank"),
]


@cache
def customer() -> DataEntity:
    return load_entity(SCHEMAS / "customer.toml")


def series(field: str, values: list[Any]) -> pd.Series:
    dtype = customer().schema.columns[field].dtype.type
    return pd.Series(pd.array(values, dtype=dtype), name=field)


def failing(field: str, value: Any) -> list[str]:
    values = series(field, [value])
    return [check.name for check in customer().schema.columns[field].checks if not check(values).check_passed]


@pytest.mark.parametrize(("field", "value"), GOOD, ids=lambda part: ascii(part)[:40])
def test_allowed_values_pass(field: str, value: Any) -> None:
    assert failing(field, value) == []


@pytest.mark.parametrize(("field", "value", "check"), BAD, ids=lambda part: ascii(part)[:40])
def test_other_values_fail_one_check(field: str, value: Any, check: str) -> None:
    assert failing(field, value) == [check]


@pytest.mark.parametrize("field", CONTRACT_FIELDS)
def test_a_blank_fails_no_check(field: str) -> None:
    """Whether it may be blank is decided by the rules for required fields, not by a check."""
    assert failing(field, None) == []


@pytest.mark.parametrize(("limit", "mandatory", "passes"), ACROSS)
def test_a_mandatory_credit_limit_needs_a_limit(limit: Decimal | None, mandatory: bool | None, passes: bool) -> None:
    fields = ("credit_limit", "credit_limit_is_mandatory")
    frame = pd.DataFrame({name: series(name, [value]) for name, value in zip(fields, (limit, mandatory), strict=True)})
    (check,) = customer().schema.checks
    assert check.statistics["fields"] == fields
    assert bool(check(frame).check_passed) is passes


def test_the_fields_are_those_of_the_contract_in_its_order() -> None:
    assert list(customer().names) == CONTRACT_FIELDS


def test_required_fields_are_those_of_the_contract() -> None:
    required = [field.name for field in customer().fields if field.required]
    assert required == [
        *("data_area_id", "customer_account", "organization_name", "customer_group_id", "sales_currency_code")
    ]


def test_types_other_than_text() -> None:
    kinds = {field.name: field.kind for field in customer().fields if field.kind is not ValueKind.TEXT}
    assert kinds == {
        "credit_limit": ValueKind.DECIMAL,
        "credit_limit_is_mandatory": ValueKind.BOOLEAN,
        "payment_terms_base_days": ValueKind.INTEGER,
        "is_excluded_from_interest_charge_calculation": ValueKind.BOOLEAN,
        "is_excluded_from_collection_fee_calculation": ValueKind.BOOLEAN,
        "customer_since": ValueKind.DATE,
    }
    assert (customer().by_name["credit_limit"].precision, customer().by_name["credit_limit"].scale) == (18, 2)


def test_every_text_is_limited_by_a_length_or_a_list() -> None:
    columns = customer().schema.columns
    unlimited = [
        field.name
        for field in customer().fields
        if field.kind is ValueKind.TEXT
        and field.max_length is None
        and not any(check.name == "isin" for check in columns[field.name].checks)
    ]
    assert unlimited == []


def test_several_lines_are_allowed_in_street_and_memo_only() -> None:
    columns = customer().schema.columns
    multiline = [name for name, column in columns.items() if (column.metadata or {}).get("multiline")]
    assert multiline == ["address_street", "sales_memo"]


def test_patterns_mean_the_same_to_python_and_to_arrow() -> None:
    values = [(field, value) for field, value, *_ in [*GOOD, *BAD] if isinstance(value, str) and "\n" not in value]
    for name, column in customer().schema.columns.items():
        for pattern in [check.statistics["pattern"] for check in column.checks if check.name == "str_matches"]:
            pattern = getattr(pattern, "pattern", pattern)
            texts = [value for field, value in values if field == name]
            by_arrow = pc.match_substring_regex(pa.array(texts), pattern).to_pylist()
            assert by_arrow == [re.match(pattern, text) is not None for text in texts], name


def test_a_pattern_is_explained_in_words() -> None:
    """Nobody who corrects a cell reads regular expressions."""
    checks = [check for column in customer().schema.columns.values() for check in column.checks]
    patterns = [check for check in checks if check.name == "str_matches"]
    assert len(patterns) == 5
    assert [check.error for check in patterns if "^" in check.error] == []
