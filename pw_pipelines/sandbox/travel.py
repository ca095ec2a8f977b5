"""Moving the sandbox through time: the clock file all its processes share."""

from __future__ import annotations

from datetime import date, timedelta

from pw_pipelines.errors import UsageError
from pw_pipelines.settings import Settings

FARTHEST = timedelta(days=366)


def advance(settings: Settings, days: int) -> date:
    """Moves the sandbox's clock forward; returns its new day (America/New_York).

    Raises UsageError in live mode, for fewer than one day, and when the clock would stand more than 366 days before
    the machine's.
    """
    if not settings.is_sandbox:
        raise UsageError("The live clock cannot be moved; only PW_MODE=sandbox has a clock of its own.")
    if days < 1:
        raise UsageError(f"--days {days}: the sandbox's clock only goes forward, by one day or more.")
    ahead = settings.clock.offset() + timedelta(days=days)
    if ahead > FARTHEST:
        raise UsageError(
            f"That would put the sandbox {ahead.days} days ahead of the machine; at most {FARTHEST.days} are allowed. "
            f"It stands {settings.clock.offset().days} days ahead now."
        )
    settings.clock.set_offset(ahead)
    return settings.clock.today()
