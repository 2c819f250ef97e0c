"""A preview as it is shown in a terminal of 80 columns.

In: the dictionary that `importer preview --json` prints. Out: rich renderables.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from importer.cli.render_text import Answer, columns, grid, literal, panel
from importer.reports import facts

FATE_STYLES = {"matched": "green", "unknown": "bold red", "repeated": "bold red", "unnamed": "yellow"}
SHOWN_VALUES = 3
SHOWN_EXAMPLES = 3
VALUE_WIDTH = 24
QUIET = "bright_black"
NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe", " ": "blank", None: "none"}


def preview_panel(answer: Answer, path: str) -> Panel:
    """How the file is read, its columns with first values, what is wrong with it, what to type next."""
    parts: list[RenderableType] = [_reading(answer), _columns(answer)]
    sections = [_constants(answer), _refusal(answer), *_problems(answer), _next(answer, path)]
    for number, section in enumerate(filter(None, sections)):
        parts += [Text(""), *section] if number else section
    title = literal(answer["file"]["name"], "bold")
    return panel(Group(*parts), title, _status(answer))


def _status(answer: Answer) -> Text:
    if answer["refusal"]:
        return Text("an import would refuse it", style="bold red")
    unreadable = answer["rows"]["unreadable"]
    return Text(f"{unreadable:,} unreadable", "bold yellow") if unreadable else Text("readable", "bold green")


def _reading(answer: Answer) -> Table:
    table = grid()
    table.add_column(style=QUIET)
    table.add_column(overflow="fold")
    for name, value in _reading_facts(answer):
        table.add_row(name, value if isinstance(value, Text) else literal(value))
    return table


def _reading_facts(answer: Answer) -> Iterator[tuple[str, Any]]:
    yield "Entity", _entity(answer)
    yield "Format", answer["format"]
    if answer["sheet"] is not None:
        yield "Sheet", answer["sheet"]
    if answer["encoding"] is not None:
        yield "Encoding", answer["encoding"]
        yield "Delimiter", _sign(answer["delimiter"])
        yield "Quote", _sign(answer["quote"])
    if answer["escape"] is not None:
        yield "Escape", _sign(answer["escape"])
    yield "Header row", answer["header_row"]
    yield "Rows", _rows(answer)
    for number, note in enumerate(answer["notes"]):
        yield "" if number else "Found", literal(note, QUIET)


def _entity(answer: Answer) -> Text:
    if answer["entity"] is None:
        return literal(f"none: {answer['no_entity']}", "yellow")
    return literal(f"{answer['entity']} (source {answer['source']})")


def _sign(sign: str | None) -> str:
    return f"{NAMES[sign]} {sign}" if sign and sign in NAMES and sign.strip() else NAMES.get(sign, sign or "none")


def _rows(answer: Answer) -> str:
    rows = answer["rows"]
    lost = f", {rows['unreadable']:,} can't be read" if rows["unreadable"] else ""
    return f"{rows['read']:,} read{lost}"


def _columns(answer: Answer) -> Table:
    table = columns("Column", "Field", "First values")
    for column in answer["columns"]:
        values = [row["cells"][column["position"] - 1] for row in answer["first_rows"][:SHOWN_VALUES]]
        header = Text.assemble((f"{column['position']} ", QUIET), literal(column["header"]))
        table.add_row(header, _fate(column), _values(values))
    return table


def _fate(column: Answer) -> Text:
    if column["fate"] == "read":
        return Text("")
    style = FATE_STYLES.get(column["fate"], QUIET)
    if column["fate"] == "matched":
        return literal(column["field"], style)
    return Text.assemble((column["fate"], style), (": ", QUIET), literal(column["note"], QUIET))


def _values(values: list[str]) -> Text:
    shown = Text(overflow="fold")
    for number, value in enumerate(values):
        cut = f"{value[:VALUE_WIDTH]}…" if len(value) > VALUE_WIDTH else value
        shown.append_text(Text.assemble((" · " if number else "", QUIET), literal(cut) if cut else Text("␣", QUIET)))
    return shown


def _constants(answer: Answer) -> list[RenderableType]:
    if not answer["constants"]:
        return []
    title = Text.assemble(("Same value in every row  ", "bold"), ("from [sources.defaults] and --set", QUIET))
    return [title, *(literal(f"  {name} = {text}") for name, text in answer["constants"].items())]


def _refusal(answer: Answer) -> list[RenderableType]:
    refusal = answer["refusal"]
    if not refusal:
        return []
    return [
        Text("An import would refuse the file", "bold red"),
        literal(f"  {refusal['message']}"),
        literal(f"  {refusal['hint']}", QUIET),
    ]


def _problems(answer: Answer) -> Iterator[list[RenderableType]]:
    yield _tally("Rows that can't be read", "", answer["unreadable"], "text")
    yield _tally("Cells that can't be trusted", "", answer["flagged"], "text")
    rows = answer["rows_with_errors"]
    aside = f"in {rows:,} rows, each cell by itself; stored records are not looked at" if rows else ""
    yield _tally("Errors", aside, answer["errors"], "value")


def _tally(title: str, aside: str, tally: Answer, text: str) -> list[RenderableType]:
    if not tally:
        return []
    table = grid()
    table.add_column(justify="right", style="red", no_wrap=True)
    table.add_column(overflow="fold")
    for code, found in tally.items():
        table.add_row(f"{found['count']:,}", Text.assemble(literal(facts.code_title(code)), "  ", literal(code, QUIET)))
        for example in found["examples"][:SHOWN_EXAMPLES]:
            table.add_row("", _example(example, text))
    return [Text.assemble((title, "bold"), (f"  {aside}", QUIET)), table]


def _example(example: Answer, text: str) -> Text:
    where = f"row {example['row']}" + (f", {example['column']}" if example.get("column") else "")
    shown = Text.assemble((f"{where}: ", QUIET), literal(example["message"]))
    if text == "text" and example.get("text"):
        shown.append_text(Text.assemble("\n", literal(example["text"], QUIET)))
    return shown


def _next(answer: Answer, path: str) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if answer["output"]:
        parts += [Text.assemble(("Readable rows  ", "bold"), literal(answer["output"]))]
    if answer["entity"] is None:
        parts += [
            Text("To make an entity from this file:", QUIET),
            literal(f"  importer scaffold {shlex.quote(path)} --entity NAME", "cyan"),
        ]
    elif not answer["refusal"]:
        parts += [
            Text("To see what an import would change:", QUIET),
            literal(f"  importer plan {shlex.quote(path)}", "cyan"),
        ]
    return parts
