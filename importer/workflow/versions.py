"""Every version of a workflow that is in use: a running change stays with the one it started with."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from importer.entity import DataEntity, load_entity
from importer.errors import ImporterError
from importer.storage import control
from importer.storage.runs import keep_settings
from importer.storage.selection import selection
from importer.vocabulary import ChangeStatus
from importer.workflow.definition import WorkflowDefinition, load_steps


def definitions(
    connection: sa.Connection, entity: DataEntity, versions: set[str]
) -> dict[str, tuple[DataEntity, WorkflowDefinition]]:
    """The entity as it was declared in each version, and the steps of its workflow."""
    found = {}
    for version in versions:
        declared = entity if version == entity.settings_sha256 else _stored(connection, entity, version)
        found[version] = (declared, load_steps(declared))
    return found


def take_version_in_force(connection: sa.Connection, entities: Mapping[str, DataEntity]) -> None:
    """A selected draft is not running yet: it starts with the version that is in force when it is submitted."""
    change = control.proposed_change
    for entity in entities.values():
        drafts = (
            selection.c.entity == entity.name,
            selection.c.status == str(ChangeStatus.DRAFT),
            selection.c.fate.is_(None),
            selection.c.settings_sha256 != entity.settings_sha256,
        )
        if connection.execute(sa.select(selection.c.change_id).where(*drafts).limit(1)).first() is None:
            continue
        keep_settings(connection, entity)
        version = {"settings_sha256": entity.settings_sha256}
        chosen = sa.select(selection.c.change_id).where(*drafts)
        connection.execute(sa.update(change).values(version).where(change.c.id.in_(chosen)))
        connection.execute(sa.update(selection).values(version).where(*drafts))


def without_four_eyes(connection: sa.Connection, entities: Mapping[str, DataEntity]) -> list[str]:
    """Versions with open work in which people may approve what they contributed to."""
    item, kept = control.work_item, control.settings_version
    current = {entity.settings_sha256: entity.parameters.workflow.four_eyes for entity in entities.values()}
    used = sa.select(item.c.settings_sha256).where(item.c.closed_at.is_(None))
    earlier = connection.execute(
        sa.select(kept.c.settings_sha256, kept.c.content).where(
            kept.c.settings_sha256.in_(used), kept.c.settings_sha256.not_in(list(current)), kept.c.file.like("%.toml")
        )
    )
    found = {version: tomllib.loads(text).get("workflow", {}).get("four_eyes", True) for version, text in earlier}
    return [version for version, four_eyes in {**current, **found}.items() if not four_eyes]


def _stored(connection: sa.Connection, entity: DataEntity, version: str) -> DataEntity:
    table = control.settings_version
    files = connection.execute(sa.select(table.c.file, table.c.content).where(table.c.settings_sha256 == version)).all()
    toml = next((name for name, _ in files if name.endswith(".toml")), None)
    if toml is None:
        raise ImporterError(
            f"the parameters of version {version[:12]} are not in the database",
            hint="the control tables are damaged: restore them from a backup",
        )
    with tempfile.TemporaryDirectory(prefix="importer-") as folder:
        for name, content in files:
            (Path(folder) / name).write_text(content, "utf-8")
        loaded = load_entity(Path(folder) / toml)
    return replace(loaded, settings_sha256=version, files=entity.files)
