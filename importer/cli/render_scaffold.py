"""What a scaffold decided, as it is shown in a terminal of 80 columns.

In: the dictionary that `importer scaffold --json` prints. Out: rich renderables.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from importer.cli.render_text import Answer, columns, literal, panel

QUIET = "bright_black"
TYPE_STYLES = {"text": "", "integer": "cyan", "decimal": "cyan", "boolean": "magenta", "date": "magenta"}


def scaffold_panel(answer: Answer) -> Panel:
    """Every field with its type and reason, the key, what to be careful about, what to type next."""
    parts: list[RenderableType] = [_fields(answer), *_key(answer), *_warnings(answer), *_next(answer)]
    rows = answer["rows"]["read"]
    return panel(Group(*parts), literal(answer["entity"], "bold"), Text(f"made from {rows:,} rows", "bold green"))


def _fields(answer: Answer) -> Table:
    table = columns("Column", "Field", "Type", "Why")
    for field in answer["fields"]:
        mark = Text(" key", "bold yellow") if field["field"] in answer["key"]["fields"] else Text("")
        table.add_row(
            literal(field["header"]),
            Text.assemble(literal(field["field"]), mark),
            Text(_type(field), TYPE_STYLES[field["type"]]),
            literal(_why(field), QUIET),
        )
    return table


def _type(field: Answer) -> str:
    if field["type"] == "decimal":
        return f"decimal ({field['precision']},{field['scale']})"
    if field["values"]:
        return "text, list"
    return f"text ({field['max_length']})" if field["max_length"] else str(field["type"])


def _why(field: Answer) -> str:
    facts = [field["why"], "unique" if field["unique"] and field["filled"] > 1 else "", field["renamed"] or ""]
    return "; ".join(fact for fact in facts if fact)


def _key(answer: Answer) -> list[RenderableType]:
    names = ", ".join(answer["key"]["fields"])
    return [Text.assemble(("Key  ", "bold"), literal(names, "bold yellow"), "  ", literal(answer["key"]["why"], QUIET))]


def _warnings(answer: Answer) -> list[RenderableType]:
    if not answer["warnings"]:
        return []
    return [Text(""), Text("Careful", "bold yellow"), *(literal(f"  {text}") for text in answer["warnings"])]


def _next(answer: Answer) -> list[RenderableType]:
    files = "\n".join(f"  {file}" for file in answer["files"])
    return [
        Text(""),
        Text("Written, and yours to change:", QUIET),
        *(literal(line) for line in files.splitlines()),
        Text(""),
        Text("To import the file:", QUIET),
        literal(f"  {answer['next']}", "cyan"),
    ]
