"""Who filed the yearly CPNI certification in ECFS docket 06-36, in whose name, and when.

A unit is who files together: a single carrier, or a holding company for its affiliates. How a unit names itself
(own name, another spelling, a compliance firm, only in the document's file name) stays the same over the years.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from pw_pipelines.clock import EASTERN
from pw_pipelines.sandbox import naming
from pw_pipelines.sandbox.carriers import Carrier, Group
from pw_pipelines.sandbox.form499_register import Form499Register
from pw_pipelines.sandbox.rmd_register import due_day
from pw_pipelines.sandbox.streams import Draw, Subject, Weighted, between, day, pick, stream

FIRST_YEAR = 2021  # older filings are not offered
NO_DUTY = frozenset({"", "DAT", "PRIV", "ABS", "OTHM"})  # types without CPNI of subscribers
_STRANGERS = 90  # filings a year by firms no other register knows
_CORRECTIONS = 40
_SINGLE_STYLES = Weighted((("own", 62), ("variant", 16), ("dba", 4), ("consultant", 8), ("both", 7), ("document", 3)))
_GROUP_STYLES = Weighted((("all", 62), ("holding", 28), ("lead", 10)))


class Unit(NamedTuple):
    """Carriers certified by one filing."""

    number: int
    members: tuple[int, ...]
    group: int
    is_careless: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """One filing. `received` is UTC to the millisecond; `covered` are the carriers it speaks for.

    docket, type, confirmation: those of what was filed with the stand-in; the world's own are all certifications.
    """

    id_submission: str
    received: datetime
    filers: tuple[str, ...]
    author: str
    law_firm: str | None
    documents: tuple[str, ...]
    covered: tuple[int, ...]
    docket: str = "06-36"
    type: str = "CERTIFICATION"
    confirmation: str | None = None


class CpniRegister:
    """Filings by year, made when first asked for."""

    def __init__(self, seed: int, carriers: list[Carrier], groups: list[Group], form499: Form499Register) -> None:
        self._seed = seed
        self._carriers = carriers
        self._groups = groups
        self._form499 = form499
        self._years: dict[int, list[Certificate]] = {}
        self._units: list[Unit] = []
        self._last_asked: tuple[int, list[Certificate]] = (0, [])

    def received(self, on: int) -> list[Certificate]:
        """Everything received by the end of an Eastern day, oldest first. The list is shared: never change it."""
        if self._last_asked[0] != on:
            end = datetime.combine(date.fromordinal(on + 1), time(), EASTERN)
            years = range(FIRST_YEAR, date.fromordinal(on).year + 1)
            everything = [filing for year in years for filing in self.year(year)]
            self._last_asked = (on, everything[: bisect_left(everything, end, key=lambda filing: filing.received)])
        return self._last_asked[1]

    def year(self, year: int) -> list[Certificate]:
        """All filings received in a year, oldest first."""
        if year not in self._years:
            made = [filing for unit in self.units() if (filing := self._file(unit, year))]
            made += self._strangers(year)
            made.sort(key=lambda filing: (filing.received, filing.id_submission))
            self._years[year] = made
        return self._years[year]

    def units(self) -> list[Unit]:
        """Who files together."""
        if not self._units:
            on_duty = {carrier.index for carrier in self._carriers if self.has_duty(carrier)}
            units: list[Unit] = []
            for group in self._groups:
                members = tuple(index for index in group.members if index in on_duty)
                if members:
                    units.append(Unit(len(units), members, group.index, group.is_careless))
            for carrier in self._carriers:
                if carrier.group < 0 and carrier.index in on_duty:
                    units.append(Unit(len(units), (carrier.index,), -1, carrier.is_careless))
            self._units = units
        return self._units

    def has_duty(self, carrier: Carrier) -> bool:
        """Whether a carrier's kind owes a certificate at all (an active Form 499 decides when)."""
        return carrier.comm_type not in NO_DUTY and any(
            filer.frn for filer in self._form499.by_carrier.get(carrier.index, ())
        )

    def _file(self, unit: Unit, year: int) -> Certificate | None:
        spring = day(year, 3, 1)
        members = [self._carriers[index] for index in unit.members if self._form499.is_active(index, spring)]
        if not members:
            return None
        draw = stream(self._seed, Subject.CPNI_YEAR, unit.number, year)
        chance, due = draw(), due_day(year, 3)
        never, late = (0.45, 0.18) if unit.is_careless else (0.03, 0.025)
        if chance < never:
            return None
        on = due + 1 + int(draw() ** 2 * 170) if chance < never + late else due - int(draw() ** 3 * 55)
        filers, author, firm, documents = self._names(unit, members, year)
        received = _moment(draw, on)
        number = (year % 100) * 100_000 + unit.number
        return Certificate(
            _submission(received, number), received, filers, author, firm, documents, tuple(m.index for m in members)
        )

    def _names(
        self, unit: Unit, members: list[Carrier], year: int
    ) -> tuple[tuple[str, ...], str, str | None, tuple[str, ...]]:
        """(filers, author, law firm, document file names)."""
        draw = stream(self._seed, Subject.CPNI_UNIT, unit.number)
        author, first = naming.person(draw), members[0].name
        firm = None
        if unit.group >= 0:
            group, style = self._groups[unit.group].name, _GROUP_STYLES.draw(draw)
            filers = {"holding": (group,), "lead": (first,)}.get(style) or tuple(member.name for member in members)
            titles = [group]
            if style == "lead":  # the others of the group stand in the documents' names, or only inside a document
                titles = [member.name for member in members] if unit.number % 2 else [first]
            return filers, author, firm, tuple(_document(draw, title, year) for title in titles)
        style, consultant, title = _SINGLE_STYLES.draw(draw), pick(draw, naming.CONSULTANTS)[0], first
        filers = (first,)
        if style == "variant":
            title = naming.variant(draw, first) or first
            filers = (title,)
        elif style == "dba":
            title = first.split(",")[0].rsplit(" ", 1)[0] or first
            filers = (title,)
        elif style in ("consultant", "both"):
            firm = consultant
            filers = (consultant,) if style == "consultant" else (first, consultant)
        elif style == "document":
            filers = (author,)
        generic = ("CPNI Certification.pdf", f"{year} CPNI Compliance Statement.pdf", "CPNI.pdf")
        if style == "own" and draw() < 0.4:
            return filers, author, firm, (pick(draw, generic),)
        return filers, author, firm, (_document(draw, title, year),)

    def _strangers(self, year: int) -> list[Certificate]:
        """Filings by firms unknown elsewhere, and corrections a few days after the first filing."""
        made = []
        for turn in range(_STRANGERS + _CORRECTIONS):
            draw = stream(self._seed, Subject.CPNI_YEAR, (1 << 30) + turn, year)
            name = naming.company(draw, "voip", "NY")
            documents: tuple[str, ...] = (_document(draw, name, year),)
            on = due_day(year, 3) - between(draw, -20, 30)
            if turn >= _STRANGERS:
                unit = self.units()[between(draw, 0, len(self.units()) - 1)]
                earlier = self._file(unit, year)
                if earlier is None:
                    continue
                name, documents = earlier.filers[0], ("ERRATUM " + earlier.documents[0],)
                on = earlier.received.astimezone(EASTERN).toordinal() + between(draw, 2, 20)
            received = _moment(draw, on)
            number = (year % 100) * 100_000 + 90_000 + turn
            made.append(
                Certificate(_submission(received, number), received, (name,), naming.person(draw), None, documents, ())
            )
        return made


def _moment(draw: Draw, on: int) -> datetime:
    """A moment of an Eastern day, in UTC: office hours mostly, one in eleven late in the evening."""
    seconds = between(draw, 19 * 3600, 86_399) if draw() < 0.09 else between(draw, 8 * 3600, 19 * 3600)
    clock = datetime.combine(date.fromordinal(on), time(), EASTERN) + timedelta(seconds=seconds)
    return clock.astimezone(UTC) + timedelta(milliseconds=between(draw, 0, 999))


def _submission(received: datetime, number: int) -> str:
    """As ECFS numbers submissions: 1, month and day, nine digits."""
    return f"1{received:%m%d}{number:09d}"


def _document(draw: Draw, name: str, year: int) -> str:
    """A file name as filers give them."""
    safe = re.sub(r"[\\/:*?\"<>|\t]+", " ", name).strip()
    chance = draw()
    if chance < 0.4:
        return f"{safe} CPNI Certification {year}.pdf"
    if chance < 0.7:
        return f"{re.sub(r'[^A-Za-z0-9]+', '_', safe)}_CPNI_{year}.pdf"
    return f"{year} CPNI - {safe} (CY{year - 1}).pdf"
