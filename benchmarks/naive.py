"""The script that most people would write: pandas reads the file, SQLAlchemy's `to_sql` stages it, one upsert.

It trusts the file like the floor does, and it writes every row, changed or not.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .script import Script, main
from .table import FILE_COLUMNS, KEY, TABLE, TYPES, VALUE_COLUMNS, create_table, listed

CHUNK = 10_000


def import_file(url: str, path: Path, update: bool, script: Script) -> None:
    import pandas as pd
    import sqlalchemy as sa

    with script.timed("all"):
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
        with script.timed("read"):
            frame = _read(pd, path)
        with engine.begin() as connection:
            connection.execute(sa.text(create_table(if_missing=True)))
            with script.timed("to_sql"):
                frame.to_sql("staging", connection, if_exists="replace", index=False, chunksize=CHUNK)
            with script.timed("upsert"):
                connection.execute(sa.text(_upsert(engine.dialect.name) if update else _insert(engine.dialect.name)))
            connection.execute(sa.text("DROP TABLE staging"))


def _read(pd, path: Path):  # type: ignore[no-untyped-def]
    """All as text, so that leading zeros survive, then blanks, amounts, booleans and dates."""
    if path.suffix == ".csv":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    else:
        frame = pd.read_excel(path, dtype=str, keep_default_na=False, engine="calamine")
    frame = frame.replace("", None)
    frame["credit_limit"] = pd.to_numeric(frame["credit_limit"])
    frame["credit_limit_is_mandatory"] = frame["credit_limit_is_mandatory"].map({"Yes": True, "No": False})
    frame["customer_since"] = pd.to_datetime(frame["customer_since"]).dt.date
    return frame


def _insert(dialect: str) -> str:
    """On SQLite a cast to VARCHAR or DATE would make numbers of texts, so only PostgreSQL gets casts."""
    cast = dialect == "postgresql"
    values = ", ".join(f"CAST({name} AS {TYPES[name]})" if cast else name for name in FILE_COLUMNS)
    return f"INSERT INTO {TABLE} ({listed(FILE_COLUMNS)}) SELECT {values} FROM staging WHERE true"


def _upsert(dialect: str) -> str:
    values = ", ".join(f"{name} = excluded.{name}" for name in VALUE_COLUMNS)
    return f"{_insert(dialect)} ON CONFLICT ({listed(KEY)}) DO UPDATE SET {values}"


if __name__ == "__main__":
    sys.exit(main({"postgresql": import_file, "sqlite": import_file}))
