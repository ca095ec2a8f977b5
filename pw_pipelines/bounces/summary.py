"""What the books of bounces hold, for the asset and whoever looks: classes by day, the day's rates, what is untold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from pw_pipelines.bounces.breaker import DayRates, rates
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]
DAYS = 14
DUE = timedelta(hours=1)  # Listmonk may be away for so long before it counts as not told


@dataclass(frozen=True)
class Summary:
    """by_day: (day, class, distinct addresses) of the last 14 days, newest first. stop, refused: the limits that are
    passed, in words. untold: bounces due to Listmonk for more than an hour. answers_against: suppressions that rest on
    an automatic answer; there must never be one."""

    rows: int
    rates: DayRates
    by_day: Sequence[tuple[str, str, int]]
    stop: str | None
    refused: str | None
    untold: int
    answers_against: int


def read(connection: Connection, *, today: date, now: datetime, settings: Settings) -> Summary:
    """As of `today` (America/New_York)."""
    found = rates(connection, today, settings)
    by_day = connection.execute(
        """select day::text as day, class, count(distinct coalesce(email, recipient, digest))::int as n
           from pw.bounce_results where day > %s group by 1, 2 order by 1 desc, 2""",
        (today - timedelta(days=DAYS),),
    ).fetchall()
    row = connection.execute(
        """select (select count(*) from pw.bounce_results)::int as rows,
             (select count(*) from pw.bounce_results where told_as is not null and told_at is null and at < %s)::int
               as untold,
             (select count(*) from pw.suppressions s where s.origin = 'bounces' and exists (
                select from pw.bounce_results r where r.digest = s.evidence->>'report'
                  and r.class in ('auto_reply', 'not_a_report') and r.email = s.email))::int as answers""",
        (now - DUE,),
    ).fetchone()
    assert row is not None
    return Summary(
        row["rows"], found, [(each["day"], each["class"], each["n"]) for each in by_day], found.exceeded(settings),
        found.refused(settings), row["untold"], row["answers"],
    )  # fmt: skip
