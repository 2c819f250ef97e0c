"""The compiler of the Common Expression Language, without the command line that its package imports too: a tenth of a
second of every command that has a condition to compile.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from typing import Any

_MODULE = "cel.cel"


@functools.cache
def compiler() -> Callable[[str], Any]:
    """`cel.compile`: a text in, a program with `execute` out; ValueError where the text can't be compiled."""
    if _MODULE in sys.modules:
        module = sys.modules[_MODULE]
    else:
        package = importlib.util.find_spec("cel")
        found = PathFinder.find_spec(_MODULE, package.submodule_search_locations if package else None)
        if found is None or found.loader is None:
            raise ModuleNotFoundError("the package common-expression-language is not installed", name=_MODULE)
        module = sys.modules[_MODULE] = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    compile_text: Callable[[str], Any] = module.compile
    return compile_text
