"""The first file of a table: all rows are new, which has shorter ways; none of them may lead elsewhere."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from .conftest import MakeProject
from .harness import Project, lines

HEADER = "customer_account,organization_name,customer_group_id,sales_currency_code"
MANY = 1_200
"""More than are joined in any way that comes."""


def customers(*further: str) -> str:
    return lines(HEADER, *(f"C-{number:05},Name {number},10,USD" for number in range(MANY)), *further)


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    return make_project(None)


def test_every_row_is_created_and_the_table_has_its_key(project: Project) -> None:
    run = project.run(project.write("first.csv", customers()))
    assert (run.exit_code, run.counts) == (0, {"read": MANY, "created": MANY})
    assert {key[1] for key in project.table()} == {f"C-{number:05}" for number in range(MANY)}
    engine = sa.create_engine(project.database)
    assert sa.inspect(engine).get_pk_constraint("customer")["constrained_columns"] == [
        "data_area_id",
        "customer_account",
    ]
    engine.dispose()
    assert project.run(project.write("second.csv", customers())).counts == {"read": MANY, "unchanged": MANY}


def test_a_rejected_row_stays_out_and_all_others_are_in(project: Project) -> None:
    run = project.run(project.write("first.csv", customers("D-1,,10,USD")))
    assert (run.exit_code, run.counts) == (3, {"read": MANY + 1, "created": MANY, "rejected": 1})
    assert len(project.table()) == MANY
    assert ("usmf", "D-1") not in project.table()


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(("D-001", "d-1"), id="plain letters"),
        pytest.param(("D00A01", "D0A1"), id="leading zeros of any digits"),
        pytest.param(("Ä-1", "ä-01"), id="letters that the database has to fold"),
    ],
)
def test_similar_keys_within_the_file_are_refused(project: Project, pair: tuple[str, str]) -> None:
    run = project.run(project.write("first.csv", customers(*(f"{key},Twin,10,USD" for key in pair))))
    assert run.counts == {"read": MANY + 2, "created": MANY, "rejected": 2}
    assert set(map(frozenset, run.codes.values())) == {frozenset({"similar_key"})}


def test_a_row_that_only_the_database_refuses_is_found_among_many(project: Project) -> None:
    project.run(project.write("any.csv", lines(HEADER, "X-1,Name,10,USD")))
    if project.database.startswith("sqlite"):
        project.sql(
            "CREATE TRIGGER refusing BEFORE INSERT ON customer WHEN NEW.organization_name = 'Name 700'"
            " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    else:
        project.sql("ALTER TABLE customer ADD CHECK (organization_name <> 'Name 700')")
    run = project.run(project.write("first.csv", customers()))
    assert run.counts == {"read": MANY, "created": MANY - 1, "rejected": 1}
    assert run.codes == {702: {"constraint_violation"}}
    assert len(project.table()) == MANY  # with the one that was there
