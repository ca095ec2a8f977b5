"""What ops must be told of bounces: stops, and mails of orders that came back. Nobody's address is in it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from pw_pipelines.bounces.breaker import rates
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]
MOST = 50
NEWS = timedelta(days=30)  # alerts that were delivered are kept for longer


def untold(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """(key, text) of each thing nobody was told of: a stop once, an order's mail once. What is older than NEWS is none:
    that it was told is forgotten some day."""
    stops = connection.execute(
        """select 'mail:stop:' || stop_id as key, stop_id, segment, reason, evidence from pw.sending_stops s
           where raised_at > %s and not exists (select from pw.alerts a where a.key = 'mail:stop:' || s.stop_id)
           order by stop_id limit %s""",
        (now - NEWS, MOST),
    ).fetchall()
    mails = connection.execute(
        """select 'mail:order:' || r.effect_id as key, min(o.number) as number, min(r.class) as class
           from pw.bounce_results r join pw.effects e using (effect_id)
           join pw.order_items i on i.item_id = e.item_id join pw.orders o on o.order_id = i.order_id
           where r.class not in ('delivered', 'delayed') and r.at > %s
             and not exists (select from pw.alerts a where a.key = 'mail:order:' || r.effect_id)
           group by r.effect_id order by r.effect_id limit %s""",
        (now - NEWS, MOST),
    ).fetchall()
    told = [(str(row["key"]), _stop_words(row)) for row in stops]
    return told + [
        (str(row["key"]), f"A mail of order {row['number']} came back ({row['class']}); it is flagged at the desk.")
        for row in mails
    ]


def refused(connection: Connection, settings: Settings, today: date) -> list[tuple[str, str]]:
    """(key, text) of a day on which too many servers refused our mail for what we are; once a day."""
    found = rates(connection, today, settings).refused(settings)
    if found is None:
        return []
    return [
        (
            f"mail:policy:{today.isoformat()}",
            f"{found} No address is at fault and nothing was stopped: look at SPF, DKIM, DMARC, blocklists and "
            "what the mails say (docs/mail.md), and pause campaigns in Listmonk meanwhile.",
        )
    ]


def _stop_words(row: dict[str, Any]) -> str:
    if row["segment"]:
        return (
            f"Segment {row['segment']} is stopped: {row['reason']} Nobody new of it is written to until a person lifts "
            f"it: pw leads resume --segment {row['segment']} --by … --reason …"
        )
    worst = row["evidence"].get("snapshots") or []
    behind = "; ".join(
        f"{one['snapshot_id']} ({one['bounced']} of {one['written_to']})" for one in worst[:3]
    )  # the lead data to be looked at
    return (
        f"All sending is stopped: {row['reason']} Behind the bounced addresses: {behind or 'no snapshot'}. Look at "
        "docs/mail.md; then pw leads resume --by … --reason …"
    )
