"""The command line: parse, one call, print, exit code. The only room that prints."""

from __future__ import annotations

import sys

from importer.cli.answer import run_command


def main() -> None:
    """The console script `importer`."""
    from importer.cli.commands import cli

    sys.exit(run_command(cli, sys.argv[1:]))
