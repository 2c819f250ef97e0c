"""Every file of the corpora ends as the list says: a right reading or a named refusal; anything else is a failure.

The list is `expected/*.json`: per file the first words of the refusal, or header, counts and a digest of the cells.
Run this module as a program to write it anew, and review what changed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from importer.errors import FileRefused
from reading.whole import read_whole

DATA = Path(__file__).parents[3] / "shared" / "data"
EXPECTED = Path(__file__).parent / "expected"
CORPORA = ("frictionless", "calamine")


def files(corpus: str) -> dict[str, Path]:
    folder = DATA / corpus
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}


def outcome(path: Path) -> dict[str, Any]:
    try:
        found = read_whole(path)
    except FileRefused as refused:
        return {"refused": refused.message[:60], "hint": bool(refused.hint), "file": refused.file == str(path)}
    digest = hashlib.sha256(json.dumps([found.headers, sorted(found.rows.items())]).encode()).hexdigest()
    return {
        "format": found.dialect.format,
        "delimiter": found.dialect.delimiter,
        "header_row": found.dialect.header_row,
        "headers": found.headers[:5],
        "rows": len(found.rows),
        "unreadable": dict(Counter(found.codes.values())),
        "flagged": dict(Counter(code for code, _ in found.flags.values())),
        "digest": digest[:16],
    }


def outcomes(corpus: str) -> dict[str, Any]:
    found = files(corpus)
    with ThreadPoolExecutor(2) as pool:  # children are processes, so two at a time
        return dict(zip(found, pool.map(outcome, found.values()), strict=True))


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_file_ends_as_expected(corpus: str) -> None:
    if not (DATA / corpus).is_dir():
        pytest.skip(f"shared/data/{corpus} is not here")
    expected = json.loads((EXPECTED / f"{corpus}.json").read_text())
    assert json.loads(json.dumps(outcomes(corpus))) == expected


if __name__ == "__main__":
    for name in CORPORA:
        text = json.dumps(outcomes(name), indent=1, ensure_ascii=False, sort_keys=True)
        (EXPECTED / f"{name}.json").write_text(text + "\n")
