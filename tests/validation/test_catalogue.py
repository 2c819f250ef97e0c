"""The catalogue explains every code in sentences."""

from __future__ import annotations

import pytest

from importer.validation.catalogue import SHOWN_CHARACTERS, Entry, catalogue, entry, explain, shown
from importer.vocabulary import RejectionCode as Code


def test_every_code_stands_in_the_catalogue_once_in_the_order_of_the_vocabulary() -> None:
    assert [entry.code for entry in catalogue()] == list(Code)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: str(entry.code))
def test_an_entry_is_readable(entry: Entry) -> None:
    for sentence in (entry.message, entry.hint):
        assert sentence[0].isupper() or sentence[0] == "{"
        assert sentence.endswith((".", "{limit}"))
    assert entry.title
    assert not entry.title.endswith(".")


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: str(entry.code))
def test_explain_needs_exactly_the_facts_that_an_entry_names(entry: Entry) -> None:
    facts = {name: f"<{name}>" for name in entry.facts}
    sentence = explain(entry.code, **facts)
    assert all(fact in sentence for fact in facts.values())
    assert "{" not in sentence
    for name in facts:
        with pytest.raises(KeyError):
            explain(entry.code, **{other: fact for other, fact in facts.items() if other != name})


@pytest.mark.parametrize(
    ("code", "facts", "sentence"),
    [
        pytest.param(
            Code.TOO_LONG,
            {"title": "Name", "length": 134, "limit": 100},
            "Name has 134 characters, at most 100 are allowed.",
            id="numbers",
        ),
        pytest.param(
            Code.DUPLICATE_KEY,
            {"value": "usmf C-1", "rows": (4, 7)},
            "The key usmf C-1 also stands in row 4, 7, with other values.",
            id="several rows",
        ),
        pytest.param(
            Code.APPROVAL_REQUIRED,
            {"title": "Credit limit", "stored": "5000.00", "value": "9000.00"},
            "Credit limit is 5000.00 and would become 9000.00; it may not be changed by an import.",
            id="stored and file value",
        ),
    ],
)
def test_explain(code: Code, facts: dict[str, object], sentence: str) -> None:
    assert explain(code, **facts) == sentence


def test_a_value_with_braces_is_no_template() -> None:
    assert "'{limit}'" in explain(Code.PATTERN_MISMATCH, title="Name", value="{limit}", limit="no braces")


def test_long_values_are_shortened() -> None:
    assert shown("x" * SHOWN_CHARACTERS) == "x" * SHOWN_CHARACTERS
    assert shown("x" * (SHOWN_CHARACTERS + 1)) == "x" * SHOWN_CHARACTERS + "…"


def test_entry_finds_one_code() -> None:
    assert entry(Code.MISSING_KEY).code is Code.MISSING_KEY
