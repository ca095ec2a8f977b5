"""What was filed with the stand-ins of the federal portals, laid over the invented world's public records.

The world stays a pure function of seed and day; `World.with_filings` asks this what was filed before a day and shows it
from the next day on, or in the next edition of a record that appears in editions. With an empty book nothing changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pw_pipelines.sandbox.cpni_register import Certificate
from pw_pipelines.sandbox.filing_portals.book import FilingBook, Submission
from pw_pipelines.sandbox.filing_portals.rmd_forms import IMPLEMENTATIONS
from pw_pipelines.sandbox.geography import USA
from pw_pipelines.sandbox.streams import day

_WINDOW_OPENS = day(2026, 2, 1)  # the first recertification window; earlier filings recertify nothing
_FIRST_ID = 800_000_000  # of ECFS submissions, above those the world makes
_CELLS = {
    "business_name": "business_name",
    "dba_names": "other_dba_names",
    "previous_names": "previous_dba_names",
    "foreign_provider": "foreign_voice_provider",
    "contact_name": "robocall_mitigation_contact_name",
    "contact_title": "contact_title",
    "contact_phone": "contact_telephone_number",
}
_ROLES = {
    "role_voice": "voice_service_provider_choice",
    "role_gateway": "gateway_provider_choice",
    "role_intermediate": "intermediate_provider_choice",
}


@dataclass
class RmdEntry:
    """What the row of a number shows since it was filed here. Days are ordinals, 0 where nothing here set them.

    cells: by column, unguarded. plan: the plan or update last uploaded. is_new: the number was given out here.
    is_whole: a whole certification was filed, which takes the place of all others of the FRN.
    """

    number: str
    frn: str
    is_new: bool
    filed_on: int
    cells: dict[str, str] = field(default_factory=dict)
    updated: int = 0
    recertified: int = 0
    plan: bytes | None = None
    is_whole: bool = False


@dataclass(frozen=True)
class Yearly:
    """One Form 499-A: by filer ID, or by FRN where none was given."""

    filer_id: str
    frn: str
    year: int


@dataclass(frozen=True)
class Availability:
    """One availability filing for the edition `as_of`."""

    frn: str
    name: str
    as_of: date
    filed_on: date


class Filings:
    """The book's filings, as the public records of a day need them. `before` is that day, or an edition's."""

    def __init__(self, book: FilingBook) -> None:
        self._book = book

    def edition(self, portal: str, before: date) -> str:
        """A short digest of what was filed with a portal by then; empty when nothing was."""
        filed = self._filed(portal, before)
        shown = repr([(one.number, one.filed_at, one.form, one.fields, one.uploads) for one in filed])
        return hashlib.sha256(shown.encode()).hexdigest()[:12] if filed else ""

    def rmd(self, before: date) -> dict[str, RmdEntry]:
        """By number of the filing, in the order of the numbers."""
        entries: dict[str, RmdEntry] = {}
        for one in self._filed("fcc_rmd", before):
            on, number = one.day.toordinal(), one.fields["_rmd_number"]
            entry = entries.setdefault(number, RmdEntry(number, one.subject, one.fields["_is_new"] == "true", on))
            entry.updated = on
            entry.is_whole |= one.form == "filing"
            entry.cells |= _rmd_cells(one.fields)
            is_first = entry.is_new and entry.filed_on == on
            if one.form != "update" and not is_first and on >= _WINDOW_OPENS:
                entry.recertified = on
            if plans := [file for file in one.uploads if file.field == "plan"]:
                entry.plan = self._book.content(plans[-1])
        return dict(sorted(entries.items()))

    def cpni(self, before: date) -> list[Certificate]:
        """Public filings of any docket, oldest first."""
        return [
            Certificate(
                id_submission=f"1{one.filed_at:%m%d}{_FIRST_ID + one.number:09d}",
                received=one.filed_at,
                filers=(one.fields["filer_name"],),
                author=one.fields["filer_name"],
                law_firm=one.fields["law_firm"] or None,
                documents=tuple(file.name for file in one.uploads),
                covered=(),
                docket=one.fields["proceeding"],
                type=one.fields["filing_type"],
                confirmation=one.confirmation,
            )
            for one in self._filed("fcc_ecfs", before)
            if one.form.startswith("standard:")
        ]

    def form499(self, before: date) -> list[Yearly]:
        """Forms 499-A."""
        return [
            Yearly(one.fields["filer_id"], one.subject, int(one.fields["filing_year"]))
            for one in self._filed("usac_efile", before)
            if one.form == "form_499a"
        ]

    def bdc(self, before: date) -> list[Availability]:
        """Availability filings; subscription data alone are not public."""
        return [
            Availability(one.subject, one.fields["provider_name"], date.fromisoformat(one.fields["period"]), one.day)
            for one in self._filed("fcc_bdc", before)
            if one.form in ("availability", "both")
        ]

    def _filed(self, portal: str, before: date) -> list[Submission]:
        return [one for one in self._book.all(portal) if one.day < before]


def _rmd_cells(fields: Mapping[str, str]) -> dict[str, str]:
    """What a submission says of the row's cells."""
    cells = {column: fields[name] for name, column in _CELLS.items() if name in fields}
    cells |= {column: "Yes" if fields[name] == "true" else "No" for name, column in _ROLES.items() if name in fields}
    if "implementation" in fields:
        cells["implementation"] = IMPLEMENTATIONS[fields["implementation"]]
    if "business_address" in fields:
        parts = [part.strip() for part in fields["business_address"].split(",")]
        address = "\n".join((*parts[:-2], " ".join(parts[-2:])))
        cells |= {"business_address": address, "contact_business_address": address}
        cells |= {"country": USA, "contact_country": USA}
    return cells
