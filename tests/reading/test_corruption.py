"""Clean files, damaged by program at every position: no row is read wrong in silence, and the damage stays local."""

from __future__ import annotations

import pytest

from importer.errors import FileRefused
from importer.reading.csv.blocks import CsvBlocks
from importer.reading.csv.doubtful import set_apart_doubtful
from importer.reading.csv.lexer import CsvDialect
from importer.reading.csv.records import Shape
from importer.reading.csv.torn import flag_torn
from reading.damage import Clean, Row, clean_file, damages, rows_of_texts, sample_rows, wrong_rows

HEADER = ("customer_account", "name", "memo", "limit")
PLAIN = ("Smith", "Müller", "", "10 Main Street", "A-1")
QUOTED = (*PLAIN, "a, b; c", 'he said "no"', "line 1\nline 2", '"', ",", "x\r\ny", "a\tb")
TREACHEROUS = (
    *("\nfoo", ",\nfoo", ",x\ny", "foo\n", "foo,\n,", '"\n"', "x\n\ny", '",\n,"', "\r\n", "tail,", '"lead', 'trail"'),
    *(',"', '",', '5"', "l1\nl2\nl3", "a,b\n1,2\nc,d", "x,y,z\n1,2,3", "one\nA,B,C,7\ntwo", "a\nC-00001,b,c,d\ne"),
)
"""Quotes that can be taken for the other kind, and lines that can be taken for rows, where a quote is wrong."""
MOST_LOST = 3


def accepted(data: bytes, delimiter: str) -> list[Row]:
    """Rows that are neither unreadable nor flagged."""
    found: list[Row] = []
    dialect = CsvDialect(delimiter)
    pieces = CsvBlocks(Shape(dialect, HEADER), 2, "file").pieces(iter([data]))
    for piece in flag_torn(set_apart_doubtful(pieces, dialect), len(HEADER)):
        flagged = {cell.row for cell in piece.flagged}
        cells = zip(*(column.to_pylist() for column in piece.cells.columns), strict=True)
        found += [row for number, row in zip(piece.rows.to_pylist(), cells, strict=True) if number not in flagged]
    return found


def judge(clean: Clean) -> tuple[list[str], list[int], int]:
    """What was read wrong, how many rows each damage cost, and how many damaged files were refused."""
    start = clean.starts[0]
    wrong, lost, refused = [], [], 0
    for damaged in damages(clean, iter(range(start, len(clean.data) + 1))):
        try:
            rows = accepted(damaged.data[start:], clean.delimiter)
        except FileRefused:
            refused += 1
            continue
        strange = wrong_rows(clean, rows, damaged.position)
        wrong += [f"{damaged.what} at {damaged.position}: {row}" for row in strange]
        lost.append(len(set(clean.rows) - set(rows)))
    return wrong, lost, refused


@pytest.mark.parametrize("quoting", ["needed", "all"])
@pytest.mark.parametrize("texts", [PLAIN, QUOTED], ids=["plain", "quoted"])
@pytest.mark.parametrize(("delimiter", "line_end"), [(",", "\n"), (";", "\r\n"), ("\t", "\n"), ("|", "\r\n")])
def test_no_damage_is_read_wrong_in_silence(quoting: str, texts: Row, delimiter: str, line_end: str) -> None:
    clean = clean_file(sample_rows(4, 6, texts), HEADER, delimiter, line_end, quoting)
    assert accepted(clean.data[clean.starts[0] :], delimiter) == list(clean.rows)
    wrong, lost, refused = judge(clean)
    assert not wrong
    assert sum(count > MOST_LOST for count in lost) <= 2  # a quote alone in the last line
    assert refused <= 3


@pytest.mark.parametrize("quoting", ["needed", "all"])
@pytest.mark.parametrize("seed", range(4))
def test_texts_that_look_like_rows_and_quotes_are_not_taken_for_them(quoting: str, seed: int) -> None:
    clean = clean_file(rows_of_texts(6, seed, (*QUOTED, *TREACHEROUS)), HEADER, ",", "\n", quoting)
    assert accepted(clean.data[clean.starts[0] :], ",") == list(clean.rows)
    assert not judge(clean)[0]
