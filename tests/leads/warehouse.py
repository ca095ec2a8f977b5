"""A small warehouse with leads in it, made by hand with the marts' columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.db.connection import Database

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
RANKS = {"critical": 1, "high": 2, "medium": 3, "low": 4, "information": 5}

MARTS = """
create schema if not exists marts;
create schema if not exists segments;
create table marts.carriers (frn text primary key, name text, is_bdc_provider boolean);
create table marts.findings (frn text, code text, severity_rank int, primary key (frn, code));
create table marts.deficiency_leads (
    frn text primary key, name text, email text, contact_name text, contact_source text, contact_reason text,
    codes text[], sure_codes text[], probable_codes text[], top_severity text, severity_rank int, services text[],
    comm_type text, hq_state text, snapshot_ids text[], as_of date, oldest_as_of date);
create table segments.segment_members (segment text, frn text);
create table segments.segment_summary (segment text, title text, leads int, by_code jsonb, as_of date);
"""


@dataclass(frozen=True)
class GivenLead:
    """A lead as a test says it."""

    frn: str
    email: str
    codes: Sequence[str] = ("RMD_NOT_RECERTIFIED",)
    severity: str = "high"
    name: str = "Carrier"
    snapshot_ids: Sequence[str] = ("rmd-today",)
    contact_name: str | None = None
    services: Sequence[str] = ("rmd_recertification",)
    state: str | None = "TX"
    as_of: date = TODAY


def create_marts(db: Database) -> None:
    """The empty tables a dbt build leaves."""
    with db.connect() as connection:
        connection.execute(MARTS)


def empty(db: Database) -> None:
    """No rows in any table that a test of this room writes."""
    with db.connect() as connection:
        connection.execute(
            """truncate pw.suppressions, pw.subscribers, pw.warmup_admissions, pw.bounces, pw.sync_runs, pw.segments,
                 pw.mail_days, pw.sending_stops, pw.bounce_results, pw.bounce_messages,
                 pw.compliance_rules, pw.snapshots, marts.carriers, marts.findings, marts.deficiency_leads,
                 segments.segment_members, segments.segment_summary cascade"""
        )


def fill_reference(db: Database) -> None:
    """The ranks of a few rules, and one sound snapshot, `rmd-today`."""
    with db.connect() as connection:
        for code, severity in (
            ("RMD_MISSING", "critical"),
            ("RMD_NOT_RECERTIFIED", "high"),
            ("CPNI_MISSING", "high"),
            ("RMD_ROLE_NONE", "medium"),
        ):
            _given_rule(connection, code, severity)
    given_snapshot(db, "rmd-today")


def _given_rule(connection: psycopg.Connection[dict[str, Any]], code: str, severity: str) -> None:
    """A row of pw.compliance_rules of which only the code and the rank matter here; the rest is filler by type."""
    filler = {"text": "", "integer": 0, "boolean": True, "ARRAY": []}
    row: dict[str, Any] = {
        str(column["column_name"]): filler[str(column["data_type"])]
        for column in connection.execute(
            """select column_name, data_type from information_schema.columns
               where table_schema = 'pw' and table_name = 'compliance_rules' and is_nullable = 'NO'"""
        )
    }
    row |= {"code": code, "severity": severity, "severity_rank": RANKS[severity]}
    names = ", ".join(row)
    connection.execute(
        f"insert into pw.compliance_rules ({names}) values ({', '.join(['%s'] * len(row))})", list(row.values())
    )


def given_snapshot(db: Database, snapshot_id: str, *, source: str = "fcc_rmd", as_of: date = TODAY) -> None:
    with db.connect() as connection:
        connection.execute(
            """insert into pw.snapshots (snapshot_id, source, as_of, fetched_at, origin, raw_digest, size_bytes,
                 media_type, grade, graded_at, loaded_at)
               values (%s, %s, %s, %s, 'fetched', md5(%s) || md5(%s), 1, 'text/csv', 'complete', %s, %s)""",
            (snapshot_id, source, as_of, NOW, snapshot_id, snapshot_id, NOW, NOW),
        )


def recall_snapshot(db: Database, snapshot_id: str) -> None:
    with db.connect() as connection:
        connection.execute(
            "update pw.snapshots set grade = 'recalled', recalled_at = %s where snapshot_id = %s", (NOW, snapshot_id)
        )


def given_leads(db: Database, leads: Iterable[GivenLead]) -> None:
    """The marts hold exactly these leads."""
    with db.connect() as connection:
        connection.execute("truncate marts.deficiency_leads, marts.findings")
        with connection.cursor() as cursor:
            given = list(leads)
            cursor.executemany(
                "insert into marts.findings (frn, code, severity_rank) values (%s, %s, %s)",
                [(lead.frn, code, RANKS[lead.severity]) for lead in given for code in lead.codes],
            )
            cursor.executemany(
                """insert into marts.deficiency_leads values (%s, %s, %s, %s, 'cores', 'registered contact', %s, %s,
                     '{}', %s, %s, %s, 'VOIP', %s, %s, %s, %s)""",
                [
                    (
                        lead.frn, lead.name, lead.email, lead.contact_name, list(lead.codes), list(lead.codes),
                        lead.severity, RANKS[lead.severity], list(lead.services), lead.state,
                        list(lead.snapshot_ids), lead.as_of, lead.as_of,
                    )
                    for lead in given
                ],
            )  # fmt: skip


def given_admissions(db: Database, number: int, *, day: date, provider: str = "other", prefix: str = "old") -> None:
    """People admitted on a day."""
    with db.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into pw.warmup_admissions (email, day, provider, admitted_at) values (%s, %s, %s, %s)",
            [(f"{prefix}{index}@{provider}.example", day, provider, NOW) for index in range(number)],
        )


def given_bounces(
    db: Database, number: int, *, type: str = "hard", provider: str = "other", at: datetime = NOW
) -> None:
    """Bounces of different people."""
    with db.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into pw.bounces (email, type, source, provider, bounced_at, meta) values (%s, %s, 'x', %s, %s, %s)",
            [(f"b{index}@{provider}.example", type, provider, at, Jsonb({})) for index in range(number)],
        )


def suppressions(db: Database) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with db.connect() as connection:
        for row in connection.execute("select email, reason from pw.suppressions"):
            found.setdefault(str(row["email"]), set()).add(str(row["reason"]))
    return found


def states(db: Database) -> dict[str, str]:
    with db.connect() as connection:
        return {
            str(row["email"]): str(row["state"])
            for row in connection.execute("select email, state from pw.subscribers")
        }


def admissions(db: Database) -> dict[str, date]:
    with db.connect() as connection:
        return {
            str(row["email"]): row["day"]  # type: ignore[misc]
            for row in connection.execute("select email, day from pw.warmup_admissions")
        }
