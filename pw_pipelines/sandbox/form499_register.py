"""Who is in the Form 499 filer database, from when to when, and which yearly cycle each filed last.

About 57 % have an end, as in the real record; some have no FRN; one FRN may have an ended and an active filer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pw_pipelines.sandbox import naming
from pw_pipelines.sandbox.carriers import FORM499_SENTINEL, LAST_DAY, REFERENCE, Carrier, Cohort
from pw_pipelines.sandbox.streams import Draw, Subject, Weighted, between, day, pick, stream

NEVER = LAST_DAY + 10_000
END_REASONS = Weighted(
    (
        ("This company still exists, however it is no longer providing telecommunications services.", 34),
        ("This company has gone out of business in its entirety (no sale of assets involved).", 30),
        ("All assets of this company have been sold to another party.", 14),
        (
            "This legal entity accout has been closed because their Form 499 filing is now submitted on a "
            "consolidated basis.",
            9,
        ),
        ("This company has been absorbed by another filing entity.", 11),
        ("This company has filed for Chapter 7 bankruptcy protection.", 2),
    )
)
_SECOND_IDS = 60  # carriers with two active filer IDs
_EARLIER_IDS = 650  # carriers with an ended ID beside the active one
_NO_FRN_LINKED = 90  # filers without FRN bearing the name of a carrier in the RMD
_NO_FRN_ACTIVE = 40
_NO_FRN_ENDED = 720
_FOREIGN_FILERS = 60


@dataclass(slots=True)
class Filer:
    """One filer. Days are ordinals; `ended_on` is NEVER while active. `carrier` is an index, -1 for nobody else's.

    `name` and `frn` are as the database shows them: an empty FRN is one the filer never stated.
    """

    filer_id: str
    carrier: int
    frn: str
    name: str
    comm_type: str
    state: str
    started_on: int
    ended_on: int
    is_careless: bool
    position: int


def updated_on(on: date) -> date:
    """The database's vintage shown on a day: the latest Monday."""
    return on - timedelta(days=on.weekday())


class Form499Register:
    """All filers there will ever be, by filer ID."""

    def __init__(self, seed: int, carriers: list[Carrier]) -> None:
        self._seed = seed
        self._carriers = carriers
        self.filers = sorted(self._register(), key=lambda filer: filer.started_on)
        for position, filer in enumerate(self.filers):
            filer.position = position
            filer.filer_id = str(801_001 + position * 9 // 5)
        self.by_frn: dict[str, list[Filer]] = {}
        self.by_carrier: dict[int, list[Filer]] = {}
        for filer in self.filers:
            self.by_frn.setdefault(filer.frn, []).append(filer)
            self.by_carrier.setdefault(filer.carrier, []).append(filer)
        self.by_frn.pop("", None)
        self.by_carrier.pop(-1, None)

    def present(self, on: int) -> list[Filer]:
        """Everybody in the database on a day, active or ended."""
        return [filer for filer in self.filers if filer.started_on <= on]

    def is_active(self, carrier: int, on: int) -> bool:
        """Whether a carrier had an active filer of its own FRN on a day."""
        return any(filer.frn and filer.started_on <= on < filer.ended_on for filer in self.by_carrier.get(carrier, ()))

    def current_as_of(self, filer: Filer, on: int) -> int:
        """1 April of the last yearly cycle filed, as shown on a day; 0 where the database shows nothing."""
        last_day = min(on, filer.ended_on)
        start = date.fromordinal(max(filer.started_on, day(1998, 4, 1)))
        first_year = start.year if start.month >= 4 else start.year - 1
        if filer.ended_on <= on and stream(self._seed, Subject.FORM499_CYCLE, filer.position)() < 0.12:
            return 0
        for year in range(date.fromordinal(last_day).year, first_year, -1):
            posted = self.posted_on(filer, year)
            if posted and posted <= last_day:
                return day(year, 4, 1)
        return day(first_year, 4, 1)

    def posted_on(self, filer: Filer, year: int) -> int:
        """The day a cycle filed shows up, 0 when it was never filed."""
        draw = stream(self._seed, Subject.FORM499_CYCLE, filer.position, year)
        chance = draw()
        if chance < (0.45 if filer.is_careless else 0.015):
            return 0
        delay = between(draw, 20, 200) if filer.is_careless and draw() < 0.3 else between(draw, -10, 50)
        return day(year, 4, 1) + delay

    def _register(self) -> Iterator[Filer]:
        draw = stream(self._seed, Subject.FORM499)
        seconds, earlier, linked, foreign = _SECOND_IDS, _EARLIER_IDS, _NO_FRN_LINKED, _FOREIGN_FILERS
        for carrier in self._carriers:
            chance = draw()
            match carrier.cohort:
                case Cohort.LISTED | Cohort.COVERED | Cohort.UNLISTED | Cohort.OTHER_TYPE:
                    yield self._active(draw, carrier)
                    if earlier and chance < 0.1:
                        earlier -= 1
                        yield self._ended(draw, carrier, day(2001, 1, 1), day(2021, 1, 1))
                    elif seconds and chance > 0.991:
                        seconds -= 1
                        yield self._active(draw, carrier)
                case Cohort.RMD_ENDED:
                    yield self._ended(draw, carrier, day(2022, 1, 1), day(2026, 8, 1))
                case Cohort.ENDED:
                    recent = chance < 0.14
                    first, last = (day(2020, 1, 1), day(2026, 9, 1)) if recent else (day(2001, 1, 1), day(2020, 1, 1))
                    yield self._ended(draw, carrier, first, last)
                case Cohort.REMOVED if not carrier.is_foreign and chance < 0.28:
                    yield self._active(draw, carrier)
                case Cohort.REMOVED if not carrier.is_foreign:
                    yield self._ended(draw, carrier, day(2021, 8, 1), day(2025, 12, 1))
                case Cohort.FOREIGN if foreign and chance < 0.03:
                    foreign -= 1
                    yield self._active(draw, carrier)
                case Cohort.RMD_ONLY if linked and chance < 0.25:
                    linked -= 1
                    yield self._filer(draw, carrier, frn="", ended_on=NEVER)
                case Cohort.NEWCOMER if chance < (0.1 if carrier.is_foreign else 0.92):
                    yield self._active(draw, carrier)
        yield from self._strangers(draw)

    def _active(self, draw: Draw, carrier: Carrier) -> Filer:
        """Active at the reference day; may end later."""
        ended_on = NEVER
        yearly = 0.05 if carrier.is_careless else 0.015
        if draw() < yearly * (LAST_DAY - REFERENCE) / 365:
            ended_on = max(REFERENCE, carrier.arrived_on + 200) + between(draw, 1, LAST_DAY - REFERENCE)
        return self._filer(draw, carrier, frn=carrier.frn, ended_on=ended_on)

    def _ended(self, draw: Draw, carrier: Carrier, first: int, last: int) -> Filer:
        filer = self._filer(draw, carrier, frn=carrier.frn, ended_on=NEVER)
        filer.started_on = min(filer.started_on, last - 400)
        filer.ended_on = between(draw, max(first, filer.started_on + 200), last)
        return filer

    @staticmethod
    def _filer(draw: Draw, carrier: Carrier, *, frn: str, ended_on: int) -> Filer:
        started_on = carrier.arrived_on + between(draw, 0, 30)
        if carrier.cohort is not Cohort.NEWCOMER:
            started_on = min(started_on, REFERENCE - 30)
        if carrier.arrived_on < day(2005, 1, 1) and draw() < 0.5:
            started_on = FORM499_SENTINEL
        chance = draw()
        name = carrier.name if chance < 0.82 else naming.variant(draw, carrier.name) or carrier.name
        if carrier.group >= 0 and chance > 0.985:
            name = f"{carrier.name} CONSOLIDATED"
        return Filer(
            "",
            carrier.index,
            frn,
            name,
            carrier.comm_type,
            carrier.state,
            started_on,
            ended_on,
            carrier.is_careless,
            0,
        )

    @staticmethod
    def _strangers(draw: Draw) -> Iterator[Filer]:
        """Filers without FRN whom no other register knows."""
        for turn in range(_NO_FRN_ACTIVE + _NO_FRN_ENDED):
            state = pick(draw, ("NY", "TX", "FL", "CA", "IL", "GA"))
            started_on = between(draw, FORM499_SENTINEL, day(2018, 1, 1))
            ended_on = NEVER if turn < _NO_FRN_ACTIVE else between(draw, started_on + 200, day(2024, 1, 1))
            name = naming.company(draw, "voip", state)
            yield Filer("", -1, "", name, "TRES", state, started_on, ended_on, turn % 3 == 0, 0)
