"""What holds for every run, whatever is in the file: a promise to auditors, checked after each run of this suite."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from .harness import lasting
from .pages import EFFECTS, NOTICES, OUTCOMES

if TYPE_CHECKING:
    from .harness import Project, Run

REFUSED = ("rejected", "partly_rejected")


def check_run(project: Project, run: Run) -> None:
    """Counts, reports and table of one run tell the same story."""
    check_counts(run)
    check_refusals(run)
    check_report_files(run)
    if run.summary["status"] == "applied":
        check_written(project, run)
        check_effects(run)
    else:
        assert {line["applied"] for line in run.results} <= {"no"}


def check_counts(run: Run) -> None:
    counts = run.summary["counts"]
    assert sum(counts[outcome] for outcome in OUTCOMES) == counts["read"]
    assert len(run.results) == counts["read"]
    assert Counter(run.outcomes.values()) == Counter({name: counts[name] for name in OUTCOMES if counts[name]})
    rows = [int(line["row"]) for line in run.results]
    assert rows == sorted(set(rows)), "every source row once, in file order"


def check_refusals(run: Run) -> None:
    refused = {row for row, outcome in run.outcomes.items() if outcome in REFUSED}
    reasons = run.errors
    assert {int(reason["row"]) for reason in reasons} == refused
    assert sorted(int(row["_row"]) for row in run.rejections) == sorted(refused)
    assert set(run.summary["rejected_by_code"]) == {reason["code"] for reason in reasons}
    assert {code for row in refused for code in run.codes[row]} - NOTICES == {reason["code"] for reason in reasons}
    assert all(reason["message"] for reason in reasons)
    once = [(reason["row"], reason["column"], reason["field"], reason["code"]) for reason in reasons]
    assert len(once) == len(set(once)), "every reason once"
    limited = run.summary["status"] == "held"
    if refused and not limited and project_asks_for_any(run):
        assert run.exit_code == 3


def project_asks_for_any(run: Run) -> bool:
    """Whether repeated rejections set the exit code too (`exit_on_rejected`)."""
    return bool(run.summary["rejected_new"])


def check_report_files(run: Run) -> None:
    """The summary beside the reports is the answer; written again, a workbook may have another hash."""
    written = json.loads((run.folder / "summary.json").read_text(encoding="utf-8"))
    assert lasting(written) == lasting(run.summary)
    assert set(written["reports"]) == set(run.summary["reports"])


def check_written(project: Project, run: Run) -> None:
    table = project.table()
    for change in run.changes:
        if change["disposition"] != "written":
            continue
        key = (change["data_area_id"], change["customer_account"])
        assert table[key][change["field"]] == unguarded(change["new"]), change


def check_effects(run: Run) -> None:
    effects = Counter(effect.rpartition("=")[2] for line in run.results for effect in line["proposal_effects"].split())
    assert set(effects) <= set(EFFECTS)
    for effect in EFFECTS:
        assert run.summary["proposals"][effect] == effects[effect], effect


def unguarded(text: str) -> str:
    """A cell of a report without the mark that keeps it from acting as a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@'\t\r") else text
