"""`pw names load`: counts that match, exit codes, whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.cli import main
from pw_pipelines.clock import Clock
from pw_pipelines.commands.names_files import PUBLISHED_AS
from pw_pipelines.db.connection import Database
from pw_pipelines.settings import load_settings
from pw_pipelines.sources.registers import REGISTERS, recognise, registers_of
from tests.registry.florida import Company, record, write
from tests.sources.register_files import corporation, illinois, lines

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

    assert code == 2
    assert "2099-12-31, which has not come" in answered(out)["error"]
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

    assert (code, answered(out)["loaded"]) == (2, 0)
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


# --- the day a file is of ---------------------------------------------------------------------------


def colorado(path: Path, status: str = "Good Standing", *, names: int = 3) -> Path:
    """An export of Colorado's site: CSV, whole by the day in its name."""
    rows = [f'"{20201000000 + n}","Fox {n} LLC","{status}"' for n in range(names)]
    path.write_text("\r\n".join(['"entityid","entityname","entitystatus"', *rows, ""]))
    return path


def standings(db: Database, state: str) -> set[str]:
    with db.connect() as connection:
        found = connection.execute("select distinct standing from registry.entities where state = %s", (state,))
        return {str(row["standing"]) for row in found.fetchall()}


def is_nothing_kept(db: Database) -> bool:
    with db.connect() as connection:
        return connection.execute("select 1 from pw.snapshots").fetchall() == []


def test_an_old_export_goes_in_under_its_own_day_and_replaces_nothing_newer(
    pw: Pw, tmp_path: Path, db: Database
) -> None:
    stated = ("--expect-rows", 3, "--json")
    newer = colorado(tmp_path / "Business_Entities_in_Colorado_20261120.csv", "Delinquent")
    older = colorado(tmp_path / "Business_Entities_in_Colorado_20260801.csv")
    assert pw("names", "load", "CO", newer, *stated)[0] == 0

    code, out, _ = pw("names", "load", "CO", older, *stated)

    (file,) = answered(out)["files"]
    assert (code, file["as_of"], file["share"]) == (0, "2026-08-01", "whole")
    assert standings(db, "CO") == {"not_live"}
    with db.connect() as connection:
        (row,) = connection.execute("select whole_as_of from registry.coverage where state = 'CO'").fetchall()
    assert row["whole_as_of"] == date(2026, 11, 20)


def test_an_old_export_loaded_first_is_never_called_todays(pw: Pw, tmp_path: Path) -> None:
    old = colorado(tmp_path / "Business_Entities_in_Colorado_20260801.csv")

    pw("names", "load", "CO", old, "--expect-rows", 3)
    _, out, _ = pw("names", "search", "Red Owl LLC", "--state", "CO", "--no-portal", "--json")

    assert answered(out)["data"]["as_of"] == "2026-08-01"


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("FL", "{day:%Y%m%d}c.txt"),
        ("CO", "Business_Entities_in_Colorado_{day:%Y%m%d}.csv"),
        ("CO", "Business_Entities_in_Colorado_{day:%Y%m%d} (1).csv"),
        ("IL", "llcallmst.txt"),
    ],
)
def test_a_file_of_tomorrow_is_refused_and_never_booked_under_another_day(
    pw: Pw, tmp_path: Path, db: Database, state: str, name: str
) -> None:
    day = Clock().today() + timedelta(days=1)
    file = tmp_path / name.format(day=day)
    if state == "CO":
        colorado(file)
    elif state == "FL":
        write(file, MANY)
    else:
        file.write_bytes(illinois("LLC MASTER DATA", [], day=f"{day:%Y%m%d}"))

    code, out, _ = pw("names", "load", state, file, "--json")

    assert code == 2
    assert f"{file.name} says it is of {day}, which has not come" in answered(out)["error"]
    assert is_nothing_kept(db)


def test_files_that_are_a_register_together_are_of_the_oldest_day_they_tell(pw: Pw, tmp_path: Path) -> None:
    files = []
    for name, day in (("MASTER", "20261007"), ("NAME", "20260801")):
        files.append(tmp_path / f"{name}.txt")
        files[-1].write_bytes(illinois(f"LLC {name} DATA", [], day=day))

    _, out, _ = pw("names", "load", "IL", *files, "--whole", "--json")

    assert {one["as_of"] for one in answered(out)["files"]} == {"2026-08-01"}


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("FL", "20261120c.txt", "--as-of", "yesterday"), 2, "'yesterday' is not a day"),
        (("FL", "20261120c.txt", "--as-of", "2999-01-01"), 2, "is in the future"),
        (("FL", "nowhere.txt"), 2, "There is no file"),
        (("FL", "."), 2, "is no file"),
        (("FL", "a\udcff.txt"), 2, "Rename it."),
        (("XX", "20261120c.txt"), 2, "There is no state 'XX'."),
        (("TX", "20261120c.txt"), 1, "No register file of TX can be read."),
    ],
)
def test_every_refusal_is_one_json_object_with_its_reason_and_changes_no_exit_code(
    pw: Pw, tmp_path: Path, db: Database, words: tuple[str, ...], code: int, said: str
) -> None:
    state, name, *options = words
    file = tmp_path / name
    if name not in ("nowhere.txt", "."):
        write(file, MANY)

    ended, out, err = pw("names", "load", state, file, *options, "--json")

    answer = answered(out)
    assert (ended, answer["read"], answer["loaded"], answer["files"][0]["loaded"]) == (code, 0, 0, False)
    assert said in answer["error"]
    assert said in " ".join(answer["files"][0]["reasons"])
    assert "".join(err.split()) == "error" + "".join(answer["error"].split())
    assert is_nothing_kept(db)


def test_a_total_that_contradicts_what_is_in_force_is_told_as_json(pw: Pw, tmp_path: Path) -> None:
    file = write(tmp_path / "20261120c.txt", MANY)
    assert pw("names", "load", "FL", file)[0] == 0

    code, out, err = pw("names", "load", "FL", file, "--expect-rows", 7, "--json")

    answer = answered(out)
    assert (code, answer["loaded"], answer["entities"]) == (1, 0, 100)
    assert "states 7" in answer["error"]
    assert answer["files"][0]["reasons"] == [answer["error"]]
    assert "pw snapshot recall" in " ".join(err.split())


def test_what_does_not_depend_on_a_refused_file_is_loaded(pw: Pw, tmp_path: Path) -> None:
    good = [write(tmp_path / f"202611{day}c.txt", MANY) for day in (18, 19)]
    junk = tmp_path / "letter.txt"
    junk.write_text("Dear Sir or Madam,\n")

    code, out, _ = pw("names", "load", "FL", good[0], junk, good[1], "--json")

    answer = answered(out)
    assert (code, answer["loaded"], answer["entities"]) == (1, 200, 100)
    assert [(one["file"], one["grade"], one["loaded"]) for one in answer["files"]] == [
        ("20261118c.txt", "partial", True), ("letter.txt", "rejected", False), ("20261119c.txt", "partial", True),
    ]  # fmt: skip
    code, out, _ = pw("names", "load", "FL", good[0], junk)
    assert code == 1
    assert "letter.txt  NOT loaded\n  letter.txt begins with" in out


def test_parts_of_one_register_say_which_part_kept_them_out(pw: Pw, tmp_path: Path) -> None:
    part = write(tmp_path / "cordata0.txt", MANY)
    junk = tmp_path / "letter.txt"
    junk.write_text("Dear Sir or Madam,\n")

    code, out, _ = pw("names", "load", "FL", part, junk, "--whole", "--as-of", "2026-10-05", "--json")

    first, second = answered(out)["files"]
    assert (code, first["grade"], second["grade"]) == (1, None, "rejected")
    assert first["reasons"][0].startswith("Not loaded, because letter.txt was refused: letter.txt begins with")


def test_a_part_that_was_graded_bad_keeps_the_good_ones_out_by_name(pw: Pw, tmp_path: Path) -> None:
    good = write(tmp_path / "cordata0.txt", MANY)
    bad = tmp_path / "cordata1.txt"
    bad.write_bytes(b"".join(record(one)[: 1440 - n % 2] + b"\n" for n, one in enumerate(MANY)))

    code, out, _ = pw("names", "load", "FL", good, bad, "--whole", "--as-of", "2026-10-05", "--json")

    answer = answered(out)
    assert (code, answer["loaded"], answer["files"][1]["grade"]) == (1, 0, "rejected")
    assert answer["files"][0]["reasons"][-1].startswith("Not loaded, because cordata1.txt was refused: ")


def test_a_file_of_a_day_to_come_keeps_the_others_out_but_is_not_their_fault(pw: Pw, tmp_path: Path) -> None:
    files = [write(tmp_path / name, MANY) for name in ("20261120c.txt", "20991231c.txt")]

    code, out, _ = pw("names", "load", "FL", *files, "--json")

    first, second = (one["reasons"][0] for one in answered(out)["files"])
    assert code == 2
    assert first.startswith("Not loaded, because 20991231c.txt was refused: ")
    assert second.startswith("20991231c.txt says it is of 2099-12-31")


def test_an_unknown_state_is_called_one_and_the_known_ones_can_be_listed(pw: Pw, tmp_path: Path) -> None:
    code, _, err = pw("names", "load", "XX", write(tmp_path / "20261120c.txt", MANY))

    said = " ".join(err.split())
    assert code == 2
    assert "There is no state 'XX'. Files can be loaded of CO, CT, FL, IA, IL, NY, OR and PA;" in said
    assert "pw names search NAME --state all" in said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("FL", "cordata.zip"),
        ("CO", "data set 4ykn-tg5h of data.colorado.gov"),
        ("IA", "data set 554"),
        ("IL", "llcallmst.txt"),
    ],
)
def test_a_refusal_names_the_files_a_person_can_look_for(pw: Pw, tmp_path: Path, state: str, said: str) -> None:
    junk = tmp_path / "letter.txt"
    junk.write_text("Dear Sir or Madam,\n")

    _, _, err = pw("names", "load", state, junk)

    assert said in " ".join(err.split())


def test_the_names_files_are_said_to_have_are_those_they_are_known_by() -> None:
    with_data_sets = {one.source for one in REGISTERS.values() if one.state not in ("FL", "IL")}
    assert set(PUBLISHED_AS) | with_data_sets == set(REGISTERS)
    for source, names in PUBLISHED_AS.items():
        state = REGISTERS[source].state
        for name in names:
            head = lines([corporation()]) if state == "FL" else b"RUN DATE=20261007   FILE:\r\n"
            assert recognise(state, head, name.replace("YYYYMMDD", "20261120")).source == source
    assert len(registers_of("FL")) == 6
