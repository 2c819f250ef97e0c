"""Texts of files as a person may safely see them: nothing can steer a terminal or turn the reading direction.

In: any text. Out: the same, with control characters as their pictures (U+2400 …) and the rest named `[U+202E]`.
"""

from __future__ import annotations

_NAMED = (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000))
_PICTURES: dict[int, int | str] = {
    **{code: f"[U+{code:04X}]" for code in _NAMED},
    **{code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
}


def visible(text: object) -> str:
    """Tabs and line ends stay; lone surrogates (undecodable file names) are named too."""
    return str(text).translate(_PICTURES)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters and how many there are in all."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"
