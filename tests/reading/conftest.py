"""What the tests of reading share: files in a folder, and reading one of them completely."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reading.whole import Whole, read_whole


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(content: bytes | str, name: str = "customers.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def read(file: Callable[..., Path]) -> Callable[..., Whole]:
    """Reads content as a CSV file, with options by name."""

    def go(content: bytes | str, **options: object) -> Whole:
        return read_whole(file(content), **options)

    return go
