"""Broadband Data Collection: which FRNs filed availability data in a vintage, one row per FRN and provider ID.

Layouts: `provider_list` (the vintage's own list, in a ZIP, with or without the API's list reply beside it) and
`provider_id_table` (a reference table of known providers: being absent from it proves nothing).
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Any, BinaryIO, cast

from pw_pipelines import names
from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import cells, replies
from pw_pipelines.sources.body import Records, match_header, opened, refuse_html
from pw_pipelines.sources.report import ReadReport
from pw_pipelines.sources.tally import Tally

SOURCE = "fcc_bdc"
LAYOUTS = {
    "provider_list": ("frn", "provider_id", "holding_company"),
    "provider_id_table": ("provider_name", "affiliation", "operation_type", "frn", "provider_id"),
}
MOST_CSV_BYTES = 256 << 20  # a list of 3,000 providers has 150 kB

_FILE_NAME = re.compile(r"provider_list_([JD]\d{2})_(\d{2}[a-z]{3}\d{4})", re.IGNORECASE)
_PROVIDER_ID = re.compile(r"\d{6}", re.ASCII)


def vintage_and_revision(file_name: str) -> tuple[str | None, date | None]:
    """`bdc_us_provider_list_J25_03mar2026.zip` -> ("J25", 3 March 2026): as of 30 June 2025, revised that day."""
    found = _FILE_NAME.search(file_name)
    if found is None:
        return None, None
    with suppress(ValueError):  # not a day: the vintage still stands
        return found[1].upper(), datetime.strptime(found[2], "%d%b%Y").date()  # noqa: DTZ007  a day has no zone
    return found[1].upper(), None


class BdcReader:
    """Reads a bundle (list reply and ZIP), a ZIP or a CSV. Facts for the grader: `file`, `revised_on`,
    `providers` (distinct provider IDs)."""

    source = SOURCE
    table = "fcc_bdc_providers"
    columns = tuple("frn provider_id holding_company holding_company_key provider_name operation_type".split())

    def __call__(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
        if replies.is_bundle(raw, SOURCE):
            yield from self._bundle(raw, report)
        elif replies.is_zip(raw):
            yield from self._zip(raw, report, report.file_name or "")
        else:
            stream, head = opened(raw, SOURCE)
            refuse_html(head, SOURCE, "CSV")
            yield from self._csv(stream, report, report.file_name or "")

    def _bundle(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
        entries: list[dict[str, Any]] = []
        files = 0
        for member, body in replies.members(raw, SOURCE):
            stream = io.BytesIO(body)
            if replies.is_zip(stream):
                files += 1
                _state_total(entries, member.name, report)
                yield from self._zip(stream, report, member.name)
            elif body[:1] == b"{":
                entries.extend(_entries(body))
            else:
                files += 1
                refuse_html(body[:4096], SOURCE, "a ZIP with the provider list")
                _state_total(entries, member.name, report)
                yield from self._csv(stream, report, member.name)
        if files != 1:
            raise SourceRejected(f"The bundle holds {files} provider lists, expected one.", source=SOURCE)

    def _zip(self, raw: BinaryIO, report: ReadReport, name: str) -> Iterator[tuple[object, ...]]:
        try:
            with zipfile.ZipFile(raw) as archive:
                inside = archive.namelist()
                if "[Content_Types].xml" in inside:
                    raise SourceRejected(
                        "An Excel workbook: save its sheet as CSV (UTF-8) and try again.", source=SOURCE
                    )
                tables = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".csv")]
                if len(tables) != 1:
                    raise SourceRejected(
                        f"The ZIP should hold one CSV; it holds {', '.join(inside)[:200] or 'nothing'}.", source=SOURCE
                    )
                if tables[0].file_size > MOST_CSV_BYTES:
                    raise SourceRejected(f"The CSV inside unpacks to {tables[0].file_size:,} bytes.", source=SOURCE)
                with archive.open(tables[0]) as stream:
                    yield from self._csv(cast("BinaryIO", stream), report, f"{tables[0].filename} {name}")
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise SourceRejected(f"The ZIP is cut short or damaged ({error}).", source=SOURCE) from error

    def _csv(self, stream: BinaryIO, report: ReadReport, names_given: str) -> Iterator[tuple[object, ...]]:
        """`names_given`: file names that may say the vintage, the best one first."""
        records = iter(Records(stream, SOURCE))
        header = next(records, (0, [""]))[1]
        if header and header[0].lstrip().startswith("<"):
            refuse_html(header[0].encode(), SOURCE, "CSV")
        report.layout = match_header(header, LAYOUTS, SOURCE, "BDC provider table", "sources/fcc_bdc.py")
        report.proves_absence = report.layout == "provider_list"
        vintage, revised_on = vintage_and_revision(names_given)
        report.vintage, report.newest = vintage or report.vintage, revised_on
        tally = Tally(report, self.columns, ("frn", "provider_id"))
        providers: set[str] = set()
        short = False
        for line, record in records:
            short = len(record) < len(header)
            if len(record) != len(header):
                report.reject(line, f"{len(record)} columns instead of {len(header)}", ",".join(record))
                continue
            try:
                row = _row(dict(zip(header, record, strict=True)), tally)
            except ValueError as error:
                report.reject(line, str(error), _as_line(record))
                continue
            providers.add(str(row[1]))
            yield tally.take(row)
        if short:
            raise SourceRejected("The last row is incomplete: the file was cut short.", source=SOURCE)
        tally.close()
        report.facts.update(
            revised_on=revised_on.isoformat() if revised_on else None,
            providers=len(providers),
        )


def _row(cell: dict[str, str], tally: Tally) -> tuple[object, ...]:
    frn, mended = cells.registration_number(cell["frn"])
    tally.mend(mended)
    if frn is None:
        raise ValueError("the FRN is blank")
    provider = cell["provider_id"].strip()
    if provider != cell["provider_id"]:
        tally.mend("{n} provider ID(s) had blanks around them, trimmed")
    if not _PROVIDER_ID.fullmatch(provider):
        raise ValueError(f"provider_id is {provider!r}, expected 6 digits")
    holding = cells.text(cell.get("holding_company", cell.get("affiliation", "")))
    return (
        frn,
        provider,
        holding,
        names.key(holding),
        cells.text(cell.get("provider_name", "")),
        cells.text(cell.get("operation_type", "")),
    )


def _entries(body: bytes) -> list[dict[str, Any]]:
    """Rows of the API's list reply. Raises SourceRejected when the reply says it failed."""
    try:
        reply = json.loads(body)
    except ValueError as error:
        raise SourceRejected(f"The list reply is not whole JSON ({error}).", source=SOURCE) from error
    if not isinstance(reply.get("data"), list):
        said = reply.get("message") or reply.get("status") or sorted(reply)
        raise SourceRejected(f"The list reply holds no data: {said}.", source=SOURCE)
    return [entry for entry in reply["data"] if isinstance(entry, dict)]


def _state_total(entries: list[dict[str, Any]], name: str, report: ReadReport) -> None:
    """Takes the control total of the file called `name` from the list reply, where it gives one."""
    stem = name.rpartition("/")[2].removesuffix(".zip").removesuffix(".csv")
    for entry in entries:
        listed = str(entry.get("file_name") or "").removesuffix(".zip").removesuffix(".csv")
        if listed != stem:
            continue
        report.facts["file"] = listed
        count = str(entry.get("record_count") or "").replace(",", "")
        if count.isdigit():
            report.control_total, report.control_source = int(count), "record_count in the BDC list reply"
        return


def _as_line(record: list[str]) -> str:
    sink = io.StringIO()
    csv.writer(sink).writerow(record)
    return sink.getvalue().strip()
