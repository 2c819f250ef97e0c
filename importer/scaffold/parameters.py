"""The parameters file: where such files come from and what may happen to their records.

In: what was decided. Out: the text of `schemas/NAME.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from importer.scaffold.decided import Decided
from importer.scaffold.observe import CLEAR_TOKEN
from importer.scaffold.quoting import comment, toml, toml_list


def parameters_source(decided: Decided) -> str:
    """The text of `schemas/NAME.toml`; its tables are in the order of the shipped parameters."""
    lines = [
        *comment(f"What may happen to {decided.name} records, made from {decided.file}: yours to change."),
        *comment(f"What one row is (types, lengths, lists) stands in {decided.name}.py."),
        "",
        *_entity(decided),
        "",
        *_source(decided),
        "",
        *_approvals(),
    ]
    return "\n".join(lines) + "\n"


def _entity(decided: Decided) -> Iterator[str]:
    yield "[entity]"
    yield f"name = {toml(decided.name)}"
    yield f"title = {toml(decided.title)}"
    yield f"schema = {toml(f'{decided.name}:{decided.model}')}"
    yield f"table = {toml(decided.name)}"
    yield from comment(f"The key, {decided.key.why}. It can't be changed easily once there are records.")
    yield from (line for text in decided.warnings if "key" in text for line in comment(f"Careful: {text}."))
    yield f"key = {toml_list(decided.key.fields)}"
    yield "create_table = true                          # make the target table if it is missing"


def _source(decided: Decided) -> Iterator[str]:
    yield "[[sources]]                                  # the first is the default; more may follow"
    yield 'name = "files"'
    yield from comment("Files with such names are taken for this entity when --entity is left out.")
    yield f"files = {toml_list((decided.pattern,))}"
    yield 'blank = "keep"                               # keep | clear: what a blank cell does to a stored value'
    if decided.has_clear_token:
        yield from comment(f"The file has cells with the text {CLEAR_TOKEN}, so that no text means: clear the field.")
        yield 'clear_token = ""'
    if decided.key.has_similar:
        yield from comment("Some keys of the file differ only by case, blanks or leading zeros.")
        yield 'similar_keys = "allow"'
    yield 'unknown_columns = "refuse"                   # refuse | ignore'
    yield from (line for column in decided.left_out for line in comment(f"{column.header!r}: {column.why}"))
    yield f"ignore_columns = {toml_list(decided.ignored)}"
    yield from _forms(decided)
    yield from _reading(decided)
    if decided.mapping:
        yield "[sources.columns]                            # header in the file = field"
        yield from (f"{toml(header)} = {toml(name)}" for header, name in decided.mapping.items())


def _forms(decided: Decided) -> Iterator[str]:
    yield from comment("How dates and numbers are written in the file, for all its columns.")
    yield f"date_formats = {toml_list(decided.forms.date_formats)}"
    yield f"decimal = {toml(decided.forms.style.decimal)}"
    yield f"grouping = {toml(decided.forms.style.grouping)}"


def _reading(decided: Decided) -> Iterator[str]:
    """What was given is declared; what was detected is detected again, and only told."""
    yield from comment("How the file is read. What stands in a comment was detected, and is detected again.")
    for name, value in decided.reading.items():
        yield f"{name} = {_value(value)}"
    for name in ("encoding", "delimiter", "quote", "header_row", "sheet"):
        value = getattr(decided.dialect, name)
        if value is not None and name not in decided.reading:
            yield f"# {name} = {_value(value)}"
    yield from (line for note in decided.dialect.notes for line in comment(note))


def _approvals() -> Iterator[str]:
    yield "[approvals]"
    yield from comment("Imports write without approval. To have changes approved, say for which fields and by whom:")
    yield "enabled = false"
    yield '# behavior = "propose"                       # allow | reject | propose'
    yield '# fields = ["credit_limit"]                  # fields whose changes need approval'
    yield "# and [[workflow.steps]] with name, approvers, policy and due (see the shipped customer.toml)"


def _value(value: Any) -> str:
    return str(value) if isinstance(value, int) else toml(value)
