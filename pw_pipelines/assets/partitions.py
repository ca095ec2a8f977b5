"""The ways assets are cut: one day in New York, or one vintage of the Broadband Data Collection."""

from __future__ import annotations

from datetime import date

import dagster as dg

from pw_pipelines.errors import UsageError
from pw_pipelines.settings import Settings

FIRST_DAY = "2025-01-01"
SANDBOX_AHEAD_DAYS = 366  # the sandbox clock may be moved a year on, so that every due date can be met
_FIRST_VINTAGE_YEAR, _LAST_VINTAGE_YEAR = 22, 28  # J22 is the collection's first; D28 is published in 2029


def daily(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Days in America/New_York, today's included (its window closes only at midnight)."""
    return dg.DailyPartitionsDefinition(
        start_date=FIRST_DAY,
        timezone="America/New_York",
        end_offset=SANDBOX_AHEAD_DAYS if settings.is_sandbox else 1,
    )


VINTAGE_NAMES: tuple[str, ...] = tuple(
    f"{half}{year}" for year in range(_FIRST_VINTAGE_YEAR, _LAST_VINTAGE_YEAR + 1) for half in ("J", "D")
)
vintages = dg.StaticPartitionsDefinition(list(VINTAGE_NAMES))


def vintage_of(as_of_date: date) -> str:
    """`J25` for 2025-06-30, `D25` for 2025-12-31. Raises UsageError for any other day."""
    halves = {(6, 30): "J", (12, 31): "D"}
    half = halves.get((as_of_date.month, as_of_date.day))
    if half is None:
        raise UsageError(f"{as_of_date} is no as-of date of the BDC: those are 30 June and 31 December.")
    return f"{half}{as_of_date:%y}"


def as_of_date(vintage: str) -> date:
    """2025-06-30 for `J25`. Raises UsageError for a name that is no vintage."""
    if vintage not in VINTAGE_NAMES:
        raise UsageError(f"{vintage!r} is no BDC vintage; known: {VINTAGE_NAMES[0]} to {VINTAGE_NAMES[-1]}.")
    year = 2000 + int(vintage[1:])
    return date(year, 6, 30) if vintage[0] == "J" else date(year, 12, 31)
