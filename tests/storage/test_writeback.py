"""The log of SQLite is written while it grows, whether it is there or not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from importer.storage import writeback


def test_what_has_grown_is_written_once_and_the_file_stays_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr(writeback, "_PAUSE", 0.01)
    monkeypatch.setattr(writeback, "_sync", lambda opened: written.append(os.fstat(opened).st_size))
    log = tmp_path / "database.db-wal"
    with writeback.written_back(log):
        time.sleep(0.1)  # not there yet
        log.write_bytes(b"few")
        time.sleep(0.1)
        assert written == []
        os.truncate(log, writeback._GROWN)
        deadline = time.monotonic() + 30
        while not written and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert written == [writeback._GROWN]
        log.unlink()
        time.sleep(0.1)
    log.write_bytes(b"x" * 2 * writeback._GROWN)
    time.sleep(0.1)
    assert written == [writeback._GROWN], "nobody writes after the block"
