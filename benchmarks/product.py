"""The product as its users run it: the complete `importer run`, all checks, journal and reports, in its own process.

Parameters are the project's own `schemas/`, with the limits opened and approvals switched off, or on for one field.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from .measure import ROOT, run

SCHEMAS = ROOT / "schemas"
IMPORTER = (sys.executable, "-m", "importer")

OPEN_LIMITS = {f"limits.{name}": '"100%"' for name in ("max_rejected", "max_changed", "max_proposed", "max_cleared")}
PLAIN = OPEN_LIMITS | {"approvals.enabled": "false"}
"""Every changed value is written: what the baselines do."""

PROPOSING = OPEN_LIMITS | {
    "approvals.enabled": "true",
    "approvals.behavior": '"propose"',
    "approvals.fields": '["credit_limit"]',
}
"""Changed credit limits become proposals; every other changed value is written."""


def runnable() -> bool:
    return (SCHEMAS / "customer.toml").exists() and run([*IMPORTER, "--help"]).exit_code == 0


def parameters(folder: Path, settings: Mapping[str, str]) -> Path:
    """A copy of the project's parameters with some values replaced; keys are `table.key`, values TOML."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SCHEMAS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "customer.toml"
    text = file.read_text(encoding="utf-8")
    for name, value in settings.items():
        table, _, key = name.partition(".")
        text = _replaced(text, table, key, value)
    file.write_text(text, encoding="utf-8")
    return folder


def _replaced(text: str, table: str, key: str, value: str) -> str:
    """One value, which may be a list over several lines, of one table."""
    pattern = rf"(?ms)^(\[{table}\](?:(?!^\[).)*?^{key} = )(\[.*?\]|[^\s#]+)"
    text, found = re.subn(pattern, lambda match: match[1] + value, text, count=1)
    if not found:
        raise SystemExit(f"customer.toml has no {key} in [{table}]: benchmarks/product.py has to learn where it is now")
    return text


def named(url: str) -> str:
    """The URL with the driver in it, as the product wants it."""
    return url.replace("postgresql:", "postgresql+psycopg:", 1)


def command(url: str, file: Path, schemas: Path, output: Path) -> list[str]:
    shutil.rmtree(output, ignore_errors=True)
    places = ["--database", named(url), "--schemas", str(schemas), "--output", str(output)]
    return [*IMPORTER, "run", str(file), *places, "--user", "benchmark", "--json"]


def migrate(url: str, schemas: Path) -> None:
    """Control tables, so that no measured run but a first one has to make them."""
    done = run([*IMPORTER, "migrate", "--database", named(url), "--schemas", str(schemas)])
    if done.exit_code:
        raise SystemExit(f"importer migrate failed: {done.stderr[-2000:]}")


def details(stdout: str) -> dict[str, object]:
    """What the summary tells: its counts, its proposals, its profile by phase."""
    summary = json.loads(stdout)
    return {name: summary[name] for name in ("counts", "proposals", "timings") if name in summary}
