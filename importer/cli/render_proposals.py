"""Change proposals as they are shown in a terminal: original value and proposed value side by side.

In: the dictionaries of `importer proposals list --json` and `proposals show --json`. Out: rich renderables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from importer.cli.render_text import Answer, columns, grid, literal, panel
from importer.reports import facts
from importer.vocabulary import ChangeStatus

CHANGE_STYLES = {
    ChangeStatus.DRAFT: "bright_black",
    ChangeStatus.PENDING: "yellow",
    ChangeStatus.CHANGES_REQUESTED: "yellow",
    ChangeStatus.CONFLICT: "bold red",
    ChangeStatus.APPLIED: "green",
    ChangeStatus.REJECTED: "red",
}
_WORDS = {ChangeStatus.DRAFT: "Changes not submitted", ChangeStatus.PENDING: "Changes pending approval"}


def proposals_table(proposals: Iterable[Answer]) -> Table:
    """One block for every proposal: record, then each change on a line of its own."""
    table = columns("=Proposal", "Record and changes", "=Status")
    for proposal in proposals:
        lines = [_record(proposal), *(_change_line(change) for change in _changes(proposal)), Text("")]
        table.add_row(literal(_version(proposal), "cyan"), Group(*lines), Group(*_waiting(proposal)))
    return table


def _waiting(proposal: Answer) -> Iterator[Text]:
    """The status; of what is open the steps where it waits, and the day when it is due."""
    yield status_text(proposal.get("status"))
    steps = dict.fromkeys(change["step"] for change in _changes(proposal) if change.get("step") and _is_open(change))
    yield from (literal(step, "bright_black") for step in steps)
    if proposal.get("due_at"):
        yield literal(f"due {str(proposal['due_at'])[:10]}", "bright_black")


def proposal_view(proposal: Answer) -> Panel:
    """One proposal with what an approver needs to decide."""
    parts: list[RenderableType] = [_facts(_about(proposal)), Text(""), _change_table(_changes(proposal))]
    if proposal.get("context"):
        parts += [Text(""), Text("The record", "bold"), _facts(_pairs(proposal["context"]))]
    if proposal.get("also_written"):
        written = ((each["field"], difference(each["old"], each["new"])) for each in proposal["also_written"])
        parts += [Text(""), Text("Also written by this row", "bold"), _facts(written)]
    remarks = [line for change in _changes(proposal) for line in _remarks(change)]
    remarks += [*_responses(proposal), *_earlier(proposal)]
    heading = literal(f"Proposal {_version(proposal)}", "bold")
    return panel(Group(*parts, *([Text("")] if remarks else []), *remarks), heading, _heading(proposal))


def _heading(proposal: Answer) -> Text:
    """The seed page's words where it has some."""
    status = proposal.get("status")
    return literal(_WORDS.get(status, ""), CHANGE_STYLES[status]) if status in _WORDS else status_text(status)


def status_text(status: Any) -> Text:
    style = CHANGE_STYLES.get(status, "")
    return literal(str(status or "").replace("_", " "), style)


def difference(original: Any, proposed: Any) -> Text:
    """Old struck out, new beside it; a blank is named."""
    return Text.assemble(_value(original, "red strike"), (" → ", "bright_black"), _value(proposed, "green"))


def _value(value: Any, style: str) -> Text:
    return Text("empty", f"italic {style}") if value in (None, "") else literal(value, style)


def _version(proposal: Answer) -> str:
    return f"{proposal.get('id', '?')}@{proposal.get('version', '?')}"


def _record(proposal: Answer) -> Text:
    key = facts.section(proposal, "key")
    parts = " ".join("" if part is None else str(part) for part in key.values())
    record = Text.assemble(literal(parts, "bold"))
    if proposal.get("name"):
        record.append_text(Text.assemble("  ", literal(proposal["name"])))
    if proposal.get("kind") == "create":
        record.append_text(Text("  new record", "magenta"))
    return record


def _change_line(change: Answer) -> Text:
    line = Text.assemble("  ", literal(change.get("field"), "bright_black"), "  ")
    line.append_text(difference(change.get("original"), change.get("proposed")))
    distance = _distance(change)
    return line.append_text(Text.assemble("  ", literal(distance, "bright_black"))) if distance else line


def _distance(change: Answer) -> str:
    """`+500.00, +10.00 %`; empty where there is none."""
    found = [change.get("difference"), change.get("percent")]
    signed = [str(each) if str(each).startswith("-") else f"+{each}" for each in found if each is not None]
    return ", ".join([*signed[:1], *(f"{each} %" for each in signed[1:])])


def _about(proposal: Answer) -> Iterator[tuple[str, Text]]:
    yield "Record", _record(proposal)
    origin = [literal(proposal.get("source") or "a person's own edit")]
    if proposal.get("run_id"):
        origin.append(Text.assemble((" run ", "bright_black"), literal(proposal["run_id"])))
    if proposal.get("row") is not None:
        origin.append(Text.assemble((" row ", "bright_black"), literal(proposal["row"])))
    if proposal.get("file"):
        origin.append(Text.assemble((" file ", "bright_black"), literal(proposal["file"])))
    yield "From", Text.assemble(*origin)
    for label, key in (
        ("Submitted by", "submitted_by"),
        ("Workflow", "workflow"),
    ):
        if proposal.get(key):
            yield label, literal(proposal[key])
    if proposal.get("first_proposed_at"):
        age = f", {proposal['age_days']} days ago" if proposal.get("age_days") else ""
        yield "First proposed", literal(f"{facts.when(proposal['first_proposed_at'])}{age}")
    if proposal.get("due_at"):
        yield "Due", literal(facts.when(proposal["due_at"]))
    for waits in proposal.get("waits_for") or []:
        who = ", ".join(waits["people"]) or "nobody: add an administrator"
        yield "Waits for", literal(f"{who} ({waits['step']})")


def _change_table(changes: list[Answer]) -> Table:
    table = columns("Field", "Original", "Proposed", "Status")
    for change in changes:
        table.add_row(
            literal(change.get("field")),
            _original(change),
            _proposed(change),
            _state(change),
        )
    return table


def _original(change: Answer) -> Text:
    """With the current value where the record has moved on: then the change is in conflict."""
    text = Text.assemble(_value(change.get("original"), "red strike"))
    current = change.get("current")
    if "current" in change and current != change.get("original") and _is_open(change):
        text.append_text(Text.assemble(("\nnow ", "bright_black"), _value(current, "yellow")))
    return text


def _is_open(change: Answer) -> bool:
    status = change.get("status")
    return status in set(ChangeStatus) and ChangeStatus(status).is_open


def _proposed(change: Answer) -> Text:
    text = Text.assemble(_value(change.get("proposed"), "green"))
    if _distance(change):
        text.append_text(Text.assemble("\n", literal(_distance(change), "bright_black")))
    return text


def _state(change: Answer) -> Text:
    text = Text.assemble(status_text(change.get("status")))
    if change.get("step") is not None:
        text.append_text(Text.assemble("\n", literal(change["step"], "bright_black")))
    return text


def _remarks(change: Answer) -> Iterator[Text]:
    """Who decided a field, when, by which rule, and what they said."""
    parts = [str(change[key]) for key in ("decided_by", "decided_at", "rule", "comment") if change.get(key)]
    if parts:
        yield Text.assemble(literal(change.get("field"), "bold"), "  ", literal(" · ".join(parts)))


def _responses(proposal: Answer) -> Iterator[Text]:
    """What approvers have said so far to changes that still wait."""
    open_fields = {change.get("field") for change in _changes(proposal) if _is_open(change)}
    for each in proposal.get("responses") or []:
        if each["field"] in open_fields:
            word = "approved" if each["approved"] else "rejected"
            words = f"  {word} by {each['user']} {facts.when(each['at'])} ({each['step']})"
            yield Text.assemble(literal(each["field"], "bold"), literal(words))


def _earlier(proposal: Answer) -> Iterator[Text]:
    """Earlier decisions on the fields, the latest first."""
    for each in proposal.get("earlier") or []:
        words = f"  earlier: {each['status']} by {each['decided_by']} {facts.when(each['decided_at'])}  "
        line = Text.assemble(literal(each["field"], "bold"), literal(words))
        yield line.append_text(difference(each["original"], each["proposed"]))


def _changes(proposal: Answer) -> list[Answer]:
    return [change for change in proposal.get("changes") or [] if isinstance(change, Mapping)]


def _pairs(values: Any) -> Iterator[tuple[str, Text]]:
    items = values.items() if isinstance(values, Mapping) else ((str(value), "") for value in values)
    return ((str(name), literal(facts.said(value))) for name, value in items)


def _facts(pairs: Iterable[tuple[str, Text]]) -> Table:
    table = grid()
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(ratio=1)
    for label, text in pairs:
        table.add_row(literal(label), text)
    return table
