"""Orders: placing one and every change of it, each with the event that says by whom and why.

Callers hold the transaction: what belongs together (a payment and the order it pays) is committed together.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection
from psycopg.types.json import Jsonb

from pw_pipelines.commerce import commissions
from pw_pipelines.commerce.discounts import count_use, count_use_again, give_back_use
from pw_pipelines.commerce.order_details import (
    BundleDetails,
    CanadaCrtcDetails,
    ComplianceDetails,
    Details,
    FormationDetails,
    check_details,
    keep_details,
)
from pw_pipelines.commerce.order_life import Status, followers
from pw_pipelines.commerce.order_number import next_number
from pw_pipelines.commerce.order_view import OrderView, hash_of, read, read_by_token
from pw_pipelines.commerce.quote import Quote
from pw_pipelines.errors import PwError, UsageError
from pw_pipelines.monitoring import events

__all__ = [
    "BundleDetails", "CanadaCrtcDetails", "ComplianceDetails", "FormationDetails", "NewCustomer", "NewOrder",
    "OrderError", "OrderView", "PlacedOrder", "cancel", "change", "hold", "new_link", "note", "place", "read",
    "read_by_token", "release",
]  # fmt: skip

CUSTOMER = "customer"
TOKEN_BYTES = 32


class OrderError(PwError):
    """The order does not exist, or is not in a state that allows what was asked."""


@dataclass(frozen=True)
class NewCustomer:
    """Who buys. Known by the email address, in any case."""

    email: str
    name: str
    company: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class NewOrder:
    """What is not in the quote. `by`: `customer`, or the member of staff who places it for one."""

    customer: NewCustomer
    details: Details
    utm: Mapping[str, str] = field(default_factory=dict)
    segment: str | None = None
    by: str = CUSTOMER


@dataclass(frozen=True)
class PlacedOrder:
    """`token` is for the customer's link and is known here alone: the books keep its SHA-256."""

    number: str
    token: str
    order_id: int


def place(connection: Connection[Any], placed: NewOrder, quote: Quote, *, now: datetime) -> PlacedOrder:
    """Keeps a new order, unpaid, as it was quoted, and counts its discount code.

    Raises UsageError naming the field when something has no price, the discount code was used up meanwhile, the
    referral is the customer's own or no longer stands, or there is nothing to pay; OrderError when a price agreed
    with a person comes from nobody of the firm.
    """
    _check_price(placed, quote)
    check_details(placed.details, quote.basket)
    customer_id = _customer(connection, placed.customer, now)
    agent_id = _agent(connection, quote, placed.customer.email)
    if quote.discount_code is not None:
        count_use(connection, quote.discount_code, now=now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    number = next_number(connection, now)
    row = connection.execute(
        "insert into pw.orders (number, kind, customer_id, agent_id, currency, method, subtotal, discount, fees, "
        "surcharge, total, discount_code, referral_code, utm, segment, token_hash, placed_at) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning order_id",
        (
            number, quote.basket.kind, customer_id, agent_id, quote.currency, quote.method, quote.subtotal,
            quote.discount, quote.fees, quote.surcharge, quote.total, quote.discount_code,
            quote.referral.code if quote.referral else None, Jsonb(dict(placed.utm)), placed.segment,
            hash_of(token), now,
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    order_id = int(row["order_id"])
    _keep_bill(connection, order_id, quote)
    keep_details(connection, order_id, placed.details, quote.basket)
    _record(connection, order_id, now, what="status", after="received", by=placed.by, why="placed")
    if quote.basket.bundle is not None and any(item.service == quote.basket.bundle for item in quote.items):
        words = f"What the bundle {quote.basket.bundle} holds is not on record: settle its services and state fees."
        _flag(connection, order_id, now, kind="bundle", text=words, by="orders")
    return PlacedOrder(number, token, order_id)


def _check_price(placed: NewOrder, quote: Quote) -> None:
    if quote.unknown:
        raise UsageError(
            f"This can't be ordered online: {' '.join(quote.unknown)}",
            field="items",
            remedy="Ask for a quote, or take these services out.",
        )
    if quote.total <= 0:
        raise UsageError(
            "There is nothing to pay in this basket.", field="items", remedy="What is free needs no order; just use it."
        )
    if quote.basket.is_agreed and placed.by == CUSTOMER:
        raise OrderError("A price agreed with a person must be placed by a person of the firm: name them in `by`.")


def _customer(connection: Connection[Any], customer: NewCustomer, now: datetime) -> int:
    """The customer of this address; known ones stay as they are, for anybody can type their address."""
    email = customer.email.strip().lower()
    connection.execute(
        "insert into pw.customers (email, name, company, phone, created_at) values (%s, %s, %s, %s, %s) "
        "on conflict (email) do nothing",
        (email, customer.name.strip(), customer.company, customer.phone, now),
    )
    row = connection.execute("select customer_id from pw.customers where email = %s", (email,)).fetchone()
    assert row is not None
    return int(row["customer_id"])


def _agent(connection: Connection[Any], quote: Quote, email: str) -> int | None:
    if quote.referral is None:
        return None
    row = connection.execute(
        "select email from pw.sales_agents where agent_id = %s and referral_code = %s and is_active",
        (quote.referral.agent_id, quote.referral.code),
    ).fetchone()
    remedy = "Leave the referral code out, or give another one."
    if row is None:
        raise UsageError(
            f"The referral code {quote.referral.code} does not stand.", field="referral_code", remedy=remedy
        )
    if str(row["email"]).lower() == email.strip().lower():
        raise UsageError("Agents can't refer themselves.", field="referral_code", remedy=remedy)
    return quote.referral.agent_id


def _keep_bill(connection: Connection[Any], order_id: int, quote: Quote) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into pw.order_items (order_id, position, service, title, quantity, unit_price, for_state, frn, "
            "cures, details) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    order_id, item.position, item.service, item.title, item.quantity, item.unit_price,
                    item.asked.for_state, item.asked.frn, list(item.cures),
                    Jsonb({"sold_as": item.sold_as, "expedite": item.asked.expedite, "form": item.asked.form}),
                )
                for item in quote.items
            ],
        )  # fmt: skip
        cursor.executemany(
            "insert into pw.order_lines (order_id, position, kind, text, amount, item_position) "
            "values (%s, %s, %s, %s, %s, %s)",
            [
                (order_id, position, line.kind, line.text, line.amount, line.item_position)
                for position, line in enumerate(quote.lines, start=1)
            ],
        )


def change(connection: Connection[Any], order_id: int, to_status: Status, *, by: str, why: str, now: datetime) -> None:
    """Moves an order on, records it, and does what hangs on it: the first step into work sets `paid_at` and earns the
    agent's commission; a refund takes it back; a cancelled order gives its discount code back.

    The payment that pays the order must be in the same transaction, or the database refuses the commit.
    Raises OrderError when there is no such order or its life does not go that way.
    """
    row = _locked(connection, order_id)
    status, held_from, paid = row["status"], row["held_from"], row["paid_at"] is not None
    if to_status not in followers(status, held_from) or (to_status == "cancelled" and paid):
        raise OrderError(_refusal(row, to_status))
    if not paid and to_status not in {"processing", "cancelled", "held", held_from}:
        raise OrderError(_refusal(row, to_status))
    connection.execute(
        "update pw.orders set status = %(to)s, held_from = case when %(to)s = 'held' then status end, "
        "paid_at = case when %(to)s = 'processing' then coalesce(paid_at, %(now)s) else paid_at end, "
        "delivered_at = case when %(to)s = 'delivered' then coalesce(delivered_at, %(now)s) else delivered_at end, "
        "closed_at = case when %(to)s in ('cancelled', 'refunded') then coalesce(closed_at, %(now)s) "
        "when %(to)s = 'held' then closed_at end where order_id = %(order)s",
        {"to": to_status, "now": now, "order": order_id},
    )
    _record(connection, order_id, now, what="status", before=status, after=to_status, by=by, why=why)
    if to_status == "processing" and not paid:
        commissions.earn(connection, order_id, now=now)
        events.payment_complete(connection, order_id, now=now)
    if to_status == "refunded":
        commissions.take_back(connection, order_id, why=why, now=now)
    if to_status == "cancelled" and held_from != "cancelled" and row["discount_code"] is not None:
        give_back_use(connection, row["discount_code"])
    if to_status == "processing" and held_from == "cancelled" and row["discount_code"] is not None:
        count_use_again(connection, row["discount_code"])


def hold(
    connection: Connection[Any], order_id: int, *, by: str, why: str, now: datetime, flag: str | None = None
) -> None:
    """Stops an order for a person; on one that is held already the new reason is noted.

    flag: kind of a conversation flag raised with it (`payment` where its money is in doubt).
    """
    if _locked(connection, order_id)["status"] == "held":
        note(connection, order_id, by=by, why=why, now=now)
    else:
        change(connection, order_id, "held", by=by, why=why, now=now)
    if flag is not None:
        _flag(connection, order_id, now, kind=flag, text=why, by=by)


def release(connection: Connection[Any], order_id: int, *, by: str, why: str, now: datetime) -> None:
    """Lets a held order go back to where it was. Raises OrderError when it is not held."""
    row = _locked(connection, order_id)
    if row["status"] != "held":
        raise OrderError(f"Order {row['number']} is {row['status']}, not held: there is nothing to release.")
    change(connection, order_id, row["held_from"], by=by, why=why, now=now)


def cancel(connection: Connection[Any], order_id: int, *, by: str, why: str, now: datetime) -> None:
    """Ends an order nobody paid. Raises OrderError when it is paid: that one is refunded."""
    change(connection, order_id, "cancelled", by=by, why=why, now=now)


def note(
    connection: Connection[Any],
    order_id: int,
    *,
    by: str,
    why: str,
    now: datetime,
    what: Literal["note", "money"] = "note",
) -> None:
    """Records something about an order that changes nothing of it."""
    _record(connection, order_id, now, what=what, by=by, why=why)


def new_link(connection: Connection[Any], order_id: int, *, why: str, now: datetime) -> str:
    """One more link to the order's page, beside those that are out; returns its token, known here alone.

    For a mail of ours whose text needs a link: the token of `place` is kept nowhere.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    connection.execute(
        "insert into pw.order_links (token_hash, order_id, made_at, why) values (%s, %s, %s, %s)",
        (hash_of(token), order_id, now, why),
    )
    return token


def _locked(connection: Connection[Any], order_id: int) -> dict[str, Any]:
    row = connection.execute(
        "select number, status, held_from, paid_at, discount_code from pw.orders where order_id = %s for update",
        (order_id,),
    ).fetchone()
    if row is None:
        raise OrderError(f"There is no order with the id {order_id}.")
    return dict(row)


def _refusal(row: dict[str, Any], to_status: str) -> str:
    held = f" (held from {row['held_from']})" if row["held_from"] else ""
    money = "paid" if row["paid_at"] is not None else "not paid"
    ways = ", ".join(sorted(followers(row["status"], row["held_from"])))
    return (
        f"Order {row['number']} is {row['status']}{held} and {money}; it can't become {to_status}. "
        f"It may become: {ways}. Only what is paid is worked or refunded, only what is not paid is cancelled."
    )


def _record(
    connection: Connection[Any],
    order_id: int,
    now: datetime,
    *,
    what: str,
    before: str | None = None,
    after: str | None = None,
    by: str,
    why: str,
) -> None:
    connection.execute(
        'insert into pw.order_events (order_id, at, what, before, after, "by", why) '
        "values (%s, %s, %s, %s, %s, %s, %s)",
        (order_id, now, what, before, after, by, why),
    )


def _flag(connection: Connection[Any], order_id: int, now: datetime, *, kind: str, text: str, by: str) -> None:
    connection.execute(
        "insert into pw.conversation_flags (order_id, customer_id, kind, text, raised_at, raised_by) "
        "select order_id, customer_id, %s, %s, %s, %s from pw.orders where order_id = %s",
        (kind, text, now, by, order_id),
    )
