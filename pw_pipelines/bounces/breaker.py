"""The breaker: when too many of a day's mails bounce or are complained about, all sending stops until a person lifts
it, and what the bounced addresses stand on is listed, so that a bad snapshot can be recalled.

Limits are settings; published advice is to stop above 5 % bounces and 0.3 % complaints, and Google's sender rules put
complaints at 0.3 % (support.google.com/a/answer/81126). A single event never breaks: one of 334 is chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from pw_pipelines.leads import stops
from pw_pipelines.leads.addresses import why_not
from pw_pipelines.leads.mail_days import mails_of
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]
FEWEST_EVENTS = 2
LOOK_BACK_DAYS = 3  # reports of yesterday's mails come today


@dataclass(frozen=True)
class DayRates:
    """Mails of the day and how many addresses failed for good, complained, or refused us for what we are."""

    day: date
    sent: int
    hard: int
    complaints: int
    policy: int = 0

    def pct(self, events: int) -> float:
        """Of the day's mails; 0 where none went out."""
        return round(100 * events / self.sent, 2) if self.sent else 0.0

    def refused(self, settings: Settings) -> str | None:
        """In words, when too many servers refuse our mail for its reputation or content: nobody's address is at fault,
        so nothing stops by itself."""
        if self.sent < settings.bounce_stop_from or self.policy < FEWEST_EVENTS:
            return None
        if self.pct(self.policy) <= settings.policy_alert_pct:
            return None
        return (
            f"{self.policy} of {self.sent} mails were refused on {self.day} for our reputation or content "
            f"({self.pct(self.policy):.1f} %, limit {settings.policy_alert_pct:g} %)."
        )

    def exceeded(self, settings: Settings) -> str | None:
        """The limit that is passed, in words."""
        if self.sent < settings.bounce_stop_from:
            return None
        for events, limit, words in (
            (self.complaints, settings.complaint_stop_pct, "complained"),
            (self.hard, settings.bounce_stop_pct, "bounced for good"),
        ):
            rate = 100 * events / self.sent
            if events >= FEWEST_EVENTS and rate > limit:
                return f"{events} of {self.sent} mails {words} on {self.day} ({rate:.1f} %, limit {limit:g} %)."
        return None


def rates(
    connection: Connection, today: date, settings: Settings, uncounted: Mapping[date, int] | None = None
) -> DayRates:
    """Of today; where hardly anything went today, of the newest day before that had enough.

    uncounted: campaign mails since the last reconciliation, by day (mail_days.since).
    """
    row = connection.execute(
        """select count(distinct email) filter (where class = 'hard')::int as hard,
                  count(distinct email) filter (where class = 'complaint')::int as complaints,
                  count(distinct email) filter (where class = 'policy')::int as policy
           from pw.bounce_results where day = %s and email is not null""",
        (today,),
    ).fetchone()
    assert row is not None
    sent = 0
    for back in range(LOOK_BACK_DAYS + 1):
        day = today - timedelta(days=back)
        sent = mails_of(connection, day, (uncounted or {}).get(day, 0))
        if sent >= settings.bounce_stop_from:
            break
    return DayRates(today, sent, row["hard"], row["complaints"], row["policy"])


def look(
    connection: Connection, *, settings: Settings, now: datetime, today: date,
    uncounted: Mapping[date, int] | None = None,
) -> int | None:  # fmt: skip
    """Stops all sending when a limit is passed; the new stop's number, None when nothing new was stopped.

    After a person lifted a stop, the same day's figures stop again only when they have grown since.
    """
    found = rates(connection, today, settings, uncounted)
    why = found.exceeded(settings)
    if why is None:
        return None
    lifted = connection.execute(
        """select evidence from pw.sending_stops where scope = 'all' and lifted_at is not null
             and evidence->>'day' = %s order by stop_id desc limit 1""",
        (today.isoformat(),),
    ).fetchone()
    if lifted is not None and found.hard <= lifted["evidence"].get("hard", 0) \
            and found.complaints <= lifted["evidence"].get("complaints", 0):  # fmt: skip
        return None
    evidence = {
        "day": today.isoformat(), "sent": found.sent, "hard": found.hard, "complaints": found.complaints,
        **stands_on(connection, today),
    }  # fmt: skip
    return stops.stop(connection, segment=None, reason=why, evidence=evidence, by="breaker", now=now)


def stands_on(connection: Connection, day: date) -> Mapping[str, Any]:
    """The lead data behind the day's bounced addresses: per snapshot and segment, bounced against all it put on the
    list, the worst first; how many of the addresses would be refused today. No address is named."""
    bounced = [
        row["email"]
        for row in connection.execute(
            """select distinct email from pw.bounce_results
               where day = %s and class in ('hard', 'complaint') and email is not null""",
            (day,),
        )
    ]
    shares = connection.execute(
        """select n.snapshot_id, min(p.source) as source, min(p.as_of)::text as as_of,
                  count(*) filter (where s.email = any(%(bounced)s))::int as bounced, count(*)::int as written_to
           from pw.subscribers s cross join lateral unnest(s.snapshot_ids) as n (snapshot_id)
           left join pw.snapshots p on p.snapshot_id = n.snapshot_id
           where s.admitted_on is not null group by n.snapshot_id
           having count(*) filter (where s.email = any(%(bounced)s)) > 0
           order by count(*) filter (where s.email = any(%(bounced)s))::float / count(*) desc, n.snapshot_id
           limit 20""",
        {"bounced": bounced},
    ).fetchall()
    there = connection.execute("select to_regclass('segments.segment_members') as t").fetchone()
    segments: list[dict[str, Any]] = []
    if there is not None and there["t"] is not None:
        segments = connection.execute(
            """select m.segment, count(*)::int as bounced from pw.subscribers s
               join segments.segment_members m using (frn) where s.email = any(%s)
               group by m.segment order by 2 desc, 1""",
            (bounced,),
        ).fetchall()
    return {
        "addresses": len(bounced),
        "refused_now": sum(why_not(email) is not None for email in bounced),
        "snapshots": [dict(row) for row in shares],
        "segments": [dict(row) for row in segments],
    }
