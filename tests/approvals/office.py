"""An office: a project with people and groups in it, and short words for what they do."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from contract.harness import Answer, Project, Run, lines

ADMIN, RUNNER = "root", "rosa"
GROUPS = {
    "credit": ["ann", "bob", "eve"],
    "board": ["ann", "bob", "eve", "tom", "zoe"],
    "credit-usmf": ["tom"],
    "credit-frrt": ["zoe"],
}
USERS = ["ann", "bob", "eve", "tom", "zoe", "cfo", "ceo", "migration", "carl"]
"""`carl` is in no group. Rosa, who runs the imports, is no user: importing needs no entry."""

FIELDS = (
    "data_area_id,customer_account,organization_name,customer_group_id,sales_currency_code,"
    "credit_limit,credit_limit_is_mandatory,payment_terms,sales_memo,employee_responsible_number"
)


def customers(number: int = 60) -> str:
    """Customers C-01 … of usmf, limit 1000.00, and F-01, F-02 of frrt."""
    rows = [f"usmf,C-{at:02},Customer {at},10,USD,1000,No,Net30,memo,cfo" for at in range(1, number + 1)]
    rows += [f"frrt,F-{at:02},Client {at},10,EUR,1000,No,Net30,memo," for at in (1, 2)]
    return lines(FIELDS, *rows)


NO_LIMITS = {f"limits.{name}": "100%" for name in ("max_rejected", "max_changed", "max_proposed", "max_cleared")}
PLAIN = {**NO_LIMITS, "workflow.automatic": []}
"""Nothing is held and nothing is decided automatically, unless a test says so."""


def step(name: str, *approvers: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "approvers": list(approvers), **more}


class Office(Project):
    """A project whose people act by name."""

    def __init__(self, folder: Any, database: str) -> None:
        super().__init__(folder, database)
        self._files = 0
        self.change(PLAIN)

    def as_user(self, user: str, *words: object) -> Answer:
        return self.importer(*words, env={"IMPORTER_USER": user})

    def act(self, user: str, move: str, *words: object) -> Answer:
        """An action on proposals, whatever comes of it."""
        return self.as_user(user, "proposals", move, *words, "--json")

    def do(self, user: str, move: str, *words: object) -> dict[str, Any]:
        """An action that has to succeed."""
        answer = self.act(user, move, *words)
        assert answer.exit_code == 0, answer.stdout + answer.stderr
        found: dict[str, Any] = answer.json
        return found

    def fails(self, user: str, move: str, *words: object, code: int = 3) -> str:
        """An action that must not succeed: why, in words."""
        answer = self.act(user, move, *words)
        assert answer.exit_code == code, answer.stdout + answer.stderr
        if code == 2:
            return answer.error
        assert answer.json["done"] == 0, answer.json
        return " | ".join(reason["why"] for reason in answer.json["reasons"])

    def set(self, user: str, *words: object, code: int = 0) -> Any:
        answer = self.as_user(user, "set", *words, "--json")
        assert answer.exit_code == code, answer.stdout + answer.stderr
        return answer.error if code else answer.json

    def night(self, text: str, *options: object, source: str | None = None) -> Run:
        """`importer run` of a file with this text."""
        self._files += 1
        file = self.write(f"night{self._files}.csv", text)
        return self.run(file, *(["--source", source] if source else []), *options)

    def tonight(self, values: Mapping[str, Mapping[str, str]], *options: object, source: str | None = None) -> Run:
        """A file of customer accounts and the values of their fields; what isn't named is blank."""
        fields = list(dict.fromkeys(field for row in values.values() for field in row))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["customer_account", *fields])
        writer.writerows([account, *(row.get(field, "") for field in fields)] for account, row in values.items())
        return self.night(text.getvalue(), *options, source=source)

    def limit(self, account: str, value: str, *options: object, source: str | None = None) -> int:
        """A file that proposes a credit limit: the id of the proposal."""
        run = self.tonight({account: {"credit_limit": value}}, *options, source=source)
        return int(run.row(2)["proposal_id"])

    def shown(self, number: int) -> dict[str, Any]:
        answer = self.importer("proposals", "show", number, "--json")
        assert answer.exit_code == 0, answer
        found: dict[str, Any] = answer.json
        return found

    def status(self, number: int) -> str:
        return str(self.shown(number)["status"])

    def changes_of(self, number: int) -> dict[str, dict[str, Any]]:
        """The latest change of each field."""
        return {change["field"]: change for change in self.shown(number)["changes"]}

    def history(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.importer("proposals", "history", number, "--json").json
        return found

    def actions(self, number: int) -> list[tuple[str, str]]:
        return [(event["user"], event["action"]) for event in self.history(number)]

    def work(self, user: str) -> list[int]:
        """The proposals that wait for a person."""
        answer = self.as_user(user, "work", "--json")
        assert answer.exit_code == 0, answer
        return sorted(item["proposal"]["id"] for item in answer.json)

    def value(self, account: str, field: str, company: str = "usmf") -> str:
        return self.table()[company, account][field]

    def control(self, name: str) -> str:
        """The name of a control table in SQL by hand."""
        return f"importer_{name}" if self.database.startswith("sqlite") else f"importer.importer_{name}"
