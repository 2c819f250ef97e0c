"""Rules 7 to 9: the plan is what is applied, all or nothing, and within limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from importer.storage.decided import changed_values

from .conftest import MakeProject
from .harness import Project, Row, Run, lasting, lines, read_csv

TWO = lines("customer_account,credit_limit,sales_memo", "US-001,,one", "US-004,,two")
NEW = "customer_account,organization_name,customer_group_id,sales_currency_code"


def test_a_plan_applies_nothing_and_says_its_run_id_last(project: Project) -> None:
    before = project.table()
    project.write("tonight.csv", TWO)
    answer = project.importer("plan", "tonight.csv")
    assert answer.exit_code == 0
    run_id = answer.stdout.splitlines()[-1]
    assert project.table() == before
    shown = project.importer("show", run_id, "--json").json
    assert (shown["run_id"], shown["status"], shown["counts"]["updated"]) == (run_id, "planned", 2)


def test_a_plan_reports_the_planned_outcomes_and_apply_does_them(project: Project) -> None:
    file = project.write(
        "tonight.csv",
        lines(f"{NEW},credit_limit,sales_memo", "US-001,,,,9000,x", "NEW-1,Nordlys,10,USD,5,", "US-004,,,,-1,"),
    )
    plan = project.plan(file)
    assert (plan.exit_code, plan.summary["status"]) == (3, "planned")
    assert plan.counts == {"read": 3, "partly_proposed": 1, "created": 1, "rejected": 1}
    assert project.proposals() == []
    assert {line["proposal_id"] for line in plan.results} == {""}

    applied = project.apply(plan)

    assert (applied.exit_code, applied.summary["status"]) == (3, "applied")
    assert applied.counts == plan.counts
    assert applied.id == plan.id
    assert applied.outcomes == plan.outcomes
    assert [change["new"] for change in applied.changes] == [change["new"] for change in plan.changes]
    assert applied.row(2)["applied"] == "yes"
    (proposal,) = project.proposals()
    assert applied.row(2)["proposal_id"] == str(proposal["id"])


def test_applying_twice_gives_the_same_answer_and_does_nothing(project: Project) -> None:
    plan = project.plan(project.write("tonight.csv", TWO))
    first = project.apply(plan)
    project.sql("UPDATE customer SET sales_memo = 'by hand' WHERE customer_account = 'US-004'")
    second = project.importer("apply", plan.id, "--json")
    assert (second.exit_code, second.json["counts"]) == (first.exit_code, first.summary["counts"])
    assert second.json["finished_at"] == first.summary["finished_at"]
    assert project.table()["usmf", "US-004"]["sales_memo"] == "by hand"


def test_a_plan_makes_no_table(empty_project: Project) -> None:
    plan = empty_project.plan(empty_project.write("first.csv", lines(NEW, "C-1,Nordlys,10,EUR")))
    assert plan.counts == {"read": 1, "created": 1}
    assert empty_project.table() == {}
    assert empty_project.apply(plan).counts == plan.counts
    assert list(empty_project.table()) == [("usmf", "C-1")]


def test_apply_writes_the_reports_of_the_plan_anew(project: Project) -> None:
    project.write("tonight.csv", TWO)
    run_id = project.importer("plan", "tonight.csv", "--json").json["run_id"]
    summary = project.folder / "runs" / run_id / "summary.json"
    assert json.loads(summary.read_text(encoding="utf-8"))["status"] == "planned"
    applied = project.importer("apply", run_id, "--json").json
    assert lasting(json.loads(summary.read_text(encoding="utf-8"))) == lasting(applied)
    assert applied["status"] == "applied"


def test_the_file_may_be_gone_when_its_plan_is_applied(project: Project) -> None:
    file = project.write("tonight.csv", TWO)
    plan = project.plan(file)
    file.unlink()
    assert project.apply(plan).counts == {"read": 2, "updated": 2}


RELIED_ON = {
    # what happens by hand between plan and apply, and the row of the plan that relied on something else
    "an_old_value": ("UPDATE customer SET sales_memo = 'by hand' WHERE customer_account = 'US-004'", "US-004,,,,,two"),
    "an_old_value_that_was_blank": (
        "UPDATE customer SET sales_memo = 'by hand' WHERE customer_account = 'US-002'",
        "US-002,,,,,two",
    ),
    "the_value_to_be_proposed_against": (
        "UPDATE customer SET credit_limit = 123 WHERE customer_account = 'US-004'",
        "US-004,,,,9000,",
    ),
    "the_record": ("DELETE FROM customer WHERE customer_account = 'US-004'", "US-004,,,,,two"),
    "no_record_of_that_key": (
        "INSERT INTO customer (data_area_id, customer_account, organization_name, customer_group_id,"
        " sales_currency_code) VALUES ('usmf', 'NEW-1', 'By hand', '10', 'USD')",
        "NEW-1,Nordlys,10,USD,,two",
    ),
}


@pytest.mark.parametrize("case", RELIED_ON)
def test_a_row_whose_ground_moved_is_target_changed_and_the_others_are_applied(project: Project, case: str) -> None:
    by_hand, row = RELIED_ON[case]
    plan = project.plan(project.write("tonight.csv", lines(f"{NEW},credit_limit,sales_memo", "US-001,,,,,one", row)))
    assert plan.exit_code == 0
    project.sql(by_hand)
    expected = project.table()
    expected["usmf", "US-001"]["sales_memo"] = "one"

    applied = project.apply(plan)

    assert applied.exit_code == 3
    assert applied.outcomes == {2: "updated", 3: "rejected"}
    assert applied.codes == {3: {"target_changed"}}
    assert project.open_changes() == {}
    assert project.table() == expected
    field = "credit_limit" if case == "the_value_to_be_proposed_against" else "sales_memo"
    refused = {} if case == "no_record_of_that_key" else {("3", field): "rejected"}
    assert _dispositions(applied.changes) == {("2", "sales_memo"): "written", **refused}
    assert _kept_changes(project, applied) == applied.changes


def test_the_journal_keeps_the_changes_that_the_reports_list(project: Project) -> None:
    file = project.write(
        "tonight.csv",
        lines("customer_account,credit_limit,sales_memo", "US-001,9000,one", "US-004,,two", "US-002,-1,three"),
    )
    run = project.run(file)
    assert _dispositions(run.changes) == {
        ("2", "credit_limit"): "proposed",
        ("2", "sales_memo"): "written",
        ("3", "sales_memo"): "written",
        ("4", "sales_memo"): "rejected",
    }
    assert [bool(change["proposal_id"]) for change in run.changes] == [True, False, False, False]
    assert _kept_changes(project, run) == run.changes


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows where the journal has to find the changed values itself."""
    found: list[str] = []

    def counted(*given: Any) -> Any:
        found.append("journal")
        return changed_values(*given)

    monkeypatch.setattr("importer.applying.journal.changed_values", counted)
    return found


def test_where_a_plan_comes_true_the_journal_copies_what_was_listed_beside_it(
    project: Project, asked: list[str]
) -> None:
    run = project.run(project.write("tonight.csv", TWO))
    assert asked == []
    assert [change["new"] for change in _kept_changes(project, run)] == ["one", "two"]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_half_a_list_of_a_process_that_died_is_made_anew(project: Project, asked: list[str]) -> None:
    plan = project.plan(project.write("tonight.csv", TWO))
    stale = Path(f"{sa.make_url(project.database).database}.runs") / f"{plan.id}.listed"
    stale.write_bytes(b"no database" * 1000)
    run = project.apply(plan)
    assert asked == []
    assert [change["new"] for change in _kept_changes(project, run)] == ["one", "two"]
    assert not stale.exists()


def _dispositions(changes: list[Row]) -> dict[tuple[str, str], str]:
    return {(change["row"], change["field"]): change["disposition"] for change in changes}


def _kept_changes(project: Project, run: Run) -> list[Row]:
    """Of an applied run whose own tables are gone: what is reported comes from the journal."""
    again = project.folder / f"again-{run.id}"
    assert project.importer("report", run.id, "--output", again, "--json").exit_code == 0
    return read_csv(again / "changes.csv")


def test_a_change_of_a_field_that_the_row_does_not_touch_is_no_trouble(project: Project) -> None:
    plan = project.plan(project.write("tonight.csv", TWO))
    project.sql("UPDATE customer SET address_city = 'Elsewhere' WHERE customer_account = 'US-004'")
    assert project.apply(plan).counts == {"read": 2, "updated": 2}
    assert project.table()["usmf", "US-004"]["address_city"] == "Elsewhere"


def test_a_table_that_was_reorganised_since_the_plan_holds_the_same_records(project: Project) -> None:
    plan = project.plan(project.write("tonight.csv", TWO))
    project.sql("CREATE TABLE aside AS SELECT * FROM customer ORDER BY customer_account DESC")
    project.sql("DELETE FROM customer")
    project.sql("INSERT INTO customer SELECT * FROM aside")
    assert project.apply(plan).counts == {"read": 2, "updated": 2}


def test_open_changes_that_came_between_make_the_row_target_changed(project: Project) -> None:
    fields = "customer_account,credit_limit"
    plan = project.plan(project.write("tonight.csv", lines(fields, "US-001,9000", "US-002,30000")))
    project.run(project.write("other.csv", lines(fields, "US-001,8000")), "--source", "crm")
    applied = project.apply(plan)
    assert applied.outcomes == {2: "rejected", 3: "proposed"}
    assert applied.codes == {2: {"target_changed"}}
    assert project.open_changes()["US-001", "credit_limit"] == ("5000.00", "8000.00")


def test_parameters_that_changed_since_the_plan_are_exit_2(project: Project) -> None:
    plan = project.plan(project.write("tonight.csv", TWO))
    before = project.table()
    project.change({"approvals.reject_scope": "field"})
    said = project.refused(2, "apply", plan.id)
    assert "plan" in said
    assert project.table() == before


def test_a_lost_plan_is_exit_1_and_changes_nothing(project: Project) -> None:
    plan = project.plan(project.write("tonight.csv", TWO))
    before = project.table()
    lose_staging(project)
    said = project.refused(1, "apply", plan.id)
    assert "plan" in said
    assert project.table() == before


def lose_staging(project: Project) -> None:
    """What a crash takes: the side file on SQLite, the content of unlogged tables on PostgreSQL."""
    url = sa.make_url(project.database)
    if url.get_backend_name() == "sqlite":
        side = [path for path in Path(f"{url.database}.runs").glob("*") if path.is_file()]
        assert side
        for path in side:
            path.unlink()
        return
    names = project.sql(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relpersistence = 'u' AND c.relkind = 'r'"
    )
    assert names
    for (name,) in names:
        project.sql(f"TRUNCATE {name}")


LIMITS = {
    "max_rejected": ("customer_account,credit_limit", "US-001,-1", "US-002,-1", "US-004,100"),
    "max_changed": ("customer_account,sales_memo", "US-001,a", "US-002,b"),
    "max_proposed": ("customer_account,credit_limit", "US-001,9000", "US-002,30000"),
    "max_cleared": ("customer_account,sales_memo", "US-001,<clear>", "US-004,<clear>"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_strictly_more_than_a_limit_holds_the_plan(project: Project, limit: str) -> None:
    before = project.table()
    file = project.write("tonight.csv", lines(*LIMITS[limit]))
    project.change({f"limits.{limit}": 1})
    held = project.run(file)
    assert (held.exit_code, held.summary["status"], held.summary["exit_code"]) == (4, "held", 4)
    assert project.table() == before
    assert project.proposals() == []
    assert limit in held.summary["limits"]

    project.change({f"limits.{limit}": 2})
    at_the_limit = project.run(file)
    assert at_the_limit.summary["status"] == "applied"
    assert at_the_limit.counts == held.counts


def test_fewer_rows_than_min_rows_holds_the_plan(project: Project) -> None:
    project.run(project.write("monday.csv", lines("customer_account,sales_memo", "US-001,a", "US-002,b")))
    project.change({"limits.min_rows": 2})
    assert project.run(project.write("exactly.csv", TWO)).exit_code == 0
    below = project.run(project.write("tuesday.csv", lines("customer_account,sales_memo", "US-001,c")))
    assert (below.exit_code, below.summary["status"]) == (4, "held")
    assert "min_rows" in below.summary["limits"]


def held_run(project: Project) -> Run:
    project.change({"limits.max_changed": 1})
    held = project.run(project.write("tonight.csv", TWO))
    assert held.exit_code == 4
    return held


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("made_by", ["plan", "held", "held while applied"])
def test_a_plan_that_is_kept_outlasts_the_machine(
    project: Project, monkeypatch: pytest.MonkeyPatch, made_by: str
) -> None:
    if made_by == "plan":
        kept = project.plan(project.write("tonight.csv", TWO))
    elif made_by == "held":
        kept = held_run(project)
    else:
        monkeypatch.setattr("importer.applying.write.MOST_REFUSALS", 0)
        project.sql("CREATE TRIGGER refusing BEFORE UPDATE ON customer BEGIN SELECT RAISE(ABORT, 'no'); END")
        kept = project.run(project.write("tonight.csv", TWO))
        assert "refuses" in kept.summary["held_because"]
        project.sql("DROP TRIGGER refusing")
    monkeypatch.setattr("importer.storage.sidefile._life", lambda: "0badcafe")  # after another start
    applied = project.apply(kept, *([] if made_by == "plan" else ["--accept-limits", "--comment", "Agreed"]))
    assert applied.counts == {"read": 2, "updated": 2}
    assert project.table()["usmf", "US-001"]["sales_memo"] == "one"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_only_a_plan_that_is_kept_waits_for_the_disk(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr("importer.storage.sidefile._life", lambda: "0badcafe")  # where the system doesn't tell, too
    monkeypatch.setattr("importer.storage.sidefile._sync", lambda path: synced.append(path.suffix))
    project.run(project.write("tonight.csv", TWO))
    assert synced == []
    project.plan(project.write("tomorrow.csv", TWO.replace("one", "three")))
    assert synced == [".db", ".runs"]


def test_accepting_the_limits_applies_the_held_plan_and_both_stand_in_the_report(project: Project) -> None:
    held = held_run(project)
    assert held.counts == {"read": 2, "updated": 2}

    again = project.importer("apply", held.id, "--json")
    assert (again.exit_code, again.json["status"]) == (4, "held")

    applied = project.apply(held, "--accept-limits", "--comment", "Agreed with Ruth by phone")

    assert (applied.exit_code, applied.summary["status"]) == (0, "applied")
    assert applied.summary["applied_by"] == "rosa"
    assert "Agreed with Ruth by phone" in str(applied.summary["overrides"])
    assert "max_changed" in str(applied.summary["limits"])
    assert "Agreed with Ruth by phone" in (applied.folder / "report.html").read_text(encoding="utf-8")
    assert project.table()["usmf", "US-001"]["sales_memo"] == "one"


def test_accepting_limits_without_a_comment_is_wrong_usage(project: Project) -> None:
    held = held_run(project)
    before = project.table()
    answer = project.importer("apply", held.id, "--accept-limits", "--json")
    assert answer.exit_code == 2
    assert "--comment" in answer.stdout + answer.stderr
    assert project.table() == before


HUNDRED = [f"C-{number}" for number in range(1, 101)]


@pytest.fixture(scope="module")
def hundred(make_module_project: MakeProject) -> Project:
    """A table of a hundred customers: from here on percentages are checked."""
    fields = "data_area_id,customer_account,organization_name,customer_group_id,sales_currency_code,sales_memo"
    return make_module_project(lines(fields, *(f"usmf,{key},Customer {key},10,USD,memo" for key in HUNDRED)))


PERCENTAGES = {
    "max_changed": ("20%", "x", 20),
    "max_proposed": ("10%", "x", 10),
    "max_cleared": ("5%", "<clear>", 5),
}


@pytest.mark.parametrize("limit", PERCENTAGES)
def test_a_percentage_of_a_hundred_records_holds_only_strictly_more(hundred: Project, limit: str) -> None:
    percent, value, allowed = PERCENTAGES[limit]
    hundred.change({"approvals.fields": ["sales_memo"] if limit == "max_proposed" else ["credit_limit"]})
    hundred.change({"limits.max_changed": "100%", "limits.max_cleared": "100%", f"limits.{limit}": percent})

    def rows(number: int) -> str:
        return lines("customer_account,sales_memo", *(f"{key},{value}" for key in HUNDRED[:number]))

    assert hundred.plan(hundred.write("more.csv", rows(allowed + 1))).exit_code == 4
    assert hundred.plan(hundred.write("enough.csv", rows(allowed))).exit_code == 0


def test_a_percentage_of_the_rows_read_holds_only_from_a_hundred_rows(hundred: Project) -> None:
    hundred.change({"approvals.fields": ["credit_limit"], "limits.max_rejected": "10%"})

    def rows(read: int, bad: int) -> str:
        cells = [f"{key},{'-1' if number < bad else ''}" for number, key in enumerate(HUNDRED[:read])]
        return lines("customer_account,credit_limit", *cells)

    assert hundred.plan(hundred.write("few.csv", rows(99, 50))).exit_code == 3
    assert hundred.plan(hundred.write("ten.csv", rows(100, 10))).exit_code == 3
    assert hundred.plan(hundred.write("eleven.csv", rows(100, 11))).exit_code == 4
