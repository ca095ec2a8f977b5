"""How many mails went out on a day (America/New_York): `pw.mail_days`, written by every reconciliation.

Listmonk tells how many mails a campaign has sent over its whole life. What it sent since the last count belongs to the
day of that count, or to the day the campaign started where that was later: whoever counts at six in the morning has
yesterday's mails before him. The last count is kept with the run (`counts.campaign_sent` of pw.sync_runs), in the same
transaction as the days, so that a mail is counted once whatever dies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from pw_pipelines.resources.listmonk_campaigns import Campaign

Connection = psycopg.Connection[dict[str, Any]]
NEW_YORK = ZoneInfo("America/New_York")
KEY = "campaign_sent"


@dataclass(frozen=True)
class LastCount:
    """Campaign's uuid -> mails it had sent. at: when that was; None before the first count."""

    at: datetime | None
    sent: Mapping[str, int]


def last_count(connection: Connection) -> LastCount:
    """As the newest reconciliation that counted left it."""
    row = connection.execute(
        """select started_at, counts -> %(key)s as sent from pw.sync_runs where counts ? %(key)s
           order by id desc limit 1""",
        {"key": KEY},
    ).fetchone()
    return LastCount(None, {}) if row is None else LastCount(row["started_at"], row["sent"])


def since(before: LastCount, campaigns: Iterable[Campaign], today: date) -> dict[date, int]:
    """Mails sent since the last count, by day; empty where none was."""
    days: Counter[date] = Counter()
    for each in campaigns:
        more = each.sent - before.sent.get(each.uuid, 0)
        if more > 0:
            moments = [moment for moment in (before.at, each.started_at) if moment is not None]
            day = max(moments).astimezone(NEW_YORK).date() if moments else today
            days[min(day, today)] += more
    return dict(days)


def book(connection: Connection, campaigns: Iterable[Campaign], *, now: datetime, today: date) -> dict[str, int]:
    """Adds what was sent since the last count; returns the new count, to be kept with the run."""
    campaigns = list(campaigns)
    before = last_count(connection)
    found = since(before, campaigns, today)
    for day, mails in {today: 0, **found}.items():
        connection.execute(
            """insert into pw.mail_days as d (day, campaign_mails, own_mails, counted_at)
               select %(day)s, %(mails)s, n, %(now)s from (
                 select count(*)::int as n from pw.effects where key like 'mail:%%' and state = 'done'
                   and (done_at at time zone 'America/New_York')::date = %(day)s) own
               on conflict (day) do update set campaign_mails = d.campaign_mails + excluded.campaign_mails,
                 own_mails = excluded.own_mails, counted_at = excluded.counted_at""",
            {"day": day, "mails": mails, "now": now},
        )
    return {**before.sent, **{each.uuid: max(each.sent, before.sent.get(each.uuid, 0)) for each in campaigns}}


def mails_of(connection: Connection, day: date, not_counted_yet: int = 0) -> int:
    """All mails of a day: campaigns as counted, at least those newly admitted, and our own as the ledger has them."""
    row = connection.execute(
        """select greatest(coalesce((select campaign_mails from pw.mail_days where day = %(day)s), 0) + %(more)s,
                           (select count(*) from pw.warmup_admissions where day = %(day)s))::int
                + (select count(*) from pw.effects where key like 'mail:%%' and state = 'done'
                     and (done_at at time zone 'America/New_York')::date = %(day)s)::int as n""",
        {"day": day, "more": not_counted_yet},
    ).fetchone()
    return int(row["n"]) if row else 0
