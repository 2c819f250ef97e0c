"""The console that answers are printed on."""

from __future__ import annotations

from rich.console import Console, RenderableType

PLAIN_WIDTH = 100


def show(*renderables: RenderableType) -> None:
    """Prints on stdout: coloured and as wide as the terminal, plain and of a fixed width elsewhere."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH)
    for renderable in renderables:
        console.print(renderable)
