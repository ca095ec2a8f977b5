"""Who is in the provider list of each Broadband Data Collection vintage.

Vintages are as of 30 June (`J25`) and 31 December (`D25`), appear seven to eight months later and are then revised.
Some providers drop out; of those some were merged: their provider_id or holding company stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pw_pipelines.sandbox.carriers import Carrier, Cohort, Group
from pw_pipelines.sandbox.streams import Subject, between, stream

FIRST_YEAR = 2023  # older vintages are not offered
_LAST_YEAR = 2029
_SHARE = {"LEC": 0.74, "COAX": 0.8, "CEL": 0.42, "CAP": 0.3, "VOIP": 0.11, "LRES": 0.05, "ALLD": 0.4, "SAT": 0.3}
_DROPPED = 0.011  # of a vintage's providers, gone from the next
_MERGED = 0.012  # the same, but the group stays
_LATE_ROW = 0.004  # first seen in a revision


@dataclass(frozen=True, slots=True)
class Vintage:
    """One edition: `as_of` the day it describes, `revisions` the days it was published."""

    name: str
    as_of: date
    revisions: tuple[date, ...]

    @property
    def position(self) -> int:
        return self.as_of.year * 2 + (self.as_of.month > 6)

    def published(self, on: date) -> tuple[date, ...]:
        """Revisions out by a day, oldest first."""
        return tuple(revision for revision in self.revisions if revision <= on)


def _vintage(year: int, half: int) -> Vintage:
    if half == 0:
        first = date(year + 1, 3, 3)
        return Vintage(f"J{year % 100}", date(year, 6, 30), (first, first + timedelta(days=42)))
    first = date(year + 1, 8, 4)
    return Vintage(
        f"D{year % 100}", date(year, 12, 31), (first, first + timedelta(days=42), first + timedelta(days=56))
    )


VINTAGES = tuple(_vintage(year, half) for year in range(FIRST_YEAR, _LAST_YEAR + 1) for half in (0, 1))


@dataclass(frozen=True, slots=True)
class Provider:
    """One FRN with availability data. Positions count half years (`Vintage.position`)."""

    frn: str
    provider_id: str
    holding_company: str
    carrier: int
    first: int
    last: int
    revision: int


class BdcRegister:
    """All providers there will ever be, by FRN."""

    def __init__(self, seed: int, carriers: list[Carrier], groups: list[Group]) -> None:
        self._seed = seed
        self._groups = groups
        self.providers = sorted(
            (provider for carrier in carriers if (provider := self._provider(carrier))), key=lambda row: row.frn
        )

    def listed(self, vintage: Vintage, revision: int) -> list[Provider]:
        """The provider list of a vintage in its `revision`-th publication (0 the first)."""
        position = vintage.position
        return [
            row
            for row in self.providers
            if row.first <= position <= row.last and (row.first < position or row.revision <= revision)
        ]

    def added(self, frn: str, name: str) -> Provider:
        """One who files although the world knows of none; with the ID it had, where it ever was a provider."""
        known = next((row for row in self.providers if row.frn == frn), None)
        if known is not None:
            return known
        return Provider(frn, f"{200_000 + int(frn) % 700_000:06d}", name, -1, 0, 0, 0)

    def _provider(self, carrier: Carrier) -> Provider | None:
        draw = stream(self._seed, Subject.BDC, carrier.index)
        if carrier.cohort is not Cohort.BROADBAND and (
            carrier.cohort not in (Cohort.LISTED, Cohort.COVERED, Cohort.NEWCOMER)
            or carrier.is_foreign
            or draw() >= _SHARE.get(carrier.comm_type, 0.0)
        ):
            return None
        arrived = date.fromordinal(carrier.arrived_on)
        first = max(arrived.year * 2 + (arrived.month > 6), 2 * 2022)
        if carrier.cohort is Cohort.BROADBAND and draw() < 0.2:
            first = 2 * 2022 + between(draw, 0, 10)
        return Provider(
            frn=carrier.frn,
            provider_id=self._provider_id(carrier),
            holding_company=self._holding(draw(), carrier),
            carrier=carrier.index,
            first=first,
            last=self._last(carrier, first),
            revision=0 if draw() > _LATE_ROW * 10 else 1,
        )

    def _last(self, carrier: Carrier, first: int) -> int:
        draw = stream(self._seed, Subject.BDC, carrier.index, 1)
        follows = carrier.group >= 0 and self._groups[carrier.group].members[0] != carrier.index
        yearly = _MERGED if follows else _DROPPED * (2 if carrier.is_careless else 0.9)
        for position in range(first, 2 * _LAST_YEAR + 2):
            if draw() < yearly:
                return position
        return 2 * _LAST_YEAR + 1

    def _provider_id(self, carrier: Carrier) -> str:
        if carrier.group >= 0:
            return f"{130_000 + carrier.group:06d}"
        return f"{140_000 + carrier.index:06d}"

    def _holding(self, chance: float, carrier: Carrier) -> str:
        if carrier.group < 0:
            return carrier.name
        group = self._groups[carrier.group]
        return group.name if chance < 0.93 else group.stem if chance < 0.97 else carrier.name
