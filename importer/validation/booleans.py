"""Text becomes yes or no, by the words of the pages' languages, without regard to case."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from importer.entity import Field
from importer.validation.failures import Failures, failed_by_fact, shown_column, where
from importer.vocabulary import RejectionCode

TRUE_WORDS = ("yes", "true", "1", "oui", "sì", "si", "ja", "예")
FALSE_WORDS = ("no", "false", "0", "non", "nej", "nee", "아니요", "아니오")
_WORDS = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)


def parse_booleans(texts: pa.Array, field: Field) -> tuple[pa.Array, Failures]:
    """A bool column (null where blank or failed) and the failures; each distinct word is read once."""
    encoded = texts.dictionary_encode()
    words = [_WORDS.get(word.casefold()) for word in encoded.dictionary.to_pylist()]
    values = pa.array(words, pa.bool_()).take(encoded.indices)
    bad = where(pc.and_(texts.is_valid(), values.is_null()))
    shown = shown_column(texts.take(pa.array(bad)))
    return values, failed_by_fact(bad, RejectionCode.INVALID_BOOLEAN, title=field.title, value=shown)
