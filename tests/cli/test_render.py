"""What the terminal shows fits into 80 columns, and no text of a file is markup or steers the terminal."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from importer.cli.render import (
    codes_table,
    next_commands,
    proposal_view,
    proposals_table,
    runs_table,
    summary_panel,
)

RUN = "20261120T093000Z-abc123"
NAUGHTY = Path(__file__).parents[3] / "shared" / "data" / "naughty-strings" / "blns.json"
STYLE = re.compile(r"\x1b\[[0-9;]*m")
PAST = {"max_changed": {"limit": "20%", "found": 3410, "of": 14000, "past": True}}
HOSTILE = "[red]Contoso[/red] [link=http://x]y[/link] :smile: \x1b[31m\x07\nfaked line\u202e"
SHOWN = "[red]Contoso[/red] [link=http://x]y[/link] :smile: ␛[31m␇␊faked line[U+202E]"


def shown(renderable: RenderableType, width: int = 80) -> str:
    """As on a colour terminal, the colours taken off: what is left must steer nothing."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system="standard", legacy_windows=False
    )
    console.print(renderable)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    text = STYLE.sub("", output)
    assert "\x1b" not in text
    assert all(cell_len(line) <= width for line in text.splitlines())
    return text


def joined(text: str) -> str:
    """Without frames, folds and alignment."""
    return re.sub(r"[\s│╭╮╰╯─]+", "", text)


def summary(**changed: Any) -> dict[str, Any]:
    return {
        "run_id": RUN,
        "source": "crm",
        "entity": "customer",
        "status": "applied",
        "exit_code": 3,
        "target": {"dialect": "sqlite", "table": "customer"},
        "file": {"name": "customers.csv"},
        "counts": {"read": 1_000_000, "rejected": 10, "updated": 1, "unchanged": 999_989},
        "rejected_by_code": {"invalid_number": 7, "duplicate_key": 3},
        "rejected_new": 6,
        "rejected_repeated": 4,
        "proposals": {"opened": 5, "kept": 2},
        "folder": f"runs/{RUN}",
        **changed,
    }


def proposal(**changed: Any) -> dict[str, Any]:
    change = {
        "field": "credit_limit",
        "original": "5000.00",
        "proposed": "7000.00",
        "current": "5000.00",
        "status": "pending",
        "step": "Credit review",
    }
    return {
        "id": 12,
        "version": 3,
        "kind": "update",
        "key": {"data_area_id": "usmf", "customer_account": "C0001"},
        "name": "Contoso",
        "status": "pending",
        "source": "crm",
        "run_id": RUN,
        "row": 17,
        "changes": [change],
        **changed,
    }


def test_a_run_shows_every_outcome_and_that_they_add_up() -> None:
    text = shown(summary_panel(summary()))
    for outcome in ("Created", "Updated", "Partly proposed", "Unchanged", "Not processed", "Rejected"):
        assert outcome in text
    assert "999,989" in text
    assert "= the sum" in text
    assert "6 new, 4 repeated" in text
    assert "5 opened, 2 kept" in text


def test_counts_that_do_not_add_up_are_said_to_differ() -> None:
    assert "the sum differs!" in shown(summary_panel(summary(counts={"read": 3, "updated": 1})))


def test_a_share_however_small_has_a_bar() -> None:
    (line,) = [line for line in shown(summary_panel(summary())).splitlines() if "Updated" in line]
    assert "<0.1 %" in line
    assert "▏" in line


@pytest.mark.parametrize(
    ("changed", "commands"),
    [
        ({"status": "planned"}, [f"importer apply {RUN}"]),
        ({"status": "held", "held_because": "the database refused 1,001 rows"}, []),
        ({"status": "held", "limits": PAST}, [f'importer apply {RUN} --accept-limits --comment "…"']),
        ({"exit_code": 6}, [f"importer report {RUN}"]),
        ({"status": "failed"}, []),
        ({}, [f"importer run runs/{RUN}/rejections.csv", f"importer proposals list --run {RUN}"]),
        ({"folder": "my runs"}, ["importer run 'my runs/rejections.csv'", f"importer proposals list --run {RUN}"]),
        ({"counts": {"read": 1}, "proposals": {}}, []),
    ],
    ids=[
        "planned",
        "held by the database",
        "held by a limit",
        "no reports",
        "failed",
        "rejected and proposed",
        "folder with a blank",
        "nothing to do",
    ],
)
def test_the_next_commands_can_be_typed_as_they_stand(changed: dict[str, Any], commands: list[str]) -> None:
    answer = summary(**changed)
    assert [command for _, command in next_commands(answer)] == commands
    text = joined(shown(summary_panel(answer)))
    assert all(joined(command) in text for command in commands)


def test_a_limit_that_is_past_is_shown_with_its_values() -> None:
    text = shown(summary_panel(summary(status="held", limits=PAST)))
    assert "Changed records: 3,410 of 14,000, the limit is 20%" in text


@pytest.mark.parametrize(
    "renderable",
    [
        summary_panel(summary(file={"name": HOSTILE})),
        summary_panel(summary(source=HOSTILE, warnings=[HOSTILE], error={"message": HOSTILE})),
        runs_table([summary(file={"name": HOSTILE})]),
        codes_table([{"code": "x", "title": HOSTILE, "hint": "y"}]),
        proposals_table([proposal(name=HOSTILE)]),
        proposal_view(proposal(name=HOSTILE, context={HOSTILE: "x"})),
        proposal_view(proposal(changes=[{"field": "f", "original": None, "proposed": HOSTILE, "comment": HOSTILE}])),
    ],
)
def test_no_text_is_markup_or_steers_the_terminal(renderable: RenderableType) -> None:
    assert joined(SHOWN) in joined(shown(renderable, 400))
    shown(renderable, 80)


def test_naughty_names_stay_within_their_frames() -> None:
    if not NAUGHTY.is_file():
        pytest.skip(f"the list of naughty strings is not at hand: {NAUGHTY}")
    for text in json.loads(NAUGHTY.read_text("utf-8")):
        shown(proposals_table([proposal(name=text, key={"customer_account": text})]))
        shown(proposal_view(proposal(name=text)))


def test_runs_are_listed_with_whole_run_ids() -> None:
    text = shown(runs_table([summary(), summary(status="held")]))
    assert text.count(RUN) == 2
    assert "customers.csv" in text
    assert "1,000,000" in text


def test_an_empty_list_is_a_table_with_headers() -> None:
    assert "Run and file" in shown(runs_table([]))
    assert "Record and changes" in shown(proposals_table([]))


def test_a_proposal_shows_original_and_proposed_value() -> None:
    assert "5000.00 → 7000.00" in shown(proposals_table([proposal()]))
    text = shown(proposal_view(proposal()))
    for expected in ("Proposal 12@3", "usmf C0001", "Contoso", "5000.00", "7000.00", "Credit review", "row 17"):
        assert expected in text


def test_a_blank_is_named() -> None:
    changes = [{"field": "payment_terms", "original": None, "proposed": "NET60"}]
    assert "empty → NET60" in shown(proposals_table([proposal(changes=changes)]))


@pytest.mark.parametrize(("status", "visible"), [("conflict", True), ("pending", True), ("applied", False)])
def test_the_current_value_stands_beside_an_original_that_is_no_more(status: str, visible: bool) -> None:
    changes = [{"field": "f", "original": "A", "proposed": "B", "current": "C", "status": status}]
    assert ("now C" in shown(proposal_view(proposal(changes=changes)))) is visible


@pytest.mark.parametrize("status", ["reading", "planned", "held", "applying", "applied", "failed", None])
def test_a_summary_with_little_in_it_still_makes_a_panel(status: str | None) -> None:
    assert str(status or "unknown") in shown(summary_panel({"run_id": RUN, "status": status}))
