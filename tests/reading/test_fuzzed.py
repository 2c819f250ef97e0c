"""Inputs that a coverage-guided fuzzer (`fuzz.py`) found, one for each kind of outcome: both readers agree on them.

`expected/fuzzed.txt` has one input in each line, in base64.
"""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from reading.agreement import fuzzed

INPUTS = (Path(__file__).parent / "expected" / "fuzzed.txt").read_text().split()


def test_what_the_fuzzer_kept_is_read_like_the_plain_reader_does() -> None:
    assert len(INPUTS) > 100
    for line in INPUTS:
        fuzzed(b64decode(line)).check()
