"""A rebuild that would newly accuse very many carriers at once: held, told, and let through by a person."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from pw_pipelines.cli import main
from pw_pipelines.compliance import dbt_run, jumps
from pw_pipelines.compliance.jumps import Jump, Limit
from pw_pipelines.compliance.marts import build
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from pw_pipelines.sensors.checks import held_jumps
from pw_pipelines.settings import load_settings
from tests.conftest import TEMPLATE
from tests.dbt.scenarios import NOW, TODAY
from tests.fixtures_marts import UNTESTED, Judged, form499_filer, given_rows, given_snapshot, rmd_filing

MOST = 3
FILINGS = [rmd_filing(f"RMD000{n}", f"000000{n}", f"Carrier {n} Telecom") for n in range(2000, 2010)]
RULE = "RMD_REMOVED"


@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    """Three at once are many enough; dbt's own tests run in other builds."""
    low = {code: Limit(most=MOST, source=one.source, sightings=one.sightings) for code, one in jumps.limits().items()}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jumps, "limits", lambda: low)
        patched.setattr(dbt_run, "TESTED", UNTESTED)
        yield


def listed(db: Database, days_ago: int, filings: Iterable[dict[str, Any]]) -> None:
    day = TODAY - timedelta(days=days_ago)
    given_rows(db, "fcc_rmd_filings", given_snapshot(db, "fcc_rmd", day, layout="2026"), filings)


def rebuilt(db: Database, folder: Path, days_ago: int, released: dict[str, int] | None = None) -> set[str]:
    """Carriers found to have been removed."""
    build(db, as_of=TODAY - timedelta(days=days_ago), now=NOW, work_folder=folder, released=released)
    rows = Judged(db).rows("select frn from marts.findings where code = %s", RULE)
    return {str(row["frn"]) for row in rows}


def frns(filings: Iterable[dict[str, Any]]) -> set[str]:
    return {str(one["frn"]) for one in filings}


@pytest.fixture(scope="module")
def nine_days(clone_database: Callable[[str], str], dbt_folder: Path) -> Database:
    """Nine days of builds; two carriers left the list, and then five more at once. Only ever copied."""
    db = Database(clone_database(TEMPLATE))
    for days_ago in (9, 8):
        listed(db, days_ago, FILINGS)
    assert rebuilt(db, dbt_folder, 8) == set()
    for days_ago in (7, 6):
        listed(db, days_ago, FILINGS[2:])
    assert rebuilt(db, dbt_folder, 6) == frns(FILINGS[:2]), "a few are no jump"
    for days_ago in (5, 4):
        listed(db, days_ago, FILINGS[7:])
    assert rebuilt(db, dbt_folder, 4) == frns(FILINGS[:2]), "who stood accused before still does; nobody else is"
    return db


@pytest.fixture
def jumped(nine_days: Database, clone_database: Callable[[str], str]) -> Database:
    """A copy of `nine_days` for one test."""
    return Database(clone_database(str(conninfo_to_dict(nine_days.url)["dbname"])))


def test_a_jump_is_held_with_its_reason_and_told_to_ops(jumped: Database) -> None:
    held = Judged(jumped).held(str(FILINGS[4]["frn"]))
    assert "5 carriers would be newly accused of this at once; at most 3" in held[RULE]
    assert "pw findings release RMD_REMOVED" in held[RULE]
    (jump,) = jumps.held(jumped)
    assert jump == Jump(RULE, 5, MOST, TODAY - timedelta(days=4))
    (alert,) = held_jumps(jumped)
    assert "5 carriers would be newly accused at once" in alert.text
    assert (
        Judged(jumped).rows(
            "select distinct f.frn from segments.segment_members f where frn = any(%s)", list(frns(FILINGS[2:7]))
        )
        == []
    )


def test_a_person_lets_it_through_once_and_it_stays(jumped: Database, dbt_folder: Path) -> None:
    assert rebuilt(jumped, dbt_folder, 4, {RULE: 4}) == frns(FILINGS[:2]), "fewer were let through than there are"
    assert rebuilt(jumped, dbt_folder, 4, {RULE: 5}) == frns(FILINGS[:7])
    assert jumps.held(jumped) == []
    listed(jumped, 3, FILINGS[7:])
    assert rebuilt(jumped, dbt_folder, 3) == frns(FILINGS[:7]), "they are new no more"


def test_a_cured_carrier_is_cleared_while_others_are_held(jumped: Database, dbt_folder: Path) -> None:
    listed(jumped, 3, [FILINGS[0], *FILINGS[7:]])
    assert rebuilt(jumped, dbt_folder, 3) == frns(FILINGS[1:2])


def test_the_first_build_that_can_judge_by_a_rule_has_nothing_to_compare_with(db: Database, dbt_folder: Path) -> None:
    filers = [form499_filer(f"82{n}", f"000000{n}", f"Carrier {n} Telecom") for n in range(2000, 2006)]
    for days_ago in (9, 8):
        day = TODAY - timedelta(days=days_ago)
        given_rows(db, "fcc_form499_filers", given_snapshot(db, "fcc_form499", day), filers)
        listed(db, days_ago, FILINGS[6:])
        build(db, as_of=day, now=NOW, work_folder=dbt_folder)
        found = Judged(db).rows("select count(*) as n from marts.findings where code = 'RMD_MISSING'")
        assert found == [{"n": 0 if days_ago == 9 else 6}]
    assert jumps.held(db) == []


def test_the_limits_are_of_known_rules_and_sources() -> None:
    assert {"RMD_MISSING", "RMD_REMOVED", "CPNI_MISSING", "F499_MISSING", "BDC_MISSING", "BDC_DROPPED"} <= set(
        jumps.limits()
    )
    assert json.dumps(jumps.for_build({RULE: 9}))
    most = {str(one["code"]): one["most"] for one in jumps.for_build({RULE: 9})}
    assert (most[RULE], most["RMD_MISSING"]) == (9, MOST)


def test_the_command_lets_through_what_it_showed_and_refuses_what_is_not_held(
    jumped: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PW_HOME", str(tmp_path / "home"))
    for name in ("PW_DATABASE_URL", "PW_DAGSTER_DATABASE_URL", "PW_SANDBOX_DATABASE_URL"):
        monkeypatch.setenv(name, jumped.url)

    def pw(*words: str) -> tuple[int, str, str]:
        load_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["pw", "findings", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    assert "5 carriers would be newly accused" in pw("held")[1]
    code, _, told = pw("release", "RMD_MISSING", "--by", "jdoe", "--reason", "looked at")
    assert (code, "Nothing of 'RMD_MISSING' is held" in " ".join(told.split())) == (2, True)
    code, out, _ = pw("release", RULE, "--by", "jdoe", "--reason", "DA 26-1", "--json")
    assert (code, json.loads(out)["let_through"]) == (0, 5)
    assert "Nothing is held" in pw("held")[1]


def test_who_let_it_through_and_why_is_kept(db: Database) -> None:
    jumps.note_release(db, Jump(RULE, 5, MOST, date(2026, 3, 2)), at_most=5, by="jdoe", reason="DA 26-1", now=NOW)
    (row,) = Judged(db).rows("select text, sent_at from pw.alerts")
    assert row["text"] == "jdoe lets up to 5 new findings of RMD_REMOVED through (as of 2026-03-02): DA 26-1"
    assert row["sent_at"] is None, "ops are told with the next round"


def test_a_build_that_fails_raises_and_releases_nothing(
    jumped: Database, dbt_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pw_pipelines.compliance import marts

    def fail(*_: object, **__: object) -> None:
        raise PwError("dbt is ill")

    monkeypatch.setattr(marts, "run_phase", fail)
    with pytest.raises(PwError, match="ill"):
        build(jumped, as_of=TODAY, now=NOW, work_folder=dbt_folder, released={RULE: 5})
    assert [one.code for one in jumps.held(jumped)] == [RULE]
