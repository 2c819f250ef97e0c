"""The files of a run: what they contain, and that they appear complete or not at all."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import platform
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from importer.errors import ReportFailed
from importer.reports.folder import Staged, staged
from importer.reports.write import write_reports

from .in_memory import RUN, InMemory, run_report, summary
from .naughty import naughty_strings
from .test_guard import unguarded

FILES = {
    "summary.json",
    "results.csv",
    "changes.csv",
    "errors.csv",
    "rejections.csv",
    "rejections.xlsx",
    "report.html",
}
HEADERS = {
    "results.csv": "row,data_area_id,customer_account,outcome,applied,fields_updated,fields_proposed,fields_declined,"
    "fields_rejected,proposal_id,proposal_effects,codes,origin_run,origin_row",
    "changes.csv": "row,data_area_id,customer_account,field,old,new,disposition,proposal_id,rule",
    "errors.csv": "row,column,field,value,code,message,repeated",
    "rejections.csv": "\ufeffAccount;Name;Credit limit;_row;_codes;_reasons;_run;_text",
}
REASON = {
    "row": "3",
    "column": "Credit limit",
    "field": "credit_limit",
    "value": "12,5OO",
    "code": "invalid_number",
    "message": 'is no number: "12,5OO"',
    "repeated": "no",
}
REJECTED = (
    ("C2", "=Contoso; Ltd", "12,5OO"),
    {"_row": "3", "_codes": "invalid_number", "_reasons": "is no number", "_run": RUN},
)
UNSPLIT = (("", "", ""), {"_row": "4", "_codes": "bad_quoting", "_reasons": "…", "_run": RUN, "_text": 'C3;"x'})


def one_of_each() -> InMemory:
    return InMemory(
        result_rows=[
            {"row": "2", "data_area_id": "usmf", "customer_account": "C1", "outcome": "updated", "applied": "yes"},
            {"row": "3", "customer_account": "C2", "outcome": "rejected", "applied": "no", "codes": "invalid_number"},
            {"row": "4", "outcome": "rejected", "applied": "no", "codes": "bad_quoting"},
        ],
        change_rows=[
            {"row": "2", "customer_account": "C1", "field": "credit_limit", "old": "5000.00", "disposition": "written"}
        ],
        reason_rows=[REASON],
        rejected_rows=[REJECTED, UNSPLIT],
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def records(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, strict=True))


def test_a_run_without_rows_has_all_reports_with_headers(tmp_path: Path) -> None:
    write_reports(run_report(InMemory()), tmp_path / "out")
    assert names(tmp_path / "out") == FILES
    for name, header in HEADERS.items():
        assert (tmp_path / "out" / name).read_bytes().decode("utf-8") == header + "\n"


def test_the_digests_are_those_of_the_files(tmp_path: Path) -> None:
    digests = write_reports(run_report(one_of_each()), tmp_path)
    assert set(digests) == FILES - {"summary.json"}
    for name, digest in digests.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    written = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert written.pop("timings")["reports"] >= 0
    assert written == {**summary(), "reports": digests}


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    write_reports(run_report(one_of_each()), tmp_path / "runs" / RUN)
    for path in (tmp_path / "runs" / RUN).iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (tmp_path / "runs", tmp_path / "runs" / RUN):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_every_stream_is_read_once(tmp_path: Path) -> None:
    data = one_of_each()
    write_reports(run_report(data), tmp_path)
    assert sorted(data.opened) == ["changes", "reasons", "rejected", "results"]


def test_rows_come_in_file_order_over_all_chunks(tmp_path: Path) -> None:
    write_reports(run_report(one_of_each()), tmp_path)
    assert [record["row"] for record in records(tmp_path / "results.csv")] == ["2", "3", "4"]
    assert records(tmp_path / "errors.csv") == [REASON]


def test_rejections_keep_the_source_texts_guarded(tmp_path: Path) -> None:
    write_reports(run_report(one_of_each()), tmp_path)
    first, second = records(tmp_path / "rejections.csv", ";")
    assert (first["Account"], first["Name"], first["Credit limit"]) == ("C2", "'=Contoso; Ltd", "12,5OO")
    assert (first["_row"], first["_run"], first["_text"]) == ("3", RUN, "")
    assert (second["Account"], second["_text"]) == ("", 'C3;"x')


def test_a_source_column_named_like_one_of_ours_is_left_out(tmp_path: Path) -> None:
    data = InMemory(headers=("Account", "_row"), rejected_rows=[(("C1", "99"), {"_row": "2", "_run": RUN})])
    write_reports(run_report(data), tmp_path)
    lines = (tmp_path / "rejections.csv").read_text("utf-8-sig").splitlines()
    assert lines == ["Account;_row;_codes;_reasons;_run;_text", f"C1;2;;;{RUN};"]


def test_naughty_strings_stay_in_their_cells(tmp_path: Path) -> None:
    own = {"_codes": "too_long", "_reasons": "r", "_run": RUN}
    texts = naughty_strings()
    data = InMemory(
        headers=("text",),
        rejected_rows=[((text,), {"_row": str(row), **own}) for row, text in enumerate(texts)],
        change_rows=[{"row": str(row), "field": "name", "old": text, "new": text} for row, text in enumerate(texts)],
        chunk=100,
    )
    write_reports(run_report(data, delimiter=","), tmp_path)
    assert [record["_row"] for record in records(tmp_path / "rejections.csv")] == [str(n) for n in range(len(texts))]
    assert [unguarded(record["new"]) for record in records(tmp_path / "changes.csv")] == texts


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    once = write_reports(run_report(one_of_each()), tmp_path / "once")
    assert write_reports(run_report(one_of_each()), tmp_path / "twice") == once


@pytest.mark.parametrize("stream", ["results", "changes", "reasons", "rejected"])
def test_a_stream_that_breaks_leaves_nothing_behind(tmp_path: Path, stream: str) -> None:
    data = one_of_each()
    data.fails_in = stream
    with pytest.raises(RuntimeError, match="the database went away"):
        write_reports(run_report(data), tmp_path)
    assert names(tmp_path) == set()


def test_reports_of_an_earlier_run_stay_until_the_new_ones_are_complete(tmp_path: Path) -> None:
    write_reports(run_report(one_of_each()), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    data = one_of_each()
    data.fails_in = "rejected"
    with pytest.raises(RuntimeError):
        write_reports(run_report(data, run_id="another"), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    write_reports(run_report(InMemory(), run_id="another"), tmp_path)
    assert names(tmp_path) == FILES
    assert json.loads((tmp_path / "summary.json").read_text())["run_id"] == "another"


def test_what_a_crash_left_is_replaced_and_no_link_is_followed(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = re.sub(r"[^0-9A-Za-z-]", "-", platform.node())
    (out / f".results.csv.{host}.{gone.pid}.0a1b2c.part").symlink_to(stranger)
    (out / f".errors.csv.{host}.{gone.pid}.0a1b2c.part").write_text("half a report")
    (out / f".rejections.xlsx.scratch.{host}.{gone.pid}.0a1b2c.part").mkdir()
    write_reports(run_report(one_of_each()), out)
    assert stranger.read_text() == "mine"
    assert names(out) == FILES


def test_a_file_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(ReportFailed) as caught:
        write_reports(run_report(one_of_each()), tmp_path)
    assert caught.value.exit_code == 6
    assert caught.value.hint == f"importer report {RUN}"
    assert caught.value.file == str(tmp_path / "results.csv")
    assert names(tmp_path) == {"results.csv"}, "known before anything is replaced"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ReportFailed, match="taken"):
        write_reports(run_report(one_of_each()), tmp_path / "taken" / "out")


def test_a_file_name_that_is_no_utf8_is_still_reported(tmp_path: Path) -> None:
    name = b"kunder\xff.csv".decode("utf-8", "surrogateescape")
    write_reports(run_report(InMemory(), file={"name": name}), tmp_path)
    assert json.loads((tmp_path / "summary.json").read_bytes())["file"]["name"] == name
    assert "kunder[U+DCFF].csv" in (tmp_path / "report.html").read_text("utf-8")


def test_of_files_written_at_a_time_the_one_that_failed_is_named(tmp_path: Path) -> None:
    def fail(files: Staged) -> None:
        with files.file("changes.csv"), files.file("rejections.xlsx"):
            pass
        with files.file("results.csv"):
            with files.file("errors.csv"):
                pass
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ReportFailed) as caught, staged(tmp_path, RUN, "summary.json") as files:
        fail(files)
    assert caught.value.file == str(tmp_path / "results.csv")
    assert names(tmp_path) == set()
