"""The shipped customer entity, variants of its `[workflow]`, and facts of a change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from importer.entity import DataEntity, load_entity
from importer.workflow.change_columns import ChangeColumns

SCHEMAS = Path(__file__).parents[2] / "schemas"
patient = settings(deadline=None)
Facts = Callable[..., ChangeColumns]
Variant = Callable[[str], DataEntity]


@pytest.fixture(scope="session")
def customer() -> DataEntity:
    return load_entity(SCHEMAS / "customer.toml")


@pytest.fixture(scope="session")
def facts(customer: DataEntity) -> Facts:
    """Facts of one change: a credit limit that grows from 5000 to 5100, unless told otherwise."""

    def build(
        original: str | None = "5000.00",
        proposed: str | None = "5100.00",
        approved: str | None = "5000.00",
        field: str = "credit_limit",
        source: str | None = "legacy",
        submitter: str | None = "anna",
        **record: str | None,
    ) -> ChangeColumns:
        blank: dict[str, str | None] = dict.fromkeys(customer.names)
        columns = {name: [value] for name, value in {**blank, **record}.items()}
        return ChangeColumns(
            customer.by_name[field], [original], [proposed], [approved], columns, [source], [submitter]
        )

    return build


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    """The customer entity with another `[workflow]`."""

    def build(workflow: str) -> DataEntity:
        for file in SCHEMAS.iterdir():
            if file.is_file():
                shutil.copy(file, tmp_path)
        path = tmp_path / "customer.toml"
        shipped = path.read_text("utf-8")
        path.write_text(shipped[: shipped.index("[workflow]")] + workflow, "utf-8")
        return load_entity(path)

    return build
