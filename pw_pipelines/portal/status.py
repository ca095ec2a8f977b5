"""The figures of the staff's first page, from our own books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from pw_pipelines.compliance.check_result import DEFICIENT
from pw_pipelines.db.connection import Database
from pw_pipelines.portal.status_sources import SourceLine, source_lines

Row = dict[str, Any]
Asked = Sequence[object] | Mapping[str, object] | None


@dataclass(frozen=True)
class Figures:
    """Counts of today. `built` is the last rebuild of the marts; None: never."""

    sources: list[SourceLine]
    built_as_of: date | None
    built_at: datetime | None
    built_age_hours: float | None
    by_severity: dict[str, int] = field(default_factory=dict)
    carriers: int | None = None
    deficient_carriers: int | None = None
    leads: int | None = None
    subscribers: dict[str, int] = field(default_factory=dict)
    admitted_today: int = 0
    checks_today: int = 0
    deficient_checks_today: int = 0
    open_alerts: list[Row] = field(default_factory=list)


def figures(db: Database, *, now: datetime, today: date) -> Figures:
    """Everything the page shows, in one transaction. `now` UTC, `today` America/New_York."""
    with db.connect() as connection:
        build = _one(connection, "select as_of, built_at from pw.mart_builds order by id desc limit 1")
        marts = _one(
            connection,
            "select to_regclass('marts.findings') is not null and to_regclass('marts.deficiency_leads') is not null"
            " and to_regclass('marts.carriers') is not null as there",
        )
        checks = _one(
            connection,
            "select count(*) as asked, count(*) filter (where answer = %s) as deficient from pw.compliance_check_log"
            " where checked_at > %s::date - interval '2 days'"
            " and (checked_at at time zone 'America/New_York')::date = %s",
            (DEFICIENT, today, today),
        )
        admitted = _one(connection, "select count(*) as n from pw.warmup_admissions where day = %s", (today,))
        return Figures(
            sources=source_lines(connection, now),
            built_as_of=build.get("as_of"),
            built_at=build.get("built_at"),
            built_age_hours=(now - build["built_at"]).total_seconds() / 3600 if build else None,
            subscribers={
                row["state"]: row["n"]
                for row in _all(connection, "select state, count(*) as n from pw.subscribers group by state")
            },
            admitted_today=admitted["n"],
            checks_today=checks["asked"],
            deficient_checks_today=checks["deficient"],
            open_alerts=_all(connection, "select kind, text, raised_at from pw.alerts order by raised_at desc limit 5"),
            **(_marts(connection) if marts["there"] else {}),
        )


def _marts(connection: Connection[Row]) -> Row:
    severities = _all(
        connection,
        "select severity, count(*) as n from marts.findings group by severity, severity_rank order by severity_rank",
    )
    counts = _one(
        connection,
        """select (select count(*) from marts.carriers) as carriers,
                  (select count(distinct frn) from marts.findings where severity <> 'information')
                    as deficient_carriers,
                  (select count(*) from marts.deficiency_leads) as leads""",
    )
    return {"by_severity": {row["severity"]: row["n"] for row in severities}, **counts}


def _all(connection: Connection[Row], query: str, asked: Asked = None) -> list[Row]:
    return connection.execute(query.encode(), asked).fetchall()


def _one(connection: Connection[Row], query: str, asked: Asked = None) -> Row:
    """The row, or an empty one when there is none."""
    return next(iter(_all(connection, query, asked)), {})
