"""The compliance check of one FRN, from the books alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pw_pipelines.compliance.check import check, read_frn
from pw_pipelines.compliance.check_log import ASKED_CHARACTERS
from pw_pipelines.compliance.check_result import CheckResult
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import BadFrn, UsageError
from tests.portal import given
from tests.portal.given import TODAY

FRN = "0012345678"


def asked(db: Database, frn: str = FRN, **more: Any) -> CheckResult:
    return check(db, frn, clock=given.StoppedClock(), channel="cli", **more)  # type: ignore[arg-type]


def log_rows(db: Database) -> list[dict[str, Any]]:
    with db.connect() as connection:
        return connection.execute("select * from pw.compliance_check_log").fetchall()


@pytest.mark.parametrize(
    ("typed", "frn", "told"),
    [
        ("0012345678", "0012345678", False),
        (" 001 234-5678 ", "0012345678", False),
        ("FRN: 0012345678", "0012345678", False),
        ("001–2345–678", "0012345678", False),
        ("18547", "0000018547", True),
    ],
)
def test_blanks_hyphens_and_lost_zeros_are_put_right_and_restored_zeros_are_told(
    typed: str, frn: str, told: bool
) -> None:
    read, notes = read_frn(typed)
    assert read == frn
    assert bool(notes) == told


@pytest.mark.parametrize(
    "typed", ["", "hello", "12345678901", "0012345x78", "٠٠١٢٣٤٥٦٧٨", "--", "-1", " –0012345678", "−5"]
)
def test_what_is_no_frn_is_refused_kindly_and_logged(db: Database, typed: str) -> None:
    with pytest.raises(BadFrn, match="10 digits"):
        asked(db, typed)
    (row,) = log_rows(db)
    assert (row["answer"], row["frn"], row["asked"]) == ("malformed", None, typed)


def test_endless_text_is_cut_in_the_log(db: Database) -> None:
    with pytest.raises(BadFrn):
        asked(db, "x\0y" * 5_000)
    assert len(log_rows(db)[0]["asked"]) == ASKED_CHARACTERS


def test_findings_make_a_carrier_deficient_with_evidence_rule_price_and_copies(db: Database) -> None:
    ids = given.fresh_books(db)
    given.carrier(db)
    given.finding(db, "CPNI_MISSING", [ids["fcc_cpni"]], evidence={"nearest": ["Acme Tel"]}, due_on=date(2026, 3, 2))
    given.finding(db, "RMD_ROLE_NONE", [ids["fcc_rmd"]], evidence={"filing": "RMD0001413"})
    given.question(db, "CALEA_SSI")
    result = asked(db)
    assert result.answer == "deficient"
    assert "1 certain and 1 probable issues" in result.summary
    assert [(found.code, found.certainty, found.sources) for found in result.findings] == [
        ("CPNI_MISSING", "probable", ["fcc_cpni"]),
        ("RMD_ROLE_NONE", "sure", ["fcc_rmd"]),
    ]
    cpni = result.findings[0]
    assert (cpni.price_usd, cpni.service, cpni.due_on) == (Decimal("199.00"), "cpni_certification", date(2026, 3, 2))
    assert cpni.evidence == {"nearest": ["Acme Tel"]}
    assert cpni.snapshots == [ids["fcc_cpni"]]
    assert [question.code for question in result.questions] == ["CALEA_SSI"]
    assert result.services == ["cpni_certification", "rmd_filing"]


def test_every_source_says_as_of_when_and_that_it_is_a_stored_copy(db: Database) -> None:
    given.fresh_books(db)
    given.carrier(db)
    states = {state.source: state for state in asked(db).sources}
    assert list(states) == ["fcc_rmd", "fcc_form499", "fcc_cpni", "fcc_bdc", "fcc_cores"]
    assert (states["fcc_rmd"].as_of, states["fcc_rmd"].live, states["fcc_rmd"].grade) == (TODAY, False, "complete")
    assert states["fcc_rmd"].age_hours == 5.5
    assert (states["fcc_cores"].as_of, states["fcc_cores"].grade) == (None, None)


def test_a_service_without_a_published_price_is_by_quote(db: Database) -> None:
    ids = given.fresh_books(db)
    given.carrier(db)
    given.finding(db, "RMD_NOT_RECERTIFIED", [ids["fcc_rmd"]])
    assert asked(db).findings[0].price_usd == "quote"


def test_a_carrier_without_findings_and_with_all_its_records_has_nothing_found(db: Database) -> None:
    given.fresh_books(db)
    given.carrier(db)
    assert asked(db).answer == "nothing found"


def test_a_remark_alone_is_no_deficiency(db: Database) -> None:
    ids = given.fresh_books(db)
    given.carrier(db)
    given.finding(db, "F499_NO_FRN_LINK", [ids["fcc_form499"]])
    result = asked(db)
    assert result.answer == "nothing found"
    assert len(result.findings) == 1


def test_low_hints_alone_are_worded_as_low(db: Database) -> None:
    ids = given.fresh_books(db)
    given.carrier(db)
    given.finding(db, "RMD_CORES_MISMATCH", [ids["fcc_rmd"]])
    result = asked(db)
    assert result.answer == "deficient"
    assert "1 probable issue, of low severity" in result.summary
    assert "innocent reason" in result.summary


def test_a_missing_record_that_a_duty_needs_is_never_read_as_clean(db: Database) -> None:
    given.fresh_books(db, without=["fcc_cpni"])
    given.carrier(db)
    result = asked(db)
    assert result.answer == "cannot say"
    assert "CPNI" in result.summary
    assert "no usable copy" in result.summary


def test_a_missing_record_that_no_duty_needs_is_no_obstacle(db: Database) -> None:
    given.fresh_books(db, without=["fcc_bdc"])
    given.carrier(db, duties=["rmd"])
    assert asked(db).answer == "nothing found"


def test_a_copy_older_than_promised_cannot_clear_anybody(db: Database) -> None:
    given.fresh_books(db, as_of=date(2026, 11, 1))
    given.carrier(db)
    result = asked(db)
    assert result.answer == "cannot say"
    assert "Robocall Mitigation Database, and our copy of it is 21 days old" in result.summary


def test_a_copy_older_than_promised_accuses_nobody_either(db: Database) -> None:
    ids = given.fresh_books(db, as_of=date(2026, 11, 1))
    given.carrier(db)
    given.finding(db, "RMD_NOT_RECERTIFIED", [ids["fcc_rmd"]])
    result = asked(db)
    assert result.answer == "cannot say"
    assert [found.is_aged for found in result.findings] == [True]


def test_a_finding_on_good_copies_stands_although_another_record_is_missing(db: Database) -> None:
    ids = given.fresh_books(db, without=["fcc_cpni"])
    given.carrier(db)
    given.finding(db, "RMD_NOT_RECERTIFIED", [ids["fcc_rmd"]])
    assert asked(db).answer == "deficient"


def test_a_finding_on_a_recalled_copy_is_told_to_nobody_and_the_record_counts_as_missing(db: Database) -> None:
    ids = given.fresh_books(db)
    given.carrier(db)
    given.finding(db, "RMD_NOT_RECERTIFIED", [ids["fcc_rmd"]])
    given.recall(db, ids["fcc_rmd"])
    result = asked(db)
    assert result.findings == []
    assert result.answer == "cannot say"
    assert "recalled" in result.sources[0].note


def test_a_rejected_newer_copy_is_mentioned_and_the_older_stays_in_force(db: Database) -> None:
    ids = given.fresh_books(db, as_of=date(2026, 11, 21))
    given.snapshot(db, "fcc_rmd", TODAY, grade="rejected")
    given.carrier(db)
    state = asked(db).sources[0]
    assert (state.snapshot_id, state.as_of) == (ids["fcc_rmd"], date(2026, 11, 21))
    assert "was rejected and is not used" in state.note


def test_marts_that_were_never_built_cannot_say(db: Database) -> None:
    given.cores(db, FRN, found=True)
    result = asked(db)
    assert result.answer == "cannot say"
    assert "has not been judged yet" in result.summary


def test_a_foreign_provider_is_told_what_it_does_not_owe(db: Database) -> None:
    given.fresh_books(db)
    given.carrier(db, is_foreign=True, duties=["rmd"])
    result = asked(db)
    assert result.is_foreign
    assert any("foreign voice provider" in note for note in result.notes)


def test_an_frn_cores_does_not_know_is_unknown(db: Database) -> None:
    given.fresh_books(db)
    given.cores(db, "0000000000", found=False)
    assert asked(db, "0").answer == "unknown FRN"


def test_a_registered_frn_on_no_list_owes_nothing_visible(db: Database) -> None:
    given.fresh_books(db)
    given.cores(db, FRN, found=True)
    result = asked(db)
    assert (result.answer, result.name) == ("no filing duty visible", "ACME TELEPHONE LLC")


def test_a_private_person_is_not_named(db: Database) -> None:
    given.fresh_books(db)
    given.cores(db, FRN, found=True, entity_type="Individual", name="Robin Example")
    result = asked(db)
    assert (result.answer, result.name) == ("no filing duty visible", None)
    assert "Robin" not in repr(result)


def test_a_registered_frn_is_not_cleared_when_a_list_is_missing(db: Database) -> None:
    given.fresh_books(db, without=["fcc_form499"])
    given.cores(db, FRN, found=True)
    result = asked(db)
    assert result.answer == "cannot say"
    assert "Form 499" in result.summary


def test_an_frn_on_no_list_that_nobody_looked_up_is_not_called_unknown(db: Database) -> None:
    given.fresh_books(db)
    result = asked(db)
    assert result.answer == "cannot say"
    assert "CORES was not looked up" in result.summary


def test_a_carrier_with_no_duty_owes_nothing_visible(db: Database) -> None:
    given.fresh_books(db)
    given.carrier(db, duties=[])
    assert asked(db).answer == "no filing duty visible"


def test_a_past_day_is_answered_from_the_history(db: Database) -> None:
    ids = given.fresh_books(db)
    march = {source: given.snapshot(db, source, date(2026, 3, 10)) for source in given.LISTS}
    with db.connect() as connection:  # rebuilt in March, and again today
        connection.execute("delete from pw.mart_builds")
    given.build(db, march.values(), date(2026, 3, 10))
    given.build(db, ids.values())
    given.carrier(db)
    given.past_finding(db, "CPNI_MISSING", date(2026, 3, 4), date(2026, 6, 1), snapshot_ids=[march["fcc_cpni"]])
    given.past_finding(db, "RMD_ROLE_NONE", date(2026, 3, 4), date(2026, 3, 20), reason="recalled")
    then, now = asked(db, as_of=date(2026, 3, 11)), asked(db)
    assert ([found.code for found in then.findings], then.answer) == (["CPNI_MISSING"], "deficient")
    assert then.as_of == date(2026, 3, 10)
    assert then.findings[0].title == "No CPNI certification found for this year"
    assert any("answered from the rebuild of 2026-03-10" in note for note in then.notes)
    assert now.answer == "nothing found"


def test_a_past_day_before_the_first_rebuild_cannot_be_answered(db: Database) -> None:
    given.fresh_books(db)
    given.carrier(db)
    result = asked(db, as_of=date(2026, 1, 5))
    assert result.answer == "cannot say"
    assert result.findings == []


def test_a_past_day_long_after_the_last_rebuild_cannot_be_answered(db: Database) -> None:
    given.empty_marts(db)
    ids = [given.snapshot(db, source, date(2026, 3, 10)) for source in given.LISTS]
    given.build(db, ids, date(2026, 3, 10))
    given.carrier(db)
    assert asked(db, as_of=date(2026, 3, 11)).answer == "nothing found"
    assert asked(db, as_of=date(2026, 5, 1)).answer == "cannot say"


def test_a_rebuild_that_went_back_in_time_answers_while_it_stands_and_never_from_the_history(db: Database) -> None:
    """Its findings were not booked: an empty history must not be read as a clean past."""
    given.empty_marts(db)
    today = [given.snapshot(db, source) for source in given.LISTS]
    then = [given.snapshot(db, source, date(2026, 3, 10)) for source in given.LISTS]
    given.carrier(db)
    given.build(db, today)
    given.build(db, then, date(2026, 3, 10))
    given.finding(db, "RMD_ROLE_NONE", [then[0]])
    assert asked(db, as_of=date(2026, 3, 10)).answer == "deficient"
    given.build(db, today)
    assert asked(db, as_of=date(2026, 3, 10)).answer == "cannot say"


def test_what_could_not_be_proven_is_counted_and_not_told(db: Database) -> None:
    given.fresh_books(db)
    given.carrier(db)
    with db.connect() as connection:
        connection.execute(
            "insert into marts.held values (%s, 'RMD_MISSING', 'Seen in 1 of the 2 copies needed.', '{}', '{}')", (FRN,)
        )
    result = asked(db)
    assert (result.answer, result.findings, result.unsettled) == ("nothing found", [], 1)
    assert any("could not be settled" in note for note in result.notes)
    assert "RMD_MISSING" not in repr(result)


def test_the_future_cannot_be_asked(db: Database) -> None:
    with pytest.raises(UsageError, match="in the future"):
        asked(db, as_of=date(2026, 11, 23))


def test_every_check_is_logged_with_answer_codes_and_known_utm_only(db: Database) -> None:
    ids = given.fresh_books(db)
    given.carrier(db)
    given.finding(db, "CPNI_MISSING", [ids["fcc_cpni"]])
    result = asked(db, "12345678", utm={"utm_source": "mail", "utm_campaign": "x" * 500, "evil": "1", "utm_term": ""})
    (row,) = log_rows(db)
    assert (row["check_id"], row["frn"], row["asked"], row["channel"]) == (result.check_id, FRN, "12345678", "cli")
    assert (row["answer"], row["codes"], row["as_of"]) == ("deficient", ["CPNI_MISSING"], TODAY)
    assert row["utm"] == {"utm_source": "mail", "utm_campaign": "x" * 100}
    assert row["duration_ms"] > 0
