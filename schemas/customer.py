"""What a customer row is: types, titles and checks. What may happen to it stands in `customer.toml`.

The fields are those of Dynamics 365's "Customers V3" entity in snake case. `nullable=False` means: required for a new
record. Patterns are read by RE2 (Arrow) and by Python alike, so they have neither lookaround nor `\\p{…}`, and they
name every blank: RE2's `\\s` knows the ASCII ones only.
"""

import datetime
from typing import Annotated

import pandas as pd
import pandera.pandas as pa
import pyarrow
import pycountry

Text = Annotated[pd.ArrowDtype, pyarrow.string()]
Money = Annotated[pd.ArrowDtype, pyarrow.decimal128(18, 2)]
Whole = Annotated[pd.ArrowDtype, pyarrow.int64()]
Flag = Annotated[pd.ArrowDtype, pyarrow.bool_()]
Day = Annotated[pd.ArrowDtype, pyarrow.date32()]

CURRENCIES = sorted(currency.alpha_3 for currency in pycountry.currencies)
COUNTRIES = sorted(country.alpha_3 for country in pycountry.countries)
HOLD_STATUSES = ["No", "Invoice", "All", "Payment", "Requisition", "Never"]

FIRST_DAY = datetime.date(1800, 1, 1)
"""Nobody has been a customer for longer; earlier days are years typed with two digits (`0024-05-01`)."""

LOST_CHARACTER = "\ufffd"
"""Stands where an earlier conversion could not read a character; what it was, only the source knows."""

_BLANKS = r"\x00-\x20\x7f-\xa0" + "\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
"""Control characters and blanks, the invisible ones (no-break, ideographic, zero width) included."""

_LETTER = rf"[^{_BLANKS}!-/:-@\[-`{{-~]"
"""One character of a host name that isn't the hyphen: no blank, no ASCII punctuation, letters of any script."""

_LABEL = rf"{_LETTER}(?:(?:{_LETTER}|-)*{_LETTER})?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_DOMAIN = rf"(?:{_LABEL}\.)+{_LETTER}(?:{_LETTER}|-)*{_LETTER}"
_MAILBOX = rf'[^{_BLANKS}"(),.:;<>@\[\\\]]+'

_ACCOUNT = rf"^[^{_BLANKS}]+$"
_EMAIL = rf"^{_MAILBOX}(?:\.{_MAILBOX})*@{_DOMAIN}$"
_URL = rf"^(?:(?:[hH][tT][tT][pP][sS]?|[fF][tT][pP])://{_HOST}|{_DOMAIN})(?::[0-9]{{1,5}})?(?:[/?#][^{_BLANKS}]*)?$"
_LANGUAGE = r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$"

ACCOUNT = {"pattern": _ACCOUNT, "error": "no blanks inside"}
EMAIL = {"pattern": _EMAIL, "error": "one address such as orders@example.com"}
URL = {"pattern": _URL, "error": "an address such as www.example.com or https://example.com/shop"}
LANGUAGE = {"pattern": _LANGUAGE, "error": "a language code such as en-us or fr"}
"""Each with the words that a rejection uses instead of the pattern."""

CODE = {"max_value": 10}
"""Groups, terms, methods and the like: every company has its own, so there is a length and no list."""

MULTILINE = {"multiline": True}
"""Line breaks belong to the value; elsewhere they are control characters."""


class Customer(pa.DataFrameModel):
    """One customer of one legal entity; key: `data_area_id, customer_account`."""

    data_area_id: Text = pa.Field(title="Legal entity", str_length=CODE)
    customer_account: Text = pa.Field(title="Customer account", str_length={"max_value": 20}, str_matches=ACCOUNT)
    organization_name: Text = pa.Field(title="Name", str_length={"max_value": 100})
    name_alias: Text = pa.Field(title="Search name", nullable=True, str_length={"max_value": 100})
    customer_group_id: Text = pa.Field(title="Customer group", str_length=CODE)
    sales_currency_code: Text = pa.Field(title="Currency", isin=CURRENCIES)
    credit_limit: Money = pa.Field(title="Credit limit", nullable=True, ge=0)
    credit_limit_is_mandatory: Flag = pa.Field(title="Mandatory credit limit", nullable=True)
    credit_rating: Text = pa.Field(title="Credit rating", nullable=True, str_length=CODE)
    payment_terms: Text = pa.Field(title="Terms of payment", nullable=True, str_length=CODE)
    payment_terms_base_days: Whole = pa.Field(title="Terms of payment base days", nullable=True, ge=0)
    payment_method: Text = pa.Field(title="Method of payment", nullable=True, str_length=CODE)
    payment_specification: Text = pa.Field(title="Payment specification", nullable=True, str_length=CODE)
    payment_cash_discount: Text = pa.Field(title="Cash discount", nullable=True, str_length=CODE)
    payment_bank_account: Text = pa.Field(title="Bank account", nullable=True, str_length={"max_value": 34})
    sales_tax_group: Text = pa.Field(title="Sales tax group", nullable=True, str_length=CODE)
    tax_exempt_number: Text = pa.Field(title="Tax exempt number", nullable=True, str_length={"max_value": 30})
    invoice_account: Text = pa.Field(
        title="Invoice account", nullable=True, str_length={"max_value": 20}, str_matches=ACCOUNT
    )
    on_hold_status: Text = pa.Field(title="Invoicing and delivery on hold", nullable=True, isin=HOLD_STATUSES)
    is_excluded_from_interest_charge_calculation: Flag = pa.Field(title="Exclude from interest", nullable=True)
    is_excluded_from_collection_fee_calculation: Flag = pa.Field(title="Exclude from collection fee", nullable=True)
    delivery_terms: Text = pa.Field(title="Delivery terms", nullable=True, str_length=CODE)
    delivery_mode: Text = pa.Field(title="Mode of delivery", nullable=True, str_length=CODE)
    language_id: Text = pa.Field(title="Language", nullable=True, str_length=CODE, str_matches=LANGUAGE)
    address_street: Text = pa.Field(title="Street", nullable=True, str_length={"max_value": 250}, metadata=MULTILINE)
    address_city: Text = pa.Field(title="City", nullable=True, str_length={"max_value": 60})
    address_state: Text = pa.Field(title="State", nullable=True, str_length={"max_value": 60})
    address_zip_code: Text = pa.Field(title="ZIP/postal code", nullable=True, str_length={"max_value": 20})
    address_country_region_id: Text = pa.Field(title="Country/region", nullable=True, isin=COUNTRIES)
    primary_contact_email: Text = pa.Field(
        title="Primary email", nullable=True, str_length={"max_value": 255}, str_matches=EMAIL
    )
    primary_contact_phone: Text = pa.Field(title="Primary phone", nullable=True, str_length={"max_value": 30})
    primary_contact_url: Text = pa.Field(
        title="Primary internet address", nullable=True, str_length={"max_value": 255}, str_matches=URL
    )
    employee_responsible_number: Text = pa.Field(
        title="Employee responsible", nullable=True, str_length={"max_value": 25}
    )
    site_id: Text = pa.Field(title="Site", nullable=True, str_length=CODE)
    warehouse_id: Text = pa.Field(title="Warehouse", nullable=True, str_length=CODE)
    line_of_business_id: Text = pa.Field(title="Line of business", nullable=True, str_length=CODE)
    known_as: Text = pa.Field(title="Known as", nullable=True, str_length={"max_value": 100})
    organization_number: Text = pa.Field(title="Organization number", nullable=True, str_length={"max_value": 30})
    sales_memo: Text = pa.Field(title="Sales memo", nullable=True, str_length={"max_value": 4000}, metadata=MULTILINE)
    customer_since: Day = pa.Field(title="Customer since", nullable=True, ge=FIRST_DAY)

    @pa.check(
        "organization_name",
        name="no_lost_characters",
        error=f"it has a character that was lost in an earlier conversion ({LOST_CHARACTER})",
    )
    def no_lost_characters(cls, names: pd.Series) -> pd.Series:
        """A name with a hole in it would be printed on every invoice."""
        return ~names.str.contains(LOST_CHARACTER, regex=False)

    @pa.dataframe_check(
        name="mandatory_credit_limit",
        fields=("credit_limit", "credit_limit_is_mandatory"),
        error="a mandatory credit limit needs a credit limit above 0",
    )
    def mandatory_credit_limit(cls, df: pd.DataFrame, fields: tuple[str, str]) -> pd.Series:
        """A blank limit is no limit to hold anybody to, so it fails as 0 does; a blank flag means no."""
        limit, is_mandatory = (df[field] for field in fields)
        return ~is_mandatory.fillna(False) | (limit > 0).fillna(False)
