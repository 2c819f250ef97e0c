"""Many people deciding at once: each change is decided exactly once, and who comes second hears who was first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from contract.harness import lines

from .office import FIELDS, Office, step

PROPOSALS, PROCESSES = 24, 6
"""The short version. `IMPORTER_TEST_CONCURRENCY=200,20` is what the project promises."""

if "IMPORTER_TEST_CONCURRENCY" in os.environ:
    PROPOSALS, PROCESSES = map(int, os.environ["IMPORTER_TEST_CONCURRENCY"].split(","))

DECIDER = """
import json, sys
from contextlib import redirect_stdout
import io
from importer.cli.answer import run_command
from importer.cli.commands import cli

print("ready", flush=True)
sys.stdin.readline()
for command in json.loads(sys.argv[1]):
    with redirect_stdout(io.StringIO()) as out:
        code = run_command(cli, command)
    print(json.dumps([code, json.loads(out.getvalue())]), flush=True)
"""


class Crowd:
    """Processes that begin at the same moment, each with a list of commands of its own."""

    def __init__(self, office: Office, work: list[list[list[str]]]) -> None:
        places = ["--database", office.database, "--schemas", str(office.schemas), "--json"]
        self._processes = [self._start([[*command, *places] for command in commands]) for commands in work]

    def _start(self, commands: list[list[str]]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        root = Path(__file__).parents[2]
        arguments = [sys.executable, "-c", DECIDER, json.dumps(commands)]
        return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=root)

    def go(self) -> list[list[tuple[int, Any]]]:
        """Exit codes and answers, by process."""
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        ended = [process.communicate(timeout=300) for process in self._processes]
        assert [process.returncode for process in self._processes] == [0] * len(ended), ended
        return [[tuple(json.loads(line)) for line in out.splitlines()] for out, _ in ended]


def decide(user: str, move: str, number: object) -> list[str]:
    return ["proposals", move, str(number), "--user", user]


def customers(number: int, limit: int) -> str:
    rows = [f"usmf,P-{at:03},Party {at},10,USD,{limit},No,Net30,memo," for at in range(number)]
    return lines(FIELDS, *rows)


def propose(office: Office, number: int) -> list[int]:
    """One proposal for each of so many new customers, from 1000 to 2000."""
    office.night(customers(number, 1000), source="base")
    run = office.night(customers(number, 2000))
    return [int(row["proposal_id"]) for row in run.results]


def limits(office: Office) -> dict[str, str]:
    return {key[1]: row["credit_limit"] for key, row in office.table().items() if key[1].startswith("P-")}


def test_a_crowd_decides_each_change_once(office: Office) -> None:
    numbers = propose(office, PROPOSALS)
    people = ("ann", "bob", "eve")
    work = []
    for at in range(PROCESSES):
        user, move = people[at % 3], "approve" if at % 2 else "reject"
        turned = numbers[at * 7 % PROPOSALS :] + numbers[: at * 7 % PROPOSALS]
        batches = [turned[first : first + 10] for first in range(0, len(turned), 10)]
        work.append([["proposals", move, *map(str, batch), "--user", user] for batch in batches])
    answers = [answer for process in Crowd(office, work).go() for answer in process]

    assert {code for code, _ in answers} <= {0, 3}, answers
    assert sum(answer["done"] for _, answer in answers) == PROPOSALS
    whys = {reason["why"].split(" by ")[0] for _, answer in answers for reason in answer["reasons"]}
    assert whys <= {"already applied", "already rejected"}
    assert all(" at " in reason["why"] for _, answer in answers for reason in answer["reasons"])

    ended = Counter(event["proposal_id"] for event in history(office) if event["to_status"] in ("applied", "rejected"))
    assert ended == dict.fromkeys(numbers, 1)
    assert limits(office) == expected(office)


def test_two_who_complete_a_majority_at_once_decide_once(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "group:credit", policy="majority")]})
    numbers = propose(office, 8)
    work = [[decide(user, "approve", number) for number in numbers] for user in ("ann", "bob", "eve")]
    answers = [answer for process in Crowd(office, work).go() for answer in process]

    assert {code for code, _ in answers} <= {0, 3}, answers
    applied = Counter(event["proposal_id"] for event in history(office) if event["to_status"] == "applied")
    assert applied == dict.fromkeys(numbers, 1)
    assert limits(office) == dict.fromkeys(limits(office), "2000.00")


def test_approving_beside_an_import_loses_no_update(office: Office, tmp_path: Path) -> None:
    """The import sees a change before or after its decision; either way the record says what the last one wrote."""
    numbers = propose(office, PROPOSALS)
    memos = tmp_path / "memos.csv"
    memos.write_text(customers(PROPOSALS, 2000).replace(",memo,", ",new memo,"))
    importing = ["run", str(memos), "--user", "rosa", "--source", "legacy", "--output", str(tmp_path / "reports")]
    batches = [numbers[first : first + 4] for first in range(0, PROPOSALS, 4)]
    approving = [["proposals", "approve", *map(str, batch), "--user", "ann"] for batch in batches]
    (imported,), approved = Crowd(office, [[[*importing, "--wait", "60"]], approving]).go()

    assert {code for code, _ in approved} == {0}, approved
    assert imported[0] in (0, 3), imported
    assert limits(office) == dict.fromkeys(limits(office), "2000.00")
    refused = imported[1]["counts"]["rejected"]
    assert refused == imported[1]["rejected_by_code"].get("target_changed", 0)
    new = [row for key, row in office.table().items() if key[1].startswith("P-") and row["sales_memo"] == "new memo"]
    assert len(new) == PROPOSALS - refused


def test_an_edit_beside_a_submit_replaces_nothing_that_is_pending(office: Office) -> None:
    accounts = [f"C-{at:02}" for at in range(1, 9)]
    drafts = {each: office.set("carl", "usmf", each, "credit_limit=5000")["proposal"]["id"] for each in accounts}
    edits = [["set", "usmf", each, "credit_limit=6000", "--user", "carl"] for each in accounts]
    submits = [["proposals", "submit", str(drafts[each]), "--user", "carl"] for each in accounts]
    edited, submitted = Crowd(office, [edits, submits]).go()
    assert {code for code, _ in edited} <= {0, 2}, edited
    assert {code for code, _ in submitted} == {0}, submitted
    lost = [
        event for event in history(office) if (event["from_status"], event["to_status"]) == ("pending", "superseded")
    ]
    assert lost == []
    for account, (code, _) in zip(accounts, edited, strict=True):
        change = office.changes_of(drafts[account])["credit_limit"]
        assert (change["status"], change["proposed"]) == ("pending", "5000.00" if code else "6000.00")


def history(office: Office) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.importer("proposals", "history", "--json").json
    return found


def expected(office: Office) -> dict[str, str]:
    """Each limit as its proposal ended."""
    answer = office.proposals("--field", "credit_limit")
    return {
        proposal["key"]["customer_account"]: change["proposed"] if change["status"] == "applied" else change["original"]
        for proposal in answer
        for change in proposal["changes"]
    }
