"""Why some of the proposed changes were not done."""

from __future__ import annotations

from typing import Any

import click

from importer.cli.answer import printable

_MOST = 20


def print_reasons(answer: dict[str, Any]) -> None:
    """The first of `reasons`, and the conditions that failed."""
    for reason in answer["reasons"][:_MOST]:
        about = " ".join(str(part) for part in (reason["id"], reason["field"]) if part is not None)
        click.echo(printable(f"    {about}{': ' if about else ''}{reason['why']}"))
    if len(answer["reasons"]) > _MOST:
        click.echo(f"    … {len(answer['reasons']) - _MOST} more")
    for failed in answer["failed_conditions"]:
        click.echo(printable(f"  condition failed, a person decides: {failed}"))
