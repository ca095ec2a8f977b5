"""Paid orders and things done for them, quickly made, for tests of backups."""

from __future__ import annotations

import uuid
from datetime import datetime

from pw_pipelines.commerce.orders import ComplianceDetails, NewCustomer, NewOrder, place
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment import items
from tests.commerce.making import CPNI, NOW, pay, price


def paid_order(db: Database, *, frn: str = "0012345678", now: datetime = NOW) -> tuple[str, int]:
    """One CPNI certification, placed and paid; its number and its item."""
    with db.connect() as connection:
        customer = NewCustomer(f"{uuid.uuid4().hex}@example.com", "Ada")
        placed = place(connection, NewOrder(customer, ComplianceDetails(frn=frn)), price(CPNI), now=now)
        pay(connection, placed.order_id)
        [item] = items.open_items(connection, now=now, order_id=placed.order_id)
    return placed.number, item


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
