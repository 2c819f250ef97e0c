"""What a summary says, in words; bars; what is kept of streams; what may be shown."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.reports import facts
from importer.reports.charts import GAP, LENGTH, Part, bar
from importer.reports.kept import Counts, FirstRows, ReasonsOfFirstRows
from importer.reports.visible import shortened, visible
from importer.vocabulary import Outcome


def test_every_outcome_has_a_title() -> None:
    assert set(facts.OUTCOME_TITLES) == set(Outcome)


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0.0 %"), (0.00001, "<0.1 %"), (0.5, "50.0 %"), (0.99999, ">99.9 %"), (1, "100.0 %")],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(part: float, text: str) -> None:
    assert facts.percent(part) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (12345, "12,345"),
        (["a", "b"], "a, b"),
        ({"message": "no", "file": None}, "message: no, file: "),
        (0.5, "0.5"),
        ("\x1b[31m", "␛[31m"),
    ],
)
def test_any_value_of_the_summary_has_a_text(value: object, text: str) -> None:
    assert facts.said(value) == text


def test_a_limit_may_be_given_by_its_text_alone() -> None:
    (limit,) = facts.limits({"limits": {"max_rejected": "10%", "exit_on_rejected": "any"}})
    assert (limit.title, limit.limit, limit.value, limit.past) == ("Rejected rows", "10%", "", False)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**7), max_size=9))
def test_whatever_is_there_is_seen_and_nothing_overlaps(counts: list[int]) -> None:
    segments = bar([Part("new", "New", count) for count in counts])
    assert len(segments) == sum(count > 0 for count in counts)
    assert all(segment.width >= 1 for segment in segments)
    for left, right in pairwise(segments):
        assert left.x + left.width <= right.x
    if segments:
        assert segments[-1].x + segments[-1].width == pytest.approx(LENGTH - GAP, abs=0.1)


def test_first_rows_stop_at_their_limit_and_count_on() -> None:
    first = FirstRows(3)
    for start in range(0, 10, 2):
        first.see(pa.table({"row": [str(start), str(start + 1)]}))
    assert [record["row"] for record in first.records()] == ["0", "1", "2"]
    assert first.total == 10


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), max_size=12), st.integers(1, 8), st.integers(0, 12), st.sets(st.integers(0, 12)))
def test_reasons_are_kept_for_whole_rows_up_to_the_limit(
    per_row: list[int], chunk: int, limit: int, asked: set[int]
) -> None:
    rows = [str(row) for row, count in enumerate(per_row) for _ in range(count)]
    kept = ReasonsOfFirstRows(limit)
    for start in range(0, len(rows), chunk):
        kept.see(pa.table({"row": rows[start : start + chunk]}))
    found = {row: len(reasons) for row, reasons in kept.of([str(row) for row in asked]).items()}
    assert found == {str(row): count for row, count in enumerate(per_row[:limit]) if row in asked}
    assert sum(len(table) for table in kept.tables()) == sum(per_row[:limit])
    assert kept.total == len(rows)


def test_combinations_are_counted_over_all_chunks() -> None:
    counts = Counts("code", "repeated")
    for repeated in ("yes", "no", "yes", None):
        counts.see(pa.table({"code": ["a"], "repeated": pa.array([repeated], pa.string())}))
    assert counts.counter == {("a", "yes"): 2, ("a", "no"): 1, ("a", ""): 1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttab\nline", "plain\ttab\nline"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\u202eb", "a[U+202E]b"),
        ("\x9b31m", "[U+009B]31m"),
        ("\udcff", "[U+DCFF]"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_nothing_shown_can_steer_a_terminal_or_turn_the_text(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_shortened_text_says_how_long_it_is() -> None:
    assert shortened("a" * 5, 5) == "aaaaa"
    assert shortened("a" * 1500, 3) == "aaa… (1,500 characters)"
