"""Where the paid orders stand: each is delivered, in work, held or refunded, and none is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

Connection = psycopg.Connection[dict[str, Any]]


@dataclass(frozen=True)
class OrderStates:
    """Counts and amounts of one currency. `paid`: orders with a payment that pays them, counted from the payments."""

    currency: str
    paid: int
    delivered: int
    in_work: int
    held: int
    refunded: int
    paid_amount: Decimal
    standing_amount: Decimal

    @property
    def is_whole(self) -> bool:
        """Whether the payments' side and the orders' side are the same orders and the same money."""
        standing = self.delivered + self.in_work + self.held + self.refunded
        return (self.paid, self.paid_amount) == (standing, self.standing_amount)

    @property
    def sentence(self) -> str:
        return (
            f"{self.currency}: {self.paid:,} paid ({self.paid_amount:,}) = {self.delivered:,} delivered + "
            f"{self.in_work:,} in work + {self.held:,} held + {self.refunded:,} refunded ({self.standing_amount:,})"
        )


def order_states(connection: Connection) -> list[OrderStates]:
    """By currency. Left side from pw.payments, right side from the orders' own status and paid_at."""
    rows = connection.execute(
        """with paying as (
               select o.currency, count(*)::int as paid, sum(o.total) as amount
               from pw.payments p join pw.orders o using (order_id) where p.state <> 'surplus' group by 1
           ),
           standing as (
               select currency,
                      count(*) filter (where status = 'delivered')::int as delivered,
                      count(*) filter (where status in ('processing','submitted','filed'))::int as in_work,
                      count(*) filter (where status = 'held')::int as held,
                      count(*) filter (where status = 'refunded')::int as refunded,
                      sum(total) as amount
               from pw.orders where paid_at is not null group by 1
           )
           select coalesce(p.currency, s.currency) as currency, coalesce(p.paid, 0) as paid,
                  coalesce(delivered, 0) as delivered, coalesce(in_work, 0) as in_work, coalesce(held, 0) as held,
                  coalesce(refunded, 0) as refunded, coalesce(p.amount, 0) as paid_amount,
                  coalesce(s.amount, 0) as standing_amount
           from paying p full join standing s on s.currency = p.currency order by 1"""
    ).fetchall()
    return [OrderStates(**row) for row in rows]
