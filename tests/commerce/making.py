"""Orders, payments and agents for the tests of this room."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from pw_pipelines.commerce.fees import FeeBook, fee_book
from pw_pipelines.commerce.orders import (
    ComplianceDetails,
    Details,
    FormationDetails,
    NewCustomer,
    NewOrder,
    PlacedOrder,
    change,
    place,
)
from pw_pipelines.commerce.quote import Basket, BasketItem, Discount, Quote, Referral, quote

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
FEES: FeeBook = fee_book(paypal_percent=Decimal("3.49"))
FORMATION = Basket("formation", (BasketItem("formation_basic", for_state="WY"),))
COMPANY = FormationDetails("WY", "llc", "Acme LLC")
CPNI = Basket("compliance", (BasketItem("cpni_certification", frn="0012345678"),))


def price(
    basket: Basket, method: str = "ach", *, discount: Discount | None = None, referral: Referral | None = None
) -> Quote:
    return quote(basket, method=method, discount=discount, referral=referral, today=TODAY, fees=FEES)


def ordered(
    connection: Connection[Any],
    basket: Basket = CPNI,
    details: Details | None = None,
    *,
    discount: Discount | None = None,
    referral: Referral | None = None,
    email: str = "ada@example.com",
    by: str = "customer",
    now: datetime = NOW,
) -> PlacedOrder:
    new = NewOrder(NewCustomer(email, "Ada"), details or ComplianceDetails(frn="0012345678"), by=by)
    return place(connection, new, price(basket, discount=discount, referral=referral), now=now)


def pay(connection: Connection[Any], order_id: int, *, now: datetime = NOW) -> None:
    """The order's money, as the payments' room books it, and the order called paid."""
    event = connection.execute(
        "insert into pw.payment_events (provider, dedupe_key, event_type, raw, received_at, last_delivery_at, state, "
        "worked_at) values ('stripe', %s, 'paid', '', %s, %s, 'done', %s) returning event_id",
        (uuid.uuid4().hex, now, now, now),
    ).fetchone()
    assert event is not None
    connection.execute(
        "insert into pw.payments (order_id, provider, reference, method, amount, currency, paid_at, event_id) "
        "select order_id, 'stripe', %s, method, total, currency, %s, %s from pw.orders where order_id = %s",
        (uuid.uuid4().hex, now, event["event_id"], order_id),
    )
    change(connection, order_id, "processing", by="stripe", why="paid", now=now)


def walk(connection: Connection[Any], order_id: int, *way: Any, now: datetime = NOW) -> None:
    for status in way:
        change(connection, order_id, status, by="test", why=f"on to {status}", now=now)


def agent(connection: Connection[Any], code: str = "REF-AB123", *, payout: str | None = None) -> Referral:
    row = connection.execute(
        "insert into pw.sales_agents (name, email, referral_code, payout_reference, created_at) "
        "values (%s, %s, %s, %s, %s) returning agent_id",
        (f"Agent {code}", f"{code.lower()}@example.com", code, payout, NOW),
    ).fetchone()
    assert row is not None
    return Referral(code, int(row["agent_id"]))


def delivered(connection: Connection[Any], referral: Referral, *, now: datetime = NOW) -> int:
    """A formation that an agent brought, paid and delivered; the order's id."""
    order_id = ordered(connection, FORMATION, COMPANY, referral=referral, now=now).order_id
    pay(connection, order_id, now=now)
    walk(connection, order_id, "submitted", "filed", "delivered", now=now)
    return order_id
