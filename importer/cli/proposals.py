"""`importer proposals`: list, show, history, and every action on proposed changes."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from importer.cli.answer import print_items, print_json, printable
from importer.cli.options import common, make_session
from importer.cli.reasons import print_reasons

if TYPE_CHECKING:
    from importer.approvals import Action
    from importer.session import Session
    from importer.storage.selection import Filters

_STATUSES = (
    "draft",
    "pending",
    "changes_requested",
    "conflict",
    "applied",
    "rejected",
    "discarded",
    "withdrawn",
    "superseded",
)


@click.group()
def proposals() -> None:
    """Change proposals: what waits for approval, with original and proposed values, and decisions on them."""


def _key(_context: click.Context, _option: click.Parameter, given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(next(csv.reader([given]), []))


_RUN = click.option("--run", "run_id", metavar="RUN", help="Proposed by this run.")
_KEY = click.option("--key", callback=_key, metavar="CSV-RECORD", help="Of this record: the key's values, with commas.")
_FILTERS = (
    _RUN,
    click.option("--source", metavar="NAME", help="Proposed by this source."),
    click.option("--field", metavar="FIELD", help="Changes of this field."),
    _KEY,
    click.option("--status", type=click.Choice(_STATUSES), help="In this state."),
    click.option("--where", metavar="CONDITION", help="For which this CEL condition holds."),
)
_FILTER_NAMES = ("run_id", "source", "field", "key", "status", "where")


def _with_filters(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_FILTERS):
        function = option(function)
    return function


def _take_filters(given: dict[str, Any]) -> Filters:
    from importer.storage.selection import Filters

    return Filters(**{name: given.pop(name) for name in _FILTER_NAMES})


@proposals.command("list")
@_with_filters
@click.option("--digest", "only_digest", is_flag=True, help="Print the listing's digest, to decide on exactly this.")
@common
def list_(only_digest: bool, **given: Any) -> None:
    """Proposals and their changes."""
    from importer.inquiries import digest, list_proposals

    filters = _take_filters(given)
    session = make_session(given, "proposals list", quiet=True)
    if only_digest:
        answer: Any = digest(session, filters)
        print_json({"digest": answer}) if given["as_json"] else click.echo(answer)
        return
    found = list_proposals(session, filters)
    if given["as_json"]:
        print_items(found)
        return
    from importer.cli.listed import show_proposals

    if not show_proposals(found):
        click.echo("No proposals.")


@proposals.command("show")
@click.argument("number", type=int, metavar="ID")
@common
def show_(number: int, **given: Any) -> None:
    """One proposal with all that an approver needs."""
    from importer.inquiries import show_proposal

    answer = show_proposal(make_session(given, "proposals show", quiet=True), number)
    if given["as_json"]:
        print_json(answer)
        return
    from importer.cli.render import proposal_view
    from importer.cli.terminal import show

    show(proposal_view(answer))


@proposals.command("history")
@click.argument("number", type=int, required=False, metavar="[ID]")
@_RUN
@_KEY
@common
def history(number: int | None, run_id: str | None, key: tuple[str, ...] | None, **given: Any) -> None:
    """Every action with who, when, from and to state; of one proposal, run or record, or of all."""
    from importer.inquiries import proposal_history
    from importer.storage.selection import Filters

    session = make_session(given, "proposals history", quiet=True)
    answer = proposal_history(session, number, Filters(run_id=run_id, key=key))
    if given["as_json"]:
        print_json(answer)
        return
    for event in answer:
        state = f"{event['from_status'] or ''} → {event['to_status']}" if event["to_status"] else ""
        about = " ".join(str(part) for part in (event["proposal_id"], event["field"]) if part)
        behalf = f" for {event['on_behalf_of']}" if event["on_behalf_of"] else ""
        words = f"{event['at'][:19]}  {event['user']}{behalf}  {event['action']}  {about}  {state}"
        click.echo(printable(f"{words}  {event['comment'] or ''}".rstrip()))


def _action(name: str, help_text: str) -> None:
    """One command per move; they differ in the move only."""

    @proposals.command(name, help=help_text)
    @click.argument("tickets", nargs=-1, metavar="[ID[@VERSION]…]")
    @_with_filters
    @click.option("--fields", metavar="A,B", help="Only these fields.")
    @click.option("--comment", metavar="TEXT")
    @click.option("--to", metavar="NAME", help="A user, or group:NAME (delegate, reassign).")
    @click.option("--listing", metavar="DIGEST", help="Decide on exactly what was listed (proposals list --digest).")
    @click.option("--yes", is_flag=True, help="Don't ask.")
    @common
    def command(**given: Any) -> int:
        return _act(name, given)

    del command


for _name, _help in (
    ("submit", "Submit a draft to the workflow."),
    ("approve", "Approve; the last approval writes the value."),
    ("reject", "Reject: the value is not written, and not proposed again for a while."),
    ("request-changes", "Send back to the submitter or the source's owner."),
    ("discard", "Discard what is not pending."),
    ("recall", "Take back what is pending; it becomes a draft again."),
    ("delegate", "Have somebody else respond on your behalf (--to)."),
    ("reassign", "Give the work to somebody else (administrators; --to)."),
    ("rebase", "Take up a change in conflict against the current value; it is approved again."),
):
    _action(_name, _help)


def _act(name: str, given: dict[str, Any]) -> int:
    from importer.approvals import Action, act
    from importer.storage.selection import Request, Ticket
    from importer.workflow.moves import Move

    filters = _take_filters(given)
    tickets = tuple(Ticket.read(text) for text in given.pop("tickets"))
    fields = tuple(part.strip() for part in (given.pop("fields") or "").split(",") if part.strip())
    _check_usage(name, tickets, filters)
    session = make_session(given, f"proposals {name}", quiet=True)
    request = Request(tickets, filters, fields)
    action = Action(Move(name.replace("-", "_")), request, given["comment"], given["listing"], given["to"])
    if not tickets:
        _confirm(session, name, action, is_sure=given["yes"])
    answer = act(session, action)
    if given["as_json"]:
        print_json(answer)
    else:
        _print(name, answer)
    return 3 if answer["reasons"] else 0


def _check_usage(name: str, tickets: tuple[Any, ...], filters: Filters) -> None:
    if tickets and filters.given:
        raise click.UsageError("give ids or filters, not both")
    if not tickets and not filters.given:
        raise click.UsageError(f"say which: importer proposals {name} ID…, or filters such as --run RUN")


def _confirm(session: Session, name: str, action: Action, *, is_sure: bool) -> None:
    """Bulk asks on a terminal; otherwise it needs `--listing DIGEST` or `--yes`."""
    from importer.approvals import count_possible

    if is_sure or action.listing:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("a bulk decision needs --listing DIGEST (importer proposals list --digest) or --yes")
    changes, records, others = count_possible(session, action)
    aside = f" ({others:,} more are chosen, but not yours to {name})" if others else ""
    click.confirm(f"{name} {changes:,} changes of {records:,} proposals{aside}?", abort=True, err=True)


def _print(name: str, answer: dict[str, Any]) -> None:
    click.secho(f"{name}: {answer['done']:,} done", fg="green" if answer["done"] else None)
    for fate in ("conflict", "refused", "already_decided"):
        if answer[fate]:
            click.secho(f"  {answer[fate]:,} {fate.replace('_', ' ')}", fg="red")
    print_reasons(answer)
