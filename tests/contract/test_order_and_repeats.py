"""Rules 10 and 11: files in their order, and troubles that are known."""

from __future__ import annotations

import pytest

from .harness import Project, lines

MONDAY = lines("customer_account,sales_memo", "US-001,monday")
TUESDAY = lines("customer_account,sales_memo", "US-001,tuesday")
BAD = lines("customer_account,credit_limit", "US-001,-1", "US-004,100")


def memo(project: Project) -> str:
    return project.table()["usmf", "US-001"]["sales_memo"]


def test_mondays_file_after_tuesdays_is_refused_until_again(project: Project) -> None:
    monday, tuesday = project.write("monday.csv", MONDAY), project.write("tuesday.csv", TUESDAY)
    project.run(monday)
    project.run(tuesday)
    project.write("renamed.csv", MONDAY)

    said = project.refused(5, "run", "renamed.csv")

    assert "--again" in said
    assert memo(project) == "tuesday"
    run = project.run(monday, "--again", "Tuesday's file was wrong")
    assert run.counts == {"read": 1, "updated": 1}
    assert memo(project) == "monday"
    assert "Tuesday's file was wrong" in str(run.summary["overrides"])


def test_the_latest_file_of_a_source_may_be_run_again(project: Project) -> None:
    project.run(project.write("monday.csv", MONDAY))
    tuesday = project.write("tuesday.csv", TUESDAY)
    project.run(tuesday)
    assert project.run(tuesday).counts == {"read": 1, "unchanged": 1}


def test_only_files_of_the_same_source_are_later(project: Project) -> None:
    monday = project.write("monday.csv", MONDAY)
    project.run(monday)
    project.run(project.write("tuesday.csv", TUESDAY), "--source", "crm")
    assert project.run(monday).exit_code == 0


def test_a_later_file_that_was_only_planned_or_held_does_not_count(project: Project) -> None:
    monday, tuesday = project.write("monday.csv", MONDAY), project.write("tuesday.csv", TUESDAY)
    project.run(monday)
    project.plan(tuesday)
    project.change({"limits.max_changed": 0})
    assert project.run(tuesday).exit_code == 4
    assert project.run(monday).exit_code == 0


def test_a_rejection_that_stood_in_the_last_run_is_repeated(project: Project) -> None:
    first = project.run(project.write("monday.csv", BAD))
    assert (first.summary["rejected_new"], first.summary["rejected_repeated"]) == (1, 0)
    assert [reason["repeated"] for reason in first.errors] == ["no"]

    rows = ("US-003,", "US-001,-1", "US-002,-2")
    second = project.run(project.write("tuesday.csv", lines("customer_account,credit_limit", *rows)))

    assert (second.summary["rejected_new"], second.summary["rejected_repeated"]) == (1, 1)
    assert {reason["row"]: reason["repeated"] for reason in second.errors} == {"3": "yes", "4": "no"}
    assert second.exit_code == 3


@pytest.mark.parametrize(("asked", "code"), [("any", 3), ("new", 0)])
def test_only_new_rejections_may_set_the_exit_code(project: Project, asked: str, code: int) -> None:
    project.change({"limits.exit_on_rejected": asked})
    file = project.write("monday.csv", BAD)
    assert project.run(file).exit_code == 3
    again = project.run(file)
    assert (again.exit_code, again.summary["exit_code"]) == (code, code)
    assert again.summary["counts"]["rejected"] == 1


CHANGED = {"another_value": "US-001,-2", "another_code": "US-001,abc", "another_key": "US-002,-1"}


@pytest.mark.parametrize("case", CHANGED)
def test_a_rejection_that_differs_is_new(project: Project, case: str) -> None:
    project.run(project.write("monday.csv", BAD))
    again = project.run(project.write("tuesday.csv", lines("customer_account,credit_limit", CHANGED[case])))
    assert (again.summary["rejected_new"], again.summary["rejected_repeated"]) == (1, 0)


def test_only_the_previous_run_of_the_same_source_counts(project: Project) -> None:
    project.run(project.write("monday.csv", BAD))
    assert project.run(project.write("crm.csv", BAD), "--source", "crm").summary["rejected_new"] == 1
    good = lines("customer_account,credit_limit", "US-004,100")
    project.run(project.write("tuesday.csv", good))
    again = project.run(project.write("wednesday.csv", BAD + "US-002,\n"))
    assert again.summary["rejected_new"] == 1
