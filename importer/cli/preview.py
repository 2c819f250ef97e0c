"""`importer preview`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli.answer import print_json
from importer.cli.options import common
from importer.cli.reading_options import reading_options

if TYPE_CHECKING:
    from importer.entity import DataEntity
    from importer.intake import ImportOptions


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@reading_options
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CLEAN.csv",
    help="Write all readable rows there as plain UTF-8 CSV, the text unaltered.",
)
@common
def preview(file: Path, options: ImportOptions, output: Path | None, **given: Any) -> int:
    """Show how a file is read, and what an import would say about its cells. No database is touched."""
    from importer.preview import preview_file

    answer = preview_file(file, _entities(given["schemas"], options), options, output)
    if given["as_json"]:
        print_json(answer)
    else:
        from importer.cli.render_preview import preview_panel
        from importer.cli.terminal import show

        show(preview_panel(answer, str(file)))
    return int(answer["exit_code"])


def _entities(schemas: Path | None, options: ImportOptions) -> dict[str, DataEntity]:
    """All declared entities; none where nobody asked for any and there is no schemas folder yet."""
    from importer.entity import load_entities

    is_asked_for = schemas is not None or options.entity is not None or options.source is not None
    if not is_asked_for and not any(Path("schemas").glob("*.toml")):
        return {}
    return load_entities(schemas or Path("schemas"))
