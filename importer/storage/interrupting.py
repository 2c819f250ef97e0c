"""Statements that run can be interrupted from outside: every open connection is known here.

A statement on SQLite keeps its thread busy outside of Python, so the thread itself hears no signal; the interruption
has to come from another one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import sqlalchemy as sa

_CANCEL_SECONDS = 1.0
_open: dict[int, Any] = {}


def observe(engine: sa.Engine) -> None:
    """The engine's connections can be interrupted from now on."""
    sa.event.listen(engine, "connect", lambda raw, _record: _open.__setitem__(id(raw), raw))
    sa.event.listen(engine, "close", lambda raw, _record: _open.pop(id(raw), None))


def interrupt_statements() -> None:
    """Ends the statements that run at the moment, on every connection; what comes later is not touched."""
    for raw in list(_open.values()):
        with contextlib.suppress(Exception):  # a connection that is closed meanwhile runs nothing
            _interrupt(raw)


def _interrupt(raw: Any) -> None:
    if isinstance(raw, sqlite3.Connection):
        raw.interrupt()
        return
    from psycopg.pq import TransactionStatus

    if raw.pgconn.transaction_status == TransactionStatus.ACTIVE:
        raw.cancel_safe(timeout=_CANCEL_SECONDS)
