"""No cell can act as a formula, and every text can be got back."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.reports.guard import RISKY, guard

texts = st.text(alphabet=st.sampled_from([*RISKY, "a", "0", ".", ",", "\n", "é", '"']), max_size=6) | st.text()


def unguarded(text: str) -> str:
    """What the reader of correction files does (`2-contract.md`)."""
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in RISKY else text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+46 70 123", "'+46 70 123"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'00012", "''00012"),
        ("-", "'-"),
        ("-5\n", "'-5\n"),
        ("-5", "-5"),
        ("+5", "+5"),
        ("-1234.50", "-1234.50"),
        ("-1.234,50", "-1.234,50"),
        ("a=b", "a=b"),
        (" =1", " =1"),
        ("", ""),
    ],
)
def test_a_text_that_could_act_as_a_formula_gets_an_apostrophe(text: str, expected: str) -> None:
    assert guard(pa.array([text])).to_pylist() == [expected]


@settings(deadline=None)
@given(st.lists(texts))
def test_the_reader_gets_every_text_back(found: list[str]) -> None:
    guarded = guard(pa.array(found, pa.string())).to_pylist()
    assert [unguarded(text) for text in guarded] == found


@settings(deadline=None)
@given(st.lists(texts, min_size=1), st.data())
def test_a_slice_of_an_array_is_guarded_like_the_whole(found: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(found)))
    whole = guard(pa.array(found, pa.string())).to_pylist()
    assert guard(pa.array(found, pa.string()).slice(start)).to_pylist() == whole[start:]
