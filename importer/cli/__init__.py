"""The command line: parse, one call, print, exit code. The only room that prints."""

from __future__ import annotations

import gc
import sys

from importer.cli.answer import run_command

_OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""What imports and SQL statements make mostly stays: looking through it every 700 objects is a sixth of a short run."""


def main() -> None:
    """The console script `importer`."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from importer.cli.commands import cli

    sys.exit(run_command(cli, sys.argv[1:]))
