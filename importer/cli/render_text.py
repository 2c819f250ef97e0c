"""Texts, tables and frames of the terminal, alike in all answers.

In: values of files and people. Out: rich renderables in which no text is markup and none can steer the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from importer.reports.visible import shortened, visible

Answer = Mapping[str, Any]

LONGEST_TEXT = 200
ON_ONE_LINE = {ord("\n"): "␊", ord("\t"): "␉"}
"""A name of several lines could pass for lines of ours."""


def literal(value: Any, style: str = "") -> Text:
    """A text of a file or a person: shown as it is, never read as markup."""
    shown = visible("" if value is None else value).translate(ON_ONE_LINE)
    return Text(shortened(shown, LONGEST_TEXT), style=style, overflow="fold")


def panel(content: RenderableType, title: Text, status: Text) -> Panel:
    return Panel(
        content,
        title=Text.assemble(" ", title, " ", status, " "),
        title_align="left",
        box=box.ROUNDED,
        border_style="bright_black",
        padding=(1, 2),
    )


def columns(*headers: str) -> Table:
    """A table with a line under its headers. `>` before a header: numbers; `=`: texts that are never wrapped."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", border_style="bright_black", pad_edge=False, padding=(0, 1))
    for header in headers:
        right, whole = header.startswith(">"), header.startswith("=")
        table.add_column(header.lstrip(">="), justify="right" if right else "left", no_wrap=right or whole)
    return table


def grid() -> Table:
    """A table of nothing but its cells."""
    return Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
