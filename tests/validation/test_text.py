"""Trimming, NFC, blanks, and what nobody can see."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.validation.text import CleanText, clean, clean_text

from .conftest import patient


def cleaned(*texts: str | None, multiline: bool = False) -> CleanText:
    return clean(pa.array(texts, pa.string()), "Name", multiline)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Contoso", "Contoso", id="nothing to do"),
        pytest.param("  Contoso ", "Contoso", id="spaces"),
        pytest.param("\tContoso\r\n", "Contoso", id="tab and line end"),
        pytest.param("\u00a0Contoso\u202f", "Contoso", id="no-break spaces"),
        pytest.param("\u3000山田\u3000", "山田", id="ideographic spaces"),
        pytest.param("\ufeffContoso\u200b", "Contoso", id="byte order mark and zero width space"),
        pytest.param(" \u200b \u00a0Contoso", "Contoso", id="mixed"),
        pytest.param("Con toso", "Con toso", id="a space inside stays"),
        pytest.param("Con\u00a0toso", "Con\u00a0toso", id="a no-break space inside stays"),
        pytest.param("Malmo\u0308", "Malmö", id="NFC"),
        pytest.param("\u1112\u1161\u11ab", "한", id="NFC of Hangul letters"),
        pytest.param("00042", "00042", id="leading zeros stay"),
        pytest.param("NULL", "NULL", id="words for nothing are words"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param(" \u00a0\u200b\t", None, id="nothing but blanks"),
    ],
)
def test_clean(text: str | None, expected: str | None) -> None:
    result = cleaned("before", text, "after")
    assert result.values.to_pylist() == ["before", expected, "after"]
    assert not len(result.failures)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("a\u200bb", "U+200B (zero width space) as character 2", id="zero width space"),
        pytest.param("a\x00b", "U+0000 (control character)", id="NUL"),
        pytest.param("a\x7fb", "U+007F (control character)", id="DEL"),
        pytest.param("a\x85b", "U+0085 (control character)", id="C1"),
        pytest.param("a\tb", "U+0009 (tab)", id="tab"),
        pytest.param("a\nb", "U+000A (line break)", id="line break"),
        pytest.param("a\u202eb", "U+202E (right-to-left override)", id="direction"),
        pytest.param("a\u2028b", "U+2028 (line separator)", id="line separator"),
    ],
)
def test_invisible_characters_inside_are_refused(text: str, named: str) -> None:
    result = cleaned("good", text, "gööd")
    assert result.values.to_pylist() == ["good", None, "gööd"]
    assert result.failures.positions.tolist() == [1]
    assert result.failures.codes.to_pylist() == ["control_character"]
    assert named in result.failures.messages[0].as_py()


def test_only_multiline_fields_have_line_breaks() -> None:
    result = cleaned("one\r\n\ttwo", "a\x00b", multiline=True)
    assert result.values.to_pylist() == ["one\r\n\ttwo", None]


def test_characters_that_are_not_looked_at_are_visible_and_never_composed() -> None:
    skipped = [
        chr(point) for first, end in ((0xC0, 0x280), (0x4000, 0xA000), (0xB000, 0xD000)) for point in range(first, end)
    ]
    combining = ["\u0301", "\u3099", "\u11a8"]  # they have suspect bytes of their own
    assert all(unicodedata.is_normalized("NFC", character) and character.isprintable() for character in skipped)
    assert all(unicodedata.is_normalized("NFC", "".join(skipped[at : at + 99])) for at in range(0, len(skipped), 50))
    assert all(cleaned("a" + mark).values[0].as_py() == unicodedata.normalize("NFC", "a" + mark) for mark in combining)


anything = st.text(
    alphabet=st.one_of(st.sampled_from(" ab\u00a0\u200b\tö\u0308\u3000山e\u0301\n\x7f"), st.characters(codec="utf-8"))
)


@patient
@given(texts=st.lists(st.one_of(st.none(), anything)), multiline=st.booleans())
def test_a_column_says_what_each_cell_says_alone(texts: list[str | None], multiline: bool) -> None:
    whole = cleaned(*texts, multiline=multiline)
    alone = [cleaned(text, multiline=multiline) for text in texts]
    assert whole.values.to_pylist() == [one.values[0].as_py() for one in alone]
    assert whole.failures.positions.tolist() == [at for at, one in enumerate(alone) if len(one.failures)]


@patient
@given(text=anything)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    once = cleaned(text, multiline=True).values[0].as_py()
    assert once is None or once == clean_text(text) == cleaned(once, multiline=True).values[0].as_py()


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(pa.array(["x", " a", None, "é "], pa.large_string()), id="large strings"),
        pytest.param(pa.chunked_array([["x", " a"], [None, "é "]], pa.string()), id="chunks"),
        pytest.param(pa.array(["y\u200b", "x", " a", None, "é ", "\x00"], pa.string()).slice(1, 4), id="slice"),
        pytest.param(pa.array(["x", " a", None, "é "]).dictionary_encode(), id="dictionary"),
    ],
)
def test_any_layout_of_text_is_read(texts: pa.Array) -> None:
    result = clean(texts, "Name", False)
    assert result.values.to_pylist() == ["x", "a", None, "é"]
    assert not len(result.failures)
