"""Text in any encoding becomes UTF-8, block by block. Bytes that don't decode stay recognisable in their row."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

MARKED = "importer-marked"
_ESCAPED = re.compile("[\ud800-\udfff]")


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Undecodable bytes become lone surrogates: no valid UTF-8 has them, so the check for UTF-8 finds their row."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in wrong), error.end


codecs.register_error(MARKED, _mark)


def to_utf8(blocks: Iterator[bytes], codec: str) -> Iterator[bytes]:
    """The same text in UTF-8; UTF-8 itself passes untouched."""
    if codec == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(codec)(MARKED)
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")


def shown(raw: bytes) -> str:
    """UTF-8 as text; bytes that could not be decoded are shown as `\\xNN`."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "surrogateescape")
    return _ESCAPED.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)
