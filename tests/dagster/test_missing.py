"""What should have happened and has not: the decision, without a server."""

from __future__ import annotations

from datetime import datetime

import pytest

from pw_pipelines.clock import EASTERN
from pw_pipelines.schedules.missing import TRIES_A_DAY, Past, overdue_jobs, vintages_to_fetch

EARLY = datetime(2026, 11, 22, 4, 0, tzinfo=EASTERN)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=EASTERN)
NEVER = Past()
YESTERDAY = Past(ever=True)
DONE = Past(ever=True, done=True)


def test_a_house_that_has_never_acquired_starts_with_the_vintages_whatever_the_time() -> None:
    assert overdue_jobs(EARLY, bdc=NEVER, acquire=NEVER, judge=NEVER, sync=NEVER) == ["bdc_daily"]


def test_acquisition_waits_until_the_vintages_of_a_first_start_are_read() -> None:
    assert overdue_jobs(EARLY, bdc=Past(open=True), acquire=NEVER, judge=NEVER, sync=NEVER) == []
    assert overdue_jobs(EARLY, bdc=DONE, acquire=NEVER, judge=NEVER, sync=NEVER) == ["acquire_daily"]


def test_acquisition_does_not_wait_for_ever_for_a_site_that_is_down() -> None:
    assert overdue_jobs(EARLY, bdc=Past(failed=TRIES_A_DAY), acquire=NEVER, judge=NEVER, sync=NEVER) == [
        "acquire_daily"
    ]


def test_the_lead_list_is_reconciled_only_after_todays_leads() -> None:
    assert overdue_jobs(NOON, bdc=DONE, acquire=YESTERDAY, judge=NEVER, sync=YESTERDAY) == ["acquire_daily"]
    assert overdue_jobs(NOON, bdc=DONE, acquire=Past(ever=True, open=True), judge=NEVER, sync=YESTERDAY) == []
    assert overdue_jobs(NOON, bdc=DONE, acquire=DONE, judge=NEVER, sync=YESTERDAY) == ["listmonk_daily"]


FAILED = Past(ever=True, failed=1, minutes_since_fail=1.0)


def test_a_day_whose_acquisition_failed_is_judged_on_the_copies_in_force_once_for_each_failure() -> None:
    assert overdue_jobs(EARLY, bdc=DONE, acquire=FAILED, judge=NEVER, sync=DONE) == ["judge"]
    assert overdue_jobs(EARLY, bdc=DONE, acquire=FAILED, judge=Past(open=True), sync=DONE) == []
    assert overdue_jobs(EARLY, bdc=DONE, acquire=FAILED, judge=Past(done=True, succeeded=1), sync=DONE) == []
    assert overdue_jobs(EARLY, bdc=DONE, acquire=FAILED, judge=Past(failed=1), sync=DONE) == []
    twice = Past(ever=True, failed=2, minutes_since_fail=1.0)
    assert overdue_jobs(EARLY, bdc=DONE, acquire=twice, judge=Past(done=True, succeeded=1), sync=DONE) == ["judge"]
    mended = Past(ever=True, done=True, failed=1)
    assert overdue_jobs(EARLY, bdc=DONE, acquire=mended, judge=NEVER, sync=DONE) == []


def test_opt_outs_are_read_back_whatever_became_of_the_days_copies() -> None:
    judged = Past(ever=True, done=True, succeeded=1)
    assert overdue_jobs(NOON, bdc=DONE, acquire=FAILED, judge=judged, sync=YESTERDAY) == ["listmonk_daily"]
    assert overdue_jobs(NOON, bdc=DONE, acquire=FAILED, judge=Past(failed=1), sync=YESTERDAY) == ["listmonk_daily"]
    assert overdue_jobs(NOON, bdc=DONE, acquire=FAILED, judge=Past(open=True), sync=YESTERDAY) == []
    given_up = Past(failed=TRIES_A_DAY)
    assert overdue_jobs(NOON, bdc=DONE, acquire=given_up, judge=Past(failed=TRIES_A_DAY), sync=NEVER) == [
        "listmonk_daily"
    ], "a house that never had a good day"


def test_before_its_time_a_schedule_is_not_overtaken() -> None:
    six_ten = datetime(2026, 11, 22, 6, 10, tzinfo=EASTERN)
    assert overdue_jobs(six_ten, bdc=DONE, acquire=YESTERDAY, judge=NEVER, sync=YESTERDAY) == []
    assert overdue_jobs(six_ten.replace(minute=20), bdc=DONE, acquire=YESTERDAY, judge=NEVER, sync=YESTERDAY) == [
        "acquire_daily"
    ]


def test_nothing_is_overdue_when_all_is_done() -> None:
    assert overdue_jobs(NOON, bdc=DONE, acquire=DONE, judge=NEVER, sync=DONE) == []


@pytest.mark.parametrize(
    ("failed", "minutes", "starts"), [(1, 5.0, False), (1, 31.0, True), (TRIES_A_DAY, 600.0, False)]
)
def test_a_failed_run_is_tried_again_later_and_not_for_ever(failed: int, minutes: float, starts: bool) -> None:
    past = Past(ever=True, failed=failed, minutes_since_fail=minutes)
    assert (overdue_jobs(NOON, bdc=DONE, acquire=past, judge=NEVER, sync=DONE) == ["acquire_daily"]) is starts
    assert past.next_try == failed + 1, "a failed run's key never starts again"


def test_vintages_we_lack_and_the_newest_again_oldest_first() -> None:
    assert vintages_to_fetch(["D24", "J25", "J24", "D23"], ["J24", "J25"]) == ["D23", "D24", "J25"]
    assert vintages_to_fetch(["J25", "D24"], ["J25", "D24"]) == ["J25"]
    assert vintages_to_fetch([], ["J25"]) == []
