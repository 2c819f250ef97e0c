"""The columns of the reports, in their order (`2-contract.md`, "Runs and reports")."""

from __future__ import annotations

RESULT_COLUMNS = (
    "outcome",
    "applied",
    "fields_updated",
    "fields_proposed",
    "fields_declined",
    "fields_rejected",
    "proposal_id",
    "proposal_effects",
    "codes",
    "origin_run",
    "origin_row",
)
"""After the row and its key, as in `CHANGE_COLUMNS`."""
CHANGE_COLUMNS = ("field", "old", "new", "disposition", "proposal_id", "rule")
REASON_COLUMNS = ("row", "column", "field", "value", "code", "message", "repeated")
CORRECTION_COLUMNS = ("_row", "_codes", "_reasons", "_run", "_text")
"""Our own, after those of the file."""
OWN = len(CORRECTION_COLUMNS)
