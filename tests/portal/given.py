"""Hand-made books for tests of the check and the web: the marts with their contract's columns, filled row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from pw_pipelines.compliance.rules import rules
from pw_pipelines.db.connection import Database

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
LISTS = ("fcc_rmd", "fcc_form499", "fcc_cpni", "fcc_bdc")


class StoppedClock:
    """A clock that shows one moment."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def today(self) -> date:
        return (self._now - timedelta(hours=5)).date()


MARTS = """
create schema if not exists marts; create schema if not exists segments;
create table marts.carriers (frn text primary key, name text, name_source text, is_foreign bool, country text,
  hq_state text, comm_type text, is_rmd_filer bool, is_form499_filer bool, is_form499_active bool,
  is_bdc_provider bool, cores_found bool, duties text[], rmd_numbers text[], filer_ids text[], cpni_match jsonb,
  name_keys text[], snapshot_ids text[]);
create table marts.findings (frn text, code text, title text, severity text, severity_rank int, certainty text,
  citation text, explanation text, remedy text, service text, due_on_et date, evidence jsonb, snapshot_ids text[],
  as_of date, primary key (frn, code));
create table marts.questions (frn text, code text, text text, citation text, snapshot_ids text[]);
create table marts.held (frn text, code text, why text, evidence jsonb, snapshot_ids text[]);
create table marts.deficiency_leads (frn text primary key, name text, email text, contact_name text,
  contact_source text, contact_reason text, codes text[], sure_codes text[], probable_codes text[],
  top_severity text, severity_rank int, services text[], comm_type text, hq_state text, snapshot_ids text[],
  as_of date, oldest_as_of date);
create table segments.segment_members (segment text, frn text);
create table segments.segment_summary (segment text, title text, leads int, by_code jsonb, as_of date);
create index on marts.questions (frn);
"""


def empty_marts(db: Database) -> None:
    """The tables dbt makes, without rows."""
    with db.connect() as connection:
        connection.execute(MARTS)


def snapshot(
    db: Database,
    source: str,
    as_of: date = TODAY,
    *,
    grade: str = "complete",
    at: datetime | None = None,
    edition: str | None = None,
) -> str:
    """A graded copy; its id says source and day."""
    snapshot_id = f"{source}-{as_of}-{grade}"
    fetched_at = at or datetime(as_of.year, as_of.month, as_of.day, 10, tzinfo=UTC)
    good = grade in {"complete", "partial"}
    with db.connect() as connection:
        connection.execute(
            """insert into pw.snapshots (snapshot_id, source, as_of, vintage, fetched_at, origin, raw_digest,
                 size_bytes, media_type, rows, grade, proves_absence, reasons, graded_at, loaded_at, recalled_at)
               values (%s, %s, %s, %s, %s, 'fetched', %s, 1, 'text/csv', 11200, %s, %s, %s, %s, %s, %s)""",
            (
                snapshot_id,
                source,
                as_of,
                edition,
                fetched_at,
                hashlib.sha256(snapshot_id.encode()).hexdigest(),
                grade,
                good,
                [] if good else ["rows 6,112 against 11,190 on 2026-11-21 (−45 %, limit ±15 %)"],
                fetched_at,
                fetched_at if good else None,
                fetched_at if grade == "recalled" else None,
            ),
        )
    return snapshot_id


def recall(db: Database, snapshot_id: str) -> None:
    """Recalls a copy in the books, leaving the marts as they were."""
    with db.connect() as connection:
        connection.execute(
            "update pw.snapshots set grade = 'recalled', recalled_at = %s where snapshot_id = %s", (NOW, snapshot_id)
        )


def build(db: Database, snapshot_ids: Iterable[str], as_of: date = TODAY) -> None:
    """A finished rebuild of the marts."""
    with db.connect() as connection:
        connection.execute(
            "insert into pw.mart_builds (as_of, built_at, snapshot_ids) values (%s, %s, %s)",
            (as_of, datetime(as_of.year, as_of.month, as_of.day, 11, tzinfo=UTC), list(snapshot_ids)),
        )


def fresh_books(db: Database, *, without: Sequence[str] = (), as_of: date = TODAY) -> dict[str, str]:
    """Marts built today on complete copies of today of every list but `without`; source -> snapshot id."""
    empty_marts(db)
    ids = {source: snapshot(db, source, as_of) for source in LISTS if source not in without}
    build(db, ids.values(), as_of)
    return ids


def carrier(
    db: Database,
    frn: str = "0012345678",
    name: str | None = "Acme Telephone LLC",
    *,
    duties: Sequence[str] = ("rmd", "cpni", "form499"),
    is_foreign: bool = False,
    name_keys: Sequence[str] = ("acme telephone",),
) -> str:
    """One carrier of the marts."""
    with db.connect() as connection:
        connection.execute(
            """insert into marts.carriers (frn, name, is_foreign, comm_type, duties, name_keys, snapshot_ids)
               values (%s, %s, %s, 'VOIP', %s, %s, '{}')""",
            (frn, name, is_foreign, list(duties), list(name_keys)),
        )
    return frn


def finding(
    db: Database,
    code: str,
    snapshot_ids: Sequence[str],
    frn: str = "0012345678",
    *,
    evidence: dict[str, Any] | None = None,
    due_on: date | None = None,
) -> None:
    """One finding, worded as its rule words it."""
    rule = rules()[code]
    with db.connect() as connection:
        connection.execute(
            "insert into marts.findings values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                frn,
                code,
                rule.title,
                rule.severity,
                rule.severity_rank,
                rule.certainty,
                rule.citation,
                rule.explanation,
                rule.remedy,
                rule.service,
                due_on,
                Jsonb(evidence or {}),
                list(snapshot_ids),
                TODAY,
            ),
        )


def question(db: Database, code: str, frn: str = "0012345678") -> None:
    """One question to the carrier."""
    rule = rules()[code]
    with db.connect() as connection:
        connection.execute(
            "insert into marts.questions values (%s, %s, %s, %s, '{}')", (frn, code, rule.question, rule.citation)
        )


def past_finding(
    db: Database,
    code: str,
    opened: date,
    closed: date | None = None,
    *,
    reason: str = "cured",
    snapshot_ids: Sequence[str] = (),
    frn: str = "0012345678",
) -> None:
    """A finding in the history."""
    rule = rules()[code]
    with db.connect() as connection:
        connection.execute(
            """insert into pw.finding_history (frn, code, severity, certainty, evidence, snapshot_ids, opened_as_of,
                 opened_at, last_seen_as_of, closed_as_of, closed_at, closed_reason)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (frn, code, rule.severity, rule.certainty, Jsonb({"seen": "then"}), list(snapshot_ids), opened, NOW,
             opened, closed, NOW if closed else None, reason if closed else None),
        )  # fmt: skip


def cores(
    db: Database,
    frn: str,
    *,
    found: bool,
    as_of: date = TODAY,
    entity_type: str | None = "Private Sector , Corporation",
    name: str | None = "ACME TELEPHONE LLC",
) -> None:
    """A stored CORES look-up."""
    snapshot_id = snapshot(db, "fcc_cores", as_of)
    with db.connect() as connection:
        connection.execute(
            """insert into core.fcc_cores_registrations (snapshot_id, frn, is_found, entity_name, name_key, entity_type)
               values (%s, %s, %s, %s, '', %s)""",
            (snapshot_id, frn, found, name if found else None, entity_type if found else None),
        )


def lead(db: Database, frn: str, name: str, segment: str, codes: Sequence[str]) -> None:
    """One lead in one segment."""
    with db.connect() as connection:
        connection.execute(
            """insert into marts.deficiency_leads (frn, name, email, contact_name, contact_source, contact_reason,
                 codes, sure_codes, probable_codes, top_severity, severity_rank, services, comm_type, hq_state,
                 snapshot_ids, as_of, oldest_as_of)
               values (%s, %s, %s, 'Regulatory Contact', 'cores', 'CORES contact', %s, %s, '{}', 'high', 2, '{}',
                 'VOIP', 'TX', '{}', %s, %s) on conflict do nothing""",
            (frn, name, f"contact{frn}@carrier.example", list(codes), list(codes), TODAY, TODAY),
        )
        connection.execute("insert into segments.segment_members values (%s, %s)", (segment, frn))


def segment_counts(db: Database, counts: dict[str, dict[str, int]]) -> None:
    """segments.segment_summary: segment -> code -> leads."""
    with db.connect() as connection:
        for segment, by_code in counts.items():
            connection.execute(
                "insert into segments.segment_summary values (%s, %s, %s, %s, %s)",
                (segment, segment, max(by_code.values(), default=0), Jsonb(by_code), TODAY),
            )
