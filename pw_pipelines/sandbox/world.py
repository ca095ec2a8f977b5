"""The invented world: a pure function of (seed, day).

`World(seed)` knows everybody and everything that happens to them from 2015 to 2030; asking it for a day gives what
each public record would show on that day. Nothing in it reads a clock, a file or the network.
"""

from __future__ import annotations

import copy
from bisect import insort
from collections import OrderedDict
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

from pw_pipelines.sandbox import fcc_bdc, fcc_cores, fcc_ecfs, fcc_form499, fcc_rmd
from pw_pipelines.sandbox.bdc_register import VINTAGES, BdcRegister, Vintage
from pw_pipelines.sandbox.carriers import Carrier, population
from pw_pipelines.sandbox.cpni_register import Certificate, CpniRegister
from pw_pipelines.sandbox.form499_register import Form499Register, updated_on
from pw_pipelines.sandbox.profiles import Profile, profile
from pw_pipelines.sandbox.rmd_register import RmdRegister

if TYPE_CHECKING:
    from pw_pipelines.sandbox.filed import Filings

_RENDERINGS_KEPT = 4


class World:
    """One invented world. Safe to ask from several threads."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.carriers, self.groups = population(seed)
        self.rmd = RmdRegister(seed, self.carriers)
        self.form499 = Form499Register(seed, self.carriers)
        self.bdc = BdcRegister(seed, self.carriers, self.groups)
        self.cpni = CpniRegister(seed, self.carriers, self.groups, self.form499)
        self.rmd_cells: dict[str, tuple[str, ...]] = {}  # the unchanging part of each row, filled as rows are asked for
        self.filed: Filings | None = None
        self._kept: OrderedDict[tuple[date, str], bytes] = OrderedDict()
        self._lock = RLock()

    def with_filings(self, filed: Filings) -> World:
        """This world with what was filed with the stand-ins laid over its public records; this one stays as it is."""
        view = copy.copy(self)
        view.filed, view._kept = filed, OrderedDict()
        return view

    @cached_property
    def by_frn(self) -> dict[str, Carrier]:
        """Everybody by FRN."""
        return {carrier.frn: carrier for carrier in self.carriers}

    @cached_property
    def covered_by(self) -> dict[int, list[int]]:
        """Carrier -> affiliates named in its RMD filing."""
        found: dict[int, list[int]] = {}
        for carrier in self.carriers:
            if carrier.parent >= 0:
                found.setdefault(carrier.parent, []).append(carrier.index)
        return found

    def profile(self, index: int) -> Profile:
        """Address, contact and trade names of a carrier."""
        return profile(self.seed, self.carriers[index], self.groups)

    def rmd_csv(self, on: date) -> bytes:
        """The RMD bulk export of a day: UTF-8 with BOM, 23 columns (22 before February 2026)."""
        with self._lock:
            edition = (on, self.filed.edition("fcc_rmd", on) if self.filed else "")
            if edition not in self._kept:
                self._kept[edition] = fcc_rmd.csv_bytes(self, on)
                while len(self._kept) > _RENDERINGS_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(edition)
            return self._kept[edition]

    def form499_xml(self, on: date, *, inflate_to: int | None = None) -> Iterator[bytes]:
        """The whole Form 499 database shown on a day, in chunks, ISO-8859-1.

        `inflate_to`: bytes the result should have at least, reached by naming more jurisdictions per filer.
        """
        return fcc_form499.xml_chunks(self, updated_on(on), inflate_to=inflate_to)

    def ecfs_filings(self, on: date) -> list[dict[str, object]]:
        """Every filing of docket 06-36 received by the end of a day, oldest first, as ECFS shows them."""
        return [fcc_ecfs.record(filing) for filing in self.ecfs_received(on) if filing.docket == fcc_ecfs.DOCKET]

    def ecfs_received(self, on: date) -> list[Certificate]:
        """The same before it is shown, and what was filed with the stand-in in other dockets; by when it came."""
        with self._lock:
            received = self.cpni.received(on.toordinal())
        filed = self.filed.cpni(on) if self.filed else []
        if filed:
            received = received.copy()  # the register's own list is shared
            for one in filed:
                insort(received, one, key=lambda filing: filing.received)
        return received

    def bdc_vintages(self, on: date) -> list[Vintage]:
        """Vintages published by a day, oldest first."""
        return [vintage for vintage in VINTAGES if vintage.published(on)]

    def bdc_zip(self, vintage: Vintage, on: date) -> bytes:
        """The provider list of a vintage in its newest revision of a day."""
        return fcc_bdc.provider_zip(self, vintage, on)

    def cores_page(self, frn: str, on: date) -> bytes:
        """The CORES page of one FRN; its body is empty for a number nobody has."""
        return fcc_cores.page(self, frn, on)

    def counts(self, on: date) -> dict[str, int]:
        """Rows per public record on a day."""
        ordinal, monday = on.toordinal(), updated_on(on).toordinal()
        vintages = self.bdc_vintages(on)
        filers = self.form499.present(monday)
        with self._lock:
            received = len(self.cpni.received(ordinal))
        counts = {
            "fcc_rmd": len(fcc_rmd.published(self, on)) if self.filed else len(self.rmd.listed(ordinal)),
            "fcc_form499": len(filers),
            "fcc_form499_active": sum(filer.ended_on > monday for filer in filers),
            "fcc_cpni": received,
            "fcc_cores": sum(carrier.registered_on <= ordinal for carrier in self.carriers),
        }
        for vintage in vintages:
            revision = len(vintage.published(on)) - 1
            counts[f"fcc_bdc_{vintage.name}"] = len(self.bdc.listed(vintage, revision))
        return counts
