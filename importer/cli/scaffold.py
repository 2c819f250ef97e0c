"""`importer scaffold`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from importer.cli.answer import print_json
from importer.cli.options import common
from importer.cli.reading_options import dialect_options

if TYPE_CHECKING:
    from importer.intake import ImportOptions


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--entity", metavar="NAME", required=True, help="The name of the new entity, its table and its files.")
@click.option("--key", metavar="FIELD,FIELD", help="What identifies a record, where the file doesn't show it.")
@dialect_options
@common
def scaffold(file: Path, entity: str, key: str | None, options: ImportOptions, **given: Any) -> int:
    """Write an entity (schemas/NAME.py and NAME.toml) from what is in a file."""
    from importer.reading import ReadOptions
    from importer.scaffold import scaffold_file

    reading = ReadOptions(
        delimiter=options.delimiter, encoding=options.encoding, header_row=options.header_row, sheet=options.sheet
    )
    parts = [part.strip() for part in key.split(",") if part.strip()] if key else []
    answer = scaffold_file(file, entity, given["schemas"] or Path("schemas"), reading, parts)
    if given["as_json"]:
        print_json(answer)
    else:
        from importer.cli.render_scaffold import scaffold_panel
        from importer.cli.terminal import show

        show(scaffold_panel(answer))
    return int(answer["exit_code"])
