"""How large a workbook may be, and what is checked of it before it is opened."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

MEMORY = 1 << 30
"""Bytes of address space of the child process that opens the workbook."""
FILE_BYTES = 200 << 20
UNPACKED_BYTES = 2 << 30
PART_BYTES = 1 << 30
INFLATE_RATIO = 250
"""Unpacked to packed; real sheets of numbers reach about 30, of repeated text about 100."""
RATIO_FREE_BYTES = 16 << 20
"""Parts that stay below this may have any ratio: they can't hurt."""
PARTS = 10_000
CELLS = 30_000_000
TEXT = 32_767
"""Characters of one cell: what Excel itself allows."""
SECONDS = 45
SECONDS_PER_MEGABYTE = 6
MESSAGE_BYTES = 256 << 20


class TooLarge(Exception):
    """A limit was passed; the text says which."""


def seconds_for(size: int) -> int:
    """Time that a workbook of `size` bytes gets, as processor time and as time without a sign of life."""
    return SECONDS + SECONDS_PER_MEGABYTE * (size >> 20)


def check_size(size: int) -> None:
    if size > FILE_BYTES:
        raise TooLarge(f"it has {size >> 20} MiB, {FILE_BYTES >> 20} are allowed")


def check_archive(file: BinaryIO) -> tuple[str, ...]:
    """Names of the parts of a ZIP-based workbook; what it says to unpack to is checked before it is unpacked."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    if len(parts) > PARTS:
        raise TooLarge(f"it has {len(parts)} parts, {PARTS} are allowed")
    if (total := sum(part.file_size for part in parts)) > UNPACKED_BYTES:
        raise TooLarge(f"it would unpack to {total >> 20} MiB, {UNPACKED_BYTES >> 20} are allowed")
    for part in parts:
        _check_part(part)
    return tuple(part.filename.replace("\\", "/").lstrip("/") for part in parts)


def _check_part(part: zipfile.ZipInfo) -> None:
    if part.file_size > PART_BYTES:
        raise TooLarge(f"its part {part.filename} would unpack to {part.file_size >> 20} MiB")
    ratio = part.file_size / max(1, part.compress_size)
    if part.file_size > RATIO_FREE_BYTES and ratio > INFLATE_RATIO:
        raise TooLarge(f"its part {part.filename} unpacks to {ratio:.0f} times its size, {INFLATE_RATIO} are allowed")


def check_cells(height: int, width: int) -> None:
    if height * width > CELLS:
        raise TooLarge(f"the sheet has {height} × {width} cells, {CELLS} are allowed")
