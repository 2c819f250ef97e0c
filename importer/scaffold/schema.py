"""The schema file: a pandera model with a reason above every field. In: what was decided. Out: Python source."""

from __future__ import annotations

from rich.cells import cell_len

from importer.scaffold.decided import Decided
from importer.scaffold.keys import Seen
from importer.scaffold.quoting import LINE, comment, fitted, python, shown
from importer.vocabulary import ValueKind

_TYPES = {
    ValueKind.TEXT: ("Text", "pyarrow.string()"),
    ValueKind.INTEGER: ("Whole", "pyarrow.int64()"),
    ValueKind.BOOLEAN: ("Flag", "pyarrow.bool_()"),
    ValueKind.DATE: ("Day", "pyarrow.date32()"),
}


def schema_source(decided: Decided) -> str:
    """The text of `schemas/NAME.py`."""
    file = shown(decided.file)
    lines = [
        fitted(f'"""What one row of {decided.name} is: types, lengths, lists. Made from {file}', LINE - 1) + ".",
        "",
        "It is a first guess from one file, and yours to change: the reason for each type stands above its field.",
        "Text was taken wherever anything else would have been doubtful. A field without `nullable=True` is required",
        "for a new record; `isin` is a list of allowed values; `str_length` is the most characters of a text.",
        '"""',
        "",
        "from typing import Annotated",
        "",
        "import pandas as pd",
        "import pandera.pandas as pa",
        "import pyarrow",
        "",
        *_aliases(decided),
        "",
        "",
        f"class {decided.model}(pa.DataFrameModel):",
        fitted(f'    """One record of {decided.name}; key: {", ".join(decided.key.fields)}', LINE - 4) + '."""',
        "",
    ]
    for seen in decided.fields:
        lines += [*_reason(seen), *_field(seen, decided)]
    return "\n".join(lines) + "\n"


def _aliases(decided: Decided) -> list[str]:
    used = dict.fromkeys(_type(seen) for seen in decided.fields)
    return [f"{name} = Annotated[pd.ArrowDtype, {arrow}]" for name, arrow in used]


def _type(seen: Seen) -> tuple[str, str]:
    if seen.guess.kind is ValueKind.DECIMAL:
        return f"Number{seen.guess.scale}", f"pyarrow.decimal128({seen.guess.precision}, {seen.guess.scale})"
    return _TYPES[seen.guess.kind]


def _reason(seen: Seen) -> list[str]:
    observed = seen.observed
    filled = f"never blank in {observed.filled:,} rows" if observed.is_complete else f"{observed.filled:,} values"
    facts = [seen.guess.why, filled]
    if observed.is_unique and observed.filled > 1 and observed.is_complete:
        facts.append("unique")
    if seen.column.renamed:
        facts.append(seen.column.renamed)
    if seen.guess.seen:
        facts.append(f"seen: {', '.join(seen.guess.seen)}")
    return comment(f"{seen.column.index + 1} {shown(seen.column.header)!r}: {'; '.join(facts)}", "    ")


def _field(seen: Seen, decided: Decided) -> list[str]:
    arguments = [f"title={python(seen.column.title)}"]
    if seen.name not in decided.key.fields:
        arguments.append("nullable=True")
    if seen.guess.values:
        arguments.append(f"isin=[{', '.join(map(python, seen.guess.values))}]")
    if seen.guess.max_length:
        arguments.append(f'str_length={{"max_value": {seen.guess.max_length}}}')
    if seen.guess.multiline:
        arguments.append('metadata={"multiline": True}')
    return _call(f"    {seen.name}: {_type(seen)[0]} = pa.Field", arguments)


def _call(start: str, arguments: list[str]) -> list[str]:
    """As the formatter breaks it: on one line, else the arguments on one line, else one on each."""
    joined = ", ".join(arguments)
    if cell_len(f"{start}({joined})") <= LINE:
        return [f"{start}({joined})"]
    if cell_len(f"        {joined}") <= LINE:
        return [f"{start}(", f"        {joined}", "    )"]
    return [f"{start}(", *(f"        {argument}," for argument in arguments), "    )"]
