"""Everybody in the invented world: who they are, where, of what kind, and how careful.

Sizes are those of the real record around November 2026 (RMD about 11,200 filings; 20,669 Form 499 filers, 57 %
of them ended); newcomers go on arriving until 2030. Days are ordinals (see `streams.day`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import log

from pw_pipelines.sandbox import naming
from pw_pipelines.sandbox.geography import COUNTRY_DRAW, STATE_DRAW, STATES, USA, city
from pw_pipelines.sandbox.streams import Draw, Subject, Weighted, between, day, day_in, pick, spans, stream

FIRST_DAY = day(2015, 1, 1)
LAST_DAY = day(2030, 12, 31)
CORES_OPENED = day(2000, 7, 1)
RMD_OPENED = day(2021, 4, 20)
REFERENCE = day(2026, 11, 22)  # the day whose sizes are tuned to the real record
FORM499_SENTINEL = day(1997, 1, 1)  # "always": the database's own earliest start date


class Cohort(StrEnum):
    """What part someone plays around the reference day."""

    LISTED = "listed"  # US carrier in the RMD with an active Form 499
    RMD_ONLY = "rmd_only"  # US, in the RMD, no Form 499 of its own FRN
    RMD_ENDED = "rmd_ended"  # US, in the RMD, Form 499 ended
    FOREIGN = "foreign"  # abroad, in the RMD
    COVERED = "covered"  # named in a parent's RMD filing (`other_frns`), active Form 499
    UNLISTED = "unlisted"  # active voice carrier, not in the RMD
    OTHER_TYPE = "other_type"  # active Form 499 of a type without voice traffic
    ENDED = "ended"  # only an ended Form 499
    REMOVED = "removed"  # taken off the RMD before the reference day
    BROADBAND = "broadband"  # availability data and CORES only
    LICENSEE = "licensee"  # CORES only; owes nothing we check
    NEWCOMER = "newcomer"  # arrives after the reference day


SIZES: dict[Cohort, int] = {
    Cohort.LISTED: 6_950,
    Cohort.RMD_ONLY: 750,
    Cohort.RMD_ENDED: 330,
    Cohort.FOREIGN: 3_130,
    Cohort.COVERED: 500,
    Cohort.UNLISTED: 330,
    Cohort.OTHER_TYPE: 640,
    Cohort.ENDED: 9_330,
    Cohort.REMOVED: 1_560,
    Cohort.BROADBAND: 1_500,
    Cohort.LICENSEE: 800,
    Cohort.NEWCOMER: 5_400,
}
GROUPED = {Cohort.LISTED: 5_850, Cohort.COVERED: 500, Cohort.OTHER_TYPE: 110, Cohort.FOREIGN: 240}
_CARELESS = {
    Cohort.LISTED: 0.32,
    Cohort.RMD_ONLY: 0.5,
    Cohort.RMD_ENDED: 0.55,
    Cohort.FOREIGN: 0.17,
    Cohort.UNLISTED: 0.6,
    Cohort.OTHER_TYPE: 0.25,
    Cohort.REMOVED: 0.85,
    Cohort.ENDED: 0.5,
    Cohort.BROADBAND: 0.1,
    Cohort.LICENSEE: 0.3,
    Cohort.NEWCOMER: 0.2,
    Cohort.COVERED: 0.1,
}
CARELESS_GROUP = 0.13
MEAN_GROUP = 7.0
LARGEST_GROUP = 90

# Codes of the Form 499 communications types, as frequent among carriers with voice traffic, and the others.
VOICE_TYPES = Weighted(
    (
        ("VOIP", 39),
        ("CAP", 18),
        ("LEC", 12),
        ("TRES", 8),
        ("IXC", 6),
        ("CEL", 6),
        ("LRES", 4),
        ("COAX", 4),
        ("ALLD", 1.5),
        ("OTHL", 0.5),
        ("OTHT", 0.7),
        ("OSP", 0.3),
    )
)
OTHER_TYPES = Weighted(
    (
        ("PAG", 14),
        ("DAT", 14),
        ("PRIV", 26),
        ("SAT", 8),
        ("ABS", 8),
        ("SMR", 12),
        ("PAY", 7),
        ("PRE", 7),
        ("OTHM", 2),
        ("TEN", 2),
    )
)
_TRADE_OF = {"LEC": "ilec", "COAX": "cable", "CEL": "wireless", "PAG": "wireless", "SMR": "wireless", "DAT": "wireless"}


@dataclass(slots=True)
class Group:
    """A holding company and the members filing under it."""

    index: int
    stem: str
    name: str
    state: str
    is_careless: bool
    members: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Carrier:
    """One FRN. `group` and `parent` are indices or -1; `comm_type` is empty for who never files a Form 499.

    `registered_on`: in CORES. `arrived_on`: in business. `rmd_filed_on`: first RMD filing, 0 for none.
    """

    index: int
    frn: str
    name: str
    cohort: Cohort
    trade: str
    state: str
    country: str
    comm_type: str
    group: int
    parent: int
    is_careless: bool
    registered_on: int
    arrived_on: int
    rmd_filed_on: int

    @property
    def is_foreign(self) -> bool:
        return self.country != USA


def population(seed: int) -> tuple[list[Carrier], list[Group]]:
    """Everybody, in an order that never changes for a seed."""
    return _Census(seed).take()


class _Census:
    """Builds the population once; holds what must be unique across it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._names: set[str] = set()
        self._frns: set[int] = set()
        self._carriers: list[Carrier] = []
        self._groups: list[Group] = []

    def take(self) -> tuple[list[Carrier], list[Group]]:
        draw = stream(self._seed, Subject.POPULATION)
        self._add_grouped(draw)
        for cohort, size in SIZES.items():
            for _ in range(size - GROUPED.get(cohort, 0)):
                self._add(draw, cohort, None)
        for position, name in enumerate(naming.AWKWARD):
            self._carriers[self._first_single + position * 7].name = name
        return self._carriers, self._groups

    def _add_grouped(self, draw: Draw) -> None:
        """Groups first: a US group has listed members, and the covered ones named in the first one's filing."""
        waiting = dict(GROUPED)
        while waiting[Cohort.LISTED] or waiting[Cohort.FOREIGN]:
            lead = Cohort.LISTED if waiting[Cohort.LISTED] else Cohort.FOREIGN
            size = min(2 + int(-log(1 - draw()) * (MEAN_GROUP - 2)), LARGEST_GROUP, max(waiting[lead], 2))
            group = self._add_group(draw)
            for cohort in self._members(draw, lead, size, waiting):
                self._add(draw, cohort, group)
        self._first_single = len(self._carriers)

    @staticmethod
    def _members(draw: Draw, lead: Cohort, size: int, waiting: dict[Cohort, int]) -> Iterator[Cohort]:
        """The first member is always of the leading cohort: the others may be covered by its filing."""
        for position in range(size):
            chance = draw() if position and lead is Cohort.LISTED else 1.0
            cohort = Cohort.COVERED if chance < 0.11 else Cohort.OTHER_TYPE if chance < 0.13 else lead
            cohort = cohort if waiting[cohort] else lead
            if waiting[cohort]:
                waiting[cohort] -= 1
                yield cohort

    def _add_group(self, draw: Draw) -> Group:
        stem = naming.group_stem(draw)
        ending = pick(draw, ("Holdings, Inc.", "Holding Company", "Communications Group, Inc.", "Ventures LLC"))
        careless = draw() < CARELESS_GROUP
        group = Group(len(self._groups), stem, f"{stem} {ending}", STATE_DRAW.draw(draw), careless)
        self._groups.append(group)
        return group

    def _add(self, draw: Draw, cohort: Cohort, group: Group | None) -> None:
        index = len(self._carriers)
        country = COUNTRY_DRAW.draw(draw) if self._is_abroad(draw, cohort) else USA
        state = "" if country != USA else group.state if group and draw() < 0.6 else STATE_DRAW.draw(draw)
        comm_type = self._comm_type(draw, cohort)
        trade = _TRADE_OF.get(comm_type, "isp" if cohort is Cohort.BROADBAND else "voip")
        rmd_filed_on = _rmd_filing_day(draw, cohort)
        arrived_on = _arrival(draw, cohort, rmd_filed_on)
        registered_on = _registration(draw, cohort, arrived_on)
        parent = group.members[0] if group and group.members and cohort is Cohort.COVERED else -1
        careless = draw() < _CARELESS[cohort]
        if group:
            careless = group.is_careless if draw() < 0.9 else careless
            group.members.append(index)
        self._carriers.append(
            Carrier(
                index=index,
                frn=self._frn(draw, registered_on),
                name=self._name(draw, cohort, trade=trade, state=state, country=country, group=group),
                cohort=cohort,
                trade=trade,
                state=state,
                country=country,
                comm_type=comm_type,
                group=group.index if group else -1,
                parent=parent,
                is_careless=careless,
                registered_on=registered_on,
                arrived_on=arrived_on,
                rmd_filed_on=arrived_on + between(draw, 5, 60) if cohort is Cohort.NEWCOMER else rmd_filed_on,
            )
        )

    @staticmethod
    def _is_abroad(draw: Draw, cohort: Cohort) -> bool:
        share = {Cohort.FOREIGN: 1.0, Cohort.REMOVED: 0.4, Cohort.NEWCOMER: 0.25, Cohort.ENDED: 0.02}
        return draw() < share.get(cohort, 0.0)

    @staticmethod
    def _comm_type(draw: Draw, cohort: Cohort) -> str:
        if cohort is Cohort.OTHER_TYPE:
            return OTHER_TYPES.draw(draw)
        if cohort is Cohort.ENDED:
            return (OTHER_TYPES if draw() < 0.25 else VOICE_TYPES).draw(draw)
        if cohort in (Cohort.BROADBAND, Cohort.LICENSEE):
            return ""
        return VOICE_TYPES.draw(draw)

    def _name(self, draw: Draw, cohort: Cohort, *, trade: str, state: str, country: str, group: Group | None) -> str:
        """A name nobody has yet; two in a thousand repeat an earlier one, as real ones do."""
        if not group and self._carriers and draw() < 0.002:
            return pick(draw, self._carriers).name
        for attempt in range(4):
            if cohort is Cohort.LICENSEE:
                name = naming.licensee(draw)
            elif country != USA:
                name = naming.foreign_company(draw, country)
            elif group and draw() < 0.55:
                place = city(draw) if draw() < 0.6 else STATES[state][0]
                kind = "Telephone" if trade == "ilec" else "Communications"
                name = f"{group.stem} {kind} of {place}{naming.LEGAL.draw(draw)}"
            else:
                name = naming.company(draw, trade, state)
            if name.lower() not in self._names or attempt == 3:
                break
        self._names.add(name.lower())
        return name

    def _frn(self, draw: Draw, registered_on: int) -> str:
        """Numbers rise with the day of registration; a few are very small and carry many leading zeros."""
        while True:
            number = 1_500_000 + (registered_on - CORES_OPENED) * 3_900 + between(draw, 0, 3_899)
            if draw() < 0.002:
                number = between(draw, 10_000, 99_999)
            if number not in self._frns:
                self._frns.add(number)
                return f"{number:010d}"


# Days of first RMD filings still listed at the reference day; it gives about 9,500 rows in January 2025.
_STILL_LISTED = spans(
    (date(2021, 4, 20), date(2021, 9, 30), 38),
    (date(2021, 10, 1), date(2022, 12, 31), 9),
    (date(2023, 1, 1), date(2023, 12, 31), 8),
    (date(2024, 1, 1), date(2024, 5, 31), 10.5),
    (date(2024, 6, 1), date(2025, 1, 22), 6),
    (date(2025, 1, 23), date(2026, 1, 31), 17),
    (date(2026, 2, 1), date(2026, 11, 21), 11.5),
)
_SINCE_REMOVED = spans((date(2021, 4, 20), date(2021, 12, 31), 60), (date(2022, 1, 1), date(2024, 6, 30), 40))


def _rmd_filing_day(draw: Draw, cohort: Cohort) -> int:
    """0 for who does not file; a newcomer's follows from the arrival."""
    if cohort in (Cohort.LISTED, Cohort.RMD_ONLY, Cohort.RMD_ENDED, Cohort.FOREIGN):
        return day_in(draw, _STILL_LISTED)
    return day_in(draw, _SINCE_REMOVED) if cohort is Cohort.REMOVED else 0


def _arrival(draw: Draw, cohort: Cohort, rmd_filed_on: int) -> int:
    """The day someone began business. Who filed with the RMD after 2021 is mostly young."""
    if cohort is Cohort.NEWCOMER:
        return between(draw, REFERENCE + 1, LAST_DAY - 60)
    if rmd_filed_on > day(2022, 1, 1) and draw() < 0.7:
        return rmd_filed_on - between(draw, 1, 200)
    latest = day(2023, 6, 1) if cohort in (Cohort.BROADBAND, Cohort.LICENSEE) else day(2021, 3, 1)
    return between(draw, CORES_OPENED + 1, latest)


def _registration(draw: Draw, cohort: Cohort, arrived_on: int) -> int:
    """The day in CORES: shortly before business begins."""
    return max(CORES_OPENED, arrived_on - between(draw, 3, 40 if cohort is Cohort.NEWCOMER else 400))
