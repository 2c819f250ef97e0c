"""Which encoding a text file has: in go its first bytes, out goes a name and why. In doubt the file is refused."""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass

from importer.errors import FileRefused, SetupError
from importer.reading.central_european import may_be_central_european

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CANDIDATES = ("windows-1252", "mac-roman", "cp949", "shift-jis")
"""What is detected without a byte order mark. Other encodings can't be told apart safely: they must be named."""
SHOWN_TOO = ("windows-1250", "windows-1251", "iso-8859-7")
CODECS = {"shift-jis": "cp932", "mac-roman": "mac_roman"}
TOLERATED_ODDNESS = 0.05
INSIDE_WORDS = frozenset("’‘'·ªº­")
"""Signs that stand between letters in good text, so they are no evidence against a reading."""


@dataclass(frozen=True)
class Encoding:
    """`name` for people and reports, `bom` bytes to skip, `note`: how sure the detection is."""

    name: str
    bom: int
    note: str

    @property
    def codec(self) -> str:
        return CODECS.get(self.name, self.name)


def detect_encoding(head: bytes, given: str | None, path: str) -> Encoding:
    """The encoding of a file that starts with `head`. Raises SetupError for an unknown name, FileRefused in doubt."""
    mark = next(((bom, name) for bom, name in BOMS if head.startswith(bom)), None)
    if given is not None:
        return _given(given, mark, path)
    if mark is not None:
        return Encoding(mark[1], len(mark[0]), f"{mark[1]}: byte order mark")
    if b"\0" in head[:4096] and (wide := _wide(head[:4096])):
        return Encoding(wide, 0, f"{wide}: every second byte is zero")
    valid, invalid = _utf8_evidence(head)
    if invalid == 0:
        return Encoding("utf-8", 0, "utf-8: all bytes are valid" if valid else "utf-8: plain ASCII so far")
    if valid >= invalid:
        return Encoding("utf-8", 0, f"utf-8: {valid} characters are valid, {invalid} bytes are not")
    return _eight_bit(head, path)


def _given(given: str, mark: tuple[bytes, str] | None, path: str) -> Encoding:
    try:
        canonical = codecs.lookup(given.strip()).name
        b"".decode(canonical)
    except (LookupError, ValueError):
        raise SetupError(
            f"Unknown encoding {given!r}.", file=path, hint="Known are utf-8, utf-16, windows-1252, latin-1, cp949 …"
        ) from None
    canonical = {"utf-8-sig": "utf-8"}.get(canonical, canonical)
    if mark is None:
        if canonical in ("utf-16", "utf-32"):
            canonical += "-le"
        return Encoding(canonical, 0, f"{canonical}: as given")
    if mark[1].startswith(canonical):
        return Encoding(mark[1], len(mark[0]), f"{mark[1]}: as given, with byte order mark")
    raise FileRefused(
        f"The file starts with the byte order mark of {mark[1]}, but {given} is given as its encoding.",
        file=path,
        hint="Leave the encoding out, or remove the mark from the file.",
    )


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark, by where the zero bytes of plain letters stand."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 5 and even * 20 < odd:
        return "utf-16-le"
    if even > len(head) // 5 and odd * 20 < even:
        return "utf-16-be"
    return None


def _utf8_evidence(head: bytes) -> tuple[int, int]:
    """(valid characters beyond ASCII, bytes that are no UTF-8); a character cut off at the end counts as neither."""
    if head.isascii():
        return 0, 0
    if _decode(head, "utf-8") is not None:
        return 1, 0
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(head)
    beyond = [char for char in text if char > "\x7f"]
    invalid = sum("\udc80" <= char <= "\udcff" for char in beyond)
    return len(beyond) - invalid, invalid


def _eight_bit(head: bytes, path: str) -> Encoding:
    cut = head[: head.rfind(b"\n") + 1] or head
    readings = {name: _decode(cut, name) for name in CANDIDATES}
    plausible = [name for name, text in readings.items() if text and _oddness(text, name) <= TOLERATED_ODDNESS]
    if "windows-1252" in plausible and may_be_central_european(cut):
        plausible.append("windows-1250")
        readings["windows-1250"] = _decode(cut, "windows-1250")
    if plausible and len({readings[name] for name in plausible}) == 1:
        name = plausible[0]
        return Encoding(name, 0, f"{name}: not UTF-8, and {_sample(readings[name] or '')} reads well")
    shown = plausible or [*CANDIDATES, *SHOWN_TOO]
    samples = [f"{name} {_sample(text)}" for name in shown if (text := readings.get(name) or _decode(cut, name))]
    raise FileRefused(
        f"The encoding of the file can't be told for sure; it reads as {'; '.join(samples)}.",
        file=path,
        hint="Say which with --encoding, e.g. --encoding " + (plausible or ["windows-1252"])[0],
    )


def _decode(raw: bytes, name: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(CODECS.get(name, name))("strict").decode(raw)
    except UnicodeDecodeError:
        return None


def _sample(text: str) -> str:
    """The first word that is not plain ASCII, with its neighbours."""
    at = next((i for i, char in enumerate(text) if char > "\x7f"), 0)
    line = text[max(0, at - 12) : at + 12].replace("\r", "\n")
    before, after = line[: min(at, 12)].rsplit("\n", 1)[-1], line[min(at, 12) :].split("\n", 1)[0]
    return f"“{before}{after}”"


def _oddness(text: str, name: str) -> float:
    """Share of the characters beyond ASCII that stand where good text doesn't have them."""
    odd = _odd_cjk if name in ("cp949", "shift-jis") else _odd_latin
    beyond = [i for i, char in enumerate(text) if char > "\x7f"]
    return sum(odd(text, i) for i in beyond) / max(1, len(beyond))


def _odd_latin(text: str, i: int) -> bool:
    before, char, after = text[i - 1 : i], text[i], text[i + 1 : i + 2]
    if unicodedata.category(char) in ("Cc", "Cn", "Co"):
        return True
    if not char.isalpha():
        return before.isalpha() and after.isalpha() and char not in INSIDE_WORDS
    if char.isupper() and before.isalpha() and (before.islower() or after.islower()):
        return True
    # three and more in a row are another script read as Latin letters
    return text[i - 1 : i + 2] > "" and all(c > "\x7f" and c.isalpha() for c in (before or " ", after or " "))


def _odd_cjk(text: str, i: int) -> bool:
    char = text[i]
    if text[i - 1 : i].isascii() and text[i - 1 : i].islower():
        return True  # in the middle of a word of Latin letters
    if "가" <= char <= "힣":
        return len(char.encode("euc_kr")) != 2  # rare syllables are spelled out there
    return not ("぀" <= char <= "ヿ" or "一" <= char <= "鿿" or "\u3000" <= char <= "〿" or "！" <= char <= "～")
