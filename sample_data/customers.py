"""Invented customers, the same ones every time: what both sample files are made of.

Out: `Customer`s with the values as the importer stores them.
"""

from __future__ import annotations

import datetime
import random
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from words import ALPHA_2, COMPANIES, Region

SEED = 20261120
LIMITS = (0, 1_000, 2_500, 5_000, 7_500, 10_000, 15_000, 25_000, 40_000, 60_000, 100_000, 250_000)
NOTES = (
    "Delivers to the back entrance only",
    "Asks for invoices by e-mail",
    "Pallets must be labelled\nby noon the day before",
    'Order form says "call first"',
    "Closed in August; leave nothing at the gate",
)


@dataclass(frozen=True)
class Customer:
    """One customer; empty text and None are blanks."""

    company: str
    account: str
    name: str
    search_name: str
    group: str
    currency: str
    limit: Decimal | None
    mandatory: bool
    terms: str
    method: str
    bank: str
    tax: str
    hold: str
    language: str
    street: str
    city: str
    zip_code: str
    country: str
    email: str
    phone: str
    rep: str
    since: datetime.date
    note: str


def invent() -> list[Customer]:
    """All customers, by legal entity and account."""
    rng = random.Random(SEED)
    customers: list[Customer] = []
    for company, regions in COMPANIES.items():
        mixed = [region for region, count in regions for _ in range(count)]
        rng.shuffle(mixed)
        names: set[str] = set()
        for number, region in enumerate(mixed):
            customers.append(_customer(rng, company, account(company, number), region, names))
    return customers


def account(company: str, number: int) -> str:
    """Every legal entity counts its accounts in its own way; usmf and semf have some in common."""
    match company:
        case "usmf":
            return f"{101 + 2 * number:05d}"
        case "frrt":
            return f"FR-{number + 1:05d}"
        case _:
            return f"{101 + 3 * number:05d}"


def new_customer(rng: random.Random, company: str, number: int, region: Region) -> Customer:
    """One that the list does not have yet; `number` counts from 0 within the legal entity."""
    after_the_last = sum(count for _, count in COMPANIES[company]) + number
    return _customer(rng, company, account(company, after_the_last), region, set())


def _customer(rng: random.Random, company: str, key: str, region: Region, names: set[str]) -> Customer:
    city, zip_code = rng.choice(region.towns)
    name = _name(rng, region, city, names)
    limit = None if rng.random() < 0.2 else Decimal(rng.choice(LIMITS)) * (1000 if region.currency == "KRW" else 1)
    return Customer(
        company=company,
        account=key,
        name=name,
        search_name=name.upper()[:12].rstrip(" ,&"),
        group=rng.choices(("10", "20", "30", "90"), (50, 30, 15, 5))[0],
        currency=region.currency,
        limit=limit,
        mandatory=bool(limit) and rng.random() < 0.15,
        terms=rng.choices(("Net30", "Net14", "Net45", "Net60", "COD"), (55, 20, 10, 10, 5))[0],
        method=rng.choices(("TRANSFER", "DEBIT", "CHECK"), (70, 20, 10))[0],
        bank=bank_account(rng, region.country) if rng.random() < 0.4 else "",
        tax=f"{ALPHA_2[region.country]}00{rng.randrange(10**7):07d}" if rng.random() < 0.3 else "",
        hold=rng.choices(("No", "Invoice", "All", "Payment"), (94, 2, 2, 2))[0],
        language=region.language,
        street=rng.choice(region.streets).format(rng.randrange(1, 180)),
        city=city,
        zip_code=zip_code,
        country=region.country,
        email=_email(rng, name, company, key) if rng.random() < 0.6 else "",
        phone=region.phone.format(rng.randrange(100)) if rng.random() < 0.6 else "",
        rep=f"R{rng.randrange(1, 25):02d}",
        since=datetime.date(1994, 1, 3) + datetime.timedelta(days=int(11_900 * rng.random() ** 0.6)),
        note=rng.choice(NOTES) if rng.random() < 0.03 else "",
    )


def _name(rng: random.Random, region: Region, city: str, taken: set[str]) -> str:
    """A name that no other customer of the legal entity has; the town tells namesakes apart, then a number."""
    name = rng.choice(region.names).format(
        first=rng.choice(region.first), second=rng.choice(region.second), legal=rng.choice(region.legal)
    )
    candidates = [name, f"{name}, {city}", *(f"{name}, {city} {count}" for count in range(2, 100))]
    found = next(candidate.strip() for candidate in candidates if candidate.strip() not in taken)
    taken.add(found)
    return found


def bank_account(rng: random.Random, country: str) -> str:
    """Looks like one of the country, but its check digits are 00."""
    if country in ("USA", "KOR"):
        return f"000-{rng.randrange(10**9):09d}"
    return f"{ALPHA_2[country]}00{rng.randrange(10**14):014d}"


def _email(rng: random.Random, name: str, company: str, key: str) -> str:
    """Domains end in .example, which nobody can own; scripts that mail can't write become the account."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    word = next((part for part in plain.replace("-", " ").split() if part.isalpha() and len(part) > 3), None)
    box = rng.choice(("info", "office", "orders", "accounts.payable"))
    return f"{box}@{word or company + key.lower()}.example"
