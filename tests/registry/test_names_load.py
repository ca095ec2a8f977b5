"""`pw names load`: counts that match, exit codes, whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.cli import main
from pw_pipelines.db.connection import Database
from pw_pipelines.settings import load_settings
from tests.registry.florida import Company, record, write

Pw = Callable[..., tuple[int, str, str]]
MANY = [Company(f"L{n:011}", f"NAME {n} LLC", filed="12312026" if n % 9 else "01022026") for n in range(100)]


@pytest.fixture
def pw(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pw:
    """Runs `pw` with these words on this test's database; returns (exit code, stdout, stderr)."""
    monkeypatch.setenv("PW_HOME", str(tmp_path / "home"))
    for name in ("PW_DATABASE_URL", "PW_DAGSTER_DATABASE_URL", "PW_SANDBOX_DATABASE_URL"):
        monkeypatch.setenv(name, db.url)

    def run(*words: object) -> tuple[int, str, str]:
        load_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["pw", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def answered(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    assert out.count("\n") == 1
    return found


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_daily_file_goes_in_whole_and_the_counts_match(pw: Pw, tmp_path: Path, line_end: bytes) -> None:
    code, out, _ = pw("names", "load", "fl", write(tmp_path / "20261120c.txt", MANY, line_end=line_end), "--json")

    answer = answered(out)
    assert code == 0
    assert {key: answer[key] for key in ("state", "read", "loaded", "rejected", "control_total", "entities")} == {
        "state": "FL", "read": 100, "loaded": 100, "rejected": 0, "control_total": None, "entities": 100,
    }  # fmt: skip
    assert answer["seconds"] > 0
    (file,) = answer["files"]
    assert (file["file"], file["source"], file["as_of"], file["share"]) == (
        "20261120c.txt", "sunbiz_cor_daily", "2026-11-20", "increment",
    )  # fmt: skip


def test_what_cannot_be_read_is_counted_and_the_rest_goes_in(pw: Pw, tmp_path: Path) -> None:
    path = write(tmp_path / "20261120c.txt", MANY)
    path.write_bytes(path.read_bytes() + record(MANY[0])[:-1] + b"\r\n")

    code, out, _ = pw("names", "load", "FL", path, "--json")

    answer = answered(out)
    assert (code, answer["read"], answer["loaded"], answer["rejected"]) == (0, 101, 100, 1)


def test_a_bad_file_is_refused_with_its_reason_and_nothing_is_half_loaded(pw: Pw, tmp_path: Path, db: Database) -> None:
    path = tmp_path / "20261120c.txt"
    path.write_bytes(b"".join(record(one)[: 1440 - n % 2] + b"\n" for n, one in enumerate(MANY)))

    code, out, _ = pw("names", "load", "FL", path, "--json")

    answer = answered(out)
    assert (code, answer["read"], answer["loaded"], answer["rejected"], answer["entities"]) == (1, 100, 0, 100, 0)
    assert "could not be read" in answer["files"][0]["reasons"][0]


def test_a_file_of_nobody_s_is_refused_before_anything_is_kept(pw: Pw, tmp_path: Path, db: Database) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam,\n")

    code, out, err = pw("names", "load", "FL", path, "--json")

    assert (code, answered(out)["loaded"]) == (1, 0)
    assert "sunbiz_cor_daily" in err
    with db.connect() as connection:
        assert connection.execute("select 1 from pw.snapshots").fetchall() == []


def test_ten_parts_in_one_call_are_the_whole_register_when_stated(pw: Pw, tmp_path: Path) -> None:
    parts = [write(tmp_path / f"cordata{n}.txt", MANY[n::10]) for n in range(10)]

    code, out, _ = pw("names", "load", "FL", *parts, "--whole", "--as-of", "2026-10-05", "--json")

    answer = answered(out)
    assert (code, answer["read"], answer["loaded"], answer["entities"]) == (0, 100, 100, 100)
    assert {one["share"] for one in answer["files"]} == {"whole"}


def test_a_day_in_the_future_is_wrong_usage(pw: Pw, tmp_path: Path) -> None:
    code, _, err = pw("names", "load", "FL", write(tmp_path / "20261120c.txt", MANY), "--as-of", "2999-01-01")

    assert code == 2
    assert "future" in err


def test_without_json_people_read_what_happened(pw: Pw, tmp_path: Path) -> None:
    code, out, _ = pw("names", "load", "FL", write(tmp_path / "20261120c.txt", MANY))

    assert code == 0
    assert "100 records, 0 could not be read" in out
    assert "FL: 100 names can be searched" in out


def test_a_file_refused_by_its_first_bytes_is_one_json_object_too(pw: Pw, tmp_path: Path) -> None:
    page = tmp_path / "rows.json"
    page.write_bytes(b"<!doctype html><html><title>Just a moment</title></html>")

    code, out, err = pw("names", "load", "CO", page, "--json")

    answer = answered(out)
    assert (code, answer["read"], answer["loaded"], answer["files"][0]["grade"]) == (1, 0, 0, "rejected")
    assert "is an HTML page" in answer["files"][0]["reasons"][0]
    assert "is an HTML page" in err


def test_a_file_of_a_day_that_has_not_come_is_not_taken_for_todays(pw: Pw, tmp_path: Path) -> None:
    code, out, err = pw("names", "load", "FL", write(tmp_path / "20991231c.txt", MANY), "--json")

    assert (code, out) == (2, "")
    assert "2099-12-31, which has not come" in " ".join(err.split())


def test_a_file_given_twice_counts_once(pw: Pw, tmp_path: Path) -> None:
    file = write(tmp_path / "20261120c.txt", MANY)

    code, out, _ = pw("names", "load", "FL", file, file, "--json")

    answer = answered(out)
    assert (code, answer["read"], answer["loaded"], answer["entities"]) == (0, 100, 100, 100)
    assert len(answer["files"]) == 2


def test_a_file_whose_name_is_no_text_is_refused_in_a_sentence(pw: Pw, tmp_path: Path) -> None:
    code, _, err = pw("names", "load", "FL", write(tmp_path / "a\udcff.txt", MANY))

    assert code == 2
    assert "Rename it." in " ".join(err.split())


def test_a_name_too_long_for_any_index_is_a_reject_and_the_rest_goes_in(pw: Pw, tmp_path: Path) -> None:
    rows = [{"entityid": str(20201000000 + n), "entityname": f"Fox {n} LLC", "entitystatus": "Good Standing"}
            for n in range(4000)]  # fmt: skip
    rows[7]["entityname"] = "A" * 100_000
    rows[9]["entityid"] = "7" * 5_000
    page = tmp_path / "rows.json"
    page.write_text(json.dumps(rows))

    code, out, _ = pw("names", "load", "CO", page, "--json")

    answer = answered(out)
    assert (code, answer["read"], answer["loaded"], answer["rejected"]) == (0, 4000, 3998, 2)
    assert "100,000 characters" in " ".join(answer["files"][0]["reasons"])


@pytest.mark.parametrize("nested", ["[" * 200_000, '[{"entityid":"1","entityname":' + "[" * 200_000 + "}]"])
def test_json_nested_without_end_is_refused_in_a_sentence(pw: Pw, tmp_path: Path, nested: str) -> None:
    page = tmp_path / "rows.json"
    page.write_text(nested)

    code, out, err = pw("names", "load", "CO", page, "--json")

    assert code == 1
    assert answered(out)["loaded"] == 0
    assert "Traceback" not in err


def test_parts_loaded_together_are_no_yardstick_for_a_register_in_one_file(pw: Pw, tmp_path: Path) -> None:
    """Ten parts have a tenth of the records each: neither they nor the file after them is refused for that."""
    parts = [write(tmp_path / f"cordata{n}.txt", MANY[n::10]) for n in range(10)]
    whole = write(tmp_path / "cordata.txt", MANY)
    stated = ("--expect-rows", 100)

    assert pw("names", "load", "FL", *parts, "--whole", "--as-of", "2026-10-05")[0] == 0
    assert pw("names", "load", "FL", whole, "--as-of", "2026-10-12", *stated)[0] == 0
    assert pw("names", "load", "FL", *parts, "--whole", "--as-of", "2026-10-19")[0] == 0


def test_a_day_that_contradicts_a_daily_files_name_is_wrong_usage(pw: Pw, tmp_path: Path, db: Database) -> None:
    file = write(tmp_path / "20261120c.txt", MANY)

    code, out, err = pw("names", "load", "FL", file, "--as-of", "2026-11-19", "--json")

    assert (code, out) == (2, "")
    assert "20261120c.txt is the file of 2026-11-20 by its name, and --as-of says 2026-11-19" in " ".join(err.split())
    with db.connect() as connection:
        assert connection.execute("select 1 from pw.snapshots").fetchall() == []
    assert pw("names", "load", "FL", file, "--as-of", "2026-11-20")[0] == 0


@pytest.mark.parametrize("form", ["array", "lines"])
@pytest.mark.parametrize("written", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_a_number_that_is_none_is_never_a_name(pw: Pw, tmp_path: Path, db: Database, written: str, form: str) -> None:
    rows = [f'{{"entityid":"{20201000000 + n}","entityname":"Fox {n} LLC"}}' for n in range(2000)]
    rows[5] = f'{{"entityid":"20201000005","entityname":{written}}}'
    page = tmp_path / "rows.json"
    page.write_text("[" + ",\n".join(rows) + "]" if form == "array" else "\n".join(rows) + "\n")

    code, out, _ = pw("names", "load", "CO", page, "--json")

    answer = answered(out)
    assert (code, answer["read"], answer["loaded"], answer["rejected"]) == (0, 2000, 1999, 1)
    with db.connect() as connection:
        (told,) = connection.execute("select reason from pw.snapshot_rejects").fetchall()
        assert connection.execute("select 1 from registry.entities where name_key like %s", ("%inf%",)).fetchall() == []
    assert "entityname is a number without a value" in str(told["reason"])
