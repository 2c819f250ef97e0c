"""What is no table is refused with one sentence; a file that changes while it is read is refused; hashes are true."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from importer.errors import FileRefused
from importer.reading import ReadOptions, open_source

File = Callable[..., Path]


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("customers.csv", "a,b\n1,2\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n\n\n", "no rows"),
        (gzip.compress(b"a,b\n1,2\n"), "gzip"),
        (archive(), "ZIP"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"<!DOCTYPE html><table>", "web page"),
        (b'[\n {"a": 1}]\n', "JSON"),
        (bytes(range(256)) * 20, "binary"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "workbook"),
        (b"PK\x03\x04" + b"\0" * 100, "workbook"),
    ],
    ids=["empty", "blank lines", "gzip", "zip", "pdf", "png", "html", "json", "binary", "broken xls", "broken zip"],
)
def test_what_is_no_table_is_refused_whatever_its_name(file: File, content: bytes, why: str) -> None:
    path = file(content)
    with pytest.raises(FileRefused, match=why) as refused:
        open_source(path, ReadOptions())
    assert refused.value.file == str(path)
    assert refused.value.hint


def test_folders_pipes_and_missing_files_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for path, why in ((tmp_path, "folder"), (pipe, "pipe"), (tmp_path / "none.csv", "does not exist")):
        with pytest.raises(FileRefused, match=why):
            open_source(path, ReadOptions())


ROWS = b"a,b\n" + b"1234567,some text\n" * 300_000


@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten"])
def test_a_file_that_changes_while_it_is_read_is_refused(file: File, change: str) -> None:
    path = file(ROWS)
    with open_source(path, ReadOptions()) as source:
        batches = source.batches()
        if change == "grows":
            with path.open("ab") as target:
                target.write(b"x,y\n")
        elif change == "shrinks":
            os.truncate(path, len(ROWS) - 100)
        else:
            path.write_bytes(ROWS)
            os.utime(path, ns=(0, 0))
        with pytest.raises(FileRefused, match="changed"):
            list(batches)


def test_the_hash_is_that_of_the_bytes(file: File) -> None:
    path = file(ROWS)
    with open_source(path, ReadOptions()) as source:
        assert sum(len(batch.rows) for batch in source.batches()) == 300_000
        assert source.sha256 == hashlib.sha256(ROWS).hexdigest()
        assert source.bytes == len(ROWS)
        with pytest.raises(RuntimeError):
            source.batches()


def test_a_correction_loses_the_guard_and_only_there(file: File) -> None:
    text = (
        "﻿\"'=id\",name,_row,_codes,_reasons,_run,_text\n'+1,'x,2,c,r,run,\n''=,O'Neil,3,c,r,run,\n'-5,'',4,c,r,run,\n"
    )
    with open_source(file(text), ReadOptions(encoding="windows-1252", delimiter=";")) as source:
        assert source.is_correction
        assert source.headers[:2] == ("=id", "name")
        (batch,) = source.batches()
        assert batch.cells.column("c0").to_pylist() == ["+1", "'=", "-5"]
        assert batch.cells.column("c1").to_pylist() == ["'x", "O'Neil", "'"]
    with open_source(file("id,name\n'+1,'=x\n", "plain.csv"), ReadOptions()) as source:
        (batch,) = source.batches()
        assert batch.cells.column("c1").to_pylist() == ["'=x"]
