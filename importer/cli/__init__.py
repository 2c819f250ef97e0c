"""The command line: parse, one call, print, exit code. The only room that prints."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from importer.cli.answer import run_command

_OBJECTS_BETWEEN_COLLECTIONS = 500_000
"""What imports and SQL statements make mostly stays, 300,000 objects in a short run: looking through it every 700 of
them is a sixth of it, and once in 100,000 still a twelfth."""

_FOR_LIBRARIES = {
    "OPENBLAS_NUM_THREADS": "1",  # no matrix is ever multiplied here, and starting threads takes time
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # it would look for some in everything that is installed
}
_ON_LINUX = {
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",  # gives back what a batch has used; the usual one keeps 100 MB more
}
"""Read by libraries while they load. Who has set one of them otherwise means it."""


def main() -> None:
    """The console script `importer`."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)  # or the interpreter looks through every object before it ends: a fifth of a short run
    on_this_system = _ON_LINUX if sys.platform == "linux" else {}  # elsewhere Arrow may come without that allocator
    for name, value in {**_FOR_LIBRARIES, **on_this_system}.items():
        os.environ.setdefault(name, value)
    from importer.cli.commands import cli

    sys.exit(run_command(cli, sys.argv[1:]))
