"""The options of `run` that say how a file is read and matched, for commands that don't import it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from importer.cli.options import import_options

R = TypeVar("R")

_MATCHING = ("entity", "source", "values")
_DIALECT = ("sheet", "delimiter", "encoding", "header_row")


def reading_options(function: Callable[..., R]) -> Callable[..., R]:
    """`--entity --source --sheet --delimiter --encoding --header-row --set`, handed on as one `ImportOptions`."""
    return _options(function, (*_MATCHING, *_DIALECT))


def dialect_options(function: Callable[..., R]) -> Callable[..., R]:
    """`--sheet --delimiter --encoding --header-row`, handed on as one `ImportOptions`."""
    return _options(function, _DIALECT)


def _options(function: Callable[..., R], names: tuple[str, ...]) -> Callable[..., R]:
    @functools.wraps(function)
    def with_options(**given: Any) -> R:
        from importer.intake import ImportOptions

        options = ImportOptions(**{name: given.pop(name) for name in names})
        return function(options=options, **given)

    with_options.__click_params__ = [  # type: ignore[attr-defined]
        *(parameter for parameter in click.command()(import_options(_nothing)).params if parameter.name in names),
        *getattr(function, "__click_params__", ()),
    ]
    return with_options


def _nothing() -> None:
    """Stands for a command that takes the options of `run`."""
