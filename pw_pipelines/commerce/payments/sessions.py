"""A try to pay an order, begun at the provider that its way to pay belongs to.

The row is committed as `asked` before the provider is, with the key of the request. Whatever is lost or clicked twice
afterwards, the same key gives the same session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import psycopg

from pw_pipelines.commerce.payment_methods import payment_methods
from pw_pipelines.commerce.payments.payable import payable
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import OutsideRefused, UsageError
from pw_pipelines.faults import point
from pw_pipelines.resources.payment_calls import Asked, Opened

Connection = psycopg.Connection[dict[str, Any]]
TIME_TO_PAY = timedelta(minutes=10)  # a session that ends sooner is not handed out again


class Opens(Protocol):
    """Opens sessions; `clients.ProviderClients` is one."""

    def open(self, provider: str, asked: Asked) -> Opened: ...


@dataclass(frozen=True)
class Try:
    """Where the customer goes to pay."""

    session_id: int
    provider: str
    reference: str
    pay_url: str
    expires_at: datetime | None


def begin(
    db: Database, order_id: int, *, clients: Opens, return_url: str, cancel_url: str, now: Callable[[], datetime]
) -> Try:
    """The open try to pay the order, or a new one, by the way to pay it was quoted for.

    Raises UsageError when the order is not to be paid; OutsideUnavailable: ask again, nothing is made twice;
    OutsideRefused.
    """
    with db.connect(application="pw-payments") as connection:
        order = _payable(connection, order_id)
        provider = payment_methods()[order["method"]].provider
        row = usable(
            connection, order_id, method=order["method"], amount=order["total"], currency=order["currency"], now=now()
        ) or _ask(connection, order, provider, now())
    if row["state"] == "open":
        return _try(row)
    point("payments.session.asked")
    asked = Asked(
        order_number=order["number"],
        title=f"Order {order['number']}",
        email=order["email"],
        minor=int(Decimal(order["total"]) * 100),
        currency=order["currency"],
        method=order["method"],
        key=row["idempotency_key"],
        return_url=return_url,
        cancel_url=cancel_url,
    )
    try:
        opened = clients.open(provider, asked)
    except OutsideRefused:
        with db.connect(application="pw-payments") as connection:  # the next try needs another key
            connection.execute(
                "update pw.checkout_sessions set state = 'failed' where session_id = %s and state = 'asked'",
                (row["session_id"],),
            )
        raise
    point("payments.session.opened")
    with db.connect(application="pw-payments") as connection:
        kept = connection.execute(
            "update pw.checkout_sessions set state = case when state = 'asked' then 'open' else state end,"
            " reference = %s, pay_url = %s, expires_at = %s where session_id = %s returning *",
            (opened.reference, opened.pay_url, opened.expires_at, row["session_id"]),
        ).fetchone()
    assert kept is not None
    return _try(kept)


def _payable(connection: Connection, order_id: int) -> dict[str, Any]:
    """The order, locked, so that two clicks make one session."""
    order = connection.execute(
        "select o.*, c.email from pw.orders o join pw.customers c using (customer_id)"
        " where order_id = %s for update of o",
        (order_id,),
    ).fetchone()
    if order is None:
        raise UsageError(f"There is no order with the id {order_id}.", field="order")
    obstacle = payable(connection, number=order["number"], status=order["status"], paid_at=order["paid_at"]).obstacle
    if obstacle == "paid":
        raise UsageError(f"Order {order['number']} is paid.", field="order", remedy="Nothing more is to be paid.")
    if obstacle == "under_way":
        raise UsageError(
            f"A payment of order {order['number']} is under way; a second one is not taken.",
            field="order",
            remedy="Wait for it: the order's page shows when it came, and takes another payment if it fails.",
        )
    if obstacle is not None:
        raise UsageError(
            f"Order {order['number']} is {order['status']} and takes no payment now.",
            field="order",
            remedy="Write to us; a person looks at it.",
        )
    return order


def usable(
    connection: Connection, order_id: int, *, method: str, amount: Decimal, currency: str, now: datetime
) -> dict[str, Any] | None:
    """A try for this very amount that was asked for or is open, and leaves time to pay."""
    known = payment_methods().get(method)
    return connection.execute(
        "select * from pw.checkout_sessions where order_id = %s and provider = %s and method = %s and amount = %s"
        " and currency = %s and state in ('asked', 'open') and (expires_at is null or expires_at > %s)"
        " order by session_id desc limit 1",
        (order_id, known.provider if known else None, method, amount, currency, now + TIME_TO_PAY),
    ).fetchone()


def _ask(connection: Connection, order: dict[str, Any], provider: str, now: datetime) -> dict[str, Any]:
    row = connection.execute(
        "insert into pw.checkout_sessions (order_id, provider, method, idempotency_key, amount, currency, created_at)"
        " select %(order)s, %(provider)s, %(method)s, %(number)s || '-' || (count(*) + 1), %(amount)s, %(currency)s,"
        " %(now)s from pw.checkout_sessions where order_id = %(order)s returning *",
        {"order": order["order_id"], "provider": provider, "method": order["method"], "number": order["number"],
         "amount": order["total"], "currency": order["currency"], "now": now},
    ).fetchone()  # fmt: skip
    assert row is not None
    return row


def _try(row: dict[str, Any]) -> Try:
    return Try(row["session_id"], row["provider"], row["reference"], row["pay_url"], row["expires_at"])
