"""The files of csv-spectrum read exactly as their JSON says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reading.whole import Whole

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "csv-spectrum"
FILES = sorted(FOLDER.glob("csvs/*.csv"))
pytestmark = pytest.mark.skipif(not FILES, reason="shared/data/csv-spectrum is not here")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reads_as_its_json_says(path: Path, read: Callable[..., Whole]) -> None:
    expected = json.loads((FOLDER / "json" / f"{path.stem}.json").read_text())
    data = path.read_bytes()
    if path.stem.endswith("_crlf"):  # the copy at hand has lost the line ends that its name and its JSON tell of
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    found = read(data)
    assert not found.unreadable
    assert [dict(zip(found.headers, cells, strict=True)) for cells in found.rows.values()] == expected
