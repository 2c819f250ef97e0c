"""`importer run`, `plan` and `apply`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli.answer import error_answer, print_json, say_error, worst
from importer.cli.options import common, import_options, make_session, output
from importer.errors import ImporterError

if TYPE_CHECKING:
    from importer.intake import ImportOptions
    from importer.session import Session


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@import_options
@output
@common
def run(files: tuple[Path, ...], options: ImportOptions, output: Path | None, **given: Any) -> int:
    """Plan, check limits, apply and report: the main job."""
    return _import_files(files, options, output, given, "run")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@import_options
@output
@common
def plan(file: Path, options: ImportOptions, output: Path | None, **given: Any) -> int:
    """Decide and store everything, write the reports, apply nothing. The last line is the run id."""
    return _import_files((file,), options, output, given, "plan")


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--accept-limits", is_flag=True, help="Release a plan that a limit holds.")
@click.option("--comment", metavar="TEXT", help="Why the limits are accepted.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another applying run.",
)
@output
@common
def apply(run_id: str, accept_limits: bool, comment: str | None, wait: float, output: Path | None, **given: Any) -> int:
    """Apply a stored plan exactly; what was reviewed is what is applied."""
    from importer.pipeline import apply_plan

    as_json = given["as_json"]
    session = make_session(given, "apply", quiet=as_json, wait=wait)
    summary = apply_plan(session, run_id, accept_limits=accept_limits, comment=comment, wait=wait, output=output)
    return _answer(session, summary, as_json)


def _import_files(
    files: tuple[Path, ...], options: ImportOptions, output: Path | None, given: dict[str, Any], command: str
) -> int:
    as_json = given["as_json"]
    session = make_session(given, command, quiet=as_json, wait=options.wait)
    if len(files) == 1:
        return _answer(session, _one(session, files[0], options, output), as_json)
    answers: list[dict[str, Any]] = []
    for file in files:
        try:
            summary = _one(session, file, options, output, several=True)
            if not as_json:
                _answer(session, summary, as_json)
        except ImporterError as error:
            summary = error_answer(error.exit_code, error.message, error.file, error.hint, error.run_id)
            if not as_json:
                _clear(session)
                say_error(error, as_json=False)
        answers.append(summary)
    code = worst([int(answer["exit_code"]) for answer in answers])
    if as_json:
        print_json({"exit_code": code, "runs": [_public(answer) for answer in answers]})
    return code


def _one(
    session: Session, file: Path, options: ImportOptions, output: Path | None, *, several: bool = False
) -> dict[str, Any]:
    from importer.pipeline import plan_import, run_import

    story = plan_import if session.command == "plan" else run_import
    return story(session, file, options, output, into_run_folder=several)


def _answer(session: Session, summary: dict[str, Any], as_json: bool) -> int:
    code = int(summary["exit_code"])
    if as_json:
        print_json(_public(summary))
        return code
    _clear(session)
    from importer.cli.render import summary_panel
    from importer.cli.terminal import show

    show(summary_panel(summary))
    if session.command == "plan":
        click.echo(summary["run_id"])
    return code


def _public(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary as in `summary.json`; where the reports lie is said on the terminal only."""
    return {name: value for name, value in summary.items() if name != "folder"}


def _clear(session: Session) -> None:
    clear = getattr(session.progress, "clear", None)
    if clear is not None:
        clear()
