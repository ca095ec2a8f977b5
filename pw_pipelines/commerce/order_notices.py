"""What ops are told of orders: each paid one once, and each one whose books a person must look at. No personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

Connection = psycopg.Connection[dict[str, Any]]

LOOK_BACK = timedelta(days=14)  # how long nobody may have looked without missing one; shorter than alerts are kept


@dataclass(frozen=True)
class Notice:
    """`key` names the fact, so that it is told once."""

    key: str
    text: str


def untold_orders(connection: Connection, now: datetime) -> list[Notice]:
    """Orders paid lately that nobody was told of, oldest first."""
    rows = connection.execute(
        """select o.number, o.kind, o.total, o.currency, o.method, o.utm->>'utm_source' as utm_source,
                  (select string_agg(i.service, ', ' order by i.position) from pw.order_items i
                   where i.order_id = o.order_id) as services
           from pw.orders o
           where o.paid_at >= %s and not exists (select from pw.alerts a where a.key = 'order:' || o.number || ':paid')
           order by o.paid_at, o.order_id""",
        (now - LOOK_BACK,),
    ).fetchall()
    return [
        Notice(
            f"order:{row['number']}:paid",
            f"Paid: {row['number']}, {row['total']:,} {row['currency']} by {row['method']}: {row['services'] or '-'}"
            + (f" (from {row['utm_source']})" if row["utm_source"] else ""),
        )
        for row in rows
    ]


def held_books(connection: Connection) -> list[Notice]:
    """Orders whose books wait for a person. The reason stays in the books: it may quote a name."""
    rows = connection.execute(
        """select o.number, e.kind, e.attempts, e.entry_id from pw.book_entries e join pw.orders o using (order_id)
           where e.state = 'held' and not exists (
               select from pw.alerts a where a.key = 'order:' || o.number || ':books:' || e.kind || ':' || e.attempts)
           order by e.entry_id"""
    ).fetchall()
    return [
        Notice(
            f"order:{row['number']}:books:{row['kind']}:{row['attempts']}",
            f"Books held: {row['number']}, {row['kind'].replace('_', ' ')}. A person must look; the desk "
            "says why, under Questions.",
        )
        for row in rows
    ]
