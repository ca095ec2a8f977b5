"""Robocall Mitigation Database: the public CSV export, one row per published filing.

Layouts by vintage: 22 columns until January 2026; 23 since, when `last_recertified` came with the first
recertification window (FCC 24-135, effective 5 Feb 2026). UTF-8 with BOM, quoted line breaks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

from pw_pipelines import frn, names
from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import cells
from pw_pipelines.sources.body import Records, match_header, opened, refuse_html
from pw_pipelines.sources.report import ReadReport
from pw_pipelines.sources.tally import Tally

_COLUMNS_2025 = tuple(
    """number frn business_name business_address foreign_voice_provider country other_frns other_dba_names
    previous_dba_names robocall_mitigation_contact_name contact_title contact_department contact_business_address
    contact_country contact_telephone_number contact_phone_extension implementation voice_service_provider_choice
    gateway_provider_choice intermediate_provider_choice last_updated filing_url""".split()
)
LAYOUTS = {
    "2026": (*_COLUMNS_2025[:-1], "last_recertified", "filing_url"),
    "2025": _COLUMNS_2025,
}
LAYOUT_2026_SINCE = date(2026, 2, 1)  # the window opened on 1 Feb: a copy with later dates must have the column

IMPLEMENTATION = {
    "Complete STIR/SHAKEN Implementation": "complete",
    "Partial STIR/SHAKEN Implementation - Performing Robocall Mitigation": "partial",
    "No STIR/SHAKEN Implementation - Performing Robocall Mitigation": "none",
}
_NUMBER = re.compile(r"RMD\d{7}", re.ASCII)
_WHOLE_URL = re.compile(r"sys_id=[0-9a-f]{32}\b")


class RmdReader:
    """Reads the export. Facts for the grader: `highest_number`, `by_implementation` (blank counts `N/A` too),
    `blank_last_updated`, `role_none`, `blank_names`, `frns_with_several_filings`. All over the rows read."""

    source = "fcc_rmd"
    table = "fcc_rmd_filings"
    columns = tuple(
        """number frn business_name name_key business_address is_foreign country other_frns other_frns_text
        other_names other_name_keys contact_name contact_title contact_department contact_address contact_country
        contact_phone contact_extension implementation implementation_text is_voice is_gateway is_intermediate
        last_updated_on last_recertified_on filing_url""".split()
    )

    def __call__(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
        stream, head = opened(raw, self.source)
        refuse_html(head, self.source, "CSV")
        records = Records(stream, self.source)
        source_rows = iter(records)
        header = next(source_rows, (0, [""]))[1]
        report.layout = match_header(header, LAYOUTS, self.source, "RMD export", "sources/fcc_rmd.py")
        if not records.has_bom:
            report.notes.append("No byte order mark at the start; the portal's own export has one")
        tally = Tally(report, self.columns, ("number",))
        facts = _Facts()
        width, last_short, last_url = len(header), False, ""
        for line, record in source_rows:
            last_short = len(record) < width
            last_url = record[-1]
            if len(record) != width:
                report.reject(line, f"{len(record)} columns instead of {width}", ",".join(record))
                continue
            named = dict(zip(header, record, strict=True))
            try:
                row = self._row(named, tally)
            except ValueError as error:
                report.reject(line, str(error), ",".join(record))
                continue
            facts.take(dict(zip(self.columns, row, strict=True)))
            yield tally.take(row)
        if last_short or (not records.ends_whole and report.rows and not _WHOLE_URL.search(last_url)):
            raise SourceRejected(
                "The last row is incomplete: the file was cut short. Fetch or save it again.", source=self.source
            )
        if report.layout == "2025" and facts.newest is not None and facts.newest >= LAYOUT_2026_SINCE:
            raise SourceRejected(
                f"Column missing in the RMD export: last_recertified. The layout without it ended in January 2026, "
                f"and this copy holds the date {facts.newest}.",
                source=self.source,
            )
        tally.close()
        report.newest = facts.newest
        report.facts.update(facts.as_json())

    def _row(self, cell: dict[str, str], tally: Tally) -> tuple[object, ...]:
        """One filing. Raises ValueError with a sentence for a cell that cannot be read."""
        for column, value in cell.items():
            plain = cells.unguarded(value)
            if plain is not value:
                cell[column] = plain
                tally.mend("{n} cell(s) had an apostrophe before a leading + - @ or =, taken off")
        number = cell["number"].strip()
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"number is {number!r}, expected RMD and 7 digits")
        filer, mended = cells.registration_number(cell["frn"])
        tally.mend(mended)
        if filer is None:
            tally.mend("{n} filing(s) have no FRN")
        name = cells.text(cell["business_name"])
        key = names.key(name)
        others, other_keys = cells.keyed(
            cells.split_names(cell["other_dba_names"], cell["previous_dba_names"]), without=key
        )
        written = cell["implementation"].strip()
        if cells.text(written) is not None and written not in IMPLEMENTATION:
            raise ValueError(f"implementation is {written!r}, which is none of the known answers")
        return (
            number,
            filer,
            name,
            key,
            cells.lines(cell["business_address"]),
            cells.yes_no(cell["foreign_voice_provider"], "foreign_voice_provider"),
            cells.text(cell["country"]),
            list(frn.find_all(cell["other_frns"])),
            cells.text(cell["other_frns"]),
            others,
            other_keys,
            cells.text(cell["robocall_mitigation_contact_name"]),
            cells.text(cell["contact_title"]),
            cells.text(cell["contact_department"]),
            cells.lines(cell["contact_business_address"]),
            cells.text(cell["contact_country"]),
            cells.text(cell["contact_telephone_number"]),
            cells.text(cell["contact_phone_extension"]),
            IMPLEMENTATION.get(written),
            written or None,
            bool(cells.yes_no(cell["voice_service_provider_choice"], "voice_service_provider_choice")),
            bool(cells.yes_no(cell["gateway_provider_choice"], "gateway_provider_choice")),
            bool(cells.yes_no(cell["intermediate_provider_choice"], "intermediate_provider_choice")),
            cells.iso_date(cell["last_updated"], "last_updated"),
            cells.iso_date(cell.get("last_recertified", ""), "last_recertified"),
            cells.text(cell["filing_url"]),
        )


class _Facts:
    """What one copy says as a whole, for comparing copies."""

    def __init__(self) -> None:
        self.newest: date | None = None
        self._highest = ""
        self._implementation: Counter[str] = Counter()
        self._count: Counter[str] = Counter()
        self._filings: Counter[str] = Counter()

    def take(self, row: dict[str, object]) -> None:
        self._highest = max(self._highest, str(row["number"]))
        self._implementation[str(row["implementation"] or "blank")] += 1
        self._count["blank_last_updated"] += row["last_updated_on"] is None
        self._count["role_none"] += not (row["is_voice"] or row["is_gateway"] or row["is_intermediate"])
        self._count["blank_names"] += row["business_name"] is None
        if row["frn"] is not None:
            self._filings[str(row["frn"])] += 1
        for day in (row["last_updated_on"], row["last_recertified_on"]):
            if isinstance(day, date) and (self.newest is None or day > self.newest):
                self.newest = day

    def as_json(self) -> dict[str, object]:
        counted = {name: self._count[name] for name in ("blank_last_updated", "role_none", "blank_names")}
        return {
            "highest_number": self._highest or None,
            "by_implementation": dict(sorted(self._implementation.items())),
            **counted,
            "frns_with_several_filings": sum(1 for count in self._filings.values() if count > 1),
        }
