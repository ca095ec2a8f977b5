"""Paid orders with everything that makes a bill: fees, a discount, a surcharge."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from pw_pipelines.commerce import books
from pw_pipelines.commerce.quote import Basket, BasketItem
from pw_pipelines.db.connection import Database
from tests.commerce.making import CPNI, NOW, ordered, pay

LATER = NOW.replace(day=25)
BIG = Basket(
    "compliance",
    (BasketItem("cpni_certification", frn="0012345678"), BasketItem("form_499a", frn="0012345678")),
)


def paid_order(
    db: Database,
    *,
    basket: Basket = CPNI,
    email: str = "ada@example.com",
    wanted: str | None = "payment_entry",
    now: datetime = NOW,
    **placing: Any,
) -> int:
    """A paid order whose documents are wanted up to the given kind; its id."""
    with db.connect() as connection:
        placed = ordered(connection, basket, email=email, now=now, **placing)
        pay(connection, placed.order_id, now=now)
        if wanted:
            books.want(connection, placed.order_id, wanted, now=now)
    return placed.order_id


def entries(db: Database, order_id: int) -> dict[str, dict[str, Any]]:
    with db.connect() as connection:
        rows = connection.execute("select * from pw.book_entries where order_id = %s", (order_id,)).fetchall()
    return {str(row["kind"]): dict(row) for row in rows}


def states(db: Database, order_id: int) -> dict[str, str]:
    return {kind: row["state"] for kind, row in entries(db, order_id).items()}


def row(db: Database, query: str, *values: object) -> dict[str, Any]:
    with db.connect() as connection:
        found = connection.execute(query, values).fetchone()
    assert found is not None
    return dict(found)


def total(db: Database, order_id: int) -> Decimal:
    return Decimal(row(db, "select total from pw.orders where order_id = %s", order_id)["total"])
