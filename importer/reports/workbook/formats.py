"""How the workbook looks: one place for its colours."""

from __future__ import annotations

from typing import Any

INK = "#1F2937"
MUTED = "#6B7280"
ACCENT = "#1E3A5F"
OWN = "#F3F4F6"
WRONG = "#FDE2E0"
WRONG_EDGE = "#C0362C"


class Formats:
    """Cell formats of one workbook. `@` keeps what a person types as text: leading zeros survive."""

    def __init__(self, book: Any) -> None:
        text = {"num_format": "@", "valign": "top", "font_color": INK}
        header = {**text, "bold": True, "font_color": "#FFFFFF", "bg_color": ACCENT, "bottom": 1}
        self.text = book.add_format(text)
        self.own = book.add_format({**text, "font_color": MUTED, "bg_color": OWN})
        self.header = book.add_format(header)
        self.own_header = book.add_format({**header, "bg_color": MUTED, "italic": True})
        self.wrong = book.add_format({**text, "bg_color": WRONG, "border": 1, "border_color": WRONG_EDGE, "bold": True})
        self.title = book.add_format({**text, "bold": True, "font_size": 18, "font_color": ACCENT})
        self.subtitle = book.add_format({**text, "font_color": MUTED})
        self.section = book.add_format(
            {**text, "bold": True, "font_size": 12, "font_color": ACCENT, "bottom": 1, "bottom_color": ACCENT}
        )
        self.label = book.add_format({**text, "font_color": MUTED})
        self.value = book.add_format({**text, "text_wrap": True})
        self.count = book.add_format({**text, "align": "right", "bold": True})
        self.alarm = book.add_format({**text, "text_wrap": True, "bg_color": WRONG, "font_color": WRONG_EDGE})
        self.advice = book.add_format({**text, "text_wrap": True, "bg_color": "#EAF2FB"})
