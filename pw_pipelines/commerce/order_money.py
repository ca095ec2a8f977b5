"""The money of one order, as staff see it: tries to pay, payments, each movement, what was told of it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

Connection = psycopg.Connection[dict[str, Any]]
Row = dict[str, Any]
MOST = 200  # rows of one kind
_ZERO = Decimal("0.00")


@dataclass(frozen=True)
class OrderMoney:
    """`payments`: each with `gone`, what of it went back (refunds, and disputes that were not won), positive."""

    tries: Sequence[Row]
    payments: Sequence[Row]
    movements: Sequence[Row]
    events: Sequence[Row]

    @property
    def paying(self) -> Row | None:
        """The payment that pays the order; at most one does."""
        return next((one for one in self.payments if one["state"] != "surplus"), None)

    @property
    def kept(self) -> Decimal:
        """What came and has not gone back, the surplus too."""
        return sum((one["amount"] - one["gone"] for one in self.payments), _ZERO)

    @property
    def held_events(self) -> list[int]:
        """Events of providers that wait for a person's word."""
        return [one["event_id"] for one in self.events if one["state"] == "held" and one["provider"] != "erpnext"]

    @property
    def unworked_events(self) -> list[int]:
        """Events of providers that came and were not worked yet."""
        return [one["event_id"] for one in self.events if one["state"] == "received" and one["provider"] != "erpnext"]


def money_of(connection: Connection, order_id: int) -> OrderMoney:
    """All of it, oldest first."""

    def rows(query: str) -> list[Row]:
        found = connection.execute(f"{query} limit {MOST}".encode(), {"order": order_id}).fetchall()
        return [dict(row) for row in found]

    return OrderMoney(
        tries=rows(
            "select session_id, provider, method, reference, amount, currency, state, created_at, expires_at "
            "from pw.checkout_sessions where order_id = %(order)s order by session_id"
        ),
        payments=rows(
            """select p.payment_id, p.provider, p.reference, p.method, p.amount, p.currency, p.state, p.paid_at,
                 coalesce((select -sum(l.amount) from pw.money_ledger l
                           where l.payment_id = p.payment_id and l.kind <> 'payment'), 0.00) as gone
               from pw.payments p where p.order_id = %(order)s order by p.payment_id"""
        ),
        movements=rows(
            """select l.at, l.kind, l.amount, l.currency, l.reference, p.provider, l.event_id
               from pw.money_ledger l join pw.payments p using (payment_id)
               where p.order_id = %(order)s order by l.entry_id"""
        ),
        events=rows(
            """select e.event_id, e.provider, e.event_type, e.received_at, e.state, coalesce(e.outcome, e.last_error)
                 as outcome from pw.payment_events e
               where e.order_number = (select number from pw.orders where order_id = %(order)s) order by e.event_id"""
        ),
    )
