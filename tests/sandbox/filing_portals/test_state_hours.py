"""When the IRS assistant begins: its stand-in and our own data, written apart, must agree at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pw_pipelines.clock import EASTERN
from pw_pipelines.filings.hours import is_open as known_open
from pw_pipelines.filings.hours import opens_at
from pw_pipelines.filings.portal import portal_of
from pw_pipelines.sandbox.filing_portals.irs_ein import is_open


def eastern(text: str) -> datetime:
    """A moment by New York's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN)


@pytest.mark.parametrize(
    ("moment", "begins"),
    [
        ("2026-11-27 06:00", True),  # Friday
        ("2026-11-27 05:59", False),
        ("2026-11-28 00:30", True),  # Saturday, still Friday's
        ("2026-11-28 01:00", False),
        ("2026-11-28 20:59", True),
        ("2026-11-28 21:00", False),
        ("2026-11-29 00:30", False),  # Sunday: Saturday's ended at nine
        ("2026-11-29 17:59", False),
        ("2026-11-29 18:00", True),
        ("2026-11-29 23:59", True),
        ("2026-11-30 00:00", False),  # Monday: Sunday's ended at midnight
        ("2026-12-01 00:59", True),
    ],
)
def test_the_hours_are_those_that_were_published(moment: str, begins: bool) -> None:
    assert is_open(eastern(moment)) is begins
    assert known_open(portal_of("irs_ein").hours, eastern(moment)) is begins


@pytest.mark.parametrize(
    ("sunday", "opens"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), 23),
        (datetime(2026, 3, 8, tzinfo=UTC), 22),  # clocks go forward this morning
        (datetime(2026, 10, 25, tzinfo=UTC), 22),
        (datetime(2026, 11, 1, tzinfo=UTC), 23),  # clocks go back this morning
    ],
)
def test_on_the_days_the_clocks_change_it_is_new_yorks_clock_that_counts(sunday: datetime, opens: int) -> None:
    at = sunday.replace(hour=opens)
    hours = portal_of("irs_ein").hours
    assert hours is not None
    assert (is_open(at - timedelta(minutes=1)), is_open(at)) == (False, True)
    assert opens_at(hours, sunday.replace(hour=12)) == at


@pytest.mark.parametrize("first", [datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC)])
def test_our_data_and_the_stand_in_agree_through_the_weeks_in_which_the_clocks_change(first: datetime) -> None:
    hours = portal_of("irs_ein").hours
    quarters = [first + timedelta(minutes=15 * number) for number in range(8 * 24 * 4)]
    differ = [moment for moment in quarters if known_open(hours, moment) != is_open(moment)]
    assert differ == []
