"""The command group. Each command is loaded when it is called, so that `importer --help` is quick."""

from __future__ import annotations

import importlib

import click

from importer import __version__

_COMMANDS = {
    "preview": ("importer.cli.preview", "Show how a file is read, without touching a database."),
    "scaffold": ("importer.cli.scaffold", "Write an entity (schema and parameters) from a file."),
    "run": ("importer.cli.imports", "Plan, check limits, apply and report: the main job."),
    "plan": ("importer.cli.imports", "Decide and store everything, write the reports, apply nothing."),
    "apply": ("importer.cli.imports", "Apply a stored plan exactly."),
    "runs": ("importer.cli.runs", "What was run, with counts and status."),
    "show": ("importer.cli.runs", "One run's summary."),
    "report": ("importer.cli.runs", "Write the reports of a run again."),
    "set": ("importer.cli.edits", "A person's own edit of one record."),
    "proposals": ("importer.cli.proposals", "Change proposals: list, show, decide."),
    "work": ("importer.cli.work", "My open work items."),
    "tick": ("importer.cli.work", "What is overdue: escalate, final action."),
    "workflow": ("importer.cli.workflow", "The workflow in force, and what it would do with a plan."),
    "users": ("importer.cli.people", "Users: add, remove, list."),
    "groups": ("importer.cli.people", "Groups: add, remove, list."),
    "codes": ("importer.cli.runs", "The catalogue of rejection codes."),
    "migrate": ("importer.cli.runs", "Bring the control tables up to date."),
}

_FUNCTIONS = {"set": "set_"}


class _LateGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, _FUNCTIONS.get(cmd_name, cmd_name))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in _COMMANDS.items()])


@click.group(cls=_LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="importer")
def cli() -> None:
    """Gets customer data into a business system safely.

    Reads customer files (CSV, Excel), checks every row, compares it with the customer table, and allows, rejects or
    proposes changes to the fields that need approval.
    """
