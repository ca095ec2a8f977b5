"""Sending that is stopped until a person lifts it: all of it, or the segment somebody complained about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError

Connection = psycopg.Connection[dict[str, Any]]


@dataclass(frozen=True)
class Stop:
    """One open stop. segment None: all sending."""

    stop_id: int
    segment: str | None
    reason: str
    evidence: Mapping[str, Any]
    raised_at: datetime
    raised_by: str


def open_stops(connection: Connection) -> list[Stop]:
    """Stops nobody has lifted, the oldest first."""
    return [
        _stop(row)
        for row in connection.execute(
            "select stop_id, segment, reason, evidence, raised_at, raised_by from pw.sending_stops "
            "where lifted_at is null order by stop_id"
        )
    ]


def stop(
    connection: Connection, *, segment: str | None, reason: str, evidence: Mapping[str, Any], by: str, now: datetime
) -> int | None:
    """Stops a segment, or all sending (None); the new stop's number, or None where it is stopped already."""
    row = connection.execute(
        """insert into pw.sending_stops (scope, segment, reason, evidence, raised_at, raised_by)
           values (%s, %s, %s, %s, %s, %s) on conflict do nothing returning stop_id""",
        ("segment" if segment else "all", segment, reason, Jsonb(dict(evidence)), now, by),
    ).fetchone()
    return None if row is None else int(row["stop_id"])


def resume(db: Database, *, segment: str | None, by: str, reason: str, now: datetime) -> Stop:
    """A person lifts a stop. UsageError where there is none, or nobody and no reason is named."""
    if not by.strip() or not reason.strip():
        raise UsageError("Say who lifts the stop (--by) and why (--reason).")
    with db.connect(application="pw-leads") as connection:
        row = connection.execute(
            """update pw.sending_stops set lifted_at = %s, lifted_by = %s, lift_reason = %s
               where lifted_at is null and segment is not distinct from %s
               returning stop_id, segment, reason, evidence, raised_at, raised_by""",
            (now, by.strip(), reason.strip(), segment),
        ).fetchone()
        others = [each.segment or "all sending" for each in open_stops(connection)]
    if row is None:
        raise UsageError(
            f"{f'Segment {segment}' if segment else 'All sending'} is not stopped. "
            f"Stopped: {', '.join(others) or 'nothing'}."
        )
    return _stop(row)


def stopped_frns(connection: Connection) -> dict[str, str]:
    """FRN -> the stopped segment it belongs to."""
    segments = [each.segment for each in open_stops(connection) if each.segment]
    there = connection.execute("select to_regclass('segments.segment_members') as t").fetchone()
    if not segments or there is None or there["t"] is None:
        return {}
    return {
        row["frn"]: row["segment"]
        for row in connection.execute(
            "select frn, min(segment) as segment from segments.segment_members where segment = any(%s) group by frn",
            (segments,),
        )
    }


def _stop(row: Any) -> Stop:
    return Stop(**row)
