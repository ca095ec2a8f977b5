"""What the days of `pw bench soak` came to, each figure against its goal. Pure: days in, measures out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from datetime import time as time_of_day

from pw_pipelines.bench.measure import Measure, at_most
from pw_pipelines.bench.soak_books import Day, growth
from pw_pipelines.bench.soak_red import Cause, not_reddened
from pw_pipelines.jobs.automatic import AUTOMATIC

# So that it ends at all: 54 minutes were seen on two cores that others used ten times over.
WEEK_DAYS, WEEK_MINUTES = 7, 60.0
MEMORY_TIMES, GROWTH_TIMES = 1.2, 1.5  # the last day against the second
# Apart: no live house has them. They grew by some 18 MiB a day in the first whole week; why is not known yet.
STAND_INS, STAND_INS_TIMES = "stand-ins", 2.0
SUBJECTS = ("postgres", "mariadb", "objects")
_NAMED = 12


@dataclass(frozen=True)
class Lived:
    """Some days of a house. seen: day -> names of all that was red on it at any look. size_before: bytes of the
    warehouse as the first day began. lost: sentences on paid items that nobody works and nobody is asked about.
    minutes: wall time of the days."""

    days: Sequence[Day]
    causes: Sequence[Cause]
    seen: Mapping[int, set[str]]
    size_before: int
    lost: Sequence[str]
    paid: int
    minutes: float


def measures(lived: Lived) -> list[Measure]:
    """Every goal of the bench."""
    days = lived.days
    unexplained = [f"day {day.number}: {one['name']}" for day in days for one in day.unexplained]
    untold = not_reddened(lived.causes, lived.seen, until=len(days))
    without = [
        f"day {day.number}: {one}" for day in days for one in SUBJECTS if not day.backups.get(one, {}).get("good")
    ]
    drills = sum(bool(one["ok"]) for day in days for one in day.backups.get("drills", ()))
    return [
        _none("red_unexplained", unexplained, "runs, checks, alerts, gates, effects that nothing broken explains"),
        _none("broken_and_not_told", untold, f"{len(lived.causes)} things were broken on purpose"),
        _none("orders_lost", lived.lost, f"of {lived.paid} paid, neither delivered nor at a named gate"),
        _none("days_without_a_backup", without, "subjects and days"),
        _none("weeks_without_a_good_drill", [] if drills else ["no good drill"], f"{drills} good drills"),
        _memory(days, MEMORY_TIMES, lambda name: name != STAND_INS, "memory_growth"),
        _memory(days, STAND_INS_TIMES, lambda name: name == STAND_INS, "stand_ins_growth"),
        _growth(days, lived.size_before),
        at_most("minutes", lived.minutes, "min", goal=round(WEEK_MINUTES * max(1.0, len(days) / WEEK_DAYS), 1),
                peer=None, peer_is=f"{len(days)} days, without the first filling"),
    ]  # fmt: skip


def _none(name: str, found: Sequence[str], what: str) -> Measure:
    return at_most(name, len(found), "", goal=0, peer=None, peer_is="; ".join(found[:_NAMED]) or what)


def _memory(days: Sequence[Day], times: float, counts: Callable[[str], bool], measure: str) -> Measure:
    """The program that grew most of those that count, from the second day (all is loaded by then) to the last."""
    second, last = days[min(1, len(days) - 1)], days[-1]
    grown = {
        name: last.memory_mib.get(name, 0.0) / value
        for name, value in second.memory_mib.items()
        if value and counts(name)
    }
    worst = max(grown, key=lambda name: grown[name], default="")
    return at_most(
        measure, grown.get(worst, 0.0), "×", goal=times, peer=None,
        peer_is=f"{worst}: {second.memory_mib.get(worst)} MiB on day {second.number}, {last.memory_mib.get(worst)} on "
        f"day {last.number}",
    )  # fmt: skip


def _growth(days: Sequence[Day], before: int) -> Measure:
    """The last ordinary day against the second: one with a weekly or monthly turn reads more."""
    grown = growth(days, before)
    ordinary = [one for one, day in zip(grown, days, strict=True) if is_ordinary(date.fromisoformat(day.day))] or grown
    return at_most(
        "database_growth_last_day", ordinary[-1] / 1e6, "MB",
        goal=round(GROWTH_TIMES * max(ordinary[min(1, len(ordinary) - 1)], 1) / 1e6, 1), peer=None,
        peer_is="MB each day: " + ", ".join(f"{one / 1e6:.1f}" for one in grown),
    )  # fmt: skip


def turns(day: date) -> Iterator[tuple[time_of_day, str]]:
    """(time, schedule) of everything that goes by the clock on this day of New York, in the day's order."""
    found = []
    for name, entry in AUTOMATIC.items():
        if entry.at is None:
            continue
        if entry.weekday is not None and entry.weekday != day.isoweekday() % 7:
            continue
        if entry.month_day is not None and entry.month_day != day.day:
            continue
        found += [(entry.at.replace(hour=hour), name) for hour in (entry.at.hour, *entry.also_at_hours)]
    yield from sorted(found)


def is_ordinary(day: date) -> bool:
    """Whether only what is daily goes by the clock on it."""
    return all(AUTOMATIC[name].weekday is None and AUTOMATIC[name].month_day is None for _, name in turns(day))
