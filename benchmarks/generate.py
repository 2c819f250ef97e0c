"""Customer files: an initial load of N rows, and an update of the same records with a share changed or wrong.

Every column renders a whole number (its *draw*) as text, one number one text; a changed cell is the same column
with another draw. Files are made in blocks that depend on nothing but the seed and the block's number.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .table import FILE_COLUMNS

BLOCK = 250_000
AREAS = ("usmf", "demf", "frrt", "gbsi", "krmf")
BLANK = -1

Draws: TypeAlias = np.ndarray[Any, Any]
Text: TypeAlias = pa.Array


@dataclass(frozen=True)
class FileSpec:
    """What a file holds. Shares are of rows; `changed` rows have one or two other values than the initial load."""

    rows: int = 1_000_000
    changed: float = 0.0
    rejected: float = 0.0
    proposing: float = 0.0
    quoted: str = "needed"
    format: str = "csv"
    seed: int = 7

    @property
    def name(self) -> str:
        shares = f"c{self.changed:g}-r{self.rejected:g}-p{self.proposing:g}"
        return f"customers-{self.rows}-{shares}-{self.quoted}-{self.seed}.{self.format}"

    @property
    def initial(self) -> FileSpec:
        """The file that filled the table before this one comes."""
        return replace(self, changed=0.0, rejected=0.0, proposing=0.0, format="csv")


@dataclass(frozen=True)
class Column:
    """`size` different texts, `blank` of the cells empty; `steady` columns never change in an update."""

    size: int
    render: Callable[[Draws], Text]
    blank: float = 0.0
    steady: bool = False


def _pick(pool: tuple[str, ...], draws: Draws) -> Text:
    return pa.array(pool, pa.string()).take(pa.array(draws % len(pool)))


def _digits(draws: Draws, width: int) -> Text:
    return pc.utf8_lpad(pa.array(draws).cast(pa.string()), width, "0")


def _glue(*parts: Text | str, between: str = "") -> Text:
    return pc.binary_join_element_wise(*parts, between)


NAMES = ("Adler", "Bergström", "Café Rousseau", "De Vries", "Ferrari", "Hanul 한울", "Jansen", "Lindqvist",
         "Møller", "North Ridge", "O'Hara", "Pacific Rim", "Quarzo", "Saint-Étienne", "Seoul 서울", "Valle",
         "Wide World", "Zúñiga")  # fmt: skip
TRADES = ("Bakery", "Building Supplies", "Contoso Partners", "Dairy", "Electronics", "Foods", "Garden Centre",
          "Hardware", "Import & Export", "Logistics", "Medical", "Office Supplies", "Retail", "Wholesale")  # fmt: skip
FORMS = ("AB", "B.V.", "GmbH", "Inc.", "Ltd", "S.p.A.", "SA", "주식회사")
STREETS = ("Bahnhofstraße", "Church Lane", "Kungsgatan", "Main Street", "Rue de la Gare", "Teheran-ro",
           "Via Garibaldi", "Stationsweg", "Harbour Road", "Industriezone Noord")  # fmt: skip
CITIES = ("Amsterdam", "Bordeaux", "Göteborg", "Leeds", "Lyon", "Milano", "München", "Rotterdam", "Seattle",
          "Seoul", "Stockholm", "Torino", "Utrecht", "Busan", "Chicago", "Hamburg")  # fmt: skip
COUNTRIES = ("DEU", "FRA", "GBR", "ITA", "KOR", "NLD", "SWE", "USA")
CURRENCIES = ("EUR", "USD", "GBP", "SEK", "KRW", "CHF", "JPY", "CAD")
HOLDS = ("No", "No", "No", "No", "No", "No", "No", "Invoice", "All", "Payment", "Requisition", "Never")
DOMAINS = ("example.com", "example.org", "example.net")


def _name(draws: Draws) -> Text:
    words = (_pick(NAMES, draws), _pick(TRADES, draws // 18), _digits(draws // 252, 4))
    return _glue(*words, _pick(FORMS, draws), between=" ")


def _alias(draws: Draws) -> Text:
    return _glue(_pick(NAMES, draws), _digits(draws // 18, 5), between=" ")


def _amount(draws: Draws) -> Text:
    whole, cents = _digits(draws // 4 * 50 + 50, 1), _pick(("00", "50", "25", "99"), draws)
    return _glue(whole, cents, between=".")


def _street(draws: Draws) -> Text:
    """One in fifty holds a comma, one in a thousand quotation marks: these need quoting."""
    street = _glue(_pick(STREETS, draws), (pa.array(draws // 10).cast(pa.string())), between=" ")
    tail = np.where(draws % 1000 == 7, ' "Annex"', np.where(draws % 50 == 3, ", 2nd floor", ""))
    return _glue(street, pa.array(tail, pa.string()))


def _account(draws: Draws) -> Text:
    return _glue(_pick(("NL", "DE", "FR", "SE"), draws), _digits(draws, 16))


def _email(draws: Draws) -> Text:
    return _glue(_glue("c", _digits(draws, 7)), _pick(DOMAINS, draws), between="@")


def _phone(draws: Draws) -> Text:
    return _glue("+31 20 ", _digits(draws, 7))


def _date(draws: Draws) -> Text:
    return pa.array((draws + 8_000).astype("int32")).cast(pa.date32()).cast(pa.string())


def _code(prefix: str, size: int, blank: float = 0.0) -> Column:
    pool = tuple(f"{prefix}{number:02d}" for number in range(size))
    return Column(size, lambda draws: _pick(pool, draws), blank)


def _choice(pool: tuple[str, ...], steady: bool = False) -> Column:
    return Column(len(pool), lambda draws: _pick(pool, draws), steady=steady)


COLUMNS = {
    "organization_name": Column(18 * 14 * 9_000, _name, steady=True),
    "name_alias": Column(18 * 90_000, _alias, blank=0.5),
    "customer_group_id": _code("GRP", 40),
    "sales_currency_code": _choice(CURRENCIES, steady=True),
    "credit_limit": Column(40_000, _amount, steady=True),
    "credit_limit_is_mandatory": _choice(("Yes", "No"), steady=True),
    "credit_rating": _code("R", 9, blank=0.2),
    "payment_terms": _code("NET", 60),
    "payment_method": _code("PM", 12),
    "payment_bank_account": Column(10**15, _account, blank=0.4),
    "tax_exempt_number": Column(
        10**9, lambda draws: _glue(_pick(("DE", "NL", "SE"), draws), _digits(draws, 9)), blank=0.2
    ),
    "on_hold_status": _choice(HOLDS, steady=True),
    "address_street": Column(9_000, _street),
    "address_city": _choice(CITIES),
    "address_zip_code": Column(10**5, lambda draws: _digits(draws, 5)),
    "address_country_region_id": _choice(COUNTRIES, steady=True),
    "primary_contact_email": Column(10**7, _email, blank=0.2),
    "primary_contact_phone": Column(10**7, _phone, blank=0.3),
    "customer_since": Column(12_000, _date),
}
CHANGEABLE = tuple(name for name, column in COLUMNS.items() if not column.steady)
BAD_CELLS = (
    ("credit_limit", "12 thousand"),
    ("customer_since", "31.02.2024"),
    ("sales_currency_code", "EURO"),
    ("on_hold_status", "Maybe"),
    ("payment_terms", "within-30-days"),
)


def _initial_draws(rng: np.random.Generator, count: int) -> dict[str, Draws]:
    draws = {}
    for name, column in COLUMNS.items():
        drawn = rng.integers(column.size, size=count)
        draws[name] = np.where(rng.random(count) < column.blank, BLANK, drawn) if column.blank else drawn
    return draws


def _redraw(rng: np.random.Generator, draws: dict[str, Draws], name: str, rows: np.ndarray) -> None:
    """Other values for these rows of a column, never a blank one."""
    size = COLUMNS[name].size
    old = draws[name][rows]
    step = rng.integers(1, size, size=len(rows))
    draws[name][rows] = np.where(old == BLANK, step, (old + step) % size)


def _change(rng: np.random.Generator, spec: FileSpec, draws: dict[str, Draws], count: int) -> None:
    rows = np.flatnonzero(rng.random(count) < spec.changed)
    first = rng.integers(len(CHANGEABLE), size=len(rows))
    second = (first + rng.integers(len(CHANGEABLE), size=len(rows))) % len(CHANGEABLE)
    for number, name in enumerate(CHANGEABLE):
        _redraw(rng, draws, name, rows[(first == number) | (second == number)])
    _redraw(rng, draws, "credit_limit", np.flatnonzero(rng.random(count) < spec.proposing))


def _rendered(name: str, draws: Draws) -> Text:
    text = COLUMNS[name].render(np.maximum(draws, 0))
    return pc.if_else(pa.array(draws == BLANK), "", text) if COLUMNS[name].blank else text


def _spoil(rng: np.random.Generator, spec: FileSpec, cells: dict[str, Text], count: int) -> None:
    """One bad cell in each of the rejected rows."""
    kind = np.where(rng.random(count) < spec.rejected, rng.integers(len(BAD_CELLS), size=count), BLANK)
    for number, (name, text) in enumerate(BAD_CELLS):
        cells[name] = pc.if_else(pa.array(kind == number), text, cells[name])


def _key_cells(spec: FileSpec, start: int, count: int) -> dict[str, Text]:
    rows = np.arange(start, start + count)
    accounts = _glue("C", _digits(rows + 1, 8))
    return {"data_area_id": _pick(AREAS, rows * len(AREAS) // spec.rows), "customer_account": accounts}


def block_of(spec: FileSpec, number: int) -> pa.Table:
    """One block of the file as text columns in file order."""
    start = number * BLOCK
    count = min(BLOCK, spec.rows - start)
    draws = _initial_draws(np.random.default_rng([spec.seed, number]), count)
    rng = np.random.default_rng([spec.seed, number, 1])
    _change(rng, spec, draws, count)
    cells = _key_cells(spec, start, count) | {name: _rendered(name, drawn) for name, drawn in draws.items()}
    if spec.rejected:
        _spoil(rng, spec, cells, count)
    return pa.table({name: cells[name] for name in FILE_COLUMNS})


def blocks(spec: FileSpec) -> Iterator[pa.Table]:
    for number in range(-(-spec.rows // BLOCK)):
        yield block_of(spec, number)


def _quoted(column: pa.ChunkedArray, quoted: str) -> pa.ChunkedArray:
    if quoted == "none":
        return pc.replace_substring_regex(column, '[",]', " ")
    doubled = pc.replace_substring(column, '"', '""')
    inside = pc.binary_join_element_wise('"', doubled, '"', "")
    if quoted == "all":
        return inside
    return pc.if_else(pc.match_substring_regex(column, '[",\r\n]'), inside, column)


def _write_csv(spec: FileSpec, path: Path) -> None:
    with path.open("wb") as file:
        header = _quoted(pa.chunked_array([FILE_COLUMNS]), spec.quoted)
        file.write(",".join(header.to_pylist()).encode() + b"\n")
        for block in blocks(spec):
            lines = pc.binary_join_element_wise(*(_quoted(column, spec.quoted) for column in block), ",")
            ended = pc.binary_join_element_wise(lines, "\n", "").combine_chunks()
            file.write(_bytes_of(ended))


def _bytes_of(lines: pa.Array) -> memoryview:
    """The text of a string array as it lies in memory, one line after the other."""
    chunk = lines.chunk(0) if isinstance(lines, pa.ChunkedArray) else lines
    offsets = np.frombuffer(chunk.buffers()[1], np.int32)
    first, last = offsets[chunk.offset], offsets[chunk.offset + len(chunk)]
    return memoryview(chunk.buffers()[2])[first:last]


def _write_workbook(spec: FileSpec, path: Path) -> None:
    """A workbook as people have it: amounts are numbers, dates are dates, everything else is text."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("Customers")
        sheet.write_row(0, 0, FILE_COLUMNS)
        row = 1
        for block in blocks(spec):
            for number, name in enumerate(FILE_COLUMNS):
                sheet.write_column(row, number, _cells(name, block[name]))
            row += len(block)


def _cells(name: str, column: pa.ChunkedArray) -> list[Any]:
    match name:
        case "credit_limit":
            return column.cast(pa.float64()).to_pylist()
        case "customer_since":
            return column.cast(pa.date32()).to_pylist()
        case _:
            return [text or None for text in column.to_pylist()]


def write(spec: FileSpec, path: Path) -> Path:
    """Write the file that `spec` describes; a file that is there already is kept."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"part-{path.name}")
    (_write_workbook if spec.format == "xlsx" else _write_csv)(spec, part)
    return part.replace(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the initial load and its update are written")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--changed", type=float, default=0.19, help="share of rows with one or two other values")
    parser.add_argument("--rejected", type=float, default=0.0, help="share of rows with a bad cell")
    parser.add_argument("--proposing", type=float, default=0.0, help="share of rows with another credit limit")
    parser.add_argument("--quoted", choices=("none", "needed", "all"), default="needed")
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv", help="of the update")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def main() -> None:
    options = vars(_arguments())
    folder = options.pop("folder")
    spec = FileSpec(**options)
    for each in (spec.initial, spec):
        path = write(each, folder / each.name)
        print(f"{path}: {path.stat().st_size / 1e6:,.1f} MB, {asdict(each)}")


if __name__ == "__main__":
    main()
