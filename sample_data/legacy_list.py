"""The old system's customer list: its headers, its codes, decimal comma, a few columns that are no data, a few defects.

In: customers. Out: the text of the file, the planted defects `(row, codes, what)`, and which customers they spoiled.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

from customers import Customer

COMPANY = {"usmf": "010", "frrt": "020", "semf": "030"}
TERMS = {"COD": "00", "Net14": "14", "Net30": "30", "Net45": "45", "Net60": "60"}
METHOD = {"CHECK": "C", "DEBIT": "D", "TRANSFER": "T"}
HOLD = {"No": "0", "Invoice": "1", "All": "2", "Payment": "3"}
LANGUAGE = {"en-us": "E", "fr": "F", "it": "I", "ko": "K", "nl": "N", "sv": "S"}
COUNTRY = {"FRA": "France", "ITA": "Italy", "KOR": "Korea", "NLD": "Holland", "SWE": "Sweden", "USA": "U.S.A."}

Row = dict[str, str]
Defect = tuple[int, tuple[str, ...], str]

SPOILED: tuple[tuple[str, str, str, str], ...] = (
    ("missing_required", "Name 1", "", "the name was never filled in"),
    ("invalid_date", "Since", "31.02.2019", "a day that does not exist"),
    ("invalid_number", "Cr. limit", "25.OOO,00", "letters O for zeros"),
    ("not_in_list", "Curr", "DEM", "a currency that is gone"),
    ("pattern_mismatch", "E-mail", "orders at tallow.example", "an e-mail address without @"),
    ("missing_key", "Cust. no.", "", "no customer number"),
    ("out_of_range", "Cr. limit", "-500,00", "a negative credit limit"),
    ("pattern_mismatch", "Cust. no.", "00 471", "a blank inside the customer number"),
    ("too_long", "Phone", "0461 555010 (office) or 0461 555011 after six", "two phone numbers in one cell"),
    ("unmapped_value", "Country", "Atlantis", "a country that is in no list"),
    ("invalid_date", "Since", "2020-13-01", "another date format, and no month 13"),
    ("invalid_number", "Cr. limit", "on request", "words for an amount"),
    ("not_in_list", "Curr", "EURO", "the currency's name for its code"),
    ("missing_required", "Grp", "", "no customer group"),
    ("check_failed", "Name 1", "Caf\ufffd du Perroquet SARL", "a letter lost in an earlier conversion"),
    ("pattern_mismatch", "E-mail", "office@brassfern.example; orders@brassfern.example", "two e-mail addresses"),
)
"""(code, column, text put there, why): one customer each."""

FIRST_SPOILED = 37
STEP = 157


def legacy_list(customers: Sequence[Customer]) -> tuple[str, list[Defect], set[int]]:
    """The file as text (semicolon, CRLF); row 1 is the header, so customer `i` stands in row `i + 2`."""
    rows = [_row(index, customer) for index, customer in enumerate(customers)]
    places = iter(range(FIRST_SPOILED, len(rows), STEP))
    defects: list[Defect] = []
    dirty: set[int] = set()
    for (code, column, text, what), place in zip(SPOILED, places, strict=False):
        rows[place] |= {"Limit req.": "N", column: text}
        defects.append((place + 2, (code,), what))
        dirty.add(place)
    limitless = next(places)
    rows[limitless] |= {"Cr. limit": "", "Limit req.": "J"}
    defects.append((limitless + 2, ("check_failed",), "a mandatory credit limit without a limit"))
    dirty.add(limitless)
    defects += _repeat(rows, next(places), dirty)
    return _text(rows, defects), defects, dirty


def _repeat(rows: list[Row], place: int, dirty: set[int]) -> list[Defect]:
    """Two customers stand at the end again: one changed, one exactly the same."""
    rows.append({**rows[place], "Terms": "60", "Street": "see invoice address"})
    rows.append(dict(rows[place + 1]))
    dirty.add(place)
    first, last = place + 2, len(rows)
    return [
        (first, ("duplicate_key",), f"the same customer as in row {last}, with other terms and street"),
        (last, ("duplicate_key",), f"the same customer as in row {first}"),
        (last + 1, ("identical_duplicate",), f"exactly row {first + 1} again; a notice, not rejected"),
    ]


def _text(rows: Sequence[Row], defects: list[Defect]) -> str:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=";", lineterminator="\r\n")
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    line = ["010", "09001", "Tumblegate Paper; Print and More", "TUMBLEGATE", *list(rows[1].values())[4:]]
    target.write(";".join(line) + "\r\n")
    defects.append((len(rows) + 2, ("row_too_long",), "a semicolon in the name, added by hand without quotes"))
    return target.getvalue()


def _row(index: int, customer: Customer) -> Row:
    return {
        "Co": COMPANY[customer.company],
        "Cust. no.": customer.account,
        "Name 1": customer.name,
        "Match code": customer.search_name,
        "Grp": customer.group,
        "Curr": customer.currency,
        "Cr. limit": amount(customer.limit),
        "Limit req.": "J" if customer.mandatory else "N",
        "Terms": TERMS[customer.terms],
        "Pay by": METHOD[customer.method],
        "Bank acct": customer.bank,
        "Tax no.": customer.tax,
        "Block": HOLD[customer.hold],
        "Lang": LANGUAGE[customer.language],
        "Street": customer.street,
        "Town": customer.city,
        "Post code": customer.zip_code,
        "Country": COUNTRY[customer.country],
        "E-mail": customer.email,
        "Phone": customer.phone,
        "Rep": customer.rep,
        "Since": customer.since.strftime("%d.%m.%Y"),
        "Note": customer.note,
        "Balance": amount(Decimal(index * 7919 % 40_000) / 100) if index % 3 == 0 else "",
        "Changed by": ("MB", "TK", "batch")[index % 3],
        "Print flag": "X" if index % 5 == 0 else "",
    }


def amount(value: Decimal | None) -> str:
    """As the old system prints it: 12.500,00."""
    if value is None:
        return ""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
