"""What makes a copy complete, partial or rejected, and the sentences that say why."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pw_pipelines.snapshots.grading import Circumstances, Verdict, grade, too_large
from pw_pipelines.snapshots.model import Snapshot
from pw_pipelines.sources.contract import SourceContract
from pw_pipelines.sources.report import ReadReport

TODAY = date(2026, 11, 22)
SEEN = {"seen": "2026-08-20", "why": "full export"}
CONTRACT: dict[str, Any] = {
    "source": "fcc_rmd",
    "title": "Robocall Mitigation Database",
    "publisher": "FCC",
    "landing_page": "https://www.fcc.gov/robocall-mitigation-database",
    "licence": "public domain",
    "cadence": "live",
    "row_is": "one filing.",
    "key": ["number"],
    "rows": {"min": 9_500, "max": 22_000, "healthy": 11_200, **SEEN},
    "bytes": {"min": 3_000_000, "max": 20_000_000, "healthy": 5_500_000, **SEEN},
    "change": {"shrink_pct": 15, "growth_pct": 50},
    "required_fill_pct": {"frn": 99},
    "max_reject_pct": 0.5,
    "newest_within_days": 45,
    "absence": {"sightings": 2, "distinct_bytes": True},
    "freshness": {"warn_hours": 30, "fail_hours": 54},
}
PROMISED = SourceContract.model_validate(CONTRACT)


def read(rows: int = 11_200, **known: Any) -> ReadReport:
    """A reader's report on a copy in which nothing is wrong unless told."""
    report = ReadReport(rows=rows, newest=date(2026, 11, 21), filled=Counter(frn=rows), layout="2026")
    return replace(report, **known)


def judged(
    report: ReadReport, *, contract: SourceContract = PROMISED, unreadable: str | None = None, **about: Any
) -> Verdict:
    known = {"as_of": TODAY, "origin": "fetched", "size": 5_500_000, "digest": "a" * 64, **about}
    return grade(report, contract, Circumstances(**known), unreadable)


def earlier(**known: Any) -> Snapshot:
    """Yesterday's complete copy of the whole list."""
    values: dict[str, Any] = dict.fromkeys(Snapshot.__dataclass_fields__)
    values |= {
        "snapshot_id": "fcc_rmd-2026-11-21-aaaaaaaaaaaa",
        "source": "fcc_rmd",
        "as_of": date(2026, 11, 21),
        "fetched_at": datetime(2026, 11, 21, 11, tzinfo=UTC),
        "origin": "fetched",
        "subject": "",
        "rows": 11_190,
        "newest_on": date(2026, 11, 20),
        "grade": "complete",
        "proves_absence": True,
        "reasons": (),
        "checks": (),
        "facts": {},
    }
    return Snapshot(**(values | known))


def failed(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.checks if not check.passed}


def test_a_healthy_copy_is_complete_and_its_absences_count() -> None:
    verdict = judged(read(), previous=earlier(), newest_fetched=earlier())
    assert (verdict.grade, verdict.proves_absence, verdict.reasons) == ("complete", True, ())
    assert failed(verdict) == set()


def test_every_check_carries_a_sentence_whether_it_passed_or_not() -> None:
    verdict = judged(read(), previous=earlier(), newest_fetched=earlier())
    assert all(len(check.reason) > 10 for check in verdict.checks)


def test_a_copy_that_cannot_be_read_is_rejected_with_the_reader_s_own_words_first() -> None:
    verdict = judged(read(0, newest=None), unreadable="HTML page instead of the RMD export: Maintenance.", size=130)
    assert verdict.grade == "rejected"
    assert verdict.reasons[0] == "HTML page instead of the RMD export: Maintenance."
    assert failed(verdict) == {"readable", "bytes_floor"}
    assert "130 bytes against at least 3,000,000" in verdict.reasons[1]


@pytest.mark.parametrize(
    ("rows", "moved"),
    [(7_833, "−30.0 %"), (16_900, "+51.0 %"), (9_512, "−15.0 %")],
    ids=["shrunk", "grown", "at limit"],
)
def test_a_list_that_moved_too_far_is_rejected_with_both_counts(rows: int, moved: str) -> None:
    verdict = judged(read(rows), previous=earlier())
    assert moved in next(check.reason for check in verdict.checks if check.name == "change")
    expected = "complete" if rows == 9_512 else "rejected"
    assert verdict.grade == expected
    if expected == "rejected":
        assert any(f"{rows:,} rows against 11,190 on 2026-11-21 ({moved}" in reason for reason in verdict.reasons)


def test_a_batch_of_look_ups_may_be_of_any_size_and_of_older_dates() -> None:
    batch = SourceContract.model_validate({**CONTRACT, "change": None, "absence": None, "newest_within_days": None})
    verdict = judged(read(newest=date(2020, 1, 1)), contract=batch, previous=earlier())
    assert (verdict.grade, verdict.proves_absence) == ("complete", False)


def test_too_few_rows_name_the_way_out_for_a_list_known_to_be_a_part() -> None:
    verdict = judged(read(7_346))
    assert verdict.grade == "rejected"
    assert "7,346 rows against at least 9,500" in verdict.reasons[0]
    assert "--expect-rows" in verdict.reasons[0]


def test_an_operator_s_total_stands_in_for_the_floors_but_such_a_copy_proves_no_absence() -> None:
    verdict = judged(read(7_346), expect_rows=7_346, stated_by="jdoe", size=2_000_000)
    assert (verdict.grade, verdict.proves_absence) == ("complete", False)
    assert "7,346 records stated by jdoe in place of the floor of 9,500" in verdict.reasons[0]


def test_an_operator_s_total_that_is_not_met_rejects_and_says_who_stated_it() -> None:
    verdict = judged(read(11_200), expect_rows=11_201, stated_by="jdoe")
    assert verdict.grade == "rejected"
    assert verdict.reasons == ("11,200 records against 11,201 stated by jdoe",)


def test_an_operator_s_total_excuses_nothing_but_the_floors() -> None:
    doubled = read(7_346, duplicate_keys=["RMD0000001"])
    verdict = judged(doubled, expect_rows=7_346, stated_by="jdoe", previous=earlier())
    assert verdict.grade == "rejected"
    assert failed(verdict) == {"unique_keys", "change"}


def test_a_total_stated_by_the_source_and_not_met_rejects() -> None:
    verdict = judged(read(11_200, control_total=20_669, control_source="RecordCount"))
    assert verdict.reasons == ("11,200 records against 20,669 stated by RecordCount",)


def test_records_that_could_not_be_read_count_towards_a_control_total() -> None:
    report = read(11_199, control_total=11_200, control_source="RecordCount")
    report.reject(17, "22 columns instead of 23", "RMD0000017,…")
    verdict = judged(report)
    assert verdict.grade == "complete"
    assert "1 of 11,200 records could not be read" in verdict.reasons[0]
    assert "line 17: 22 columns instead of 23" in verdict.reasons[0]


def test_too_many_records_that_could_not_be_read_reject() -> None:
    verdict = judged(read(11_000, reject_count=200))
    assert verdict.grade == "rejected"
    assert "200 of 11,200 records could not be read (1.79 %, limit 0.5 %)" in verdict.reasons[0]


def test_duplicate_keys_reject_and_are_named() -> None:
    verdict = judged(read(duplicate_keys=[f"RMD000000{n}" for n in range(7)]))
    assert verdict.reasons == (
        "7 values of number stand more than once against 0 allowed: "
        "RMD0000000, RMD0000001, RMD0000002, RMD0000003, RMD0000004 …",
    )


def test_a_column_that_lost_its_values_rejects() -> None:
    verdict = judged(read(filled=Counter(frn=5_600)))
    assert verdict.reasons == ("frn is filled in 50.0 % of 11,200 rows against at least 99 %",)


def test_no_rows_at_all_are_never_a_list() -> None:
    assert "rows_any" in failed(judged(read(0), expect_rows=0, stated_by="jdoe"))


def test_a_fetched_copy_of_an_earlier_day_than_the_newest_says_the_clock_went_backwards() -> None:
    ahead = earlier(as_of=date(2026, 11, 25))
    verdict = judged(read(), newest_fetched=ahead)
    assert verdict.grade == "rejected"
    assert "as-of day 2026-11-22 against 2026-11-25" in verdict.reasons[0]
    assert "clock has gone backwards" in verdict.reasons[0]
    assert judged(read(), newest_fetched=ahead, origin="ingested").grade == "complete"


def test_an_old_copy_served_as_today_s_is_noticed_by_the_dates_inside() -> None:
    verdict = judged(read(newest=date(2026, 11, 2)), previous=earlier())
    assert verdict.reasons == (
        "the newest date inside is 2026-11-02 against 2026-11-20 in the copy of 2026-11-21: the source has gone "
        "backwards and serves an old copy",
    )


def test_the_source_s_own_date_going_backwards_rejects() -> None:
    verdict = judged(read(vintage="2026-07-21"), previous=earlier(vintage="2026-11-20"))
    assert "vintage_not_older" in failed(verdict)


@pytest.mark.parametrize("newest", [date(2026, 11, 23), date(2026, 9, 1)], ids=["of tomorrow", "of long ago"])
def test_dates_that_do_not_fit_the_as_of_day_reject_and_name_the_option(newest: date) -> None:
    verdict = judged(read(newest=newest))
    assert verdict.grade == "rejected"
    assert "--as-of" in verdict.reasons[0]


def test_another_edition_than_was_asked_for_rejects() -> None:
    assert judged(read(vintage="D24"), edition="J25").reasons == ("edition D24 inside the copy against J25 asked for",)


def test_unchanged_bytes_are_told_but_do_no_harm() -> None:
    verdict = judged(read(), earlier_digests={"a" * 64: date(2026, 11, 21)})
    assert verdict.grade == "complete"
    assert "byte for byte the same as the copy of 2026-11-21" in verdict.reasons[0]


def test_the_same_rows_in_other_bytes_are_told_like_the_same_bytes() -> None:
    report = read(facts={"content_digest": "c" * 64})
    verdict = judged(report, digest="b" * 64, earlier_contents={"c" * 64: date(2026, 11, 21)})
    assert verdict.grade == "complete"
    assert "other bytes, but row for row the same as the copy of 2026-11-21" in verdict.reasons[0]
    assert failed(judged(report, earlier_contents={"d" * 64: date(2026, 11, 21)})) == set()


def test_a_copy_that_unpacks_to_too_much_is_rejected_and_says_so() -> None:
    unread = too_large(PROMISED, 20_000_001)
    assert too_large(PROMISED, 20_000_000) is None
    verdict = judged(ReadReport(), size=5_000, unpacked=20_000_001, unreadable=unread)
    assert verdict.grade == "rejected"
    assert verdict.reasons[0].startswith("Not read: it has more than 20,000,000 bytes when unpacked")
    assert any("5,000 bytes, 20,000,001 bytes unpacked against at most 20,000,000" in one for one in verdict.reasons)


def test_one_duplicate_key_is_told_in_the_singular() -> None:
    verdict = judged(read(duplicate_keys=["RMD0000001"]))
    assert verdict.reasons == ("1 value of number stands more than once against 0 allowed: RMD0000001",)


def test_unchanged_bytes_are_no_news_where_a_source_repeats_its_editions() -> None:
    editions = SourceContract.model_validate({**CONTRACT, "absence": {"sightings": 2, "distinct_bytes": False}})
    assert judged(read(), contract=editions, earlier_digests={"a" * 64: date(2026, 11, 21)}).reasons == ()


def test_a_part_of_the_list_whose_own_total_is_met_counts_as_facts_only() -> None:
    reply = read(1, proves_absence=False, layout="one query's reply", control_total=1, control_source="RecordCount")
    verdict = judged(reply, size=3_414)
    assert (verdict.grade, verdict.proves_absence) == ("partial", False)
    assert "not the whole list" in verdict.reasons[-1]


def test_a_part_of_the_list_that_nobody_vouches_for_is_rejected() -> None:
    verdict = judged(read(4, proves_absence=False, layout="workbook"), size=4_000_000)
    assert verdict.grade == "rejected"
    assert "--expect-rows" in verdict.reasons[0]


def test_what_was_mended_on_the_way_is_told_although_the_copy_is_complete() -> None:
    verdict = judged(read(notes=["7,346 FRNs had lost their leading zeros; padded to 10 digits"]))
    assert verdict.grade == "complete"
    assert verdict.reasons == ("7,346 FRNs had lost their leading zeros; padded to 10 digits",)


def test_a_copy_with_an_unreadable_record_proves_no_absence_because_its_filer_may_be_the_missing_one() -> None:
    report = read()
    report.reject(4711, "unknown answer", "RMD0004711,…")
    verdict = judged(report)
    assert (verdict.grade, verdict.proves_absence) == ("complete", False)
    assert any("1 record could not be read: absence" in reason for reason in verdict.reasons)
    assert judged(read()).proves_absence


@pytest.mark.parametrize(
    ("found", "rows", "proves"), [(0, 300, False), (30, 300, False), (60, 300, True), (4, 5, False)]
)
def test_look_ups_that_found_almost_nobody_prove_nothing_about_the_others(found: int, rows: int, proves: bool) -> None:
    look_ups = SourceContract.model_validate(
        CONTRACT
        | {"change": None, "rows": CONTRACT["rows"] | {"min": 1}}
        | {"absence": {"sightings": 2, "distinct_bytes": False, "least_found": {"look_ups": 5, "pct": 20}}}
    )
    verdict = judged(read(rows, facts={"found": found, "not_found": rows - found}), contract=look_ups)
    assert (verdict.grade, verdict.proves_absence) == ("complete", proves)
    assert any("empty page of this batch proves nothing" in reason for reason in verdict.reasons) is not proves


def test_one_querys_reply_saved_by_hand_is_partial_when_it_holds_what_it_says() -> None:
    reply = read(1, control_total=1, control_source="RecordCount in the XML's root")
    verdict = judged(reply, origin="ingested", size=3_400, previous=earlier(rows=11_000))
    assert verdict.grade == "partial"
    assert not verdict.proves_absence
    assert verdict.reasons == (
        "1 row is fewer than the 9,500 that the whole list has at least by its contract, so this is taken as a part of "
        "it, such as one query's reply. If it is the whole list, load it with --expect-rows 1. Its rows count, absence "
        "from it never.",
    )


def test_a_part_saved_by_hand_is_not_compared_with_the_whole_list_even_when_its_total_is_stated() -> None:
    part = read(4, proves_absence=False, layout="a page")
    known = {"origin": "ingested", "previous": earlier(rows=60_508), "expect_rows": 4, "stated_by": "jdoe"}
    assert judged(part, **known).grade == "complete"
    assert not judged(part, **known).proves_absence
    assert failed(judged(part, **known | {"origin": "fetched"})) == {"change"}
    assert failed(judged(read(4), **known)) == {"change"}, "what is called whole is compared, whoever states its total"


def test_the_same_reply_is_rejected_when_we_fetched_it_or_when_its_total_is_not_met() -> None:
    fetched = judged(read(1, control_total=1), origin="fetched", size=3_400)
    short = judged(read(1, control_total=2), origin="ingested", size=3_400)
    unstated = judged(read(1), origin="ingested", size=3_400)
    assert [fetched.grade, short.grade, unstated.grade] == ["rejected"] * 3
