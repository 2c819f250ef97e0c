"""Proposals on a terminal: as many as a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import click

from importer.cli.render import proposals_table
from importer.cli.render_text import Answer
from importer.cli.terminal import show

MOST = 200


def show_proposals(found: Iterable[Answer]) -> int:
    """Prints the first of them and how many there are more; gives the number of all."""
    proposals = iter(found)
    shown = list(islice(proposals, MOST))
    more = sum(1 for _ in proposals)
    if shown:
        show(proposals_table(shown))
    if more:
        click.echo(f"… and {more:,} more: choose with filters such as --field, --key, --where, or read all with --json")
    return len(shown) + more
