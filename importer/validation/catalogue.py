"""The rejection catalogue: what every code means, in sentences for people.

In: a code and the facts of a case. Out: the message of a report, or the whole catalogue for `importer codes`.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass

from importer.vocabulary import RejectionCode as Code

SHOWN_CHARACTERS = 60
"""A message quotes at most so much of a value; reports have the whole value in a column of its own."""


@dataclass(frozen=True)
class Entry:
    """One code: `message` is a template with the facts that `explain` needs; `hint` says what to do."""

    code: Code
    title: str
    message: str
    hint: str

    @property
    def facts(self) -> tuple[str, ...]:
        names = (name for _, name, _, _ in string.Formatter().parse(self.message) if name)
        return tuple(dict.fromkeys(names))


def catalogue() -> tuple[Entry, ...]:
    """Every code once, in the order of the vocabulary."""
    return tuple(_ENTRIES[code] for code in Code)


def entry(code: Code) -> Entry:
    return _ENTRIES[code]


def explain(code: Code, **facts: object) -> str:
    """The message of one case. A missing fact is a KeyError (a mistake in our code, never in data)."""
    return _ENTRIES[code].message.format_map({name: _words(fact) for name, fact in facts.items()})


def shown(value: str) -> str:
    """A value as messages quote it: shortened where it is long."""
    return value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + "…"


def _words(fact: object) -> str:
    if isinstance(fact, str):
        return fact
    return ", ".join(str(part) for part in fact) if isinstance(fact, Iterable) else str(fact)


def _entries(*rows: tuple[Code, str, str, str]) -> dict[Code, Entry]:
    return {row[0]: Entry(*row) for row in rows}


_ENTRIES = _entries(
    (
        Code.MISSING_KEY,
        "Key is incomplete",
        "{title} is empty, but it is part of the key.",
        "Fill the cell: a row without its complete key can't be matched with a record.",
    ),
    (
        Code.DUPLICATE_KEY,
        "Key occurs more than once",
        "The key {value} also stands in row {rows}, with other values.",
        'Keep one of the rows, or set duplicates = "first" or "last" for the source.',
    ),
    (
        Code.SIMILAR_KEY,
        "Key is almost the same as another",
        "The key {value} differs from {other} only by case, blanks or leading zeros.",
        'Correct the key. If both records are meant, set similar_keys = "allow" for the source.',
    ),
    (
        Code.MISSING_REQUIRED,
        "Required field is empty",
        "{title} must not be empty.",
        "Fill the cell, give a default in [entity.defaults], or remove the token that clears it.",
    ),
    (
        Code.INVALID_NUMBER,
        "Not a valid number",
        "{title} '{value}' is not a valid number: {limit}.",
        "Correct the number, or set decimal and grouping of the source to what the file uses. Nothing is rounded.",
    ),
    (
        Code.INVALID_DATE,
        "Not a valid date",
        "{title} '{value}' is not a valid date: {limit}.",
        "Correct the date, or declare the form that the file uses in date_formats of the source.",
    ),
    (
        Code.INVALID_BOOLEAN,
        "Neither yes nor no",
        "{title} '{value}' is neither yes nor no: Yes or No, true or false, 1 or 0 is expected.",
        "Correct the cell, or say in [sources.values] what the word means.",
    ),
    (
        Code.NOT_IN_LIST,
        "Not an allowed value",
        "{title} '{value}' is not an allowed value; {limit}.",
        "Use an allowed value, or say in [sources.values] which one the file's word stands for.",
    ),
    (
        Code.UNMAPPED_VALUE,
        "Value is not in the source's value list",
        "The source's value list has no entry for this text, and it is not valid as it stands. {limit}",
        "Add the value to [sources.values] of the source, or correct the cell.",
    ),
    (
        Code.PATTERN_MISMATCH,
        "Wrong form",
        "{title} '{value}' does not have the expected form: {limit}.",
        "Correct the cell.",
    ),
    (
        Code.OUT_OF_RANGE,
        "Out of range",
        "{title} is {value}, but {limit}.",
        "Correct the value.",
    ),
    (
        Code.TOO_LONG,
        "Too long",
        "{title} has {length} characters, at most {limit} are allowed.",
        "Shorten the text: nothing is cut off silently.",
    ),
    (
        Code.TOO_SHORT,
        "Too short",
        "{title} has {length} characters, at least {limit} are needed.",
        "Complete the text; leading zeros may have been lost on the way.",
    ),
    (
        Code.CHECK_FAILED,
        "A check failed",
        "{title} did not pass a check: {limit}.",
        "Correct the value, or the values that don't go together.",
    ),
    (
        Code.ROW_TOO_SHORT,
        "Row has too few cells",
        "The row has {count} cells, the header has {limit}.",
        "Look for a missing delimiter or a line break inside a cell that is not quoted.",
    ),
    (
        Code.ROW_TOO_LONG,
        "Row has too many cells",
        "The row has {count} cells, the header has {limit}.",
        "Look for a delimiter inside a cell that is not quoted.",
    ),
    (
        Code.BAD_QUOTING,
        "Quotes don't match",
        "The quotes of the row don't match: {limit}.",
        "Put the whole cell in quotes and double each quote inside it.",
    ),
    (
        Code.REPEATED_HEADER,
        "Header again",
        "The row repeats the header of the file.",
        "Remove the row; it often stands where files were joined.",
    ),
    (
        Code.UNDECODABLE_TEXT,
        "Text can't be decoded",
        "The row has bytes that are no text in the encoding {limit}.",
        "Save the file as UTF-8, or give its true encoding with --encoding.",
    ),
    (
        Code.CONTROL_CHARACTER,
        "Invisible character",
        "{title} contains {limit}.",
        "Delete the character; it can't be seen but makes the text another one.",
    ),
    (
        Code.ERROR_CELL,
        "Spreadsheet error",
        "{title} holds the spreadsheet error {value}.",
        "Correct the formula or type the value.",
    ),
    (
        Code.IMPRECISE_NUMBER,
        "Number has lost digits",
        "{title} '{value}' has more digits than can be kept exactly: {limit}.",
        "Store long numbers as text in the spreadsheet, or use a database that keeps them exactly.",
    ),
    (
        Code.APPROVAL_REQUIRED,
        "Change needs an approval",
        "{title} is {stored} and would become {value}; it may not be changed by an import.",
        'Make the change by hand through the approval workflow, or import with behavior = "propose".',
    ),
    (
        Code.NEW_RECORD_NOT_ALLOWED,
        "New records are not allowed",
        "There is no record {value}, and the parameters don't allow new ones.",
        'Correct the key, or set new_records = "create" or "propose".',
    ),
    (
        Code.COMPETING_CHANGE,
        "Another change is open",
        "{title} can't be proposed as {value}: a change to {other} by somebody else is open.",
        "Wait until the open change is decided, or have it withdrawn or discarded.",
    ),
    (
        Code.TARGET_CHANGED,
        "Record changed since the plan",
        "The record was changed after the plan was made: {limit}.",
        "Plan the file again.",
    ),
    (
        Code.CONSTRAINT_VIOLATION,
        "The database refuses the row",
        "The database refuses the row: {limit}.",
        "Correct the value; it breaks a rule of the table itself.",
    ),
    (
        Code.IDENTICAL_DUPLICATE,
        "The same row again",
        "The row is identical to row {rows}.",
        "Nothing to do: the row was counted once.",
    ),
    (
        Code.DUPLICATE_LEFT_OUT,
        "Another row of the same key was taken",
        "Row {rows} has the same key and was taken instead.",
        'Nothing to do if duplicates = "first" or "last" is meant.',
    ),
)
