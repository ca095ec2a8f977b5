"""Which sets may go. A pure function: what it says can be proved without a disk or a database.

Kept is the newest good set of each of the last hours, days, weeks and months that have one (UTC). Whatever the
settings say: never the newest good sets (PW_BACKUP_KEEP_GOOD of them), nothing at all while there are not more good
sets than that, no set that a drill is reading. A set that is not good counts for nothing: it is kept as long as it may
yet become good, and goes when enough good ones are newer. A good set is complete, confirmed off-site and verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pw_pipelines.settings import Settings


@dataclass(frozen=True)
class Keep:
    """How many hours, days, weeks and months are kept, and how many good sets at the least (1 or more)."""

    hourly: int
    daily: int
    weekly: int
    monthly: int
    good: int

    def __post_init__(self) -> None:
        if self.good < 1 or min(self.hourly, self.daily, self.weekly, self.monthly) < 0:
            raise ValueError("at least one good set is always kept, and no tier is negative")

    @classmethod
    def of(cls, settings: Settings) -> Keep:
        return cls(settings.backup_keep_hourly, settings.backup_keep_daily, settings.backup_keep_weekly,
                   settings.backup_keep_monthly, settings.backup_keep_good)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """One complete set of one subject."""

    set_id: str
    captured_at: datetime
    is_good: bool
    is_read: bool = False


@dataclass(frozen=True)
class Plan:
    """`keep`: set -> what for; `remove`: oldest first."""

    keep: Mapping[str, tuple[str, ...]]
    remove: tuple[str, ...]


_TIERS: Mapping[str, Callable[[datetime], Any]] = {
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
}


def plan(candidates: Iterable[Candidate], keep: Keep) -> Plan:
    """What is kept and for what, and what may go, of one subject's complete sets."""
    newest_first = sorted(candidates, key=lambda one: (one.captured_at, one.set_id), reverse=True)
    good = [one for one in newest_first if one.is_good]
    reasons: dict[str, list[str]] = {one.set_id: [] for one in newest_first}
    for one in newest_first:
        if one.is_read:
            reasons[one.set_id].append("read by a drill")
    for one in good[: keep.good]:
        reasons[one.set_id].append("good")
    for name, bucket in _TIERS.items():
        taken: set[Any] = set()
        for one in good:
            key = bucket(one.captured_at.astimezone(UTC))
            if key not in taken:
                if len(taken) == getattr(keep, name):
                    break
                taken.add(key)
                reasons[one.set_id].append(name)
    # A set that is not good may be the only one of its moment: it waits until enough good ones are newer.
    fence = good[keep.good - 1] if len(good) >= keep.good else None
    for one in newest_first:
        if not one.is_good and (fence is None or _order(one) > _order(fence)):
            reasons[one.set_id].append("not proved yet")
    if len(good) <= keep.good:
        for one in newest_first:
            reasons[one.set_id] = reasons[one.set_id] or ["few good sets"]
    return Plan(
        keep={set_id: tuple(why) for set_id, why in reasons.items() if why},
        remove=tuple(one.set_id for one in reversed(newest_first) if not reasons[one.set_id]),
    )


def _order(one: Candidate) -> tuple[datetime, str]:
    return (one.captured_at, one.set_id)
