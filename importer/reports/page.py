"""report.html: one self-contained page for auditors; no script, nothing loaded from anywhere.

In: the summary and what was kept of the streams. Out: UTF-8 HTML; every text of the file is escaped and made visible.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from importer.reports import facts, page_tables
from importer.reports.kept import Kept
from importer.reports.model import RunReport
from importer.reports.notices import notices
from importer.reports.visible import shortened, visible

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_TEXT = 400


def page(report: RunReport, kept: Kept, digests: Mapping[str, str]) -> bytes:
    """`digests`: the files that the page names as the complete lists."""
    css = (TEMPLATES / "report.css").read_text("utf-8")
    summary = report.summary
    text = (
        _environment()
        .get_template("report.html")
        .render(
            css=Markup(css),  # noqa: S704 - our own file
            csp=_policy(css),
            summary=summary,
            status=str(summary.get("status") or "unknown"),
            entity=report.entity,
            file=facts.section(summary, "file"),
            target=facts.section(summary, "target"),
            outcomes=facts.outcomes(summary),
            rows_read=facts.rows_read(summary),
            adds_up=facts.adds_up(summary),
            notices=notices(summary),
            limits=facts.limits(summary),
            proposals=facts.proposals(summary),
            tables=page_tables.tables(report, kept),
            about=page_tables.about(report),
            digests=dict(digests),
        )
    )
    return text.encode("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(said=facts.said, named=facts.named, percent=facts.percent, when=facts.when, text=_text)
    environment.filters["count"] = _count
    return environment


def _text(value: Any) -> str:
    return shortened(visible("" if value is None else value), LONGEST_TEXT)


def _count(value: int) -> str:
    return f"{value:,}"


def _policy(css: str) -> str:
    """Nothing may load or run but this one style sheet."""
    digest = base64.b64encode(hashlib.sha256(css.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
