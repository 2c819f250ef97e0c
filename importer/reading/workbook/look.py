"""What a person should know who sees a sheet in a spreadsheet program: hidden rows and filters change nothing here."""

from __future__ import annotations

NO_VALUE = "formula without a stored value"


def notes_on(hidden_rows: bool, filtered: bool) -> tuple[str, ...]:
    hidden = ("some rows are hidden; they are read like the others",) if hidden_rows else ()
    return (*hidden, "the sheet has a filter; all rows are read") if filtered else hidden
