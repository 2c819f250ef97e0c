"""Statements that run can be interrupted from outside: every open connection is known here.

A statement on SQLite keeps its thread busy outside of Python, so the thread itself hears no signal; the interruption
has to come from another one.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

_CANCEL_SECONDS = 1.0
_ATTEMPTS = 3
_open: dict[int, Any] = {}
_spared = threading.Event()
_one_at_a_time = threading.Lock()


def observe(engine: sa.Engine) -> None:
    """The engine's connections can be interrupted from now on."""
    from sqlalchemy import event

    event.listen(engine, "connect", lambda raw, _record: _opened(raw))
    event.listen(engine, "checkout", lambda raw, _record, _proxy: _taken(raw))
    event.listen(engine, "close", lambda raw, _record: _closed(raw))
    event.listen(engine, "handle_error", _close_cursor)


def spare_what_comes() -> None:
    """Connections that are opened from now on belong to the way out: nothing interrupts them."""
    _spared.set()


def interrupt_statements() -> None:
    """Ends the statements that run at the moment, on every connection; what comes later is not touched."""
    for raw in list(_open.values()):
        with contextlib.suppress(Exception):  # a connection that is closed meanwhile runs nothing
            _interrupt(raw)


def roll_back_what_is_open() -> None:
    """For the way out: an interrupt between two steps of ours may leave a transaction that nobody ends any more."""
    for raw in list(_open.values()):
        with contextlib.suppress(Exception):  # what is broken holds nothing
            _roll_back(raw)


def _opened(raw: Any) -> None:
    if not _spared.is_set():
        _open[id(raw)] = raw


def _taken(raw: Any) -> None:
    """The way out takes no connection of before, which may be interrupted still: it gets a new one."""
    if _spared.is_set() and id(raw) in _open:
        from sqlalchemy.exc import DisconnectionError

        raise DisconnectionError


def _close_cursor(context: sa.engine.ExceptionContext) -> None:
    """A cursor on SQLite that is not at its end keeps its connection interrupted, so that not even ROLLBACK is done."""
    if isinstance(context.original_exception, Exception) or context.execution_context is None:
        return
    with contextlib.suppress(Exception):  # what is broken holds nothing
        context.execution_context.cursor.close()


def _closed(raw: Any) -> None:
    """A closed SQLite connection keeps its locks while the traceback of an interrupt holds a cursor of it, and the way
    out would wait for them: so the transaction is ended before.
    """
    with _one_at_a_time:
        _open.pop(id(raw), None)
    if isinstance(raw, sqlite3.Connection):
        _roll_back(raw)


def _roll_back(raw: Any) -> None:
    if not isinstance(raw, sqlite3.Connection):
        if _status(raw) in ("INTRANS", "INERROR"):
            raw.rollback()
        return
    for _ in range(_ATTEMPTS):  # an interruption that came a moment ago meets the first statement after it
        if not raw.in_transaction:
            return
        with contextlib.suppress(sqlite3.OperationalError):
            raw.rollback()


def _interrupt(raw: Any) -> None:
    if not isinstance(raw, sqlite3.Connection):
        if _status(raw) == "ACTIVE":
            raw.cancel_safe(timeout=_CANCEL_SECONDS)
        return
    with _one_at_a_time:
        if id(raw) in _open:
            raw.interrupt()


def _status(raw: Any) -> str:
    """Of a connection of psycopg."""
    return str(raw.info.transaction_status.name)
