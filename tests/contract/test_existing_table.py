"""The target table may be the user's own: with further columns and constraints that the importer must live with."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from .conftest import MakeProject
from .harness import Project, Run, lines, only
from .pages import BOOLEANS, FIELDS

NEW = "customer_account,organization_name,customer_group_id,sales_currency_code,organization_number,name_alias"


def users_table(project: Project) -> None:
    """A customer table as a business system has it: group is a foreign key, the organization number unique."""
    project.change({"entity.create_table": False})
    types: dict[str, sa.types.TypeEngine] = {
        "credit_limit": sa.Numeric(18, 2),
        **{name: sa.Boolean() for name in BOOLEANS},
        "payment_terms_base_days": sa.BigInteger(),
        "customer_since": sa.Date(),
        "name_alias": sa.String(10),
    }
    metadata = sa.MetaData()
    sa.Table("customer_group", metadata, sa.Column("id", sa.String(10), primary_key=True))
    sa.Table(
        "customer",
        metadata,
        sa.Column("record_id", sa.Integer, primary_key=True, autoincrement=True),
        *(sa.Column(name, types.get(name, sa.String(4000))) for name in FIELDS if name not in SPECIAL),
        sa.Column("data_area_id", sa.String(10), nullable=False),
        sa.Column("customer_account", sa.String(20), nullable=False),
        sa.Column("customer_group_id", sa.String(10), sa.ForeignKey("customer_group.id")),
        sa.Column("organization_number", sa.String(30), unique=True),
        sa.Column("loaded_from", sa.String(20), nullable=False, server_default="elsewhere"),
        sa.UniqueConstraint("data_area_id", "customer_account"),
    )
    engine = sa.create_engine(project.database)
    metadata.create_all(engine)
    engine.dispose()
    project.sql("INSERT INTO customer_group (id) VALUES ('10'), ('20')")
    project.sql(
        "INSERT INTO customer (data_area_id, customer_account, organization_name, customer_group_id,"
        " sales_currency_code, organization_number, name_alias, loaded_from)"
        " VALUES ('usmf', 'OLD-1', 'Old One', '10', 'USD', '556-1', '', 'the old system'),"
        " ('usmf', 'OLD-2', 'Old Two', '10', 'USD', '556-2', NULL, 'the old system')"
    )


SPECIAL = ("data_area_id", "customer_account", "customer_group_id", "organization_number")
ROWS = {
    # row: (line, outcome)
    2: ("NEW-1,Nordlys,10,USD,,", "created"),
    3: ("NEW-2,Sorella,99,USD,,", "rejected"),  # foreign key
    4: ("NEW-3,Clairval,20,USD,556-1,", "rejected"),  # unique: taken by a stored record
    5: ("NEW-4,Zand,20,USD,556-7,", "created"),
    6: ("NEW-5,Busan,20,USD,,elevenchars", "rejected"),  # varchar(10)
    7: ("OLD-1,,20,,,exactly10c", "updated"),
    8: ("OLD-2,,,,,elevenchars", "rejected"),  # varchar(10) on an update
    9: ("NEW-6,Twins,10,USD,556-9,", "rejected"),  # unique: two new ones
    10: ("NEW-7,Twins too,10,USD,556-9,", "rejected"),
}


@pytest.fixture(scope="module")
def project(make_module_project: MakeProject) -> Project:
    project = make_module_project(None)
    users_table(project)
    return project


@pytest.fixture(scope="module")
def offended(project: Project) -> Run:
    return project.run(project.write("tonight.csv", lines(NEW, *(line for line, _ in ROWS.values()))))


def test_offending_rows_are_constraint_violations_and_all_others_are_in(project: Project, offended: Run) -> None:
    assert offended.exit_code == 3
    outcomes = offended.outcomes
    twins = {outcomes.pop(9), outcomes.pop(10)}
    assert outcomes == {row: outcome for row, (_, outcome) in ROWS.items() if row < 9}
    assert twins <= {"rejected", "created"}
    assert "rejected" in twins, "two equal values of a unique column can't both be in"
    for codes in offended.codes.values():
        assert codes == {"constraint_violation"}
    assert {key[1] for key in project.table()} >= {"NEW-1", "NEW-4", "OLD-1", "OLD-2"}
    assert {key[1] for key in project.table()}.isdisjoint({"NEW-2", "NEW-3", "NEW-5"})


def test_the_reason_names_what_the_database_refused(offended: Run) -> None:
    reasons = {row: message.lower().replace("_", " ") for row, message in only(offended.errors, "row", "message")}
    assert "customer group" in reasons["3"]
    assert "organization number" in reasons["4"]
    assert "10" in reasons["6"]


def test_columns_that_are_not_ours_keep_their_values_and_defaults(project: Project, offended: Run) -> None:
    table = project.table()
    assert table["usmf", "OLD-1"]["loaded_from"] == "the old system"
    assert table["usmf", "NEW-1"]["loaded_from"] == "elsewhere"
    assert table["usmf", "OLD-1"]["name_alias"] == "exactly10c"
    assert table["usmf", "OLD-2"]["customer_group_id"] == "10"


def test_null_and_the_empty_string_are_the_same_blank(project: Project, offended: Run) -> None:
    """OLD-2 has NULL, a record made by hand the empty string: clearing either is no change."""
    project.sql("UPDATE customer SET sales_memo = '' WHERE customer_account = 'OLD-2'")
    project.change({"sources.0.blank": "clear"})
    run = project.plan(project.write("blank.csv", lines("customer_account,sales_memo", "OLD-1,", "OLD-2,")))
    assert run.counts == {"read": 2, "unchanged": 2}


def test_the_comparison_is_with_the_table_and_not_with_the_last_file(project: Project, offended: Run) -> None:
    file = project.write("memo.csv", lines("customer_account,sales_memo", "OLD-1,from the file"))
    project.run(file)
    project.sql("UPDATE customer SET sales_memo = 'by hand' WHERE customer_account = 'OLD-1'")
    assert project.run(file).counts == {"read": 1, "updated": 1}
    assert project.table()["usmf", "OLD-1"]["sales_memo"] == "from the file"


def test_a_trigger_of_the_users_refuses_single_rows_and_not_the_run(make_project: MakeProject) -> None:
    """What can't be tested as a set in the plan is found when it is applied."""
    project = make_project()
    message = "no more customers of this name"
    if project.database.startswith("sqlite"):
        project.sql(
            "CREATE TRIGGER guard BEFORE INSERT ON customer WHEN NEW.organization_name = 'Forbidden'"
            f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    else:
        project.sql(
            "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.organization_name = 'Forbidden' THEN RAISE check_violation USING MESSAGE = '{message}'; END IF;"
            " RETURN NEW; END $$"
        )
        project.sql("CREATE TRIGGER guard BEFORE INSERT ON customer FOR EACH ROW EXECUTE FUNCTION guard()")
    fields = "customer_account,organization_name,customer_group_id,sales_currency_code,sales_memo"
    rows = ("N-1,Allowed,10,USD,", "N-2,Forbidden,10,USD,", "N-3,Allowed too,10,USD,", "US-001,,,,memo")
    run = project.run(project.write("tonight.csv", lines(fields, *rows)))
    assert run.outcomes == {2: "created", 3: "rejected", 4: "created", 5: "updated"}
    assert run.codes == {3: {"constraint_violation"}}
    assert message in run.errors[0]["message"]


def test_a_stored_record_that_fails_a_check_is_no_trouble_while_the_row_changes_nothing(
    make_project: MakeProject,
) -> None:
    """Checks across fields run on new and changed records only."""
    project = make_project()
    mandatory = "TRUE" if project.database.startswith("postgresql") else "1"
    project.sql(f"UPDATE customer SET credit_limit_is_mandatory = {mandatory} WHERE customer_account = 'US-003'")
    same = project.run(project.write("same.csv", lines("customer_account,address_city", "US-003,Busan")))
    assert same.counts == {"read": 1, "unchanged": 1}
    other = project.run(project.write("other.csv", lines("customer_account,address_city", "US-003,Seoul")))
    assert other.codes == {2: {"check_failed"}}


def test_decimals_beyond_what_sqlite_keeps_are_refused_there_and_exact_on_postgresql(
    make_project: MakeProject,
) -> None:
    project = make_project()
    project.change({"approvals.behavior": "allow"})
    fields = "customer_account,credit_limit"
    run = project.run(project.write("big.csv", lines(fields, "US-001,1234567890123456.78", "US-004,1234567890123.45")))
    table = project.table()
    assert table["usmf", "US-004"]["credit_limit"] == "1234567890123.45"
    if project.database.startswith("sqlite"):
        assert run.codes == {2: {"imprecise_number"}}
    else:
        assert table["usmf", "US-001"]["credit_limit"] == "1234567890123456.78"


@pytest.mark.parametrize("kind", ["partitioned", "view"])
def test_where_records_have_no_place_of_their_own_they_are_found_by_key(make_project: MakeProject, kind: str) -> None:
    project = make_project()
    if not project.database.startswith("postgresql"):
        pytest.skip("SQLite has neither partitions nor views that can be written to")
    project.change({"approvals.behavior": "allow", "entity.create_table": False})
    project.sql("ALTER TABLE customer RENAME TO stored")
    if kind == "view":
        project.sql("CREATE VIEW customer AS SELECT * FROM stored")
    else:
        project.sql("CREATE TABLE customer (LIKE stored INCLUDING ALL) PARTITION BY LIST (data_area_id)")
        project.sql("CREATE TABLE customer_rest PARTITION OF customer DEFAULT")
        project.sql("INSERT INTO customer SELECT * FROM stored")
    run = project.run(
        project.write("tonight.csv", lines("customer_account,address_city", "US-001,Seoul", "US-003,Busan"))
    )
    assert run.outcomes == {2: "updated", 3: "unchanged"}
    assert project.table()["usmf", "US-001"]["address_city"] == "Seoul"
