"""Trouble that PostgreSQL makes: passing trouble is waited for, the rest is a sentence, and nothing was done."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from .conftest import LONG, Stock
from .test_kills import check_again
from .workshop import PASSWORD, Place, wait_until

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module", params=[pytest.param("postgresql", marks=pytest.mark.postgres)])
def databases(request: pytest.FixtureRequest):
    return request.getfixturevalue("postgres_databases")


def sql(place: Place, *statements: str) -> None:
    engine = sa.create_engine(place.url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


RAISING = """
CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') <= {times} THEN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END IF;
    RETURN NULL;
END $$
"""


def raise_in_target(place: Place, state: str, times: int) -> None:
    """The first so many attempts to write end with this state, as if another transaction were the cause."""
    trigger = "CREATE TRIGGER trouble BEFORE UPDATE ON customer FOR EACH STATEMENT EXECUTE FUNCTION trouble()"
    sql(place, "CREATE SEQUENCE attempts", RAISING.format(state=state, times=times), trigger)


@pytest.mark.parametrize("state", ["40P01", "40001", "55P03"] if LONG else ["40P01"])
def test_a_transaction_that_another_one_ended_is_begun_anew(stock: Stock, place: Place, state: str) -> None:
    raise_in_target(place, state, 2)
    ended = place.night().wait()
    assert ended.code == 3, ended
    assert ended.err.count("trying again") == 2, ended.err
    assert place.state == stock.after
    assert not place.leftovers()


LASTING = {
    "deadlock": ("40P01", "waited for each other"),
    "disk_full": ("53100", "disk is full"),
    "out_of_memory": ("53200", "out of memory"),
    "io_error": ("58030", "disk"),
}


@pytest.mark.parametrize("case", LASTING if LONG else ["disk_full"])
def test_trouble_that_lasts_is_a_sentence(stock: Stock, place: Place, case: str) -> None:
    state, words = LASTING[case]
    raise_in_target(place, state, 1_000_000)
    ended = place.run("run", "night.csv", "--output", "out", "--json", "--wait", "0")
    assert ended.code == 75, ended
    assert words in ended.json["error"]["message"]
    assert place.state == stock.before
    assert not place.leftovers()
    sql(place, "DROP TRIGGER trouble ON customer")
    check_again(stock, place)


SETTINGS = {
    "read_only": ("default_transaction_read_only = on", "read-only"),
    "statement_timeout": ("statement_timeout = '2s'", "too long"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_database_that_does_not_let_us(stock: Stock, place: Place, case: str) -> None:
    setting, words = SETTINGS[case]
    name = sa.make_url(place.url).database
    if case == "statement_timeout":
        body = "BEGIN PERFORM pg_sleep(60); RETURN NULL; END"
        sql(place, f"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
        sql(place, "CREATE TRIGGER slow BEFORE UPDATE ON customer FOR EACH STATEMENT EXECUTE FUNCTION slow()")
    sql(place, f'ALTER DATABASE "{name}" SET {setting}')
    ended = place.night().wait()
    assert ended.code == 75, ended
    assert words in ended.json["error"]["message"]
    reset(place, name)
    assert place.state == stock.before
    if case == "statement_timeout":
        sql(place, "DROP TRIGGER slow ON customer")
    check_again(stock, place)


def reset(place: Place, name: str | None) -> None:
    engine = sa.create_engine(place.url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" RESET ALL')


def test_no_connection_is_free(stock: Stock, place: Place) -> None:
    """A role that may not connect: exit 75 after the time that was allowed, and with patience a run when it may."""
    role = f"limited_{sa.make_url(place.url).database}"
    sql(place, f"CREATE ROLE \"{role}\" LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    where = sa.make_url(place.url).set(username=role, password=PASSWORD)
    limited = Place(place.launcher, place.folder, where.render_as_string(hide_password=False), place.schemas)
    name = sa.make_url(place.url).database
    sql(place, f'ALTER ROLE "{role}" NOSUPERUSER CONNECTION LIMIT 0', f'GRANT ALL ON DATABASE "{name}" TO "{role}"')
    ended = limited.run("run", "night.csv", "--output", "out", "--json", "--wait", "1")
    assert ended.code == 75, ended
    assert place.state == stock.before
    sql(place, f'ALTER ROLE "{role}" SUPERUSER CONNECTION LIMIT -1')
    assert limited.night().wait().code == 3
    assert place.state == stock.after
    sql(place, f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"')


def test_a_server_that_is_not_there(place: Place) -> None:
    place.environment["IMPORTER_DATABASE"] = f"postgresql+psycopg://rosa:{PASSWORD}@127.0.0.1:1/customers"
    ended = place.night().wait()
    assert ended.code == 75, ended
    place.environment.clear()


def test_a_row_that_somebody_keeps_is_waited_for_in_short_steps(stock: Stock, place: Place) -> None:
    """Who comes after us waits behind us: so we let go, and come again."""
    engine = sa.create_engine(place.url, poolclass=sa.pool.NullPool)
    with engine.connect() as person:
        person.exec_driver_sql("SELECT 1 FROM customer WHERE customer_account = 'C-0003' FOR UPDATE")
        running = place.night()
        wait_until(lambda: "trying again" in running.said_so_far, "a word on the terminal")
        person.rollback()
    ended = running.wait()
    assert ended.code == 3, ended
    assert "keeps a lock" in ended.err
    assert place.state == stock.after
