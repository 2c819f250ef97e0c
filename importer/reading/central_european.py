"""Whether Western European text may as well be Central European: windows-1252 and windows-1250 share most bytes.

In: bytes that read well as windows-1252. Out: whether they read as well as windows-1250, by the alphabets of its
languages and by how vowels and consonants stand: “Dvořák” is “Dvoøák” in the other reading, “Hélène” is “Hélčne”.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

ALPHABETS = {
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Croatian, Slovene": "čćđšž",
    "Romanian": "ăâîşţ",
}
COVERED = 0.9
"""Share of the letters beyond ASCII that one alphabet has to have."""
ENOUGH_EVIDENCE = 0.25
"""Of the letters that differ, how many more have to look wrong as Central European than as Western European ones."""
MOST_LETTERS = 5_000
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


def may_be_central_european(raw: bytes) -> bool:
    western, central = raw.decode("cp1252", "replace"), raw.decode("cp1250", "replace")
    beyond = [found.start() for found, _ in zip(_BEYOND_ASCII.finditer(raw), range(MOST_LETTERS), strict=False)]
    differing = [at for at in beyond if western[at] != central[at]]
    if not differing or not _in_one_alphabet(Counter(central[at].lower() for at in beyond if central[at].isalpha())):
        return False
    evidence = sum(_is_odd(central, at) - _is_odd(western, at) for at in differing)
    return evidence <= ENOUGH_EVIDENCE * len(differing)


def _in_one_alphabet(letters: Counter[str]) -> bool:
    known = (sum(letters[letter] for letter in alphabet) for alphabet in ALPHABETS.values())
    return max(known) >= COVERED * max(1, letters.total())


def _is_odd(text: str, at: int) -> bool:
    """Whether the letter stands where its language doesn't have it, as far as its neighbours tell."""
    letter, before, after = text[at].lower(), text[max(0, at - 1) : at], text[at + 1 : at + 2]
    match letter:
        case "ñ":
            return not _is_vowel(after)
        case "ń":
            return _is_vowel(after)
        case "ã" | "õ":
            return after.lower() not in ("o", "e")
    beside_vowel = _is_vowel(before) or _is_vowel(after)
    return beside_vowel if _is_vowel(letter) else not beside_vowel


def _is_vowel(letter: str) -> bool:
    return unicodedata.normalize("NFD", letter.lower())[:1] in tuple("aeiouyæøœ")
