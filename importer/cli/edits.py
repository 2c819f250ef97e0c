"""`importer set`."""

from __future__ import annotations

from typing import Any

import click

from importer.cli.answer import print_json, printable
from importer.cli.options import common, make_session


@click.command("set")
@click.argument("words", nargs=-1, required=True, metavar="KEY… FIELD=VALUE…")
@click.option("--entity", metavar="NAME", help="Which kind of record.")
@common
def set_(words: tuple[str, ...], entity: str | None, **given: Any) -> None:
    """A person's own edit: first one value per key field, then FIELD=VALUE.

    Fields that need approval go into your draft; submit it or discard it.
    """
    from importer.edits import set_values

    session = make_session(given, "set", quiet=True)
    key, values = _split(session, entity, words)
    answer = set_values(session, entity, key, values)
    if given["as_json"]:
        print_json(answer)
        return
    _print(answer)


def _split(session: Any, entity: str | None, words: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """As many words as the key has parts, then assignments."""
    chosen = session.entities.get(entity) if entity else next(iter(session.entities.values()))
    parts = len(chosen.key) if chosen else 1
    values: dict[str, str] = {}
    for text in words[parts:]:
        field, sign, value = text.partition("=")
        if not sign:
            raise click.UsageError(f"{text!r} is not FIELD=VALUE; the key comes first, one value per key field")
        values[field] = value
    return words[:parts], values


def _print(answer: dict[str, Any]) -> None:
    from importer.cli.render import proposal_view
    from importer.cli.terminal import show

    for change in answer["written"]:
        old, new = change["old"] or "(blank)", change["new"] or "(blank)"
        click.echo(printable(f"written: {change['field']}  {old} → {new}"))
    proposal = answer["proposal"]
    if proposal is None:
        if not answer["written"]:
            click.echo("Nothing to do: the record has these values.")
        return
    show(proposal_view(proposal))
    if proposal["source"] is not None or proposal["status"] not in ("draft", "changes_requested"):
        return
    click.echo("Changes not submitted. Next:")
    click.echo(f"  importer proposals submit {proposal['id']}")
    click.echo(f"  importer proposals discard {proposal['id']} [--fields FIELD,FIELD]")
