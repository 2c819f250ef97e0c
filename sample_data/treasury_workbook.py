"""The workbook that treasury sends back: typed cells, changed limits, terms, banks and addresses, and what goes wrong.

In: the customers that the legacy list brought. Out: the file, and its planted defects `(row, codes, what)`.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from customers import SEED, Customer, bank_account, new_customer
from words import COMPANIES

HEADERS = (
    *("Company", "Account", "Name", "Group", "Currency", "Credit limit", "Limit mandatory", "Terms", "Bank account"),
    *("Street", "City", "ZIP", "Country", "E-mail", "Customer since", "Our comment"),
)
MADE_ON = datetime.datetime(2026, 11, 16, 8, 30)
LOST_ZEROS = "00123"


@dataclass(frozen=True)
class ErrorCell:
    """A cell whose formula failed, e.g. `#N/A`."""

    text: str


Cell = str | int | float | bool | datetime.date | ErrorCell | None
Row = dict[str, Cell]
Defect = tuple[int, tuple[str, ...], str]


def treasury_workbook(file: Path, stored: Sequence[Customer]) -> list[Defect]:
    """Writes the workbook; row 1 is the header."""
    rng = random.Random(SEED + 1)
    pool = [customer for customer in stored if customer.account != LOST_ZEROS]
    rng.shuffle(pool)
    pick = iter(pool)
    good = [*_changes(rng, pick), *_new_customers(rng)]
    rng.shuffle(good)
    wrong = [*_spoiled(pick), *_spoiled_new(rng), *_repeated(pick)]
    _scatter(good, wrong)
    rows = [*(row for row, _, _ in good), _total(good)]
    defects = [(number, codes, what) for number, (_, codes, what) in enumerate(good, start=2) if codes]
    defects.append((len(rows) + 1, ("missing_key",), "the line with the total is no customer"))
    _write(file, rows)
    return defects


Entry = tuple[Row, tuple[str, ...], str]


def _fine(row: Row) -> Entry:
    return row, (), ""


def _changes(rng: random.Random, pick: Iterator[Customer]) -> Iterator[Entry]:
    """Existing customers: what treasury changed, and some that it only looked at."""
    for step in [0.02, 0.04, -0.03, 0.5, 1.0, -0.25, 0.2, 3.0, -0.5, 0.1] * 11:
        customer = _with_limit(pick)
        yield _fine(_row(customer) | {"Credit limit": _changed(customer.limit, step)})
    for _ in range(40):
        customer = next(pick)
        yield _fine(_row(customer) | {"Terms": "Net14" if customer.terms != "Net14" else "Net30"})
    for _ in range(30):
        customer = next(pick)
        yield _fine(_row(customer) | {"Bank account": bank_account(rng, customer.country)})
    for number in range(60):
        yield _fine(_row(next(pick)) | {"Street": f"Harvest Lane {number + 1}", "Our comment": "moved"})
    for number in range(20):
        customer = _with_limit(pick)
        moved: Row = {"Street": f"Foundry Square {number + 1}", "Credit limit": _changed(customer.limit, 0.4)}
        yield _fine(_row(customer) | moved)
    for _ in range(3):
        customer = next(customer for customer in pick if customer.email)
        yield _fine(_row(customer) | {"E-mail": "<clear>", "Our comment": "mails come back"})
    for _ in range(15):
        yield _fine(_row(next(pick)) | {"Our comment": "checked"})


def _new_customers(rng: random.Random) -> Iterator[Entry]:
    for number in range(8):
        for company, regions in COMPANIES.items():
            region = regions[number % len(regions)][0]
            yield _fine(_row(new_customer(rng, company, number, region)) | {"Our comment": "new"})


SPOILED: tuple[tuple[str, Row, str], ...] = (
    ("invalid_date", {"Customer since": "31.02.2026"}, "a day that does not exist, typed as text"),
    ("invalid_date", {"Customer since": "last spring"}, "words for a date"),
    ("invalid_number", {"Credit limit": "12.5k"}, "a letter in an amount"),
    ("invalid_number", {"Credit limit": "8O000"}, "a letter O for a zero"),
    ("error_cell", {"Credit limit": ErrorCell("#N/A")}, "a formula that found nothing"),
    ("out_of_range", {"Credit limit": -5000}, "a negative credit limit"),
    ("invalid_number", {"Credit limit": 33333.3333}, "a third of 100,000 with four decimals"),
    ("imprecise_number", {"Bank account": 560012345678901234}, "typed as a number: digits past the 15th are lost"),
    ("not_in_list", {"Currency": "EURO"}, "the currency's name for its code"),
    ("not_in_list", {"Country": "Sverige"}, "the country's name for its code"),
    ("pattern_mismatch", {"E-mail": "kundservice(at)tallmala.example"}, "an e-mail address without @"),
    ("too_long", {"Bank account": "NL00 0000 1234 5678 / NL00 0000 8765 4321"}, "two bank accounts in one cell"),
    ("check_failed", {"Credit limit": 0, "Limit mandatory": True}, "a mandatory credit limit of 0"),
)
"""(code, cells put there, why): one existing customer each."""


def _spoiled(pick: Iterator[Customer]) -> Iterator[Entry]:
    for code, cells, what in SPOILED:
        customer = next(customer for customer in pick if not customer.mandatory)
        yield _row(customer) | cells, (code,), what


def _spoiled_new(rng: random.Random) -> Iterator[Entry]:
    """New customers that can't be created."""
    first, second, third = (_row(new_customer(rng, "usmf", 20 + n, COMPANIES["usmf"][0][0])) for n in range(3))
    lost: Row = {"Account": int(LOST_ZEROS)}
    long_name = "Tumblegate Tools " + "and Sons " * 9 + "(formerly Otterford)"
    yield first | {"Name": None}, ("missing_required",), "a new customer without a name"
    yield second | {"Name": long_name}, ("too_long",), f"a name of {len(long_name)} characters"
    yield third | lost, ("similar_key",), f"{LOST_ZEROS} typed as a number: the zeros are lost, 123 is nobody"


def _repeated(pick: Iterator[Customer]) -> Iterator[Entry]:
    """The same customer twice with different limits; another twice with the same."""
    row = _row(_with_limit(pick))
    yield row | {"Credit limit": 70_000}, ("duplicate_key",), "the same customer twice, credit limit 70,000"
    yield row | {"Credit limit": 90_000}, ("duplicate_key",), "the same customer twice, credit limit 90,000"
    again = _row(next(pick)) | {"City": "Newhaven"}
    yield _fine(again)
    yield again, ("identical_duplicate",), "exactly the same row twice; a notice, not rejected"


def _scatter(good: list[Entry], wrong: Sequence[Entry]) -> None:
    """Puts the wrong rows among the good ones, at even distances and in their order."""
    step = len(good) // len(wrong)
    for number, entry in enumerate(wrong):
        good.insert(number * (step + 1) + 5, entry)


def _total(entries: Sequence[Entry]) -> Row:
    amounts = [row["Credit limit"] for row, _, _ in entries]
    return {"Name": "Total", "Credit limit": sum(value for value in amounts if type(value) is int)}


def _with_limit(pick: Iterator[Customer]) -> Customer:
    return next(customer for customer in pick if customer.limit)


def _changed(limit: Decimal | None, step: float) -> int:
    return int(limit * Decimal(str(1 + step))) if limit else 0


def _row(customer: Customer) -> Row:
    """The cells as a program exports them: text for codes, numbers, dates and true/false for the rest."""
    return {
        "Company": customer.company,
        "Account": customer.account,
        "Name": customer.name,
        "Group": customer.group,
        "Currency": customer.currency,
        "Credit limit": None if customer.limit is None else int(customer.limit),
        "Limit mandatory": customer.mandatory,
        "Terms": customer.terms,
        "Bank account": customer.bank or None,
        "Street": customer.street,
        "City": customer.city,
        "ZIP": customer.zip_code,
        "Country": customer.country,
        "E-mail": customer.email or None,
        "Customer since": customer.since,
        "Our comment": None,
    }


def _write(file: Path, rows: Sequence[Row]) -> None:
    options = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as workbook:
        workbook.set_properties({"title": "Customers: treasury's changes", "created": MADE_ON})
        sheet = workbook.add_worksheet("Customers")
        head = workbook.add_format({"bold": True, "bottom": 1})
        formats = {
            "Credit limit": workbook.add_format({"num_format": "#,##0.00"}),
            "Customer since": workbook.add_format({"num_format": "yyyy-mm-dd"}),
        }
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, len(HEADERS) - 1, 14)
        for column, header in enumerate(HEADERS):
            sheet.write_string(0, column, header, head)
            for number, row in enumerate(rows, start=1):
                _write_cell(sheet, number, column, row.get(header), formats.get(header))


def _write_cell(
    sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, cell: Cell, style: xlsxwriter.format.Format | None
) -> None:
    match cell:
        case None:
            return
        case ErrorCell(text):
            sheet.write_formula(row, column, "=VLOOKUP(B2,X:Y,2,FALSE)", style, text)
        case bool():
            sheet.write_boolean(row, column, cell, style)
        case str():
            sheet.write_string(row, column, cell, style)
        case int() | float():
            sheet.write_number(row, column, cell, style)
        case datetime.date():
            sheet.write_datetime(row, column, datetime.datetime.combine(cell, datetime.time()), style)
