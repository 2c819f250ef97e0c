"""The container of old Excel files (OLE compound file): in go its bytes, out comes one of its streams."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
END_OF_CHAIN = 0xFFFFFFFA
"""This and all greater numbers are marks and no sectors."""
MINI_STREAM_LIMIT = 4096


class CompoundFile:
    """Enough of [MS-CFB] to find a stream by name. Raises ValueError for what is damaged."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC):
            raise ValueError("no compound file")
        self.data = data
        self.sector = 1 << struct.unpack_from("<H", data, 30)[0]
        self.mini_sector = 1 << struct.unpack_from("<H", data, 32)[0]
        self.table = self._allocation()
        directory, _, _, mini_table, _ = struct.unpack_from("<IIIII", data, 48)
        self.entries = list(self._entries(self._chain(directory)))
        self.mini_table = _numbers(self._chain(mini_table))
        self.mini_data = self._chain(self.entries[0][1]) if self.entries else b""

    def stream(self, *names: str) -> bytes | None:
        """The first stream with one of the names; case does not count."""
        wanted = {name.casefold() for name in names}
        found = next((entry for entry in self.entries[1:] if entry[0].casefold() in wanted), None)
        if found is None:
            return None
        _, start, size = found
        return (self._mini_chain(start) if size < MINI_STREAM_LIMIT else self._chain(start))[:size]

    def _allocation(self) -> tuple[int, ...]:
        sectors = list(struct.unpack_from("<109I", self.data, 76))
        following, count = struct.unpack_from("<II", self.data, 68)
        for _ in range(min(count, len(self.data) // self.sector)):
            *more, following = _numbers(self._at(following))
            sectors += more
        return _numbers(b"".join(self._at(number) for number in sectors if number < END_OF_CHAIN))

    def _at(self, number: int) -> bytes:
        start = (number + 1) * self.sector
        return self.data[start : start + self.sector]

    def _chain(self, start: int) -> bytes:
        return b"".join(self._at(number) for number in _follow(self.table, start))

    def _mini_chain(self, start: int) -> bytes:
        size = self.mini_sector
        return b"".join(self.mini_data[i * size : (i + 1) * size] for i in _follow(self.mini_table, start))

    @staticmethod
    def _entries(directory: bytes) -> Iterator[tuple[str, int, int]]:
        """Name, first sector and size of each entry; the first one is the root."""
        for at in range(0, len(directory) - 127, 128):
            length = struct.unpack_from("<H", directory, at + 64)[0]
            name = directory[at : at + max(0, length - 2)].decode("utf-16-le", "replace")
            start, size = struct.unpack_from("<II", directory, at + 116)
            yield name, start, size


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def _follow(table: tuple[int, ...], start: int) -> Iterator[int]:
    """The sectors of a chain. A chain longer than the table goes in circles."""
    for _ in range(len(table)):
        if start >= len(table):
            return
        yield start
        start = table[start]
