"""A file becomes batches of raw text (`open_source`), its headers become fields (`match_headers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from importer.reading.headers import HeaderMatch, HeaderRules, match_headers
from importer.reading.model import Dialect, FlaggedCell, RawBatch, ReadOptions, UnreadableRow

if TYPE_CHECKING:
    from importer.reading.source import SourceFile

__all__ = [
    "Dialect",
    "FlaggedCell",
    "HeaderMatch",
    "HeaderRules",
    "RawBatch",
    "ReadOptions",
    "SourceFile",
    "UnreadableRow",
    "match_headers",
    "open_source",
]


def open_source(path: Path, options: ReadOptions) -> SourceFile:
    """See `importer.reading.source.open_source`; pyarrow is loaded when the first file is opened, not before."""
    from importer.reading.source import open_source as opener

    return opener(path, options)


def __getattr__(name: str) -> object:
    if name == "SourceFile":
        from importer.reading.source import SourceFile

        return SourceFile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
