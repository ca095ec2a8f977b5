"""Paid orders with work to do, for the tests of this room."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from pw_pipelines.commerce.orders import ComplianceDetails, PlacedOrder
from pw_pipelines.commerce.quote import Basket, BasketItem
from pw_pipelines.fulfillment import items
from tests.commerce.making import NOW, ordered, pay

FRN = "0012345678"


def paid_order(
    connection: Connection[Any], *services: str, email: str = "ada@example.com", frn: str = FRN
) -> tuple[PlacedOrder, list[int]]:
    """A paid order of these services for one carrier, its work opened; the order and its items."""
    basket = Basket("compliance", tuple(BasketItem(one, frn=frn) for one in services or ("cpni_certification",)))
    order = ordered(connection, basket, ComplianceDetails(frn=frn), email=email)
    pay(connection, order.order_id)
    return order, items.open_items(connection, now=NOW, order_id=order.order_id)
