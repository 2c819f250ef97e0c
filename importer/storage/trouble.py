"""Database trouble in one sentence: what it is, whether it passes, and whether doing it again is safe.

In: an error of SQLAlchemy or of a driver. Out: an `ImporterError`. No statement, value or password is quoted: of the
driver's own sentence only the first line.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import DBAPIError, OperationalError

from importer.errors import ConnectionLost, ImporterError, Repeatable, TryLater

AGAIN = "give the same command again"

_REPEATABLE: Mapping[str, str] = {
    "40001": "another transaction was at work on the same rows",
    "40P01": "two transactions waited for each other",
    "55P03": "another program keeps a lock on these records",
}
"""PostgreSQL has done nothing of the transaction."""

_PASSING: Mapping[str, tuple[str, str]] = {
    "25006": ("it is read-only at the moment", "connect to the primary server, or wait until it accepts changes"),
    "53100": ("the server's disk is full", f"make room there, then {AGAIN}"),
    "53200": ("the server is out of memory", f"{AGAIN} later"),
    "53300": ("the server takes no more connections", f"{AGAIN} later"),
    "53400": ("a limit of the server's configuration is reached", f"{AGAIN} later"),
    "57014": ("the server ended a statement that took too long", "raise statement_timeout for this user"),
    "58030": ("the server can't read or write its disk", f"look at the server's log, then {AGAIN}"),
}

_LOST = ("57P01", "57P02", "57P03", "57P05", "25P03")
_SQLITE: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_READONLY: ("file or folder may not be written", f"see to its permissions, then {AGAIN}"),
    sqlite3.SQLITE_FULL: ("the disk is full", f"make room, then {AGAIN}"),
    sqlite3.SQLITE_IOERR: ("the disk can't be read or written", f"see to the disk, then {AGAIN}"),
    sqlite3.SQLITE_CANTOPEN: ("the file can't be opened", "check folder and permissions, and --database"),
}
_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def reason(error: BaseException) -> str:
    """The driver's own sentence, first line only; PostgreSQL's DETAIL line, which shows values, is left out."""
    driver = _driver_error(error)
    primary = getattr(getattr(driver, "diag", None), "message_primary", None)
    text = str(primary or driver or type(error).__name__)
    return text.splitlines()[0] if text else type(error).__name__


def is_busy(error: BaseException) -> bool:
    """SQLite: somebody else writes at the moment."""
    return _sqlite_number(error) in _SQLITE_BUSY


def is_starting(error: BaseException) -> bool:
    """PostgreSQL takes no connection now, and probably will in a moment: it starts, or too many are connected."""
    text = str(_driver_error(error))
    signs = ("starting up", "shutting down", "recovery mode", "too many clients", "remaining connection slots")
    return _state(error) in ("53300", "57P03") or any(sign in text for sign in signs)


def explain(error: BaseException, database: str) -> ImporterError:
    """One sentence, a hint and the exit code; anything that is no trouble of a known kind is exit 1."""
    state, number = _state(error), _sqlite_number(error)
    if state in _REPEATABLE:
        return Repeatable(f"the database {database} could not do it: {_REPEATABLE[state]}", hint=f"{AGAIN} later")
    if state in _PASSING:
        what, hint = _PASSING[state]
        return TryLater(f"the database {database} can't be used now: {what}", hint=hint)
    if number in _SQLITE:
        what, hint = _SQLITE[number]
        return TryLater(f"the database {database} can't be used now: {what}", hint=hint)
    if _is_lost(error, state):
        return ConnectionLost(
            f"the database {database} can't be used now: {reason(error)}",
            hint=f"check that it runs and that --database is right, then {AGAIN}",
        )
    if isinstance(error, OperationalError | sqlite3.OperationalError):
        return TryLater(f"the database {database} can't be used now: {reason(error)}", hint=f"{AGAIN} later")
    return ImporterError(f"the database {database} refused a statement: {reason(error)}")


def is_trouble(error: BaseException) -> bool:
    """Whether `explain` knows the kind of error: one of SQLAlchemy or of a database driver."""
    return isinstance(error, DBAPIError) or type(error).__module__.partition(".")[0] in _DRIVERS


_DRIVERS = ("psycopg", "sqlite3", "adbc_driver_manager")


def _driver_error(error: BaseException) -> Any:
    return getattr(error, "orig", None) or error


def _state(error: BaseException) -> str:
    return getattr(_driver_error(error), "sqlstate", None) or ""


def _sqlite_number(error: BaseException) -> int:
    """SQLite's primary result code, 0 where it is another's error; ADBC calls it the vendor's."""
    driver = _driver_error(error)
    number = getattr(driver, "sqlite_errorcode", None) or getattr(driver, "vendor_code", None) or 0
    return int(number) & 0xFF


def _is_lost(error: BaseException, state: str) -> bool:
    """psycopg gives no state for a connection that breaks or is not made."""
    driver = _driver_error(error)
    if type(driver).__module__.partition(".")[0] != "psycopg":
        return False
    if not state:
        return type(driver).__name__ in ("OperationalError", "InterfaceError")
    return state in _LOST or state.startswith("08")
