"""Options that commands share, and the session that they make."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from importer.intake import ImportOptions
    from importer.session import Session

P = ParamSpec("P")
R = TypeVar("R")

COMMON = ("schemas", "database", "user", "as_json")


def common(function: Callable[P, R]) -> Callable[P, R]:
    """`--schemas --database --user --json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The answer as one JSON value on stdout."),
        click.option("--user", envvar="IMPORTER_USER", metavar="NAME", help="Who you are (default: the login name)."),
        click.option(
            "--database",
            envvar="IMPORTER_DATABASE",
            metavar="URL",
            help="sqlite:///file.db or postgresql+psycopg://… (default: sqlite:///importer.db).",
        ),
        click.option(
            "--schemas",
            envvar="IMPORTER_SCHEMAS",
            type=click.Path(path_type=Path),
            help="Folder with the entities' schemas and parameters (default: ./schemas).",
        ),
    ):
        function = option(function)
    return function


def _values(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for text in given:
        field, sign, value = text.partition("=")
        if not sign or not field.strip():
            raise click.BadParameter(f"{text!r} is not FIELD=VALUE")
        values[field.strip()] = value
    return values


def _behavior(_context: click.Context, _option: click.Parameter, given: str | None) -> Any:
    from importer.vocabulary import Behavior

    return Behavior(given) if given else None


def _one_character(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is None:
        return None
    text = {"tab": "\t", "\\t": "\t"}.get(given.lower(), given)
    if len(text) != 1:
        raise click.BadParameter(f"{given!r} must be one character, or the word tab")
    return text


_IMPORT_OPTIONS = (
    click.option("--entity", metavar="NAME", help="Which kind of record the file brings."),
    click.option("--source", metavar="NAME", help="Where the file comes from, as named in the parameters."),
    click.option("--sheet", metavar="NAME", help="The workbook's sheet."),
    click.option("--delimiter", metavar="CHAR", callback=_one_character, help="Delimiter of a CSV file (or 'tab')."),
    click.option("--encoding", metavar="NAME", help="Encoding of a CSV file, e.g. windows-1252."),
    click.option("--header-row", type=click.IntRange(min=1), metavar="N", help="The row that holds the headers."),
    click.option(
        "--set", "values", multiple=True, metavar="FIELD=VALUE", callback=_values, help="One value for every row."
    ),
    click.option(
        "--behavior",
        type=click.Choice(["allow", "propose", "reject"]),
        callback=_behavior,
        help="Stricter than configured: propose or reject.",
    ),
    click.option("--ignore-unknown-columns", is_flag=True, help="Leave out columns that the entity doesn't know."),
    click.option("--again", metavar="REASON", help="Run an older file again after a later one, on record."),
    click.option("--requested-by", metavar="NAME", help="For whom you run this."),
    click.option(
        "--wait",
        type=click.FloatRange(min=0),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for another applying run.",
    ),
)

output = click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where the reports go."
)


def import_options(function: Callable[..., R]) -> Callable[..., R]:
    """The options of `run` and `plan`, handed on as one `ImportOptions`."""

    @functools.wraps(function)
    def with_options(**given: Any) -> R:
        from importer.intake import ImportOptions

        names = ImportOptions.__dataclass_fields__
        options = ImportOptions(**{name: given.pop(name) for name in names})
        return function(options=options, **given)

    wrapped: Callable[..., R] = with_options
    for option in reversed(_IMPORT_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def make_session(given: dict[str, Any], command: str, *, quiet: bool = False, wait: float | None = None) -> Session:
    """Entities, database and person from the common options (which are taken out of `given`)."""
    from importer.cli.progress import terminal_progress
    from importer.entity import load_entities
    from importer.session import Session
    from importer.settings import DEFAULT_DATABASE, login_name
    from importer.storage.database import WAIT, Database

    entities = load_entities(given["schemas"] or Path("schemas"))
    login = login_name()
    progress = terminal_progress(quiet=quiet)
    database = Database(given["database"] or DEFAULT_DATABASE, WAIT if wait is None else wait)
    database.say = progress.note
    context = click.get_current_context(silent=True)
    if context is not None:  # else whoever made the session has it
        context.call_on_close(database.dispose)
    return Session(
        entities=entities,
        database=database,
        user=given["user"] or login,
        login=login,
        host=platform.node() or "unknown",
        command=command,
        progress=progress,
    )


__all__ = ["ImportOptions", "common", "import_options", "make_session", "output"]
