"""`pw snapshot`: the keys and exit codes that other people's scripts rely on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.cli import main
from pw_pipelines.db.connection import Database
from pw_pipelines.faults import VARIABLE, InjectedFault
from pw_pipelines.settings import load_settings
from pw_pipelines.snapshots import books
from tests.snapshots.copies import SMALL, export

Pw = Callable[..., tuple[int, str, str]]
CONTRACT = ("source", "snapshot_id", "as_of", "grade", "rows", "rejected", "reasons")


@pytest.fixture
def pw(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pw:
    """Runs `pw` with these words on this test's database; returns (exit code, stdout, stderr)."""
    monkeypatch.setenv("PW_HOME", str(tmp_path / "home"))
    for name in ("PW_DATABASE_URL", "PW_DAGSTER_DATABASE_URL", "PW_SANDBOX_DATABASE_URL"):
        monkeypatch.setenv(name, db.url)

    def run(*words: str) -> tuple[int, str, str]:
        load_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["pw", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "rmd_us_only.csv"
    path.write_bytes(export(SMALL, change=lambda row: [*row[:17], "No", *row[18:]] if row[0] == "RMD0000001" else row))
    return path


def vouched(part: Path) -> tuple[str, ...]:
    return ("snapshot", "ingest", "fcc_rmd", str(part), "--as-of", "2026-11-22", "--expect-rows", str(SMALL), "--json")


def answered(out: str) -> dict[str, Any]:
    """The one JSON object on stdout, and nothing else there."""
    found: dict[str, Any] = json.loads(out)
    assert out.count("\n") == 1
    return found


def test_a_good_copy_is_answered_in_json_and_ends_with_0(pw: Pw, part: Path, db: Database) -> None:
    code, out, _ = pw(*vouched(part), "--stated-by", "Pat Example", "--no-marts")
    answer = answered(out)
    assert code == 0
    assert tuple(answer)[: len(CONTRACT)] == CONTRACT
    assert (answer["grade"], answer["rows"], answer["rejected"], answer["as_of"]) == (
        "complete",
        SMALL,
        0,
        "2026-11-22",
    )
    assert (answer["stated_total"], answer["stated_by"], answer["proves_absence"]) == (SMALL, "Pat Example", False)
    assert answer["loaded"] is True
    current = books.current(db, "fcc_rmd")
    assert current is not None
    assert current.snapshot_id == answer["snapshot_id"]


def test_a_rejected_copy_is_answered_in_json_with_its_reasons_and_ends_with_1(pw: Pw, tmp_path: Path) -> None:
    page = tmp_path / "rmd.csv"
    page.write_text("<!DOCTYPE html><title>Scheduled Maintenance</title>")
    code, out, _ = pw("snapshot", "ingest", "fcc_rmd", str(page), "--json")
    answer = answered(out)
    assert code == 1
    assert (answer["grade"], answer["loaded"], answer["marts"]) == ("rejected", False, None)
    assert "Scheduled Maintenance" in answer["reasons"][0]


def test_the_same_file_twice_answers_the_same_snapshot(pw: Pw, part: Path) -> None:
    first = answered(pw(*vouched(part), "--no-marts")[1])
    again = answered(pw(*vouched(part), "--no-marts")[1])
    assert first == again
    assert len(answered(pw("snapshot", "list", "--json")[1])["snapshots"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("fcc_nothing", "{file}"),
        ("fcc_rmd", "/no/such/file.csv"),
        ("fcc_rmd", "{file}", "--as-of", "22.11.2026"),
        ("fcc_rmd", "{file}", "--as-of", "2999-01-01"),
        ("fcc_rmd", "{file}", "--expect-rows", "0"),
    ],
    ids=["unknown source", "no such file", "not a day", "a day to come", "no rows"],
)
def test_wrong_usage_ends_with_2_and_one_sentence(pw: Pw, part: Path, words: tuple[str, ...]) -> None:
    code, out, err = pw("snapshot", "ingest", *(word.format(file=part) for word in words), "--json")
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert err


def test_a_day_the_copy_states_itself_is_taken_when_none_is_given(pw: Pw, tmp_path: Path) -> None:
    reply = tmp_path / "499.xml"
    reply.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Filer499QueryResults Updated="2021-06-21" RecordCount="1">'
        "<Filer><Form_499_ID>800001</Form_499_ID><Filer_ID_Info><Legal_Name>Example Voice LLC</Legal_Name>"
        "<Registration_Current_as_of>2021-04-01</Registration_Current_as_of><start_date>2015-01-12</start_date>"
        "<USF_Contributor>Yes</USF_Contributor><Principal_Communications_Type>Interconnected VoIP"
        "</Principal_Communications_Type><FRN>0021441233</FRN></Filer_ID_Info></Filer></Filer499QueryResults>"
    )
    answer = answered(pw("snapshot", "ingest", "fcc_form499", str(reply), "--no-marts", "--json")[1])
    assert answer["as_of"] == "2021-06-21", answer


def test_people_are_shown_the_checks_with_both_numbers(pw: Pw, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = answered(pw(*vouched(part), "--no-marts")[1])["snapshot_id"]
    shown = pw("snapshot", "show", snapshot)[1]
    assert "1,100 rows against at least 9,500" in shown
    assert "stands in for it" in shown
    monkeypatch.setenv("COLUMNS", "30")  # an id that is cut cannot be given to `show` or `recall`
    listed = pw("snapshot", "list", "--source", "fcc_rmd")[1]
    assert snapshot in listed
    assert answered(pw("snapshot", "show", snapshot, "--json")[1])["checks"][0]["name"] == "readable"


def test_a_snapshot_nobody_knows_ends_with_1_and_one_sentence(pw: Pw) -> None:
    code, out, err = pw("snapshot", "recall", "fcc_rmd-2026-11-22-000000000000", "--reason", "wrong")
    assert (code, out) == (1, "")
    assert "pw snapshot list" in err


def test_what_a_hard_stop_left_ungraded_is_finished_by_one_command(
    pw: Pw, part: Path, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "snapshot.take.after_register:raise")
    with pytest.raises(InjectedFault):
        pw(*vouched(part), "--no-marts")
    monkeypatch.delenv(VARIABLE)
    code, out, _ = pw("snapshot", "reparse", "--no-marts", "--json")
    assert (code, [one["grade"] for one in answered(out)["snapshots"]]) == (0, ["complete"])
    assert books.current(db, "fcc_rmd") is not None
    assert answered(pw("snapshot", "reparse", "--no-marts", "--json")[1])["snapshots"] == []


def marts(db: Database) -> dict[str, list[dict[str, object]]]:
    with db.connect() as connection:
        return {
            table: connection.execute(f"select * from {table} order by 1, 2").fetchall()
            for table in ("marts.findings", "marts.carriers", "marts.deficiency_leads", "pw.finding_history")
        }


def test_findings_follow_a_good_copy_ignore_a_bad_one_and_fall_with_a_recalled_one(
    pw: Pw, part: Path, db: Database, tmp_path: Path
) -> None:
    good = answered(pw(*vouched(part))[1])
    assert good["marts"]["error"] is None
    assert good["marts"]["after"]["by_code"]["RMD_ROLE_NONE"] == 1
    before = marts(db)

    cut = tmp_path / "cut.csv"
    cut.write_bytes(part.read_bytes()[: part.stat().st_size * 4 // 10])
    bad = pw("snapshot", "ingest", "fcc_rmd", str(cut), "--as-of", "2026-11-22", "--expect-rows", str(SMALL), "--json")
    assert (bad[0], answered(bad[1])["grade"]) == (1, "rejected")
    assert marts(db) == before

    code, out, _ = pw("snapshot", "recall", good["snapshot_id"], "--reason", "a test export", "--json")
    recalled = answered(out)
    assert (code, recalled["grade"], recalled["loaded"]) == (0, "recalled", False)
    assert recalled["findings_by_code"] == good["marts"]["after"]["by_code"]
    assert recalled["marts"]["after"]["findings"] == 0
    with db.connect() as connection:
        closed = connection.execute("select distinct closed_reason from pw.finding_history").fetchall()
    assert closed == [{"closed_reason": "recalled"}]


def test_marts_that_cannot_follow_end_with_1_but_what_was_done_is_still_told(pw: Pw, part: Path, db: Database) -> None:
    pw(*vouched(part), "--no-marts")
    with db.connect() as connection:  # a row that no reader would let through, and that the models' tests refuse
        connection.execute("update core.fcc_rmd_filings set frn = 'no FRN' where number = 'RMD0000001'")
    code, out, err = pw(*vouched(part))
    answer = answered(out)
    assert (code, answer["grade"], answer["loaded"]) == (1, "complete", True)
    assert "is_frn" in answer["marts"]["error"]
    assert "the marts stand as before" in err
