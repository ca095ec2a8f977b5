"""Live readings: they may clear a finding, confirm it, or fail; they never make an accusation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from pw_pipelines.compliance.check import check
from pw_pipelines.compliance.check_result import CheckResult
from pw_pipelines.compliance.live import LiveRecord, open_live_record
from pw_pipelines.db.connection import Database
from pw_pipelines.settings import Settings
from tests.portal import given
from tests.portal.public_record import Sites
from tests.sources.builders import ecfs_filing

FRN = "0012345678"
STALE = {"Registration_Current_as_of": "2025-04-01"}


@contextmanager
def record(sites: Sites, **more: Any) -> Iterator[LiveRecord]:
    live = LiveRecord(sites, given.StoppedClock(), **more)  # type: ignore[arg-type]
    yield live
    live.close()


def asked(db: Database, sites: Sites, *, frn: str = FRN, **more: Any) -> CheckResult:
    with record(sites, **more) as live:
        return check(db, frn, clock=given.StoppedClock(), channel="page", live=live)  # type: ignore[arg-type]


def books_with(db: Database, *codes: str) -> None:
    ids = given.fresh_books(db)
    given.carrier(db)
    source = {"CPNI": "fcc_cpni", "F499": "fcc_form499", "F499A": "fcc_form499", "DC": "fcc_form499"}
    for code in codes:
        copy = ids[source.get(code.split("_", maxsplit=1)[0], "fcc_rmd")]
        given.finding(db, code, [copy], due_on=date(2026, 4, 1) if code.startswith("F499A") else date(2026, 3, 2))


def test_a_cpni_filing_that_is_there_now_clears_the_finding(db: Database) -> None:
    books_with(db, "CPNI_MISSING")
    filing = ecfs_filing(filers=[{"name": "ACME TELEPHONE, L.L.C."}], date_received="2026-11-21T02:30:00.000Z")
    result = asked(db, Sites(filings=[filing]))
    assert (result.answer, result.findings) == ("nothing found", [])
    assert [item.why for item in result.cleared] == ["A CPNI filing received 2026-11-20 is now there."]


@pytest.mark.parametrize(
    "filing",
    [
        ecfs_filing(filers=[{"name": "Acme Telephone of Ohio LLC"}]),
        ecfs_filing(filers=[{"name": "Acme Telephone LLC"}], date_received="2025-12-31T15:00:00.000Z"),
    ],
    ids=["another firm", "last year's"],
)
def test_a_filing_of_another_firm_or_year_clears_nothing(db: Database, filing: dict[str, Any]) -> None:
    books_with(db, "CPNI_MISSING")
    result = asked(db, Sites(filings=[filing]))
    assert result.answer == "deficient"
    assert result.findings[0].note == "Read again just now: still so."


def test_a_filer_that_is_current_now_clears_a_stale_registration(db: Database) -> None:
    books_with(db, "F499A_STALE")
    assert asked(db, Sites(filers=[{}])).answer == "nothing found"


def test_a_filer_still_behind_confirms_it(db: Database) -> None:
    books_with(db, "F499A_STALE")
    result = asked(db, Sites(filers=[STALE]))
    assert [found.note for found in result.findings] == ["Read again just now: still so."]


@pytest.mark.parametrize("code", ["F499_MISSING", "F499_ENDED_BUT_ACTIVE"])
def test_an_active_filer_clears_a_missing_registration(db: Database, code: str) -> None:
    books_with(db, code)
    assert asked(db, Sites(filers=[STALE])).answer == "nothing found"


def test_an_ended_filer_clears_nothing(db: Database) -> None:
    books_with(db, "F499_MISSING")
    ended = {"end_date": "2024-05-01", "end_reason_desc": "No longer active as of 5/1/2024"}
    assert asked(db, Sites(filers=[ended])).answer == "deficient"


def test_the_filers_of_another_frn_clear_nothing(db: Database) -> None:
    """A server that ignores the filter answers with everybody's filers."""
    books_with(db, "F499_MISSING")
    assert asked(db, Sites(filers=[{"FRN": "0099999999"}])).answer == "deficient"


def test_a_dc_agent_that_is_there_now_clears_the_finding(db: Database) -> None:
    books_with(db, "DC_AGENT_MISSING")
    assert asked(db, Sites(filers=[{}])).answer == "nothing found"


def test_a_live_reading_never_makes_an_accusation(db: Database) -> None:
    books_with(db)
    result = asked(db, Sites(registered=False, filers=[STALE], filings=[]))
    assert (result.answer, result.findings) == ("nothing found", [])


def test_the_sources_say_which_answers_are_live(db: Database) -> None:
    books_with(db, "CPNI_MISSING")
    states = {state.source: state for state in asked(db, Sites()).sources}
    assert {name for name, state in states.items() if state.live} == {"fcc_cores", "fcc_form499", "fcc_cpni"}
    assert states["fcc_cores"].note.startswith("Registered to INVENTED TELEPHONE 1 LLC")
    assert (states["fcc_cpni"].as_of, states["fcc_cpni"].snapshot_id) == (given.TODAY, "fcc_cpni-2026-11-22-complete")


def test_a_source_that_fails_leaves_the_stored_copy_in_force_and_says_so(db: Database) -> None:
    books_with(db, "CPNI_MISSING")
    result = asked(db, Sites(down=["fcc_cpni", "fcc_form499", "fcc_cores"]))
    cpni = next(state for state in result.sources if state.source == "fcc_cpni")
    assert (result.answer, cpni.live) == ("deficient", False)
    assert "could not be read now" in cpni.note
    assert "stored copy stays in force" in cpni.note


def test_a_page_that_is_no_registration_is_a_failure_and_not_an_unknown_frn(db: Database) -> None:
    given.fresh_books(db)
    result = asked(db, Sites(cores_fields_changed={"FRN:": "0099999999"}))
    assert result.answer == "cannot say"
    assert "CORES could not be read now" in result.summary


def test_a_source_that_hangs_is_not_waited_for(db: Database) -> None:
    books_with(db, "CPNI_MISSING")
    release = threading.Event()
    try:
        result = asked(db, Sites(hold=release), deadline_seconds=0.05)
    finally:
        release.set()
    assert result.answer == "deficient"
    assert all("did not answer within" in state.note for state in result.sources if state.source == "fcc_cpni")


def test_the_same_carrier_is_not_read_twice_within_minutes(db: Database) -> None:
    books_with(db)
    sites = Sites()
    with record(sites) as live:
        for _ in range(3):
            check(db, FRN, clock=given.StoppedClock(), channel="page", live=live)  # type: ignore[arg-type]
    assert sorted(sites.asked) == ["fcc_cores", "fcc_cpni", "fcc_form499"]


def test_a_failure_is_not_kept(db: Database) -> None:
    books_with(db)
    sites = Sites(down=["fcc_cores"])
    with record(sites) as live:
        for _ in range(2):
            check(db, FRN, clock=given.StoppedClock(), channel="page", live=live)  # type: ignore[arg-type]
    assert sites.asked.count("fcc_cores") == 2


def test_only_cores_is_asked_and_only_for_an_frn_nobody_knows(db: Database) -> None:
    books_with(db)
    sites = Sites(registered=False)
    with record(sites) as live:
        known = check(db, FRN, clock=given.StoppedClock(), channel="api", when_unknown=live)  # type: ignore[arg-type]
        unknown = check(db, "77", clock=given.StoppedClock(), channel="api", when_unknown=live)  # type: ignore[arg-type]
    assert (known.answer, unknown.answer, sites.asked) == ("nothing found", "unknown FRN", ["fcc_cores"])


def test_the_past_is_not_read_live(db: Database) -> None:
    books_with(db)
    sites = Sites()
    with record(sites) as live:
        check(db, FRN, clock=given.StoppedClock(), channel="api", as_of=date(2026, 11, 1), live=live)  # type: ignore[arg-type]
    assert sites.asked == []


def test_live_readings_are_logged(db: Database) -> None:
    books_with(db)
    asked(db, Sites(down=["fcc_cpni"]))
    with db.connect() as connection:
        rows = connection.execute("select live_sources from pw.compliance_check_log").fetchall()
    assert rows == [{"live_sources": ["fcc_form499", "fcc_cores"]}]


def test_the_stand_ins_answer_a_live_reading_through_the_real_clients(db: Database, sandbox_settings: Settings) -> None:
    given.fresh_books(db)
    live = open_live_record(sandbox_settings, sandbox_settings.clock)
    try:
        result = check(db, "0000000000", clock=sandbox_settings.clock, channel="api", when_unknown=live)
    finally:
        live.close()
    assert result.answer == "unknown FRN"
    assert [state.live for state in result.sources if state.source == "fcc_cores"] == [True]
