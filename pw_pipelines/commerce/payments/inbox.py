"""The inbox: a verified event is stored once, raw bytes and all, before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.commerce.payments.events import VerifiedEvent

Connection = psycopg.Connection[dict[str, Any]]

_STORE = """
    insert into pw.payment_events
        (provider, dedupe_key, event_type, order_number, raw, headers, received_at, last_delivery_at)
    values (%(provider)s, %(key)s, %(type)s, %(order)s, %(raw)s, %(headers)s, %(now)s, %(now)s)
    on conflict (provider, dedupe_key)
        do update set deliveries = payment_events.deliveries + 1, last_delivery_at = excluded.last_delivery_at
    returning (xmax = 0) as is_new
"""


def store(connection: Connection, event: VerifiedEvent, now: datetime) -> Literal["new", "again"]:
    """Stores an event in the caller's transaction; a known one is only counted.

    A delivery that differs from the first of its key is not kept: what was said first stands, and the providers tell
    news under a new key.
    """
    row = connection.execute(
        _STORE,
        {
            "provider": event.provider,
            "key": event.dedupe_key,
            "type": event.event_type,
            "order": event.order_number,
            "raw": event.raw,
            "headers": Jsonb(dict(event.headers)),
            "now": now,
        },
    ).fetchone()
    return "new" if row and row["is_new"] else "again"


def store_all(connection: Connection, events: Iterable[VerifiedEvent], now: datetime) -> int:
    """Stores the events of one delivery together, in the order of their keys so that two deliveries never wait for
    each other in a ring. Returns how many were new."""
    ordered = sorted(events, key=lambda event: (event.provider, event.dedupe_key))
    return sum(store(connection, event, now) == "new" for event in ordered)
