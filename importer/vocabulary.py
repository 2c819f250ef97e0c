"""The closed sets of the product as enums; the words are those of the reports and the parameters."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Fate of a source row; where several hold, the first wins (see `docs/rules.md`)."""

    REJECTED = "rejected"
    PARTLY_REJECTED = "partly_rejected"
    CREATED = "created"
    PARTLY_PROPOSED = "partly_proposed"
    PROPOSED = "proposed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    NOT_PROCESSED = "not_processed"


class Behavior(StrEnum):
    """What an import may do to approval fields of existing records, from loose to strict."""

    ALLOW = "allow"
    PROPOSE = "propose"
    REJECT = "reject"

    @property
    def strictness(self) -> int:
        return list(Behavior).index(self)


class NewRecords(StrEnum):
    CREATE = "create"
    PROPOSE = "propose"
    REJECT = "reject"


class RejectScope(StrEnum):
    ROW = "row"
    FIELD = "field"


class Blank(StrEnum):
    """What a blank cell does to a stored value."""

    KEEP = "keep"
    CLEAR = "clear"


class Duplicates(StrEnum):
    REJECT = "reject"
    FIRST = "first"
    LAST = "last"


class Disposition(StrEnum):
    """What becomes of one changed value."""

    WRITTEN = "written"
    PROPOSED = "proposed"
    DECLINED = "declined"
    REJECTED = "rejected"


class Action(StrEnum):
    """What a plan does with one changed value; finer than `Disposition`, which reports show."""

    WRITTEN = "written"
    APPROVED = "approved"
    PROPOSED = "proposed"
    SUPERSEDING = "superseding"
    KEPT = "kept"
    DECLINED = "declined"
    REJECTED = "rejected"

    @property
    def disposition(self) -> Disposition:
        match self:
            case Action.WRITTEN | Action.APPROVED:
                return Disposition.WRITTEN
            case Action.PROPOSED | Action.SUPERSEDING | Action.KEPT:
                return Disposition.PROPOSED
            case Action.DECLINED:
                return Disposition.DECLINED
            case Action.REJECTED:
                return Disposition.REJECTED


WRITING = (Action.WRITTEN, Action.APPROVED)
"""Written now; `approved` by an automatic action of the workflow."""

PROPOSING = (Action.PROPOSED, Action.SUPERSEDING, Action.KEPT)


class Effect(StrEnum):
    """What tonight's file does to a proposed change."""

    OPENED = "opened"
    SUPERSEDED = "superseded"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


class Says(StrEnum):
    """What tonight's file says about a field with an open change."""

    NOTHING = "nothing"
    STORED = "stored"
    PROPOSED = "proposed"
    OTHER = "other"


class ChangeStatus(StrEnum):
    """Life of a proposed change."""

    DRAFT = "draft"
    PENDING = "pending"
    CHANGES_REQUESTED = "changes_requested"
    CONFLICT = "conflict"
    APPLIED = "applied"
    REJECTED = "rejected"
    DISCARDED = "discarded"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"

    @property
    def is_open(self) -> bool:
        return self in OPEN_STATUSES


OPEN_STATUSES = (
    ChangeStatus.CONFLICT,
    ChangeStatus.PENDING,
    ChangeStatus.CHANGES_REQUESTED,
    ChangeStatus.DRAFT,
)


class RunStatus(StrEnum):
    READING = "reading"
    PLANNED = "planned"
    HELD = "held"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"


class ValueKind(StrEnum):
    """The types a field can have."""

    TEXT = "text"
    DECIMAL = "decimal"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"


class RejectionCode(StrEnum):
    """Why a row or a field of it was refused; stable, each explained in `validation/catalogue.py`."""

    MISSING_KEY = "missing_key"
    DUPLICATE_KEY = "duplicate_key"
    SIMILAR_KEY = "similar_key"
    MISSING_REQUIRED = "missing_required"
    INVALID_NUMBER = "invalid_number"
    INVALID_DATE = "invalid_date"
    INVALID_BOOLEAN = "invalid_boolean"
    NOT_IN_LIST = "not_in_list"
    UNMAPPED_VALUE = "unmapped_value"
    PATTERN_MISMATCH = "pattern_mismatch"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    CHECK_FAILED = "check_failed"
    ROW_TOO_SHORT = "row_too_short"
    ROW_TOO_LONG = "row_too_long"
    BAD_QUOTING = "bad_quoting"
    REPEATED_HEADER = "repeated_header"
    UNDECODABLE_TEXT = "undecodable_text"
    CONTROL_CHARACTER = "control_character"
    ERROR_CELL = "error_cell"
    IMPRECISE_NUMBER = "imprecise_number"
    APPROVAL_REQUIRED = "approval_required"
    NEW_RECORD_NOT_ALLOWED = "new_record_not_allowed"
    COMPETING_CHANGE = "competing_change"
    TARGET_CHANGED = "target_changed"
    CONSTRAINT_VIOLATION = "constraint_violation"
    IDENTICAL_DUPLICATE = "identical_duplicate"
    DUPLICATE_LEFT_OUT = "duplicate_left_out"


NOTICES = frozenset({RejectionCode.IDENTICAL_DUPLICATE, RejectionCode.DUPLICATE_LEFT_OUT})
"""Codes that stand in `results.csv` only."""
