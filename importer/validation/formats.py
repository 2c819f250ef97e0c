"""How values are written in a file: what a source declares, or the canonical form of parameters and reports."""

from __future__ import annotations

from dataclasses import dataclass

from importer.settings import Source


@dataclass(frozen=True)
class Formats:
    """`date_formats` are strptime formats; `grouping` is '' where thousands are not separated.

    One of the `currency_signs` may stand before or after a number; others are refused.
    """

    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    decimal: str = "."
    grouping: str = ""
    currency_signs: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Source) -> Formats:
        return cls(source.date_formats, source.decimal, source.grouping, source.currency_signs)


CANONICAL = Formats()
