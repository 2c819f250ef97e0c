"""What a scheduler acts on: the exit code, and one JSON object on stdout. The target is as the code says."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from .harness import REPOSITORY, Project, lines
from .pages import FIELDS

GOOD = lines("customer_account,sales_memo", "US-001,x")
BAD = lines("customer_account,credit_limit", "US-001,-1")
HELD = lines("customer_account,sales_memo", "US-001,a", "US-002,b", "US-004,c")
UNKNOWN = lines("customer_account,colour", "US-001,red")

CANT_BE_READ: dict[str, tuple[str | bytes | None, tuple[str, ...]]] = {
    "missing": (None, ()),
    "empty": ("", ()),
    "no_key_column": (lines("address_city,sales_memo", "Boston,x"), ("customer_account",)),
    "unknown_column": (UNKNOWN, ("colour", "--ignore-unknown-columns")),
    "two_headers_for_one_field": (lines("customer_account,Sales memo,SALESMEMO", "US-001,x,y"), ("SALESMEMO",)),
    "two_equal_headers": (lines("customer_account,sales_memo,sales_memo", "US-001,x,y"), ("sales_memo",)),
    "a_folder": (None, ()),
}


@pytest.mark.parametrize("case", CANT_BE_READ)
def test_a_file_that_cant_be_read_as_this_entity_is_exit_5(project: Project, case: str) -> None:
    content, words = CANT_BE_READ[case]
    if content is not None:
        project.write("tonight.csv", str(content))
    if case == "a_folder":
        (project.folder / "tonight.csv").mkdir()
    before = project.table()
    said = project.refused(5, "run", "tonight.csv")
    assert "tonight.csv" in said
    assert [word for word in words if word not in said] == []
    assert project.table() == before


def test_a_damaged_workbook_is_exit_5(project: Project) -> None:
    (project.folder / "tonight.xlsx").write_bytes(b"PK\x03\x04 this was a workbook once")
    before = project.table()
    assert "tonight.xlsx" in project.refused(5, "run", "tonight.xlsx")
    assert project.table() == before


def test_a_required_column_that_is_missing_is_exit_5(project: Project) -> None:
    project.change({"sources.0.required_columns": ["credit_limit"]})
    project.write("tonight.csv", GOOD)
    assert "credit_limit" in project.refused(5, "run", "tonight.csv")


def test_a_hundred_and_fifty_unknown_columns_are_listed_with_the_way_out(project: Project) -> None:
    unknown = [f"CUSTOM{number}" for number in range(150)]
    known = FIELDS[1:]
    cells = {"customer_account": "US-001", "sales_memo": "from many columns"}
    header = [*known, *unknown]
    text = lines(",".join(header), ",".join(cells.get(name, "u" if name in unknown else "") for name in header))
    project.write("tonight.csv", text)
    before = project.table()

    said = project.refused(5, "run", "tonight.csv")

    assert project.table() == before
    assert [name for name in unknown if not re.search(rf"\b{name}\b", said)] == []
    assert "--ignore-unknown-columns" in said
    run = project.run("tonight.csv", "--ignore-unknown-columns")
    assert run.counts == {"read": 1, "updated": 1}
    assert run.summary["ignored_columns"] == unknown
    record = ("usmf", "US-001")
    assert project.table() == {**before, record: {**before[record], "sales_memo": "from many columns"}}


def test_unknown_columns_can_be_ignored_by_the_parameters(project: Project) -> None:
    project.change({"sources.0.unknown_columns": "ignore"})
    project.write("tonight.csv", lines("customer_account,colour,sales_memo", "US-001,red,x"))
    run = project.run("tonight.csv")
    assert run.counts == {"read": 1, "updated": 1}
    assert run.summary["ignored_columns"] == ["colour"]


@pytest.mark.parametrize("command", ["run", "plan", "runs", "proposals list"])
def test_a_database_that_cant_be_reached_is_exit_75(plain_project: Project, command: str) -> None:
    plain_project.write("tonight.csv", GOOD)
    file = ["tonight.csv"] if command in ("run", "plan") else []
    url = "postgresql+psycopg://rosa:s3cret@127.0.0.1:1/customers"
    answer = plain_project.importer(*command.split(), *file, "--database", url, "--json")
    assert answer.exit_code == 75
    assert answer.error
    assert "s3cret" not in answer.stdout + answer.stderr


def test_while_another_run_holds_the_entity_it_is_exit_75(project: Project) -> None:
    """On SQLite a writer holds the file; on PostgreSQL an advisory lock does, here that of a run in its own process."""
    project.write("tonight.csv", GOOD)
    before = project.table()
    with another_run_holds(project):
        started = time.monotonic()
        assert project.refused(75, "run", "tonight.csv", "--wait", "0")
        assert time.monotonic() - started < 10, "--wait 0 means: don't wait"
        assert project.table() == before
    assert project.run("tonight.csv", "--wait", "5").exit_code == 0


@contextlib.contextmanager
def another_run_holds(project: Project):
    url = sa.make_url(project.database)
    if url.get_backend_name() == "sqlite":
        connection = sqlite3.connect(url.database or "", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()
        return
    with blocked_process(project):
        yield


@contextlib.contextmanager
def blocked_process(project: Project):
    """A second `importer run` that has the entity and waits, in its transaction, for a row that a person has locked."""
    project.write("other.csv", lines("customer_account,sales_memo", "US-002,other"))
    engine = sa.create_engine(project.database)
    with engine.connect() as person:
        person.exec_driver_sql("SELECT 1 FROM customer WHERE customer_account = 'US-002' FOR UPDATE")
        words = ["run", "other.csv", "--source", "crm", "--schemas", str(project.schemas)]
        other = subprocess.Popen(
            [sys.executable, "-m", "importer", *words, "--database", project.database],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until_somebody_waits(engine)
            yield
        finally:
            person.rollback()
            assert other.wait(30) == 0
            engine.dispose()


def heed_interrupts() -> None:
    """A test run that a shell started in the background ignores SIGINT, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until_somebody_waits(engine: sa.Engine) -> None:
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 30
    with engine.connect() as connection:
        while time.monotonic() < deadline:
            if connection.execute(waiting).scalar_one():
                return
            connection.rollback()
            time.sleep(0.05)
    raise AssertionError("the other run did not come to the locked row")


def test_reports_that_cant_be_written_are_exit_6_and_can_be_had_later(project: Project) -> None:
    project.write("tonight.csv", GOOD)
    in_the_way = project.folder / "reports" / "results.csv"
    in_the_way.mkdir(parents=True)
    (in_the_way / "somebody's notes").write_text("kept", encoding="utf-8")

    answer = project.importer("run", "tonight.csv", "--output", "reports", "--json")

    assert (answer.exit_code, answer.json["exit_code"]) == (6, 6)
    assert project.table()["usmf", "US-001"]["sales_memo"] == "x"
    (run,) = [run for run in project.importer("runs", "--json").json if run["file"]["name"] == "tonight.csv"]
    assert run["run_id"] in answer.stdout
    assert run["status"] == "applied"
    later = project.importer("report", run["run_id"], "--output", "later", "--json")
    assert later.json["counts"]["updated"] == 1
    assert (project.folder / "later" / "results.csv").is_file()


SEVERAL: dict[str, tuple[tuple[str, ...], int, dict[str, object]]] = {
    "all_good": (("good", "good2"), 0, {}),
    "rejected_after_good": (("good", "bad"), 3, {}),
    "rejected_before_good": (("bad", "good"), 3, {}),
    "held_wins_over_rejected": (("bad", "held"), 4, {"limits.max_changed": 2}),
    "refused_wins_over_rejected": (("bad", "unknown", "good"), 5, {}),
    "refused_wins_over_held": (("held", "missing"), 5, {"limits.max_changed": 2}),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_several_files_give_the_first_code_of_the_contracts_order(project: Project, case: str) -> None:
    names, code, changes = SEVERAL[case]
    project.change(changes)
    texts = {"good": GOOD, "good2": GOOD + "US-004,y\n", "bad": BAD, "held": HELD, "unknown": UNKNOWN}
    for name in names:
        if name in texts:
            project.write(f"{name}.csv", texts[name])

    answer = project.importer("run", *(f"{name}.csv" for name in names), "--output", "night", "--json")

    assert answer.exit_code == code
    assert set(answer.json) == {"exit_code", "runs"}
    assert answer.json["exit_code"] == code
    assert len(answer.json["runs"]) == len(names), "one answer for each file, in their order"
    for name, one in zip(names, answer.json["runs"], strict=True):
        if name in ("missing", "unknown"):
            assert set(one) == {"exit_code", "run_id", "error"}
            assert (one["exit_code"], f"{name}.csv" in str(one["error"])) == (5, True)
        else:
            assert one["file"]["name"] == f"{name}.csv"
            assert (project.folder / "night" / one["run_id"] / "summary.json").is_file()


def test_a_refused_file_leaves_a_json_answer_and_nothing_else_on_stdout(project: Project) -> None:
    answer = project.importer("run", "nowhere.csv", "--json")
    assert json.loads(answer.stdout)["exit_code"] == 5
    assert "Traceback" not in answer.stderr


def test_without_json_a_refusal_is_one_sentence_on_stderr(project: Project) -> None:
    answer = project.importer("run", "nowhere.csv")
    assert answer.exit_code == 5
    assert "nowhere.csv" in answer.stderr
    assert answer.stdout == ""


def _listens(process: subprocess.Popen[bytes]) -> bool:
    """Whether it catches SIGTERM, as far as the system tells: on a busy machine it takes seconds to begin."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.is_file():
        return True
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status.read_text(encoding="ascii"), re.MULTILINE)
    return bool(found and int(found[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["130", "143"])
def test_an_interrupted_run_leaves_the_target_as_it_was(project: Project, sent: int, code: int) -> None:
    """It is interrupted while it waits for the entity, which another run holds."""
    project.write("tonight.csv", GOOD)
    before = project.table()
    words = ["run", "tonight.csv", "--wait", "60", "--schemas", str(project.schemas)]
    with another_run_holds(project), (project.folder / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "importer", *words, "--database", project.database],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=said,
            stderr=said,
            preexec_fn=heed_interrupts,
        )
        try:
            deadline = time.monotonic() + 60
            while not _listens(process) and time.monotonic() < deadline:
                time.sleep(0.1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3)
            assert process.poll() is None, Path(said.name).read_text(encoding="utf-8")
            process.send_signal(sent)
            assert process.wait(10) == code
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in (project.folder / "said").read_text(encoding="utf-8")
    after = project.table()
    after["usmf", "US-002"]["sales_memo"] = before["usmf", "US-002"]["sales_memo"]
    assert after == before
