"""The big list of naughty strings, where it is at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LIST = Path(__file__).parents[3] / "shared" / "data" / "naughty-strings" / "blns.json"


def naughty_strings() -> list[str]:
    if not LIST.is_file():
        pytest.skip(f"the list of naughty strings is not at hand: {LIST}")
    strings: list[str] = json.loads(LIST.read_text("utf-8"))
    return strings
