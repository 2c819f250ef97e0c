"""Headers become fields, or the file is refused with the way out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from importer.errors import FileRefused
from importer.reading import HeaderRules, match_headers

RULES = HeaderRules(fields=("company", "customer_account", "name", "credit_limit"), key=("company", "customer_account"))


@pytest.mark.parametrize(
    "header", ["customer_account", "CUSTOMERACCOUNT", "Customer account", " customer-account. ", "Customer_Account"]
)
def test_case_blanks_and_punctuation_do_not_count(header: str) -> None:
    assert match_headers(("Company", header), RULES).columns == ("company", "customer_account")


def test_the_mapping_wins_over_the_name() -> None:
    rules = replace(RULES, columns={"Name": "customer_account", "Name 2": "name"})
    match = match_headers(("Company", " Name ", "Name 2"), rules)
    assert match.columns == ("company", "customer_account", "name")


def test_titles_match_like_names() -> None:
    rules = replace(RULES, titles={"name": "Organization (full)"})
    assert match_headers(("company", "customer account", "ORGANIZATION FULL"), rules).position("name") == 2


def test_what_is_no_data_is_listed() -> None:
    rules = replace(RULES, ignore=("addressvalid*",), ignore_unknown=True)
    match = match_headers(("company", "customer_account", "ADDRESSVALIDFROM", "", "other"), rules)
    assert match.ignored == ("ADDRESSVALIDFROM", "", "other")
    assert match.fields == {"company", "customer_account"}


def test_own_columns_of_a_correction_are_no_data_but_other_underscores_are_ordinary() -> None:
    headers = ("company", "customer_account", "_row", "_codes", "_reasons", "_run", "_text")
    assert match_headers(headers, RULES, is_correction=True).ignored == headers[2:]
    with pytest.raises(FileRefused, match="_row"):
        match_headers(headers, RULES)


def test_a_provided_field_needs_no_column() -> None:
    match = match_headers(("customer_account",), replace(RULES, provided=frozenset({"company"})))
    assert match.columns == ("customer_account",)


@pytest.mark.parametrize(
    ("headers", "rules", "message", "hint"),
    [
        (("1", "2"), RULES, "No header row", "--header-row"),
        (
            ("company", "Customer account", "customer_account"),
            RULES,
            "'Customer account' and 'customer_account'",
            "ignore_columns",
        ),
        (
            ("company", "Cust account"),
            RULES,
            r"customer_account \(nearest header: 'Cust account'\)",
            "--set customer_account=",
        ),
        (("company", "customer_account", "x", "nmae"), RULES, r"'x', 'nmae'.*", "--ignore-unknown-columns"),
        (("company", "customer_account"), replace(RULES, required=("name",)), "name", "required_columns"),
    ],
    ids=["no header", "two for one", "no key", "unknown", "required"],
)
def test_refusals_name_the_way_out(headers: tuple[str, ...], rules: HeaderRules, message: str, hint: str) -> None:
    with pytest.raises(FileRefused, match=message) as refused:
        match_headers(headers, rules)
    assert hint in (refused.value.hint or "")
