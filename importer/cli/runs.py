"""`importer runs`, `show`, `report`, `codes`, `migrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from importer.cli.answer import print_json
from importer.cli.options import common, make_session, output


@click.command()
@common
def runs(**given: Any) -> None:
    """What was run, with counts and status, the latest first."""
    from importer.reporting import stored_runs

    answer = stored_runs(make_session(given, "runs", quiet=True))
    if given["as_json"]:
        print_json(answer)
        return
    from importer.cli.render import runs_table
    from importer.cli.terminal import show as show_on_terminal

    show_on_terminal(runs_table(answer))


@click.command()
@click.argument("run_id", metavar="RUN")
@common
def show(run_id: str, **given: Any) -> None:
    """One run's summary."""
    from importer.reporting import stored_summary

    answer = stored_summary(make_session(given, "show", quiet=True), run_id)
    _show_summary(answer, given["as_json"])


@click.command()
@click.argument("run_id", metavar="RUN")
@output
@common
def report(run_id: str, output: Path | None, **given: Any) -> int:
    """Write the reports of a run again."""
    from importer.reporting import report_run

    answer = report_run(make_session(given, "report", quiet=given["as_json"]), run_id, output)
    failed = answer["exit_code"] == 6
    _show_summary(answer, given["as_json"])
    return 6 if failed else 0


def _show_summary(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({name: value for name, value in answer.items() if name != "folder"})
        return
    from importer.cli.render import summary_panel
    from importer.cli.terminal import show as show_on_terminal

    show_on_terminal(summary_panel(answer))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The answer as one JSON value on stdout.")
def codes(as_json: bool) -> None:
    """The catalogue of rejection codes: what each means and what to do."""
    from importer.validation.catalogue import catalogue

    answer = [
        {"code": str(entry.code), "title": entry.title, "message": entry.message, "hint": entry.hint}
        for entry in catalogue()
    ]
    if as_json:
        print_json(answer)
        return
    from importer.cli.render import codes_table
    from importer.cli.terminal import show as show_on_terminal

    show_on_terminal(codes_table(answer))


@click.command()
@common
def migrate(**given: Any) -> None:
    """Bring the control tables up to date."""
    from importer.settings import DEFAULT_DATABASE
    from importer.storage.database import Database
    from importer.storage.migrate import migrate as upgrade

    database = Database(given["database"] or DEFAULT_DATABASE)
    before, after = upgrade(database)
    if given["as_json"]:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"The control tables of {database.name} are up to date (version {after}).")
    else:
        click.echo(f"The control tables of {database.name} went from version {before or 'none'} to {after}.")
