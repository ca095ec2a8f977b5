"""Who filed with the Robocall Mitigation Database, when, under which number, and how it went on.

A filing's number rises with the day of filing; a number that was removed never comes back (a return is a new
filing). Recertification starts with 2026 (47 CFR 64.6305(h)); filings of 2021 that nobody touched since show no
dates at all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from pw_pipelines.sandbox.carriers import LAST_DAY, REFERENCE, Carrier, Cohort
from pw_pipelines.sandbox.streams import Draw, Subject, between, day, stream

NEVER = LAST_DAY + 10_000
_FIRST_RECERTIFICATION = 2026
# Highest number on a day, as seen in the real record; afterwards fifteen a day.
_NUMBERS = (
    (day(2021, 4, 20), 1_410),
    (day(2021, 12, 31), 12_068),
    (day(2025, 1, 23), 26_385),
    (day(2026, 2, 27), 37_330),
    (day(2026, 5, 8), 40_050),
    (day(2026, 11, 22), 43_000),
    (LAST_DAY + 400, 43_000 + 15 * (LAST_DAY + 400 - day(2026, 11, 22))),
)
# Removals before the reference day: (first, last day, how many), as the public notices of the time had it.
_REMOVALS = (
    (day(2022, 3, 1), day(2023, 12, 15), 27),
    (day(2024, 2, 1), day(2025, 7, 30), 60),
    (day(2025, 8, 6), day(2025, 8, 6), 185),
    (day(2025, 8, 25), day(2025, 8, 25), 1_203),
    (day(2025, 9, 10), REFERENCE - 1, 10_000),
)
_BATCH_2027 = day(2027, 8, 18)
_FEW_DUPLICATES = 31  # FRNs with more than one filing, two of them with three


@dataclass(slots=True)
class Filing:
    """One filing. Days are ordinals; `removed_on` is NEVER while it stands.

    `is_carried`: entered from an older registry, never certified (implementation `N/A`).
    `is_untouched`: of 2021, not changed since.
    """

    number: str
    carrier: int
    filed_on: int
    removed_on: int
    is_carried: bool
    is_untouched: bool
    copy: int

    @property
    def sys_id(self) -> str:
        return hashlib.md5(self.number.encode(), usedforsecurity=False).hexdigest()


def due_day(year: int, month: int) -> int:
    """The first of a month, moved to Monday from a weekend (47 CFR 1.4(j))."""
    first = date(year, month, 1)
    return first.toordinal() + (0, 0, 0, 0, 0, 2, 1)[first.weekday()]


class RmdRegister:
    """All filings ever made, oldest first."""

    def __init__(self, seed: int, carriers: list[Carrier]) -> None:
        self._seed = seed
        self._carriers = carriers
        self.filings = self._number(sorted(self._file(), key=lambda pair: (pair[0], pair[1].carrier, pair[1].copy)))
        self.blank_frn_number = next(
            filing.number for filing in self.filings if filing.is_untouched and filing.removed_on == NEVER
        )

    def listed(self, on: int) -> list[Filing]:
        """Published at the end of a day, by number."""
        return [filing for filing in self.filings if filing.filed_on <= on < filing.removed_on]

    def dates(self, filing: Filing, on: int) -> tuple[int, int]:
        """(last updated, last recertified) as of a day; 0 where the column is blank."""
        updated = 0 if filing.filed_on < day(2022, 1, 1) else filing.filed_on
        if not filing.is_untouched:
            updated = max(updated, self._last_change(filing, on))
        recertified = self._last_recertification(filing, on)
        return max(updated, recertified), recertified

    def _last_change(self, filing: Filing, on: int) -> int:
        """The newest change of content by a day."""
        draw = stream(self._seed, Subject.RMD, filing.carrier, filing.copy)
        changes = []
        careless = self._carriers[filing.carrier].is_careless
        if filing.filed_on < day(2024, 1, 10):
            late = draw() < (0.3 if careless else 0.04)
            start, end = (day(2024, 2, 27), day(2024, 12, 20)) if late else (day(2024, 1, 25), day(2024, 2, 26))
            changes.append(between(draw, start, end))
        for year in range(2022, date.fromordinal(on).year + 1):
            chance, when = draw(), between(draw, 1, 365)
            if chance < (0.12 if careless else 0.3):
                changes.append(day(year, 1, 1) + when)
        return max((change for change in changes if filing.filed_on < change <= on), default=0)

    def _last_recertification(self, filing: Filing, on: int) -> int:
        for year in range(date.fromordinal(on).year, _FIRST_RECERTIFICATION - 1, -1):
            if filing.filed_on < day(year, 2, 1):
                done = self.recertified_on(filing, year)
                if done and done <= on:
                    return done
        return 0

    def recertified_on(self, filing: Filing, year: int) -> int:
        """The day of the yearly recertification, 0 for never. Only filings made before 1 February owe one."""
        draw = stream(self._seed, Subject.RECERTIFICATION, filing.carrier, year * 4 + filing.copy)
        chance, due = draw(), due_day(year, 3)
        if filing.is_untouched:
            never, late = (1.0, 0.0) if year == _FIRST_RECERTIFICATION else (0.8, 0.1)
        else:
            never, late = (0.42, 0.17) if self._carriers[filing.carrier].is_careless else (0.015, 0.03)
        if chance < never:
            return 0
        if chance < never + late:
            return due + 1 + int(draw() ** 2 * 150)
        return due - int(draw() ** 2 * (due - day(year, 2, 1)))

    def _file(self) -> list[tuple[float, Filing]]:
        """Filings without numbers, with the moment that orders them."""
        made: list[tuple[float, Filing]] = []
        removal_days = self._removal_days()
        copies = self._duplicates()
        for carrier in self._carriers:
            if not carrier.rmd_filed_on:
                continue
            draw = stream(self._seed, Subject.REMOVAL, carrier.index)
            carried = carrier.rmd_filed_on < day(2022, 1, 1) and draw() < _carried_share(carrier)
            untouched = carried or (
                carrier.rmd_filed_on < day(2022, 1, 1) and draw() < (0.88 if carrier.is_careless else 0.06)
            )
            removed_on = removal_days.get(carrier.index) or _later_removal(draw, carrier, untouched)
            first = Filing("", carrier.index, carrier.rmd_filed_on, removed_on, carried, untouched, 0)
            made.append((first.filed_on + draw(), first))
            if removed_on < LAST_DAY and draw() < 0.06:
                again = Filing("", carrier.index, removed_on + between(draw, 90, 400), NEVER, False, False, 1)
                made.append((again.filed_on + draw(), again))
            for copy in range(copies.get(carrier.index, 0)):
                second = Filing(
                    "", carrier.index, carrier.rmd_filed_on + between(draw, 1, 300), NEVER, False, False, 2 + copy
                )
                made.append((second.filed_on + draw(), second))
        return made

    def _removal_days(self) -> dict[int, int]:
        """Removal days of those removed before the reference day."""
        draw = stream(self._seed, Subject.REMOVAL, 1 << 40)
        removed = iter([carrier for carrier in self._carriers if carrier.cohort is Cohort.REMOVED])
        days: dict[int, int] = {}
        for first, last, count in _REMOVALS:
            for _, carrier in zip(range(count), removed, strict=False):
                days[carrier.index] = max(between(draw, first, last), carrier.rmd_filed_on + 30)
        return days

    def _duplicates(self) -> dict[int, int]:
        """Carrier -> further filings."""
        listed = [c.index for c in self._carriers if c.cohort is Cohort.LISTED and c.rmd_filed_on < day(2025, 1, 1)]
        step = len(listed) // _FEW_DUPLICATES
        return {listed[turn * step]: 2 if turn < 2 else 1 for turn in range(_FEW_DUPLICATES)}

    @staticmethod
    def _number(ordered: list[tuple[float, Filing]]) -> list[Filing]:
        last, knot = 0, 0
        for moment, filing in ordered:
            while moment >= _NUMBERS[knot + 1][0]:
                knot += 1
            (start, low), (end, high) = _NUMBERS[knot], _NUMBERS[knot + 1]
            last = max(last + 1, int(low + (high - low) * (moment - start) / (end - start)))
            filing.number = f"RMD{last:07d}"
        return [filing for _, filing in ordered]


def _carried_share(carrier: Carrier) -> float:
    return 0.6 if carrier.cohort is Cohort.RMD_ONLY else 0.125


def _later_removal(draw: Draw, carrier: Carrier, untouched: bool) -> int:
    """A removal after the reference day, NEVER for most: a few a month, and a batch in August 2027."""
    chance, when = draw(), draw()
    if untouched and chance < 0.35:
        return _BATCH_2027
    years = (LAST_DAY - REFERENCE) / 365
    if chance > 1 - (0.04 if carrier.is_careless else 0.003) * years:
        start = max(REFERENCE + 1, carrier.rmd_filed_on + 60)
        return start + int(when * (LAST_DAY - REFERENCE))
    return NEVER
