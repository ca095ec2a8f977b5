"""When a portal is open. Pure: hours as data and an aware moment in, an answer out.

Windows are local time, so a day with a change of clocks has its own length; a window that ends before it begins runs
past midnight and belongs to the day it began on (Saturday 00:30 is Friday's).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pw_pipelines.filings.portal import DAYS, Hours


def is_open(hours: Hours | None, moment: datetime) -> bool:
    """Whether the portal is open; one without published hours always is."""
    return hours is None or any(opens <= moment < closes for opens, closes in _around(hours, moment))


def opens_at(hours: Hours, moment: datetime) -> datetime:
    """When it opens next, or `moment` itself while it is open (UTC)."""
    if is_open(hours, moment):
        return moment
    return min(opens for opens, _ in _around(hours, moment) if opens > moment)


def _around(hours: Hours, moment: datetime) -> list[tuple[datetime, datetime]]:
    """Every window that begins on the day before `moment` or in the eight days after, as UTC."""
    zone = ZoneInfo(hours.zone)
    today = moment.astimezone(zone).date()
    return [
        (_moment(day, window[:5], zone), _moment(day + _over_midnight(window), window[6:], zone))
        for day in (today + timedelta(days=ahead) for ahead in range(-1, 9))
        for window in hours.windows.get(DAYS[day.weekday()], ())
    ]


def _over_midnight(window: str) -> timedelta:
    return timedelta(days=1 if window[6:] < window[:5] else 0)


def _moment(day: date, text: str, zone: ZoneInfo) -> datetime:
    """A wall time of a day. One that the change of clocks leaves out is as long after midnight as it says; of one that
    comes twice it is the first."""
    if text == "24:00":
        return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return datetime.combine(day, time.fromisoformat(text), zone).astimezone(UTC)
