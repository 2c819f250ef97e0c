"""Texts of a file inside Python and TOML: as literals that formatters leave alone, and as comments of one line."""

from __future__ import annotations

import json

from rich.cells import cell_len, set_cell_size

LINE = 120


def toml(text: str) -> str:
    """A basic string of TOML; JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_list(texts: tuple[str, ...]) -> str:
    return f"[{', '.join(map(toml, texts))}]"


def python(text: str) -> str:
    """A Python literal with the quotes that need fewer escapes, double ones in doubt."""
    plain = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in _slashed(text))
    quote = "'" if plain.count('"') > plain.count("'") else '"'
    return quote + plain.replace(quote, f"\\{quote}") + quote


def shown(text: str) -> str:
    """For comments and docstrings: one line that can't end either."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line.replace("\\", "/").replace('"', "'")


def fitted(text: str, width: int = LINE) -> str:
    """Cut to a width in columns of a terminal, as linters count them."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def comment(text: str, indent: str = "") -> list[str]:
    """One comment over as many lines as it needs."""
    lines, line = [], f"{indent}#"
    for word in shown(text).split(" "):
        if cell_len(f"{line} {word}") > LINE and line != f"{indent}#":
            lines.append(line)
            line = f"{indent}#  "
        line = fitted(f"{line} {word}")
    return [*lines, line]


def _slashed(text: str) -> str:
    return text.replace("\\", "\\\\")
