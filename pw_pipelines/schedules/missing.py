"""What should have happened today and has not. Pure; schedules and the catch-up sensor both ask here.

A missed tick, a lost cursor, an outage or a moved sandbox clock all heal the same way: by asking again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pw_pipelines.jobs.automatic import AUTOMATIC

TRIES_A_DAY = 3
MINUTES_BETWEEN_TRIES = 30.0  # a source that is down for maintenance is rarely back sooner
GRACE = timedelta(minutes=20)  # the schedule goes first; the sensor only mends


@dataclass(frozen=True)
class Past:
    """What is known of a job's runs of today.

    ever                whether any run of it has ever succeeded
    done, open          whether one of today has succeeded; whether one is waiting or running
    failed              how many of today failed
    succeeded           how many of today succeeded
    minutes_since_fail  since the last of those ended
    """

    ever: bool = False
    done: bool = False
    open: bool = False
    failed: int = 0
    succeeded: int = 0
    minutes_since_fail: float | None = None

    @property
    def is_given_up(self) -> bool:
        """Tried often enough for one day; ops have been told of each failure."""
        return self.failed >= TRIES_A_DAY

    @property
    def next_try(self) -> int:
        """1 for the first of the day; part of the run key, because a failed run's key never starts again."""
        return self.failed + 1

    @property
    def may_start(self) -> bool:
        """Neither done nor under way nor given up, and long enough since it last failed."""
        rested = self.minutes_since_fail is None or self.minutes_since_fail >= MINUTES_BETWEEN_TRIES
        return not (self.done or self.open or self.is_given_up) and rested


def is_overdue(schedule: str, now_eastern: datetime, past: Past) -> bool:
    """Whether the job of `schedule` should be started by the sensor at this moment of New York.

    A house in which it has never succeeded does not wait for the time of day.
    """
    at = AUTOMATIC[schedule].at
    assert at is not None  # only schedules are asked about
    due = datetime.combine(now_eastern.date(), at, now_eastern.tzinfo) + GRACE
    return past.may_start and (not past.ever or now_eastern >= due)


def overdue_jobs(now_eastern: datetime, *, bdc: Past, acquire: Past, judge: Past, sync: Past) -> list[str]:
    """Names of the schedules to make up for, in the order of what they stand on; `judge` for the job of that name.

    Acquisition waits while vintages are being read, so that a first start does not judge without them. When it
    fails, the day is judged on the copies in force, once for each failure: one bad source holds up nobody else. The
    lead list waits for today's leads while they are being made, and no longer: it reads opt-outs back too.
    """
    found: list[str] = []
    if is_overdue("bdc_daily", now_eastern, bdc):
        found.append("bdc_daily")
    bdc_settled = bdc.ever or bdc.is_given_up
    if is_overdue("acquire_daily", now_eastern, acquire) and not bdc.open and not found and bdc_settled:
        found.append("acquire_daily")
    making = acquire.open or judge.open
    if not acquire.done and not making and not found and judge.failed + judge.succeeded < acquire.failed:
        found.append("judge")
    has_leads = acquire.done or judge.done or acquire.is_given_up or sync.ever
    if is_overdue("listmonk_daily", now_eastern, sync) and has_leads and not making and not {*found} - {"bdc_daily"}:
        found.append("listmonk_daily")
    return found


def vintages_to_fetch(published: Iterable[str], in_hand: Iterable[str]) -> list[str]:
    """Published vintages we lack, oldest first, and the newest one again: it is revised, and absence is seen twice."""
    ordered = sorted(published, key=lambda name: (name[1:], name[0] == "D"))
    lacking = set(ordered) - set(in_hand)
    return [name for name in ordered if name in lacking or name == ordered[-1]]
