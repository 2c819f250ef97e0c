"""When two names are the same: in goes a header or field, out goes its form without case, blanks and punctuation."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=10_000)
def same_name(name: str) -> str:
    """`CUSTOMERACCOUNT`, `Customer account` and `customer_account` give the same; '' for a name of signs only."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in plain if char.isalnum() or unicodedata.category(char).startswith("M"))
