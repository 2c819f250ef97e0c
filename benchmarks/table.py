"""The table that all contestants write to, the columns of the file, and the one place for session settings."""

from __future__ import annotations

TABLE = "customer"
KEY = ("data_area_id", "customer_account")

SESSION = {"work_mem": "128MB", "jit": "off"}
"""PostgreSQL: what the product sets in its session. The floor sets the same, the other contestants get it from their
database. `databases.py` compares this with a session of the product before anything is measured."""

PRAGMAS = {"journal_mode": "WAL", "synchronous": "FULL", "cache_size": -65536, "temp_store": "FILE"}
"""SQLite: the same for a connection, likewise compared."""

FILE_COLUMNS = (
    "data_area_id",
    "customer_account",
    "organization_name",
    "name_alias",
    "customer_group_id",
    "sales_currency_code",
    "credit_limit",
    "credit_limit_is_mandatory",
    "credit_rating",
    "payment_terms",
    "payment_method",
    "payment_bank_account",
    "tax_exempt_number",
    "on_hold_status",
    "address_street",
    "address_city",
    "address_zip_code",
    "address_country_region_id",
    "primary_contact_email",
    "primary_contact_phone",
    "customer_since",
)
VALUE_COLUMNS = tuple(name for name in FILE_COLUMNS if name not in KEY)

_CODE = "VARCHAR(10)"
TYPES = {
    "data_area_id": _CODE,
    "customer_account": "VARCHAR(20)",
    "organization_name": "VARCHAR(100)",
    "name_alias": "VARCHAR(100)",
    "customer_group_id": _CODE,
    "sales_currency_code": "TEXT",
    "credit_limit": "NUMERIC(18, 2)",
    "credit_limit_is_mandatory": "BOOLEAN",
    "credit_rating": _CODE,
    "payment_terms": _CODE,
    "payment_terms_base_days": "BIGINT",
    "payment_method": _CODE,
    "payment_specification": _CODE,
    "payment_cash_discount": _CODE,
    "payment_bank_account": "VARCHAR(34)",
    "sales_tax_group": _CODE,
    "tax_exempt_number": "VARCHAR(30)",
    "invoice_account": "VARCHAR(20)",
    "on_hold_status": "TEXT",
    "is_excluded_from_interest_charge_calculation": "BOOLEAN",
    "is_excluded_from_collection_fee_calculation": "BOOLEAN",
    "delivery_terms": _CODE,
    "delivery_mode": _CODE,
    "language_id": _CODE,
    "address_street": "VARCHAR(250)",
    "address_city": "VARCHAR(60)",
    "address_state": "VARCHAR(60)",
    "address_zip_code": "VARCHAR(20)",
    "address_country_region_id": "TEXT",
    "primary_contact_email": "VARCHAR(255)",
    "primary_contact_phone": "VARCHAR(30)",
    "primary_contact_url": "VARCHAR(255)",
    "employee_responsible_number": "VARCHAR(25)",
    "site_id": _CODE,
    "warehouse_id": _CODE,
    "line_of_business_id": _CODE,
    "known_as": "VARCHAR(100)",
    "organization_number": "VARCHAR(30)",
    "sales_memo": "VARCHAR(4000)",
    "customer_since": "DATE",
}


def create_table(if_missing: bool = False) -> str:
    """The target's definition; the same text serves both databases."""
    clause = "IF NOT EXISTS " if if_missing else ""
    columns = ", ".join(f"{name} {kind}{' NOT NULL' * (name in KEY)}" for name, kind in TYPES.items())
    return f"CREATE TABLE {clause}{TABLE} ({columns}, PRIMARY KEY ({', '.join(KEY)}))"


def listed(names: tuple[str, ...], prefix: str = "") -> str:
    """Column names for a statement: `a, b` or `s.a, s.b`."""
    return ", ".join(f"{prefix}{name}" for name in names)
