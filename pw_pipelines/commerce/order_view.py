"""An order as it stands, for pages, the API and other rooms."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from pw_pipelines.errors import UsageError

NUMBER = re.compile(r"PW-\d{4}-\d{6,}", re.ASCII)
_TABLES = {
    "compliance": "compliance_orders",
    "formation": "formation_orders",
    "canada_crtc": "canada_crtc_orders",
    "bundle": "bundle_orders",
}

# An order has the link it was placed with, and those that mails of ours brought.
_BY_LINK = """o.order_id = (select order_id from pw.orders where token_hash = %(value)s
                            union all select order_id from pw.order_links where token_hash = %(value)s limit 1)"""


@dataclass(frozen=True)
class ItemView:
    """One piece of work. details: `sold_as` (service or bundle it is a part of), `expedite`, `form`."""

    position: int
    service: str
    title: str
    quantity: int
    unit_price: Decimal
    for_state: str | None
    frn: str | None
    cures: tuple[str, ...]
    details: dict[str, Any]


@dataclass(frozen=True)
class LineView:
    """One line of the bill."""

    position: int
    kind: str
    text: str
    amount: Decimal
    item_position: int | None


@dataclass(frozen=True)
class EventView:
    """One change: what (status, money, note), from what to what, by whom, why."""

    at: datetime
    what: str
    before: str | None
    after: str | None
    by: str
    why: str


@dataclass(frozen=True)
class OrderView:
    """One order with all that belongs to it. `details`: the columns of its kind's own table."""

    order_id: int
    number: str
    kind: str
    status: str
    held_from: str | None
    customer_id: int
    email: str
    name: str
    company: str | None
    agent_id: int | None
    currency: str
    method: str
    subtotal: Decimal
    discount: Decimal
    fees: Decimal
    surcharge: Decimal
    total: Decimal
    discount_code: str | None
    referral_code: str | None
    utm: dict[str, Any]
    segment: str | None
    placed_at: datetime
    paid_at: datetime | None
    delivered_at: datetime | None
    closed_at: datetime | None
    items: tuple[ItemView, ...]
    lines: tuple[LineView, ...]
    events: tuple[EventView, ...]
    details: dict[str, Any]


def hash_of(token: str) -> str:
    """What is stored of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def read(connection: Connection[Any], key: str) -> OrderView:
    """The order of a number (PW-2026-000123) or of a link's token. Raises UsageError when there is none.

    A number can be guessed: what customers reach asks `read_by_token`.
    """
    if NUMBER.fullmatch(key.strip().upper()):
        number = key.strip().upper()
        missing = UsageError(f"There is no order {number}.", field="order", remedy="Look at the number again.")
        return _read(connection, "o.number = %(value)s", number, missing)
    return read_by_token(connection, key)


def read_by_token(connection: Connection[Any], token: str) -> OrderView:
    """The order whose link carries this token. Raises UsageError when there is none."""
    remedy = "Take the link from the order's confirmation."
    missing = UsageError("There is no order behind this link.", field="order", remedy=remedy)
    return _read(connection, _BY_LINK, hash_of(token), missing)


def _read(connection: Connection[Any], condition: str, value: str, missing: UsageError) -> OrderView:
    row = connection.execute(
        "select o.*, c.email, c.name, c.company from pw.orders o join pw.customers c using (customer_id) "
        f"where {condition}",
        {"value": value},
    ).fetchone()
    if row is None:
        raise missing
    found = dict(row)
    found.pop("token_hash")
    order_id = found["order_id"]

    def rows(query: str) -> list[dict[str, Any]]:
        return [dict(one) for one in connection.execute(query, (order_id,)).fetchall()]

    items = rows(
        "select position, service, title, quantity, unit_price, for_state, frn, cures, details "
        "from pw.order_items where order_id = %s order by position"
    )
    lines = rows(
        "select position, kind, text, amount, item_position from pw.order_lines where order_id = %s order by position"
    )
    events = rows(
        'select at, what, before, after, "by", why from pw.order_events where order_id = %s order by event_id'
    )
    (details,) = rows(f"select * from pw.{_TABLES[found['kind']]} where order_id = %s") or [{}]
    details.pop("order_id", None)
    return OrderView(
        **found,
        items=tuple(ItemView(**{**one, "cures": tuple(one["cures"])}) for one in items),
        lines=tuple(LineView(**one) for one in lines),
        events=tuple(EventView(**one) for one in events),
        details=details,
    )
