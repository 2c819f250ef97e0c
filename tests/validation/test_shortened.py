"""Scientific notation in a text field is named; what only looks a little like it stays text."""

from __future__ import annotations

import pyarrow as pa
import pytest

from importer.validation.shortened import shortened_numbers


@pytest.mark.parametrize("text", ["1.23E+11", "1,23E+11", "4E+15", "-1.5e+20", "9.99999999E+123"])
def test_scientific_notation_is_named(text: str) -> None:
    found = shortened_numbers(pa.array(["A-1", None, text]), "Bank account")
    assert found.positions.tolist() == [2]
    assert found.codes.to_pylist() == ["imprecise_number"]
    assert f"Bank account '{text}'" in found.messages[0].as_py()
    assert "scientific notation" in found.messages[0].as_py()


@pytest.mark.parametrize(
    "text",
    [
        "12E3",
        "1E5",
        "4E10",
        "E+11",
        "1.00E-05",
        "12.3E+11",
        "1.23E+1",
        "1.23E+11 m",
        "RE-11",
        "blue+e-12",
        "",
        "1.23E+1111",
    ],
)
def test_codes_and_other_texts_stay(text: str) -> None:
    assert not len(shortened_numbers(pa.array([text, "x"]), "Bank account"))
