"""report.html: self-contained, escaped, and it accounts for every row."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from importer.reports.write import write_reports

from .in_memory import RUN, InMemory, run_report
from .naughty import naughty_strings

ATTACK = '<script>alert("1")</script>'


class Reader(HTMLParser):
    """The tags, the texts outside of the style sheet, and the attributes that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self._texts: list[str] = []
        self.links: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [(name, value) for name, value in attrs if name in ("src", "href", "style") or name[:2] == "on"]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self._texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self._texts)


def page(data: InMemory, folder: Path, **changed: Any) -> str:
    write_reports(run_report(data, **changed), folder)
    return (folder / "report.html").read_text("utf-8")


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def with_text(*texts: str) -> InMemory:
    """Each text in a row of its own, wherever a file can bring one."""
    rows = [(str(number), text) for number, text in enumerate(texts, start=2)]
    return InMemory(
        headers=("Name", *texts[:1]),
        change_rows=[
            {"row": row, "customer_account": t, "field": "name", "old": t, "new": t, "rule": t} for row, t in rows
        ],
        reason_rows=[{"row": row, "column": t, "value": t, "code": "too_long", "message": t} for row, t in rows],
        rejected_rows=[((text, *texts[:1]), {"_row": row, "_text": text}) for row, text in rows],
        chunk=1000,
    )


def test_a_script_in_the_data_stays_text(tmp_path: Path) -> None:
    file = {"name": ATTACK}
    reader = read(page(with_text(ATTACK), tmp_path, file=file, user=ATTACK, source=ATTACK, warnings=[ATTACK]))
    assert "script" not in reader.tags
    assert reader.text.count(ATTACK) >= 8


def test_naughty_strings_add_no_tag(tmp_path: Path) -> None:
    plain = read(page(with_text(*["x"] * 200), tmp_path / "plain"))
    naughty = read(page(with_text(*[text or "x" for text in naughty_strings()][:200]), tmp_path / "naughty"))
    assert set(naughty.tags) == set(plain.tags) | {"p"}
    assert naughty.links == []


def test_nothing_is_loaded_and_no_script_can_run(tmp_path: Path) -> None:
    html = page(with_text("x"), tmp_path)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;" in html
    assert read(html).links == []
    assert "url(" not in html
    assert "@import" not in html


def test_control_characters_and_turned_text_are_made_visible(tmp_path: Path) -> None:
    html = page(with_text("bell\x07", "evil\u202etxt.exe", "nul\x00"), tmp_path)
    assert not re.search("[\x00-\x08\u202e]", html)
    assert "bell␇" in html
    assert "evil[U+202E]txt.exe" in html


def test_long_texts_are_shortened_and_say_how_long_they_are(tmp_path: Path) -> None:
    html = page(with_text("y" * 100_000), tmp_path)
    assert "(100,000 characters)" in html
    assert "y" * 401 not in html


@pytest.mark.parametrize(("unchanged", "verdict"), [(0, "add up to the rows read"), (1, "don't add up")])
def test_the_counts_are_checked(tmp_path: Path, unchanged: int, verdict: str) -> None:
    counts = {"read": 2, "rejected": 1, "updated": 1, "unchanged": unchanged}
    assert verdict in read(page(InMemory(), tmp_path, counts=counts)).text


def test_only_the_first_rows_are_shown_and_the_rest_is_named(tmp_path: Path) -> None:
    data = InMemory(
        headers=("Name",),
        change_rows=[{"row": str(n), "field": "credit_limit", "disposition": "written"} for n in range(1234)],
        rejected_rows=[((f"name-{n}",), {"_row": str(n)}) for n in range(301)],
        chunk=97,
    )
    text = read(page(data, tmp_path)).text
    assert "The first 200 of 1,234. All of them are in changes.csv" in text
    assert "The first 200 of 301. All of them are in rejections.csv" in text
    assert "name-199" in text
    assert "name-200" not in text


def test_all_changes_and_reasons_are_counted(tmp_path: Path) -> None:
    data = InMemory(
        change_rows=[
            *[{"field": "credit_limit", "disposition": "written"}] * 1201,
            *[{"field": "credit_limit", "disposition": "declined"}] * 7,
        ],
        reason_rows=[
            *[{"row": "2", "code": "too_long", "repeated": "yes"}] * 1301,
            *[{"row": "3", "code": "too_long", "repeated": "no"}] * 5,
        ],
        chunk=100,
    )
    text = " ".join(read(page(data, tmp_path)).text.split())
    assert "Credit limit credit_limit Credit limit" not in text
    assert re.search(r"credit_limit.*1,201 ?0 ?7 ?0", text)
    assert re.search(r"too_long.*1,306 ?5 ?1,301", text)


@pytest.mark.parametrize("status", ["applied", "planned", "held", "failed", None])
def test_a_summary_with_little_in_it_still_makes_a_page(tmp_path: Path, status: str | None) -> None:
    report = run_report(InMemory())
    report.summary.clear()
    report.summary.update(run_id=RUN, status=status)
    write_reports(report, tmp_path)
    assert (status or "unknown").capitalize() in (tmp_path / "report.html").read_text("utf-8")


def test_a_limit_that_is_past_is_told_first(tmp_path: Path) -> None:
    limits = {"max_changed": {"limit": "20%", "found": 3410, "of": 14000, "past": True}}
    text = " ".join(read(page(InMemory(), tmp_path, status="held", limits=limits)).text.split())
    assert "Held: a limit is past, nothing was applied Changed records: 3,410 of 14,000, the limit is 20%" in text


def test_the_complete_lists_are_named_with_their_digests(tmp_path: Path) -> None:
    digests = write_reports(run_report(InMemory()), tmp_path)
    html = (tmp_path / "report.html").read_text("utf-8")
    assert all(digest in html for name, digest in digests.items() if name != "report.html")
