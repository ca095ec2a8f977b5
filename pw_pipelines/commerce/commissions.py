"""Commissions of sales agents: earned when an order is paid, payable 14 days after delivery, taken back on a refund."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from psycopg import Connection

from pw_pipelines.commerce.catalogue import Usd
from pw_pipelines.yaml_data import Strict, read_entries

FILE = "commissions.yaml"
WAIT = timedelta(days=14)


class Commission(Strict):
    """What an order earns its agent. kind: of the order; service: one the order must hold; None: any."""

    reason: Literal["canada_crtc", "formation_basic", "bundle"]
    amount_usd: Usd
    kind: Literal["canada_crtc", "formation", "bundle"]
    service: str | None


@lru_cache(maxsize=1)
def commissions() -> dict[str, Commission]:
    """Every commission by its reason. Raises ConfigError naming the entry and the field that is wrong."""
    text = (resources.files("pw_pipelines.commerce") / FILE).read_text(encoding="utf-8")
    return read_entries(text, Commission, file=f"commerce/{FILE}", key="reason", what="commissions")


def earn(connection: Connection[Any], order_id: int, *, now: datetime) -> None:
    """Books what a paid order earns its agent, in the transaction that calls it paid. A second call adds nothing."""
    for one in commissions().values():
        connection.execute(
            "insert into pw.commission_ledger (agent_id, order_id, reason, amount, earned_at) "
            "select o.agent_id, o.order_id, %(reason)s, %(amount)s, %(now)s from pw.orders o "
            "where o.order_id = %(order)s and o.agent_id is not null and o.kind = %(kind)s "
            "and (%(service)s::text is null or exists "
            "(select from pw.order_items i where i.order_id = o.order_id and i.service = %(service)s)) "
            "on conflict (order_id, reason, kind) do nothing",
            {
                "reason": one.reason,
                "amount": one.amount_usd,
                "now": now,
                "order": order_id,
                "kind": one.kind,
                "service": one.service,
            },
        )


def take_back(connection: Connection[Any], order_id: int, *, why: str, now: datetime) -> None:
    """Reverses what a refunded order earned: not yet paid, it is struck out; paid, the next batch takes it off.

    A second call changes nothing.
    """
    # The monthly batch may be paying them at this moment: wait for it, then look.
    connection.execute("select 1 from pw.commission_ledger where order_id = %s for update", (order_id,))
    connection.execute(
        "insert into pw.commission_ledger "
        "(agent_id, order_id, reason, kind, amount, state, earned_at, payable_from, reversed_why) "
        "select agent_id, order_id, reason, 'reversal', -amount, 'payable', %(now)s, %(now)s, %(why)s "
        "from pw.commission_ledger where order_id = %(order)s and kind = 'earned' and state = 'paid' "
        "on conflict (order_id, reason, kind) do nothing",
        {"now": now, "why": why, "order": order_id},
    )
    connection.execute(
        "update pw.commission_ledger set state = 'reversed', reversed_at = %s, reversed_why = %s "
        "where order_id = %s and kind = 'earned' and state in ('pending', 'payable')",
        (now, why, order_id),
    )


def make_payable(connection: Connection[Any], *, now: datetime) -> int:
    """Turns pending commissions payable whose order was delivered 14 days ago and still stands; how many.

    A held order waits, and so does one whose payment is disputed: its money is in doubt.
    """
    return connection.execute(
        "update pw.commission_ledger c set state = 'payable', payable_from = o.delivered_at + %(wait)s "
        "from pw.orders o where o.order_id = c.order_id and c.state = 'pending' and c.kind = 'earned' "
        "and o.status = 'delivered' and o.delivered_at + %(wait)s <= %(now)s "
        "and not exists (select from pw.payments p where p.order_id = o.order_id and p.state = 'disputed')",
        {"wait": WAIT, "now": now},
    ).rowcount
