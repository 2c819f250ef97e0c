"""Runs one pandera check on a column or a frame and says which rows fail.

Every check runs for itself, in pandera's own engine, on typed survivors. `DataFrameSchema.validate(lazy=True)` comes to
the same answer, but gathers each failing cell as Python objects: seconds instead of milliseconds where much is wrong.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.api.function_dispatch import Dispatcher

from importer.errors import SetupError
from importer.validation.failures import Positions

_FOR_TESTS = "hypothesis"


def _load_pandera_alone() -> None:
    """Where the library with which pandera invents test data is installed, loading it would be a tenth of a short run.

    It is hidden from pandera only, not from a schema, and not where it is loaded already.
    """
    if _FOR_TESTS in sys.modules:
        return
    sys.modules[_FOR_TESTS] = None  # type: ignore[assignment]
    try:
        importlib.import_module("pandera.strategies.base_strategies")
    finally:
        del sys.modules[_FOR_TESTS]


_load_pandera_alone()


def series(values: pa.Array) -> pd.Series[Any]:
    """A column as pandas sees it, still Arrow; its index is the position within the batch."""
    return pd.Series(pd.arrays.ArrowExtensionArray(values))


def failing_positions(check: Any, data: pd.Series[Any] | pd.DataFrame, where: str) -> Positions:
    """Positions for which the check answers no; null counts as passed.

    SetupError if the check raises; RuntimeError if it fails without saying for which rows (that must stop the run).
    """
    if data.empty:
        return np.empty(0, dtype=np.int64)
    backend = _backend(check, data)
    try:
        seen = backend.preprocess(data, None)
        passed = backend.apply(seen) if len(seen) else True
    except Exception as error:
        raise SetupError(
            f"{where}: the check {check_name(check)!r} can't be run: {type(error).__name__}: {error}",
            hint="correct the check in the schema",
        ) from error
    return _positions(passed, seen, f"{where}: the check {check_name(check)!r}")


def _backend(check: Any, data: pd.Series[Any] | pd.DataFrame) -> Any:
    """Pandera's runner of a check. A schema made before pandera met pandas holds copies of its own checks that know no
    pandas functions; they are looked up anew."""
    backend = check.get_backend(data)(check)
    if isinstance(check._check_fn, Dispatcher):
        registered = check.get_builtin_check_fn(check._check_fn.__name__)
        backend.check_fn = functools.partial(registered, **check._check_kwargs)
    return backend


def check_name(check: Any) -> str:
    return str(check.name or check.error or "without a name")


def _positions(passed: Any, seen: Any, what: str) -> Positions:
    if isinstance(passed, (bool, np.bool_)) and passed:
        return np.empty(0, dtype=np.int64)
    if not isinstance(passed, pd.Series) or not passed.index.equals(seen.index):
        raise RuntimeError(f"{what} failed without naming rows; it must answer yes or no for each row")
    failing = ~passed.fillna(True).to_numpy(dtype=np.bool_)
    positions: Positions = seen.index.to_numpy()[failing].astype(np.int64)
    return positions
