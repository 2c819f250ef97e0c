"""Coverage-guided fuzzing of the CSV reader against the plain one, where atheris is installed.

`PYTHONPATH=.:tests python -m reading.fuzz FOLDER -max_total_time=3600` stops at the first disagreement and leaves its
input in a file `crash-…`; FOLDER gathers the inputs that reach new code.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["importer.reading.csv", "reading.reference"]):
    from reading.agreement import fuzzed

if __name__ == "__main__":
    atheris.Setup(sys.argv, lambda raw: fuzzed(raw).check())
    atheris.Fuzz()
