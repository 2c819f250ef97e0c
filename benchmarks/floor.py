"""The floor: the script a careful engineer would write by hand, as fast as the database alone allows.

A file goes in; the table holds its values. It trusts the file: no checks, no reasons for bad rows (one bad cell
stops everything), no journal, no proposals, no plan, no report.
"""

from __future__ import annotations

import csv
import io
import sqlite3
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import IO, Any

from .script import Script, main
from .table import FILE_COLUMNS, KEY, PRAGMAS, SESSION, TABLE, TYPES, VALUE_COLUMNS, create_table, listed

CHUNK = 1 << 20
INSERT = f"INSERT INTO {TABLE} ({listed(FILE_COLUMNS)})"
SET = ", ".join(f"{name} = s.{name}" for name in VALUE_COLUMNS)
SAME_KEY = " AND ".join(f"t.{name} = s.{name}" for name in KEY)
DIFFERS = " OR ".join(f"t.{name} IS DISTINCT FROM s.{name}" for name in VALUE_COLUMNS)

MERGE = f"""
MERGE INTO {TABLE} t USING staging s ON {SAME_KEY}
WHEN MATCHED AND ({DIFFERS})
  THEN UPDATE SET {SET}
WHEN NOT MATCHED THEN INSERT ({listed(FILE_COLUMNS)}) VALUES ({listed(FILE_COLUMNS, "s.")})
"""


def postgres(url: str, path: Path, update: bool, script: Script) -> None:
    import psycopg

    with script.timed("all"), psycopg.connect(url) as connection:
        for name, value in SESSION.items():
            connection.execute(f"SET {name} = '{value}'")
        with script.timed("copy"):
            _copy(connection, path)
        with script.timed("merge" if update else "insert"):
            if update:
                connection.execute("ANALYZE staging")
                connection.execute(MERGE)
            else:
                connection.execute(create_table(if_missing=True))
                connection.execute(f"{INSERT} SELECT {listed(FILE_COLUMNS)} FROM staging")
        connection.execute("DROP TABLE staging")
        connection.commit()


def _copy(connection: Any, path: Path) -> None:
    columns = ", ".join(f"{name} {TYPES[name]}" for name in FILE_COLUMNS)
    connection.execute(f"CREATE UNLOGGED TABLE staging ({columns})")
    with _csv_bytes(path) as file:
        quoted = file.read(1) == b'"'
        file.seek(0)
        blanks = ", FORCE_NULL *" if quoted else ""
        with connection.cursor().copy(f"COPY staging FROM STDIN (FORMAT csv, HEADER{blanks})") as copy:
            while chunk := file.read(CHUNK):
                copy.write(chunk)


def _csv_bytes(path: Path) -> IO[bytes]:
    if path.suffix == ".csv":
        return path.open("rb")
    text = io.StringIO()
    csv.writer(text).writerows(_rows(path))
    return io.BytesIO(text.getvalue().encode())


def _rows(path: Path) -> Iterator[list[Any]]:
    """Header and records of a CSV file or of the first sheet of a workbook."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.reader(file)
    else:
        from python_calamine import CalamineWorkbook

        for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows():
            yield [cell.isoformat() if isinstance(cell, date) else cell for cell in row]


def sqlite(url: str, path: Path, update: bool, script: Script) -> None:
    with script.timed("all"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name} = {value}")
        connection.execute("BEGIN IMMEDIATE")
        with script.timed("executemany"):
            connection.execute(f"CREATE TEMP TABLE staging ({listed(FILE_COLUMNS)})")
            rows = _rows(path)
            next(rows)
            marks = ", ".join("?" * len(FILE_COLUMNS))
            connection.executemany(f"INSERT INTO staging VALUES ({marks})", rows)
        with script.timed("upsert" if update else "insert"):
            connection.execute(create_table(if_missing=True))
            connection.execute(UPSERT if update else f"{INSERT} SELECT {VALUES} FROM staging s")
        connection.execute("COMMIT")
        connection.close()


def _stored(name: str) -> str:
    """A staged text as SQLite stores it: blanks as NULL, booleans as 1 and 0, amounts by the column's affinity."""
    if name in KEY:
        return f"s.{name}"
    if TYPES[name] == "BOOLEAN":
        return f"CASE s.{name} WHEN 'Yes' THEN 1 WHEN 'No' THEN 0 END"
    return f"NULLIF(s.{name}, '')"


VALUES = ", ".join(_stored(name) for name in FILE_COLUMNS)
DISTINCT = " OR ".join(f"{TABLE}.{name} IS NOT excluded.{name}" for name in VALUE_COLUMNS)
UPSERT = f"""
{INSERT} SELECT {VALUES} FROM staging s WHERE true
ON CONFLICT ({listed(KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in VALUE_COLUMNS)}
WHERE {DISTINCT}
"""


if __name__ == "__main__":
    sys.exit(main({"postgresql": postgres, "sqlite": sqlite}))
