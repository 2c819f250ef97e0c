"""What the baselines' scripts share: their command line, and the seconds they print as one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter


@dataclass
class Script:
    """Seconds by step; `all` is the work itself, without the interpreter's start and imports."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = perf_counter() - start


Baseline = Callable[[str, Path, bool, Script], None]


def main(by_dialect: dict[str, Baseline]) -> int:
    """`python -m benchmarks.NAME load|update URL FILE`; prints `{step: seconds}`."""
    command, url, path = sys.argv[1:]
    script = Script()
    by_dialect[url.partition(":")[0]](url, Path(path), command == "update", script)
    print(json.dumps(script.seconds))
    return 0
