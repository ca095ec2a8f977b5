"""Paid orders and things done for them, quickly made, for tests of backups."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from psycopg import Connection

from pw_pipelines.commerce.orders import ComplianceDetails, NewCustomer, NewOrder, place
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import items
from tests.commerce.making import CPNI, NOW, pay, price


def paid_order(db: Database, *, frn: str = "0012345678", now: datetime = NOW) -> tuple[str, int]:
    """One CPNI certification, placed and paid; its number and its item."""
    with db.connect() as connection:
        customer = NewCustomer(f"{uuid.uuid4().hex}@example.com", "Ada")
        placed = place(connection, NewOrder(customer, ComplianceDetails(frn=frn)), price(CPNI), now=now)
        pay(connection, placed.order_id, now=now)
        _told_by_stripe(connection, placed.order_id)
        [item] = items.open_items(connection, now=now, order_id=placed.order_id)
    return placed.number, item


def _told_by_stripe(connection: Connection[Any], order_id: int) -> None:
    """Makes the payment's event one that Stripe would send, and enters it in the ledger."""
    [row] = connection.execute("select * from pw.payments where order_id = %s", (order_id,)).fetchall()
    session = {"id": "cs_1", "object": "checkout.session", "payment_status": "paid", "currency": "usd",
               "amount_total": int(row["amount"] * 100), "payment_intent": row["reference"]}  # fmt: skip
    raw = {"type": "checkout.session.completed", "livemode": True, "data": {"object": session}}
    connection.execute(
        "update pw.payment_events set raw = %s where event_id = %s", (json.dumps(raw).encode(), row["event_id"])
    )
    connection.execute(
        """insert into pw.money_ledger (payment_id, event_id, kind, reference, amount, currency, at)
           values (%s, %s, 'payment', %s, %s, %s, %s)""",
        (row["payment_id"], row["event_id"], row["reference"], row["amount"], row["currency"], row["paid_at"]),
    )


def filed(db: Database, item: int, *digests: str) -> None:
    """An item whose filing is done in the ledger, shown by objects of these digests."""
    with db.connect() as connection:
        connection.execute(
            """insert into pw.effects (key, item_id, kind, payload_digest, state, intended_at, deadline_at, done_at,
                                       reference)
               values (%s, %s, 'filing', repeat('a', 64), 'done', %s, %s, %s, 'C-1')""",
            (f"filing:{item}", item, NOW, NOW, NOW),
        )
        for digest in digests:
            connection.execute(
                """insert into pw.evidence (item_id, stage, kind, title, media_type, digest, at)
                   values (%s, 'file', 'confirmation', 'Confirmation', 'text/html', %s, %s)""",
                (item, digest, NOW),
            )
