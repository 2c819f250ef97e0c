"""`importer work` and `tick`."""

from __future__ import annotations

from typing import Any

import click

from importer.cli.answer import print_items, print_json
from importer.cli.options import common, make_session
from importer.cli.reasons import print_reasons


@click.command()
@common
def work(**given: Any) -> None:
    """My open work items, the most urgent first."""
    from importer.inquiries import my_work

    session = make_session(given, "work", quiet=True)
    found = my_work(session)
    if given["as_json"]:
        print_items(found)
        return
    from importer.cli.listed import show_proposals

    number = show_proposals(item["proposal"] for item in found)
    if not number:
        click.echo(f"Nothing waits for {session.user}.")
        return
    click.echo(f"{number:,} wait for {session.user}, the most urgent first. Next:")
    click.echo("  importer proposals show ID · approve ID@VERSION · reject ID@VERSION --comment TEXT")


@click.command()
@common
def tick(**given: Any) -> None:
    """What is overdue: give it to the next who is named, or decide as the workflow says."""
    from importer.overdue import tick as settle

    answer = settle(make_session(given, "tick", quiet=True))
    if given["as_json"]:
        print_json(answer)
        return
    for name in ("escalated", "approved", "rejected", "waiting", "conflict", "refused"):
        click.echo(f"{name:10} {answer[name]:,}")
    print_reasons(answer)
