"""The outbox of events for Umami, written in the transaction of the deed: what was not done is not told, what was done
is told once. No personal data: a check's random id, an order's hash, an amount.

`CURRENT` of monitoring/visit.py says whose deed it is; without a visit (a program, a command, a browser that asked not
to be tracked) nothing is written. Money is told of orders whose placing was told, and of no other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from pw_pipelines.monitoring.visit import CURRENT, Visit, hashed

CHECK_PAGE, CHECKOUT_PAGE, ORDER_PAGE = "/tools/fcc-compliance-check", "/checkout", "/checkout/received"
PAGE = "page"
MALFORMED = "malformed"
_WRITE = """
insert into pw.analytics_events (name, subject, visitor, url, data, happened_at)
values (%s, %s, %s, %s, %s, %s) on conflict (name, subject) do nothing
"""
_TOUCH = """
insert into pw.visit_touches (check_id, order_id, first_touch, last_touch, at) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""


def check_asked(
    connection: Connection[Any], check_id: UUID, *, channel: str, answer: str, asked_at: datetime, seconds: float
) -> None:
    """A check on the page: that it was begun, and, unless what was typed is no FRN, that it was answered."""
    visit = CURRENT.get()
    if visit is None or channel != PAGE:
        return
    subject, url = check_id.hex, visit.url(CHECK_PAGE)
    visitor = visit.visitor_of(subject)
    rows: list[tuple[object, ...]] = [("check-started", subject, visitor, url, Jsonb({}), asked_at)]
    if answer != MALFORMED:
        answered_at = asked_at + timedelta(seconds=seconds)
        rows.append(("check-answered", subject, visitor, url, Jsonb({"answer": answer}), answered_at))
    for row in rows:
        connection.execute(_WRITE, row)
    _keep_touch(connection, visit, check_id=check_id, at=asked_at)


def checkout_started(connection: Connection[Any], form_key: str, *, services: int, now: datetime) -> None:
    """Somebody stands before the checkout with something in the basket: told once per visit and day, or per form."""
    visit = CURRENT.get()
    if visit is None or services == 0:
        return
    subject = hashed(f"checkout:{visit.visitor}:{now:%Y-%m-%d}" if visit.visitor else f"checkout:{form_key}")
    connection.execute(
        _WRITE,
        (
            "checkout-started", subject, visit.visitor_of(subject), visit.url(CHECKOUT_PAGE),
            Jsonb({"services": services}), now,
        ),
    )  # fmt: skip


def order_placed(connection: Connection[Any], order_id: int, *, now: datetime) -> None:
    """An order was placed by a browser."""
    visit = CURRENT.get()
    if visit is None:
        return
    row = connection.execute(
        "select kind, total, currency, token_hash from pw.orders where order_id = %s", (order_id,)
    ).fetchone()
    if row is None:
        return
    subject = _order(row["token_hash"])
    data = {"order": subject, "kind": row["kind"], "amount": float(row["total"]), "currency": row["currency"]}
    connection.execute(
        _WRITE, ("order-placed", subject, visit.visitor_of(subject), visit.url(ORDER_PAGE), Jsonb(data), now)
    )
    _keep_touch(connection, visit, order_id=order_id, at=now)


def payment_complete(connection: Connection[Any], order_id: int, *, now: datetime) -> None:
    """An order was paid: told with amount and currency, by the visit that placed it. Nobody's browser is asked."""
    row = connection.execute(
        """select o.total, o.currency, e.subject, e.visitor, e.url
             from pw.orders o
             join pw.analytics_events e
               on e.name = 'order-placed'
              and e.subject = left(encode(sha256(('order:' || o.token_hash)::bytea), 'hex'), 32)
            where o.order_id = %s""",
        (order_id,),
    ).fetchone()
    if row is None:
        return
    amount = float(row["total"])
    # Umami's report of revenue reads `revenue` and `currency`.
    data = {"order": row["subject"], "amount": amount, "revenue": amount, "currency": row["currency"]}
    connection.execute(_WRITE, ("payment-complete", row["subject"], row["visitor"], row["url"], Jsonb(data), now))


def _order(token_hash: str) -> str:
    """An order's name in Umami. Made from the hash of its link: numbers could be tried one after another."""
    return hashed(f"order:{token_hash}")


def _keep_touch(
    connection: Connection[Any],
    visit: Visit,
    *,
    check_id: UUID | None = None,
    order_id: int | None = None,
    at: datetime,
) -> None:
    if visit.last:
        connection.execute(_TOUCH, (check_id, order_id, Jsonb(dict(visit.first)), Jsonb(dict(visit.last)), at))
