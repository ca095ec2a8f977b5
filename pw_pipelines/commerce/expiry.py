"""Orders nobody paid end by themselves, so that they hold no discount code and offer no old price for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

from pw_pipelines.clock import eastern_day
from pw_pipelines.commerce import orders
from pw_pipelines.commerce.payments.under_way import under_way

Connection = psycopg.Connection[dict[str, Any]]
BY = "expiry"  # by whom such an order is cancelled: its page says that it was not paid in time
BEGUN_LATELY = timedelta(days=7)  # who began to pay this lately may still pay, and we may still be told
AT_ONCE = 500
# Not one that money came for, or is told of and not looked at yet. A renewal is payable for its days after its due day.
_OVERDUE = """
    select o.order_id, o.number from pw.orders o
    where o.status = 'received' and o.paid_at is null and o.placed_at < %(before)s and o.order_id > %(after)s
      and not exists (select from pw.payments p where p.order_id = o.order_id)
      and not exists (select from pw.payment_events e where e.order_number = o.number
                      and e.state in ('received','held'))
      and not exists (select from pw.checkout_sessions s where s.order_id = o.order_id and s.state in ('asked','open')
                      and s.created_at > %(lately)s)
      and not exists (select from pw.compliance_calendar c where c.renewal_order_id = o.order_id
                      and c.due_on >= %(day)s)
    order by o.order_id limit %(most)s for update of o skip locked
"""


def expire_unpaid(connection: Connection, *, days: int, now: datetime) -> list[int]:
    """Cancels what was placed more than `days` ago and not paid; returns the orders. In the caller's transaction.

    Not one whose money is under way, however long. Their discount codes are given back. Money that comes later is held
    for a person, as for every cancelled order.
    """
    before = now - timedelta(days=days)
    asked = {"before": before, "lately": now - BEGUN_LATELY, "day": eastern_day(before), "most": AT_ONCE}
    found: list[int] = []
    after = 0
    while len(found) < AT_ONCE:
        overdue = connection.execute(_OVERDUE, {**asked, "after": after}).fetchall()
        if not overdue:
            break
        after = int(overdue[-1]["order_id"])
        found += [int(row["order_id"]) for row in overdue if not under_way(connection, row["number"])]
    for order_id in found:
        orders.cancel(connection, order_id, by=BY, why=f"Not paid within {days} days.", now=now)
    return found
