"""The inbox: a verified event is stored once, raw bytes and all, before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines import logs
from pw_pipelines.commerce.payments.events import VerifiedEvent

Connection = psycopg.Connection[dict[str, Any]]
log = logs.get_logger(__name__)

_STORE = """
    insert into pw.payment_events
        (provider, dedupe_key, event_type, order_number, raw, headers, received_at, last_delivery_at)
    values (%(provider)s, %(key)s, %(type)s, %(order)s, %(raw)s, %(headers)s, %(now)s, %(now)s)
    on conflict (provider, dedupe_key) do nothing
    returning event_id
"""
_COUNT = """
    update pw.payment_events set deliveries = deliveries + 1, last_delivery_at = greatest(last_delivery_at, %(now)s)
    where provider = %(provider)s and dedupe_key = %(key)s
"""
LONGEST_WAIT = "2s"  # for an event that is being worked at this moment; its sender waits for the answer


def store(connection: Connection, event: VerifiedEvent, now: datetime) -> Literal["new", "again"]:
    """Stores an event in the caller's transaction; a known one is only counted.

    A delivery that differs from the first of its key is not kept: what was said first stands, and the providers tell
    news under a new key.
    """
    values = {
        "provider": event.provider,
        "key": event.dedupe_key,
        "type": event.event_type,
        "order": event.order_number,
        "raw": event.raw,
        "headers": Jsonb(dict(event.headers)),
        "now": now,
    }
    if connection.execute(_STORE, values).fetchone():
        return "new"
    try:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{LONGEST_WAIT}'")
            connection.execute(_COUNT, values)
    except psycopg.errors.LockNotAvailable:
        # The event is stored and being worked; the count is for people, and the sender must not wait for it.
        log.warning("a repeated delivery was not counted", provider=event.provider)
    return "again"


def store_all(connection: Connection, events: Iterable[VerifiedEvent], now: datetime) -> int:
    """Stores the events of one delivery together, in the order of their keys so that two deliveries never wait for
    each other in a ring. Returns how many were new."""
    ordered = sorted(events, key=lambda event: (event.provider, event.dedupe_key))
    return sum(store(connection, event, now) == "new" for event in ordered)
