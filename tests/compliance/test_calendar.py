"""Due dates, moved to the next business day (47 CFR 1.4(j))."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pw_pipelines.compliance import calendar
from pw_pipelines.compliance.calendar import Duty, business_day, due_dates, due_in, due_on, is_business_day, next_due


def days(*texts: str) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in texts)


@pytest.mark.parametrize(
    ("duty", "year", "expected"),
    [
        ("rmd_recertification", 2026, days("2026-03-02")),
        ("rmd_recertification", 2027, days("2027-03-01")),
        ("cpni", 2026, days("2026-03-02")),
        ("cpni", 2027, days("2027-03-01")),
        ("bdc", 2026, days("2026-03-02", "2026-09-01")),
        ("bdc", 2027, days("2027-03-01", "2027-09-01")),
        ("form499a", 2026, days("2026-04-01")),
        ("form499a", 2027, days("2027-04-01")),
        ("form499q", 2026, days("2026-02-02", "2026-05-01", "2026-08-03", "2026-11-02")),
        ("form499q", 2027, days("2027-02-01", "2027-05-03", "2027-08-02", "2027-11-01")),
    ],
)
def test_due_dates_of_2026_and_2027_are_those_of_the_published_calendar(
    duty: Duty, year: int, expected: tuple[date, ...]
) -> None:
    assert due_on(duty, year) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-07-03", "2026-07-06"),  # Independence Day falls on a Saturday and is observed on Friday
        ("2026-11-26", "2026-11-27"),  # Thanksgiving
        ("2027-12-31", "2028-01-03"),  # New Year's Day 2028 is a Saturday, observed the day before
        ("2026-12-25", "2026-12-28"),  # Christmas on a Friday, then a weekend
        ("2021-06-18", "2021-06-21"),  # the first Juneteenth, a Saturday
        ("2026-03-02", "2026-03-02"),
    ],
)
def test_weekends_and_federal_holidays_move_a_day_forward(given: str, expected: str) -> None:
    assert business_day(date.fromisoformat(given)) == date.fromisoformat(expected)


def test_state_holidays_move_nothing() -> None:
    assert is_business_day(date(2026, 4, 16))  # Emancipation Day, District of Columbia alone
    assert is_business_day(date(2026, 3, 31))  # César Chávez Day, California


def test_nobody_had_to_recertify_before_2026() -> None:
    assert due_on("rmd_recertification", 2025) == ()
    assert next_due("rmd_recertification", date(2024, 6, 1)).due_on == date(2026, 3, 2)


def test_a_cpni_filing_of_3_march_2026_is_not_called_late_because_sources_disagree_on_the_day() -> None:
    (due,) = due_in("cpni", 2026)
    assert (due.due_on, due.late_after) == (date(2026, 3, 2), date(2026, 3, 3))
    (following,) = due_in("cpni", 2027)
    assert following.late_after == following.due_on


def test_every_due_date_is_a_business_day_at_most_four_days_after_its_nominal_day() -> None:
    for due in due_dates():
        assert is_business_day(due.due_on)
        assert timedelta() <= due.due_on - due.nominal_on <= timedelta(days=4)
    assert {due.year for due in due_dates()} == set(range(calendar.FIRST_YEAR, calendar.LAST_YEAR + 1))


def test_the_next_due_date_may_be_today_and_may_be_next_year() -> None:
    assert next_due("cpni", date(2026, 3, 2)).due_on == date(2026, 3, 2)
    assert next_due("cpni", date(2026, 3, 3)).due_on == date(2027, 3, 1)
