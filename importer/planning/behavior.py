"""The data entity behavior: what an import may do to each field. Pure: parameters in, decisions out.

Source: the seed page's "Data entity behavior" and `1-product.md`, rules 5 and 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from importer.entity import DataEntity
from importer.errors import SetupError
from importer.settings import Approvals, Override, Source
from importer.vocabulary import Action, Behavior, NewRecords, RejectScope


@dataclass(frozen=True)
class Treatment:
    """The parameters for the records of which `when` holds (key field = value; empty: all others)."""

    when: Mapping[str, str]
    behavior: Behavior
    approval_fields: frozenset[str]
    new_records: NewRecords

    @property
    def proposes(self) -> bool:
        return self.behavior is Behavior.PROPOSE and bool(self.approval_fields)

    def action(self, field: str) -> Action:
        """What happens to a changed value of `field` of an existing record."""
        if field not in self.approval_fields:
            return Action.WRITTEN
        match self.behavior:
            case Behavior.ALLOW:
                return Action.WRITTEN
            case Behavior.PROPOSE:
                return Action.PROPOSED
            case Behavior.REJECT:
                return Action.REJECTED


@dataclass(frozen=True)
class Treatments:
    """Overrides in the order of the parameters, the first that fits wins; then the entity's own treatment."""

    overrides: tuple[Treatment, ...]
    general: Treatment
    reject_scope: RejectScope

    @property
    def all(self) -> tuple[Treatment, ...]:
        return (*self.overrides, self.general)

    @property
    def may_propose(self) -> bool:
        """Whether anything of an import can become a proposed change."""
        return any(each.new_records is NewRecords.PROPOSE or each.proposes for each in self.all)


def treatments(entity: DataEntity, source: Source, asked: Behavior | None) -> Treatments:
    """The treatments of one import. SetupError where the command line asks for a looser behavior."""
    approvals = entity.parameters.approvals
    configured = _strictest(_base(approvals.enabled, approvals.behavior), source.behavior)
    if asked is not None and asked.strictness < configured.strictness:
        raise SetupError(
            f"--behavior {asked} is looser than the configured {configured}; an import may only be stricter",
            file=str(entity.files[1]),
            hint="leave the option out, or change [approvals] in the parameters",
        )
    overrides = tuple(_override(approvals, override, source, asked) for override in approvals.overrides)
    general = Treatment(
        when={},
        behavior=_strictest(configured, asked),
        approval_fields=frozenset(approvals.fields),
        new_records=_new_records(approvals.enabled, approvals.new_records),
    )
    return Treatments(overrides, general, approvals.reject_scope)


def fields_to_approve(approvals: Approvals, key: Mapping[str, str]) -> frozenset[str]:
    """What a person's own edit of this record needs approval for; the behavior is about imports only."""
    enabled, fields = approvals.enabled, approvals.fields
    for override in approvals.overrides:
        if all(key[name] == value for name, value in override.when.items()):
            enabled = enabled if override.enabled is None else override.enabled
            fields = fields if override.fields is None else override.fields
            break
    return frozenset(fields) if enabled else frozenset()


def _override(approvals: Approvals, override: Override, source: Source, asked: Behavior | None) -> Treatment:
    enabled = approvals.enabled if override.enabled is None else override.enabled
    base = _base(enabled, override.behavior or approvals.behavior)
    fields = approvals.fields if override.fields is None else override.fields
    return Treatment(
        when=override.when,
        behavior=_strictest(_strictest(base, source.behavior), asked),
        approval_fields=frozenset(fields),
        new_records=_new_records(enabled, override.new_records or approvals.new_records),
    )


def _base(enabled: bool, behavior: Behavior) -> Behavior:
    return behavior if enabled else Behavior.ALLOW


def _new_records(enabled: bool, new_records: NewRecords) -> NewRecords:
    return new_records if enabled else NewRecords.CREATE


def _strictest(first: Behavior, second: Behavior | None) -> Behavior:
    return first if second is None or second.strictness < first.strictness else second
