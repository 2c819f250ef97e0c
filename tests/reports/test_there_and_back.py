"""Rejections, as CSV and as workbook, are read by our own reader cell for cell, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.reading import ReadOptions, open_source
from importer.reports.columns import CORRECTION_COLUMNS
from importer.reports.write import write_reports

from .in_memory import RUN, InMemory, run_report
from .naughty import naughty_strings

HEADERS = ("'=Account", "Name; or so", "-5", "@home")
ROWS = (
    ("C1", "=1+1", "-5", "'=1"),
    ("C2", "'", "''", "'''-"),
    ("C3", '"quoted"', "a;b,c\td", " padded "),
    ("C4", "two\nlines", "'plain", "@"),
    ("C5", "", "+46 70", "00012"),
)


def texts_read(path: Path, columns: int) -> list[tuple[str, ...]]:
    with open_source(path, ReadOptions()) as file:
        assert file.is_correction
        assert file.headers[columns:] == CORRECTION_COLUMNS
        tables = [batch.cells for batch in file.batches()]
    return [tuple(row.values())[:columns] for table in tables for row in table.to_pylist()]


def rejected(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> InMemory:
    own = {"_codes": "too_long", "_reasons": "r", "_run": RUN}
    return InMemory(
        headers=headers, rejected_rows=[(row, {"_row": str(n), **own}) for n, row in enumerate(rows, start=2)], chunk=50
    )


@pytest.mark.parametrize("name", ["rejections.csv", "rejections.xlsx"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_cell_and_header_comes_back(tmp_path: Path, name: str, delimiter: str) -> None:
    write_reports(run_report(rejected(HEADERS, list(ROWS)), delimiter=delimiter), tmp_path)
    with open_source(tmp_path / name, ReadOptions()) as file:
        assert file.headers == (*HEADERS, *CORRECTION_COLUMNS)
    assert texts_read(tmp_path / name, len(HEADERS)) == list(ROWS)


def test_naughty_names_come_back_from_the_csv(tmp_path: Path) -> None:
    rows = [(f"C{n}", text) for n, text in enumerate(naughty_strings())]
    write_reports(run_report(rejected(("Account", "Name"), rows)), tmp_path)
    assert texts_read(tmp_path / "rejections.csv", 2) == rows


def test_naughty_names_come_back_from_the_workbook_where_it_has_them(tmp_path: Path) -> None:
    rows = [(f"C{n}", text) for n, text in enumerate(naughty_strings())]
    write_reports(run_report(rejected(("Account", "Name"), rows)), tmp_path)
    found = texts_read(tmp_path / "rejections.xlsx", 2)
    assert set(found) <= set(rows)
    assert len(found) > len(rows) - 10
