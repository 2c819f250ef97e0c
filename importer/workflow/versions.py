"""Every version of a workflow that is in use: a running change stays with the one it started with."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from importer.entity import DataEntity, load_entity
from importer.errors import ImporterError
from importer.storage import control
from importer.workflow.definition import WorkflowDefinition, load


def definitions(
    connection: sa.Connection, entity: DataEntity, versions: set[str]
) -> dict[str, tuple[DataEntity, WorkflowDefinition]]:
    """The entity as it was declared in each version, and its workflow."""
    found = {}
    for version in versions:
        declared = entity if version == entity.settings_sha256 else _stored(connection, entity, version)
        found[version] = (declared, load(declared))
    return found


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
