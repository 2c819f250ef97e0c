"""Writes the sample files beside itself, the same ones every time: `python sample_data/make_samples.py [FOLDER]`.

`erp_customers.csv` is the old system's customer list, `treasury_update.xlsx` the workbook that comes back a month
later, `two_columns.csv` the smallest useful file. What is wrong in them, and where, `write_samples` returns.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from customers import invent
from legacy_list import legacy_list
from treasury_workbook import treasury_workbook

LEGACY_FILE = "erp_customers.csv"
UPDATE_FILE = "treasury_update.xlsx"
TWO_COLUMNS_FILE = "two_columns.csv"

TWO_COLUMNS = """\
customer_account,employee_responsible_number
00123,R07
00125,R07
00301,R19
00407,R19
00555,R02
"""
"""Five customers of the default legal entity change hands; nothing else of them is touched."""


@dataclass(frozen=True)
class Planted:
    """A defect that was put into `file` on purpose: row as in a spreadsheet program, codes it is rejected with."""

    file: str
    row: int
    codes: tuple[str, ...]
    what: str


def write_samples(folder: Path) -> list[Planted]:
    """Writes the three files into `folder`; the planted defects in file and row order."""
    customers = invent()
    text, legacy_defects, dirty = legacy_list(customers)
    (folder / LEGACY_FILE).write_bytes(text.encode("utf-8-sig"))
    stored = [customer for index, customer in enumerate(customers) if index not in dirty]
    update_defects = treasury_workbook(folder / UPDATE_FILE, stored)
    (folder / TWO_COLUMNS_FILE).write_text(TWO_COLUMNS, "utf-8", newline="\n")
    return _planted(LEGACY_FILE, legacy_defects) + _planted(UPDATE_FILE, update_defects)


def _planted(file: str, defects: Sequence[tuple[int, tuple[str, ...], str]]) -> list[Planted]:
    return [Planted(file, row, codes, what) for row, codes, what in sorted(defects)]


def table_row(planted: Planted) -> str:
    """A line of the table in `README.md`."""
    return f"| {planted.row} | {' '.join(f'`{code}`' for code in planted.codes)} | {planted.what} |"


def main() -> None:
    """Prints the tables of planted defects that `README.md` shows."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    planted = write_samples(folder)
    for file in dict.fromkeys(defect.file for defect in planted):
        print(f"\n{file}", "| row | code | what is wrong |", "|---|---|---|", sep="\n")
        print(*(table_row(defect) for defect in planted if defect.file == file), sep="\n")


if __name__ == "__main__":
    main()
