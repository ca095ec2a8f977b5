"""Segments as files for marketing: CSV, XLSX, Parquet. One row per lead, worst first; same data, same bytes.

CSV is guarded against spreadsheet formulas: a cell that begins with = + - @ or a tab or carriage return gets a
leading apostrophe, since a spreadsheet would run it as a formula otherwise. The FRN is text everywhere; a CSV cannot
say so, and a spreadsheet that opens one drops leading zeros: the XLSX keeps them. XLSX and Parquet carry types and
need no guard. Addresses that are suppressed are left out, and counted.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.leads.segments import SegmentSpec, segment_named

Connection = psycopg.Connection[dict[str, Any]]
Row = Mapping[str, Any]

# Column -> what it says. The order of every file.
COLUMNS: Mapping[str, str] = {
    "frn": "FCC Registration Number, 10 digits, zero-padded",
    "company": "Name in the public record",
    "email": "Address to write to",
    "contact_name": "Person named with the address, if the record names one",
    "contact_source": "Record the contact comes from: cores, form499 or rmd",
    "codes": "Finding codes",
    "sure_codes": "The findings that the record proves",
    "top_severity": "Worst severity among the findings",
    "services": "Services that cure them",
    "comm_type": "Form 499 principal communications type",
    "hq_state": "Headquarters, two letters",
    "as_of": "Day the findings hold for, America/New_York",
    "oldest_as_of": "Day of the oldest record they stand on",
}
_LISTS = frozenset({"codes", "sure_codes", "services"})
_DATES = frozenset({"as_of", "oldest_as_of"})
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SEPARATOR = "; "


@dataclass(frozen=True)
class ExportReport:
    """`rows` written, `suppressed` left out. `sha256` of the file."""

    segment: str
    format: str
    path: Path
    rows: int
    suppressed: int
    as_of: date | None
    sha256: str


@dataclass(frozen=True)
class SegmentState:
    """A segment as of the last build. `leads` counts carriers; `suppressed` of them may not be written to."""

    name: str
    title: str
    description: str
    as_of: date | None
    leads: int
    suppressed: int
    by_code: Mapping[str, int]


@dataclass(frozen=True)
class _Content:
    spec: SegmentSpec
    as_of: date | None
    rows: Sequence[Row]
    suppressed: int


def export_segment(
    db: Database, name: str, format: str, out: Path, *, include_suppressed: bool = False
) -> ExportReport:
    """Writes segment `name` to `out` (first under a temporary name beside it, then renamed).

    `format` csv, xlsx or parquet. Raises UsageError for an unknown segment or format or a missing folder,
    ConfigError when the marts were never built.
    """
    if format not in _WRITERS:
        raise UsageError(f"{format!r} is no export format. Formats: {', '.join(_WRITERS)}.")
    if not out.parent.is_dir():
        raise UsageError(f"The folder {out.parent} does not exist; make it or choose another --out.")
    if out.is_dir():
        raise UsageError(f"{out} is a folder; --out names a file.")
    with db.connect(application="pw-export") as connection:
        content = _read(connection, segment_named(name), include_suppressed)
    draft = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        _WRITERS[format](content, draft)
        with draft.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return ExportReport(name, format, out, len(content.rows), content.suppressed, content.as_of, digest)


def segment_state(db: Database, name: str) -> SegmentState:
    """One segment with its counts. UsageError for an unknown name, ConfigError when the marts were never built."""
    return next(state for state in segment_states(db, [segment_named(name)]))


def segment_states(db: Database, specs: Sequence[SegmentSpec]) -> list[SegmentState]:
    """The segments with their counts, in the order given."""
    with db.connect(application="pw-segments") as connection:
        return _states(connection, specs)


def _states(connection: Connection, specs: Sequence[SegmentSpec]) -> list[SegmentState]:
    _demand_build(connection)
    counts = {
        row["segment"]: row
        for row in connection.execute(
            """select m.segment, count(*) as leads, max(l.as_of) as as_of,
                      count(*) filter (where lower(l.email) in (select email from pw.suppressions)) as suppressed
               from segments.segment_members m join marts.deficiency_leads l using (frn) group by m.segment"""
        )
    }
    by_code: dict[str, dict[str, int]] = {}
    for row in connection.execute(
        """select m.segment, code, count(*) as n
           from segments.segment_members m join marts.deficiency_leads l using (frn), unnest(l.codes) as code
           group by m.segment, code order by m.segment, n desc, code"""
    ):
        by_code.setdefault(row["segment"], {})[row["code"]] = row["n"]
    empty: dict[str, Any] = {"leads": 0, "suppressed": 0, "as_of": None}
    return [
        SegmentState(
            name=spec.name,
            title=spec.title,
            description=spec.description,
            as_of=counts.get(spec.name, empty)["as_of"] or _built_as_of(connection, spec.name),
            leads=counts.get(spec.name, empty)["leads"],
            suppressed=counts.get(spec.name, empty)["suppressed"],
            by_code=by_code.get(spec.name, {}),
        )
        for spec in specs
    ]


def guarded(cell: str) -> str:
    """`cell` for a CSV that a spreadsheet may open: what would start a formula is made text by an apostrophe."""
    return f"'{cell}" if cell.startswith(_STARTS_A_FORMULA) else cell


def _read(connection: Connection, spec: SegmentSpec, include_suppressed: bool) -> _Content:
    _demand_build(connection)
    rows = connection.execute(
        """select l.frn, l.name as company, lower(l.email) as email, l.contact_name, l.contact_source, l.codes,
                  l.sure_codes, l.top_severity, l.services, l.comm_type, l.hq_state, l.as_of, l.oldest_as_of,
                  exists (select 1 from pw.suppressions s where s.email = lower(l.email)) as is_suppressed
           from segments.segment_members m join marts.deficiency_leads l using (frn)
           where m.segment = %s order by l.severity_rank, l.frn""",
        (spec.name,),
    ).fetchall()
    kept = [row for row in rows if include_suppressed or not row["is_suppressed"]]
    as_of = max((row["as_of"] for row in rows), default=None) or _built_as_of(connection, spec.name)
    return _Content(spec, as_of, kept, len(rows) - len(kept))


def _demand_build(connection: Connection) -> None:
    row = connection.execute(
        """select to_regclass('marts.deficiency_leads') as leads, to_regclass('segments.segment_members') as members"""
    ).fetchone()
    if row is None or row["leads"] is None or row["members"] is None:
        raise ConfigError("The marts were never built here, so no segment has members. Run `acquire` in Dagster.")


def _built_as_of(connection: Connection, name: str) -> date | None:
    row = connection.execute("select as_of from segments.segment_summary where segment = %s", (name,)).fetchone()
    return row["as_of"] if row else None


def _flat(row: Row, column: str) -> str:
    value = row[column]
    if value is None:
        return ""
    if column in _LISTS:
        return _SEPARATOR.join(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _write_csv(content: _Content, draft: Path) -> None:
    with draft.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in content.rows:
            writer.writerow([guarded(_flat(row, column)) for column in COLUMNS])


def _write_xlsx(content: _Content, draft: Path) -> None:
    import xlsxwriter

    as_of = content.as_of or date(1980, 1, 1)
    book = xlsxwriter.Workbook(str(draft), {"strings_to_formulas": False, "strings_to_urls": False})
    # The moment of making would change the bytes of the same data.
    book.set_properties({"title": content.spec.title, "created": datetime(as_of.year, as_of.month, as_of.day)})  # noqa: DTZ001 - a file property without zone
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet("leads")
    sheet.freeze_panes(1, 1)
    for index, column in enumerate(COLUMNS):
        sheet.write_string(0, index, column, bold)
        sheet.set_column(index, index, 28 if column in {"company", "email", "codes"} else 14)
        for line, row in enumerate(content.rows, start=1):
            if column in _DATES and row[column] is not None:
                sheet.write_datetime(line, index, row[column], day)
            else:
                sheet.write_string(line, index, _flat(row, column), text if column == "frn" else None)
    if content.rows:
        sheet.autofilter(0, 0, len(content.rows), len(COLUMNS) - 1)
    about = book.add_worksheet("about")
    facts = [
        ("segment", content.spec.name),
        ("title", content.spec.title),
        ("description", content.spec.description),
        ("as of", content.as_of.isoformat() if content.as_of else "no lead yet"),
        ("leads", str(len(content.rows))),
        ("left out, suppressed", str(content.suppressed)),
        *COLUMNS.items(),
    ]
    about.set_column(0, 1, 24)
    for line, (label, value) in enumerate(facts):
        about.write_string(line, 0, label, bold)
        about.write_string(line, 1, value)
    book.close()


def _write_parquet(content: _Content, draft: Path) -> None:
    import polars

    schema = {
        column: polars.List(polars.String) if column in _LISTS else polars.Date if column in _DATES else polars.String
        for column in COLUMNS
    }
    frame = polars.DataFrame([{column: row[column] for column in COLUMNS} for row in content.rows], schema=schema)
    frame.write_parquet(draft, compression="zstd")


_WRITERS: Mapping[str, Callable[[_Content, Path], None]] = {
    "csv": _write_csv,
    "xlsx": _write_xlsx,
    "parquet": _write_parquet,
}
