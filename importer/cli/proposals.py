"""`importer proposals list` and `show`."""

from __future__ import annotations

import csv
from typing import Any

import click

from importer.cli.answer import print_json
from importer.cli.options import common, make_session

_STATUSES = ("draft", "pending", "changes_requested", "conflict", "applied", "rejected", "discarded", "withdrawn")


@click.group()
def proposals() -> None:
    """Change proposals: what waits for approval, with original and proposed values."""


def _key(_context: click.Context, _option: click.Parameter, given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(next(csv.reader([given]), []))


@proposals.command("list")
@click.option("--run", "run_id", metavar="RUN", help="Proposed by this run.")
@click.option("--source", metavar="NAME", help="Proposed by this source.")
@click.option("--field", metavar="FIELD", help="Changes of this field.")
@click.option("--key", callback=_key, metavar="CSV-RECORD", help="Of this record: the key's values, comma-separated.")
@click.option("--status", type=click.Choice(_STATUSES), help="In this state.")
@common
def list_(
    run_id: str | None,
    source: str | None,
    field: str | None,
    key: tuple[str, ...] | None,
    status: str | None,
    **given: Any,
) -> None:
    """Proposals and their changes."""
    from importer.approvals import Filters, list_proposals

    session = make_session(given, "proposals list", quiet=True)
    answer = list_proposals(session, Filters(run_id, source, field, key, status))
    if given["as_json"]:
        print_json(answer)
        return
    from importer.cli.render import proposals_table
    from importer.cli.terminal import show

    show(proposals_table(answer))


@proposals.command("show")
@click.argument("number", type=int, metavar="ID")
@common
def show_(number: int, **given: Any) -> None:
    """One proposal: original, proposed and current values."""
    from importer.approvals import show_proposal

    answer = show_proposal(make_session(given, "proposals show", quiet=True), number)
    if given["as_json"]:
        print_json(answer)
        return
    from importer.cli.render import proposal_view
    from importer.cli.terminal import show

    show(proposal_view(answer))
