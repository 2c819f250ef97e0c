"""The command line: parse, one call, print, exit code. The only room that prints."""

from __future__ import annotations

import gc
import os
import sys

from importer.cli.answer import run_command

_OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""What imports and SQL statements make mostly stays: looking through it every 700 objects is a sixth of a short run."""

_FOR_LIBRARIES = {
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",  # gives back what a batch has used; the usual one keeps 100 MB more
    "OPENBLAS_NUM_THREADS": "1",  # no matrix is ever multiplied here, and starting threads takes time
}
"""Read by libraries while they load. Who has set one of them otherwise means it."""


def main() -> None:
    """The console script `importer`."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    if sys.platform == "linux":  # elsewhere Arrow may come without that allocator
        for name, value in _FOR_LIBRARIES.items():
            os.environ.setdefault(name, value)
    from importer.cli.commands import cli

    code = run_command(cli, sys.argv[1:])
    gc.freeze()  # or the interpreter looks through every object for cycles before it ends: a fifth of a short run
    sys.exit(code)
