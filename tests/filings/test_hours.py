"""Opening hours: windows across midnight, ends of the week, and the two nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pw_pipelines.errors import ConfigError
from pw_pipelines.filings.hours import is_open, opens_at
from pw_pipelines.filings.portal import Hours
from pw_pipelines.yaml_data import read_entry

EASTERN = ZoneInfo("America/New_York")
# As the IRS publishes them for its EIN assistant.
IRS = Hours(
    windows={
        **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("06:00-01:00",)),
        "sat": ("06:00-21:00",),
        "sun": ("18:00-24:00",),
    },
    source="as published in 2026",
    confirmed=False,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20 23:59", True),  # Friday
        ("2026-11-21 00:30", True),  # Saturday, within Friday's window
        ("2026-11-21 00:59", True),
        ("2026-11-21 01:00", False),
        ("2026-11-21 05:59", False),
        ("2026-11-21 06:00", True),
        ("2026-11-21 20:59", True),
        ("2026-11-21 21:00", False),
        ("2026-11-22 00:30", False),  # Saturday's window does not run past midnight
        ("2026-11-22 17:59", False),
        ("2026-11-22 18:00", True),
        ("2026-11-22 23:59", True),  # Sunday
        ("2026-11-23 00:00", False),  # Monday: Sunday's ended at midnight
        ("2026-11-23 00:30", False),
        ("2026-11-23 06:00", True),
    ],
)
def test_open_or_closed(moment: str, expected: bool) -> None:
    assert is_open(IRS, at(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-21 01:00", "2026-11-21 06:00"),
        ("2026-11-21 21:00", "2026-11-22 18:00"),
        ("2026-11-23 00:00", "2026-11-23 06:00"),
        ("2026-11-23 12:00", "2026-11-23 12:00"),  # open: now
    ],
)
def test_when_it_opens_next(moment: str, opens: str) -> None:
    assert opens_at(IRS, at(moment)) == at(opens)


def test_local_time_decides_when_clocks_change() -> None:
    """In the night of 8 March 2026 the clock jumps from 2 to 3, on 1 November it goes back from 2 to 1."""
    before, after = datetime(2026, 3, 6, 11, tzinfo=UTC), datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert (is_open(IRS, before), is_open(IRS, before - timedelta(minutes=1))) == (True, False)  # 06:00 EST
    assert (is_open(IRS, after), is_open(IRS, after - timedelta(minutes=1))) == (True, False)  # 06:00 EDT

    nights = Hours(windows={"sat": ("22:00-03:00",)}, source="a window over the change", confirmed=True)
    opened = datetime(2026, 11, 1, 2, tzinfo=UTC)  # Saturday 22:00 EDT
    assert is_open(nights, opened)
    assert is_open(nights, opened + timedelta(hours=5, minutes=59))  # 02:59 EST: an hour longer than other nights
    assert not is_open(nights, opened + timedelta(hours=6))


def test_without_published_hours_a_portal_is_open() -> None:
    assert is_open(None, at("2026-12-25 03:00"))


@pytest.mark.parametrize(
    "windows", ["{mon: ['6:00-22:00']}", "{monday: ['06:00-22:00']}", "{mon: ['06:00-06:00']}", "{mon: []}", "{}"]
)
def test_hours_that_are_none_are_refused(windows: str) -> None:
    with pytest.raises(ConfigError):
        read_entry(f"windows: {windows}\nsource: somebody said\nconfirmed: false", Hours, file="hours.yaml")
