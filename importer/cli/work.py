"""`importer work` and `tick`."""

from __future__ import annotations

from typing import Any

import click

from importer.cli.answer import print_json
from importer.cli.options import common, make_session


@click.command()
@common
def work(**given: Any) -> None:
    """My open work items, the most urgent first."""
    from importer.inquiries import my_work

    session = make_session(given, "work", quiet=True)
    answer = my_work(session)
    if given["as_json"]:
        print_json(answer)
        return
    if not answer:
        click.echo(f"Nothing waits for {session.user}.")
        return
    from importer.cli.render import proposals_table
    from importer.cli.terminal import show

    show(proposals_table([item["proposal"] for item in answer]))
    click.echo("importer proposals show ID · approve ID@VERSION · reject ID@VERSION --comment TEXT")


@click.command()
@common
def tick(**given: Any) -> None:
    """What is overdue: give it to the next who is named, or decide as the workflow says."""
    from importer.overdue import tick as settle

    answer = settle(make_session(given, "tick", quiet=True))
    if given["as_json"]:
        print_json(answer)
        return
    for name, number in answer.items():
        click.echo(f"{name:10} {number:,}")
