"""When each duty falls due: nominal days, moved to the next business day (47 CFR 1.4(j)).

Days are days in America/New_York. A weekend or federal holiday moves the day forward, never back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

Duty = Literal["rmd_recertification", "cpni", "form499a", "form499q", "bdc"]

FIRST_YEAR, LAST_YEAR = 2020, 2035  # years that `due_dates` covers

# (month, day) of each nominal due date in a year.
NOMINAL: dict[Duty, tuple[tuple[int, int], ...]] = {
    "rmd_recertification": ((3, 1),),  # 47 CFR 64.6305(h)
    "cpni": ((3, 1),),  # 47 CFR 64.2009(e)
    "form499a": ((4, 1),),  # USAC, When to File
    "form499q": ((2, 1), (5, 1), (8, 1), (11, 1)),  # USAC, When to File
    "bdc": ((3, 1), (9, 1)),  # data as of 31 December and as of 30 June
}
BEGINS: dict[Duty, int] = {"rmd_recertification": 2026}  # FCC 24-135, effective 5 February 2026
RECERTIFICATION_OPENS = (2, 1)  # DA 26-72: the window opens on 1 February

# For 2026 the calendar gives Monday 2 March for CPNI; one published article says 3 March, and no advisory of the
# Bureau was found. A filing received on the day after the shifted due date is therefore not called late that year.
LATE_MARGIN_DAYS: dict[tuple[Duty, int], int] = {("cpni", 2026): 1}


@dataclass(frozen=True)
class Due:
    """One due date. `late_after`: filings up to and including this day are not called late."""

    duty: Duty
    year: int
    nominal_on: date
    due_on: date
    late_after: date


@lru_cache(maxsize=64)
def federal_holidays(year: int) -> frozenset[date]:
    """Days on which the federal government is closed in `year`, observed days included.

    1 January of the year after, when it is a Saturday, is observed on 31 December of this one.
    """
    from holidays import country_holidays  # slow to import; only this function needs it

    return frozenset(day for day in country_holidays("US", years=[year, year + 1]) if day.year == year)


def is_business_day(day: date) -> bool:
    """Whether the Commission is open on `day`."""
    return day.weekday() < 5 and day not in federal_holidays(day.year)


def business_day(day: date) -> date:
    """`day`, or the next business day after it (47 CFR 1.4(j))."""
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def due_on(duty: Duty, year: int) -> tuple[date, ...]:
    """The due dates of `duty` that fall in `year`, business-day shifted, in order; empty before the duty existed."""
    return tuple(due.due_on for due in due_in(duty, year))


def due_in(duty: Duty, year: int) -> tuple[Due, ...]:
    """As `due_on`, with the nominal days and the days after which a filing is called late."""
    if year < BEGINS.get(duty, year):
        return ()
    found = []
    for month, day in NOMINAL[duty]:
        nominal = date(year, month, day)
        shifted = business_day(nominal)
        margin = timedelta(days=LATE_MARGIN_DAYS.get((duty, year), 0))
        found.append(Due(duty, year, nominal, shifted, shifted + margin))
    return tuple(found)


def due_dates(first: int = FIRST_YEAR, last: int = LAST_YEAR) -> tuple[Due, ...]:
    """Every due date of every duty from year `first` to `last`, both included."""
    return tuple(due for duty in NOMINAL for year in range(first, last + 1) for due in due_in(duty, year))


def next_due(duty: Duty, after: date) -> Due:
    """The first due date of `duty` on or after `after`."""
    for year in range(after.year, max(after.year, BEGINS.get(duty, after.year)) + 2):
        for due in due_in(duty, year):
            if due.due_on >= after:
                return due
    raise AssertionError(f"no {duty} due date within two years of {after}")  # every duty recurs yearly
