"""A file of many blocks, damaged at random positions: nothing is read wrong in silence, and hardly a sound row is lost.

The tests do few positions of a smaller file; `PYTHONPATH=.:tests python -m reading.test_large_corruption 100000 2000`
does that many positions of a file of that many rows in each of the dialects, and prints the figures.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from importer.errors import FileRefused
from importer.reading.csv.blocks import CsvBlocks
from importer.reading.csv.doubtful import MOST_ROWS, set_apart_doubtful
from importer.reading.csv.lexer import CsvDialect
from importer.reading.csv.records import Shape
from importer.reading.csv.torn import flag_torn
from importer.reading.tracking import BLOCK_BYTES
from reading.damage import Clean, Damaged, Row, clean_file, damages, wrong_rows

HEADER = ("customer_account", "name", "street", "memo", "limit", "city")
DIALECTS = [(",", "\n"), (";", "\r\n"), ("\t", "\n"), ("|", "\r")]
PLAIN = ("Smith", "Müller & Söhne GmbH", "", "10 Main Street", "A-1", "none of these is quoted because none has to be")
QUOTED = (
    *PLAIN,
    *("a, b; c", 'he said "no"', "line 1\nline 2", '"', ",", "x\r\ny", "a\tb|c", "\nfoo", "tail,\n", '",\n,"'),
    *("Apt. 5, Block 7\n12 Long Street, Springfield\nCountry", "x,y,z\n1,2,3\n4,5,6"),
)
ENOUGH_KEPT = 0.98


@dataclass
class Judgement:
    damaged: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    most_lost: int = 0
    lost: int = 0


def large_file(count: int, delimiter: str, line_end: str, quoting: str, texts: tuple[str, ...]) -> Clean:
    chance = random.Random(count)
    rows = tuple(
        (f"C-{number:07d}", *chance.choices(texts, k=3), str(number * 7), chance.choice(texts))
        for number in range(count)
    )
    return clean_file(rows, HEADER, delimiter, line_end, quoting)


def accepted(data: bytes, delimiter: str, block: int) -> tuple[np.ndarray, pa.Table]:
    """Numbers and cells of the rows that are neither unreadable nor flagged."""
    dialect = CsvDialect(delimiter)
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    numbers, tables = [], []
    read = CsvBlocks(Shape(dialect, HEADER), 2, "file").pieces(blocks)
    for piece in flag_torn(set_apart_doubtful(read, dialect), len(HEADER)):
        flagged = np.isin(piece.rows.to_numpy(), [cell.row for cell in piece.flagged])
        numbers.append(piece.rows.to_numpy()[~flagged])
        tables.append(piece.cells.filter(pa.array(~flagged)))
    return np.concatenate(numbers), pa.concat_tables(tables)


def judge(clean: Clean, chosen: Iterator[Damaged], block: int) -> Judgement:
    start = clean.starts[0]
    numbers, table = accepted(clean.data[start:], clean.delimiter, block)
    assert table.equals(pa.table([list(column) for column in zip(*clean.rows, strict=True)], names=table.column_names))
    found = Judgement()
    for damaged in chosen:
        found.damaged += 1
        try:
            new_numbers, new = accepted(damaged.data[start:], clean.delimiter, block)
        except FileRefused:
            found.refused += 1
            continue
        same, behind = _same_rows(table, new), _same_rows_behind(table, new)
        strange = new.slice(same, max(0, new.num_rows - same - behind))
        where = f"{damaged.what} at {damaged.position}"
        rows = [tuple(row.values()) for row in strange.to_pylist()]
        found.wrong += [f"{where}: {row}" for row in wrong_rows(clean, rows, damaged.position)]
        row = clean.row_at(damaged.position)
        if not _numbers_agree(numbers, new_numbers, min(same, row), min(behind, len(clean.rows) - row - 2)):
            found.wrong.append(f"{where}: row numbers")
        lost = max(0, table.num_rows - same - behind - len(rows))
        found.lost += lost
        found.most_lost = max(found.most_lost, lost)
    return found


def _same_rows(one: pa.Table, other: pa.Table) -> int:
    """How many rows are the same from the start on."""
    count = min(one.num_rows, other.num_rows)
    differ = np.zeros(count, np.bool_)
    for name in one.column_names:
        differ |= ~pc.equal(one[name].slice(0, count), other[name].slice(0, count)).to_numpy()
    return int(differ.argmax()) if differ.any() else count


def _same_rows_behind(one: pa.Table, other: pa.Table) -> int:
    """How many rows are the same from the end backwards."""
    count = min(one.num_rows, other.num_rows)
    differ = np.zeros(count, np.bool_)
    for name in one.column_names:
        ends = (one[name].slice(one.num_rows - count), other[name].slice(other.num_rows - count))
        differ |= ~pc.equal(*ends).to_numpy()
    return int(differ[::-1].argmax()) if differ.any() else count


def _numbers_agree(clean: np.ndarray, new: np.ndarray, same: int, behind: int) -> bool:
    """Rows before the damage keep their numbers, those behind it are moved by the same distance."""
    behind = max(behind, 0)
    moved = new[len(new) - behind :] - clean[len(clean) - behind :]
    return bool(np.array_equal(new[:same], clean[:same]) and len(np.unique(moved)) <= 1)


def random_damages(clean: Clean, count: int, seed: int) -> Iterator[Damaged]:
    """One damage at each of so many positions; signs of structure are met as often as all others together."""
    chance = random.Random(seed)
    signs = frozenset((clean.delimiter + '"\r\n').encode())
    for _ in range(count):
        position = chance.randrange(clean.starts[0], len(clean.data))
        if chance.random() < 0.5:
            position = next((at for at in range(position, len(clean.data)) if clean.data[at] in signs), position)
        yield chance.choice(list(damages(clean, iter([position]))))


CASES = [
    (*dialect, quoting, texts)
    for dialect in DIALECTS
    for quoting, texts in (("needed", PLAIN), ("needed", QUOTED), ("all", QUOTED))
]


@pytest.mark.parametrize(("delimiter", "line_end", "quoting", "texts"), CASES)
def test_random_damage(delimiter: str, line_end: str, quoting: str, texts: Row) -> None:
    clean = large_file(2_000, delimiter, line_end, quoting, texts)
    found = judge(clean, random_damages(clean, 40, seed=1), block=1 << 15)
    assert not found.wrong
    assert found.lost <= (1 - ENOUGH_KEPT) * len(clean.rows) * found.damaged
    assert found.refused <= found.damaged // 10


def test_a_text_over_several_lines_makes_rows_doubtful_megabytes_later() -> None:
    """Where texts go over several lines, rows before a wrong quote may be lines of one."""

    def rows(first: int, last: int) -> bytes:
        return b"".join(b"C-%07d,Smith,none,memo,7,city\n" % number for number in range(first, last))

    wrong = b'C-8,Smith,none,memo",9,city\nC-9,Smith,x"y,memo,8,city\n'
    plain = b"C-1,Smith,line 1 line 2,memo,1,city\n" + rows(2, 70_000)
    several = b'C-1,Smith,"line 1\nline 2",memo,1,city\n' + rows(2, 70_000)
    assert 2_000_000 < len(several) < BLOCK_BYTES
    kept = [len(accepted(data + wrong + rows(70_000, 70_100), ",", BLOCK_BYTES)[0]) for data in (plain, several)]
    assert kept == [70_099, 70_099 - MOST_ROWS]


def main(rows: int, positions: int) -> None:
    for number, (delimiter, line_end, quoting, texts) in enumerate(CASES):
        clean = large_file(rows, delimiter, line_end, quoting, texts)
        found = judge(clean, random_damages(clean, positions, seed=number), BLOCK_BYTES)
        kept = 1 - found.lost / max(1, (found.damaged - found.refused) * len(clean.rows))
        kind = f"{delimiter!r} {line_end!r} quotes {quoting}{', plain' if texts is PLAIN else ''}"
        figures = f"damaged {found.damaged}, refused {found.refused}, wrong {len(found.wrong)}"
        print(f"{kind}: {figures}, kept {kept:.5%}, most lost at once {found.most_lost}", flush=True)
        print(*found.wrong[:5], sep="\n", end="\n" * bool(found.wrong))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
