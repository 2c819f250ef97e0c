"""Dates by the declared formats, strictly."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.entity import Field
from importer.validation.booleans import FALSE_WORDS, TRUE_WORDS, parse_booleans
from importer.validation.dates import is_date_format, parse_dates
from importer.validation.formats import Formats
from importer.vocabulary import ValueKind

from .conftest import patient

SINCE = Field("since", "Since", ValueKind.DATE, required=False)
ACTIVE = Field("active", "Active", ValueKind.BOOLEAN, required=False)


def parsed(text: str, *formats: str) -> tuple[date | None, str]:
    values, failures = parse_dates(pa.array([None, text], pa.string()), SINCE, Formats(date_formats=formats))
    assert values[0].as_py() is None
    assert (values[1].as_py() is None) == (failures.positions.tolist() == [1])
    assert set(failures.codes.to_pylist()) <= {"invalid_date"}
    return values[1].as_py(), "".join(failures.messages.to_pylist())


@pytest.mark.parametrize(
    ("text", "formats", "day"),
    [
        pytest.param("2024-02-29", ["%Y-%m-%d"], date(2024, 2, 29), id="ISO, leap day"),
        pytest.param("0001-01-01", ["%Y-%m-%d"], date(1, 1, 1), id="first day"),
        pytest.param("9999-12-31", ["%Y-%m-%d"], date(9999, 12, 31), id="last day"),
        pytest.param("31.12.2024", ["%d.%m.%Y"], date(2024, 12, 31), id="German"),
        pytest.param("1/5/2024", ["%m/%d/%Y"], date(2024, 1, 5), id="without leading zeros"),
        pytest.param("20241231", ["%Y%m%d"], date(2024, 12, 31), id="without separators"),
        pytest.param("31/12/68", ["%d/%m/%y"], date(2068, 12, 31), id="two digits, this century"),
        pytest.param("31/12/69", ["%d/%m/%y"], date(1969, 12, 31), id="two digits, the last"),
        pytest.param("5 Jan 2024", ["%d %b %Y"], date(2024, 1, 5), id="name of the month"),
        pytest.param("2024-01-05 00:00:00", ["%Y-%m-%d %H:%M:%S"], date(2024, 1, 5), id="with a time"),
        pytest.param("05.01.2024", ["%Y-%m-%d", "%d.%m.%Y"], date(2024, 1, 5), id="second format"),
        pytest.param("03/03/2024", ["%d/%m/%Y", "%m/%d/%Y"], date(2024, 3, 3), id="two formats agree"),
        pytest.param("31/12/2024", ["%d/%m/%Y", "%m/%d/%Y"], date(2024, 12, 31), id="one of two can read it"),
    ],
)
def test_dates_are_read(text: str, formats: list[str], day: date) -> None:
    assert parsed(text, *formats) == (day, "")


@pytest.mark.parametrize(
    ("text", "formats", "said"),
    [
        pytest.param("2025-02-30", ["%Y-%m-%d"], "2025-12-31", id="impossible"),
        pytest.param("2023-02-29", ["%Y-%m-%d"], "2025-12-31", id="no leap year"),
        pytest.param("1900-02-29", ["%Y-%m-%d"], "2025-12-31", id="no leap century"),
        pytest.param("2025-13-01", ["%Y-%m-%d"], "2025-12-31", id="month 13"),
        pytest.param("2025-00-10", ["%Y-%m-%d"], "2025-12-31", id="month 0"),
        pytest.param("2025-01-00", ["%Y-%m-%d"], "2025-12-31", id="day 0"),
        pytest.param("0000-01-01", ["%Y-%m-%d"], "2025-12-31", id="year 0"),
        pytest.param("2025/01/01", ["%Y-%m-%d"], "2025-12-31", id="other separators"),
        pytest.param("25-01-01", ["%Y-%m-%d"], "2025-12-31", id="two digits not declared"),
        pytest.param("2025-01-01T00:00:00", ["%Y-%m-%d"], "2025-12-31", id="time not declared"),
        pytest.param("45292", ["%Y-%m-%d"], "2025-12-31", id="serial number"),
        pytest.param("2025111", ["%Y%m%d"], "20251231", id="seven digits could be two days"),
        pytest.param("٢٠٢٥-٠١-٠١", ["%Y-%m-%d"], "2025-12-31", id="digits of another script"),
        pytest.param("x", ["%Y-%m-%d", "%d.%m.%y"], "2025-12-31 or 31.12.25", id="all forms are named"),
    ],
)
def test_anything_else_is_refused_with_what_is_expected(text: str, formats: list[str], said: str) -> None:
    day, message = parsed(text, *formats)
    assert day is None
    assert said in message
    assert text in message


def test_two_readings_are_refused_naming_both() -> None:
    day, message = parsed("03/04/2024", "%d/%m/%Y", "%m/%d/%Y")
    assert day is None
    assert "2024-04-03 (%d/%m/%Y) and as 2024-03-04 (%m/%d/%Y)" in message


@patient
@given(
    days=st.lists(st.dates(min_value=date(1000, 1, 1)), min_size=1),
    date_format=st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%m/%d/%Y", "%d %B %Y"]),
)
def test_what_a_format_writes_it_reads(days: list[date], date_format: str) -> None:
    texts = pa.array([day.strftime(date_format) for day in days])
    values, failures = parse_dates(texts, SINCE, Formats(date_formats=(date_format,)))
    assert values.to_pylist() == days
    assert not len(failures)


@patient
@given(text=st.from_regex(r"[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,2}", fullmatch=True))
def test_columns_of_bytes_read_what_strptime_reads(text: str) -> None:
    try:
        expected = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        expected = None
    assert parsed(text, "%Y-%m-%d")[0] == expected


@patient
@given(
    texts=st.lists(st.none() | st.dates().map(str) | st.text("0123456789-:/ ", max_size=11)),
    start=st.integers(0, 2),
)
def test_a_column_reads_what_each_of_its_cells_says_alone(texts: list[str | None], start: int) -> None:
    """Cells of other widths and blanks between them, and columns that are a part of another."""
    values, failures = parse_dates(pa.array(texts, pa.string())[start:], SINCE, Formats(date_formats=("%Y-%m-%d",)))
    alone = [parsed(text, "%Y-%m-%d") if text is not None else (None, "") for text in texts[start:]]
    assert values.to_pylist() == [cell[0] for cell in alone]
    assert failures.positions.tolist() == [place for place, cell in enumerate(alone) if cell[1]]


@pytest.mark.parametrize(
    ("date_format", "good"),
    [
        pytest.param("%Y-%m-%d", True, id="ISO"),
        pytest.param("%d %b %y", True, id="words"),
        pytest.param("%Y-%m", False, id="no day"),
        pytest.param("YYYY-MM-DD", False, id="no directive"),
        pytest.param("%Y-%Q-%d", False, id="unknown directive"),
        pytest.param("%Y-%m-%d-%d", False, id="a directive twice"),
        pytest.param("", False, id="empty"),
    ],
)
def test_a_format_must_say_year_month_and_day(date_format: str, good: bool) -> None:
    assert is_date_format(date_format) is good


@pytest.mark.parametrize("word", [*TRUE_WORDS, "YES", "True", "Oui", "SÌ", "JA"])
def test_words_for_yes(word: str) -> None:
    assert parse_booleans(pa.array([None, word]), ACTIVE)[0].to_pylist() == [None, True]


@pytest.mark.parametrize("word", [*FALSE_WORDS, "No", "FALSE", "Non", "NEJ", "Nee"])
def test_words_for_no(word: str) -> None:
    assert parse_booleans(pa.array([None, word]), ACTIVE)[0].to_pylist() == [None, False]


@pytest.mark.parametrize("word", ["perhaps", "y", "n", "2", "-1", "on", "yes!", "1.0"])
def test_other_words_are_refused(word: str) -> None:
    values, failures = parse_booleans(pa.array(["yes", word, None]), ACTIVE)
    assert values.to_pylist() == [True, None, None]
    assert failures.positions.tolist() == [1]
    assert failures.codes.to_pylist() == ["invalid_boolean"]
    assert f"Active '{word}'" in failures.messages[0].as_py()
