"""`importer workflow show` and `test`."""

from __future__ import annotations

from typing import Any

import click

from importer.cli.answer import print_json, printable
from importer.cli.options import common, make_session


@click.group()
def workflow() -> None:
    """The workflow in force, and what it would do with a plan."""


@workflow.command("show")
@click.option("--entity", metavar="NAME", help="Which kind of record.")
@common
def show_(entity: str | None, **given: Any) -> None:
    """The definition in force, and who would be asked."""
    from importer.rehearsal import workflow_in_force

    answer = workflow_in_force(make_session(given, "workflow show", quiet=True), entity)
    if given["as_json"]:
        print_json(answer)
        return
    for each in answer:
        click.echo(printable(f"{each['entity']}: {each['name']}  (four eyes: {'yes' if each['four_eyes'] else 'NO'})"))
        for action in each["automatic"]:
            click.echo(printable(f"  automatic: {action['action']} where {action['when']}  [{action['name']}]"))
        for step in each["steps"]:
            click.echo(printable(f"  step {step['name']}: {step['policy']} of {', '.join(step['approvers'])}"))
            for asked in step["asked"]:
                click.echo(printable(f"    {asked['approver']}: {', '.join(asked['people']) or asked['warning']}"))
        click.echo(printable(f"  administrators: {', '.join(each['administrators']) or '(none)'}"))


@workflow.command("test")
@click.option("--run", "run_id", required=True, metavar="RUN", help="A planned run.")
@common
def test(run_id: str, **given: Any) -> None:
    """How many changes each automatic action and step would take, before anything is applied."""
    from importer.rehearsal import rehearse

    answer = rehearse(make_session(given, "workflow test", quiet=True), run_id)
    if given["as_json"]:
        print_json(answer)
        return
    for kind in ("automatic", "steps"):
        for name, number in answer[kind].items():
            click.echo(printable(f"{kind.removesuffix('s'):10} {name}: {number:,}"))
    for reason in answer["failed_conditions"]:
        click.echo(printable(f"condition failed: {reason}"))
