"""A person's word on money that was held: it pays an order, it was refunded by hand, or it is of no consequence.

The event is worked to its end by that word and never again; who said it and why is kept with the event and in the log
of deeds. Money that pays is booked exactly as if it had agreed at once; what went back by hand is booked when the
provider tells of it, as every refund is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.commerce import books, orders
from pw_pipelines.commerce.order_view import NUMBER
from pw_pipelines.commerce.payments import rows
from pw_pipelines.commerce.payments.reading import READERS, Ground, Said, read
from pw_pipelines.commerce.payments.reading.said import Amount
from pw_pipelines.commerce.payments.rows import EventRow, OrderRow
from pw_pipelines.errors import UsageError

Connection = psycopg.Connection[dict[str, Any]]
LONGEST_WHY = 1_000
PAYABLE_FROM = ("received", "cancelled")  # what an order that money may still pay is, or was held from


def pays(
    connection: Connection, event_id: int, number: str, *, why: str, by: str, ground: Ground, now: datetime
) -> str:
    """The event's money pays the order `number`; what was done, in a sentence.

    Raises UsageError when the event is not held (any more), is no money that came, the money paid or went back already,
    the order is no unpaid one, or currency and amount do not do: exactly the total, or more.
    """
    event, said = _held(connection, event_id, ground)
    why = _why(why)
    order = _order(connection, number)
    money, reference = said.money, said.reference
    if said.kind not in ("paid", "authorised") or money is None or reference is None or money.value <= 0:
        raise UsageError("This event is no money that came; it can't pay an order.", field="do")
    if said.kind == "authorised":
        raise UsageError("This money was promised and not taken; take it with the provider first.", field="do")
    if said.doubts:
        raise UsageError(f"This money is not ours: {'; '.join(said.doubts)}.", field="do")
    _check(order, money)
    _book(connection, event, order, reference, money, now=now)
    text = f"{money} ({event.provider} {reference}) pays {order.number}, says {by}: {why}"
    was_held_by_us = order.status == "held" and _held_by(connection, order.order_id) == rows.BY
    orders.change(connection, order.order_id, "processing", by=by, why=text, now=now)
    books.want(connection, order.order_id, "sales_order", now=now)
    rows.set_session(connection, event.provider, said.session, "paid")
    rows.wake_waiting(connection, order)
    if order.status == "held" and not was_held_by_us:
        orders.hold(
            connection, order.order_id, by=by, why="Paid; it was held for another reason and stays so.", now=now
        )
    if money.value > order.total:
        more = money.value - order.total
        rows.flag(connection, order.order_id, f"{more} {money.currency} more than the total came.", now)
    _close(connection, event, "done", text, number=order.number, by=by, what="payment_pays", why=why, now=now)
    return text


def refunded_by_hand(
    connection: Connection, event_id: int, *, reference: str, why: str, by: str, ground: Ground, now: datetime
) -> str:
    """The money went back outside of our books; `reference` is the provider's of the refund. Raises UsageError when the
    event is not held (any more), or reference or reason is missing."""
    event, said = _held(connection, event_id, ground)
    reference, why = reference.strip()[:200], _why(why)
    if not reference:
        raise UsageError("Give the provider's number of the refund.", field="reference")
    text = f"Refunded by hand ({reference}), says {by}: {why}"
    _dismiss(connection, event, said, text, by=by, what="payment_refunded", why=f"{reference}: {why}", now=now)
    return text


def ignore(connection: Connection, event_id: int, *, why: str, by: str, ground: Ground, now: datetime) -> str:
    """Nothing follows from the event. Raises UsageError when it is not held (any more), or without a reason."""
    event, said = _held(connection, event_id, ground)
    why = _why(why)
    text = f"Nothing follows, says {by}: {why}"
    _dismiss(connection, event, said, text, by=by, what="payment_ignored", why=why, now=now)
    return text


def _held(connection: Connection, event_id: int, ground: Ground) -> tuple[EventRow, Said]:
    row = connection.execute(
        "select event_id, provider, dedupe_key, event_type, order_number, raw, attempts, state from pw.payment_events "
        "where event_id = %s for update",
        (event_id,),
    ).fetchone()
    if row is None or row["provider"] not in READERS:
        raise UsageError(f"There is no payment event {event_id}.", field="event")
    if row.pop("state") != "held":
        raise UsageError(f"Payment event {event_id} is not held (any more).", field="event")
    event = EventRow(**{**row, "raw": bytes(row["raw"])})
    return event, read(event.provider, event.raw, event.dedupe_key, ground)


def _why(why: str) -> str:
    said = "".join(letter for letter in why if letter.isprintable()).strip()[:LONGEST_WHY]
    if not said:
        raise UsageError("Say why; the reason is kept.", field="why")
    return said


def _order(connection: Connection, number: str) -> OrderRow:
    wanted = number.strip().upper()
    row = None
    if NUMBER.fullmatch(wanted):
        row = connection.execute("select order_id from pw.orders where number = %s", (wanted,)).fetchone()
    if row is None:
        raise UsageError(f"There is no order {wanted[:30] or 'without a number'}.", field="number")
    return rows.lock_order(connection, row["order_id"])


def _check(order: OrderRow, money: Amount) -> None:
    if order.paid_at is not None:
        raise UsageError(f"{order.number} is paid already.", field="number")
    if (order.held_from or order.status) not in PAYABLE_FROM or order.status == "cancelled":
        raise UsageError(
            f"{order.number} is {order.status}; only one that waits for money, or is held for it, can be paid.",
            field="number",
        )
    if money.currency != order.currency:
        raise UsageError(f"{money} came, and {order.number} is in {order.currency}.", field="number")
    if money.value < order.total:
        raise UsageError(
            f"{money} came, and {order.number} is {order.total} {order.currency}: {order.total - money.value} are "
            "missing. Send it back, or have the whole amount paid.",
            field="number",
        )


def _book(
    connection: Connection, event: EventRow, order: OrderRow, reference: str, money: Amount, *, now: datetime
) -> None:
    """The payment with its line of the ledger; one that was booked as surplus becomes what pays."""
    known = connection.execute(
        "select payment_id, amount, currency, state from pw.payments where provider = %s and reference = %s for update",
        (event.provider, reference),
    ).fetchone()
    if known is None:
        rows.add_payment(connection, event, order, reference=reference, money=money, state="paid", now=now)
        return
    gone = connection.execute(
        "select coalesce(sum(amount), 0) as amount from pw.money_ledger where payment_id = %s and amount < 0",
        (known["payment_id"],),
    ).fetchone()
    assert gone is not None
    if known["state"] != "surplus":
        raise UsageError("This money pays an order already.", field="do")
    if Decimal(gone["amount"]) != 0:
        raise UsageError("This money, or a part of it, went back already.", field="do")
    if (known["amount"], known["currency"]) != (money.value, money.currency):
        raise UsageError(
            f"The event says {money}, the books have {known['amount']} {known['currency']} of it.", field="do"
        )
    connection.execute(
        "update pw.payments set order_id = %s, method = %s, state = 'paid' where payment_id = %s",
        (order.order_id, order.method, known["payment_id"]),
    )


def _dismiss(
    connection: Connection, event: EventRow, said: Said, text: str, *, by: str, what: str, why: str, now: datetime
) -> None:
    """Ends the event without money being booked; an unpaid order that was held for this alone waits for payment again.

    Money that stands in the ledger was told by a worked event: that stays `done`, or the ledger would stand on nothing.
    """
    is_booked = said.kind in ("paid", "authorised") and (
        rows.payment_of(connection, event.provider, said.reference) is not None
    )
    _close(
        connection, event, "done" if is_booked else "ignored", text, number=event.order_number, by=by, what=what,
        why=why, now=now,
    )  # fmt: skip
    if said.kind in ("wait", "authorised", "approved") and event.provider != "shkeeper":
        # The customer is through with that try. SHKeeper's invoice is one for all tries, and stays.
        rows.set_session(connection, event.provider, said.session, "failed")
    order_id = rows.order_id_of(
        connection, event.provider, reference=said.reference, session=said.session,
        number=said.order_number or event.order_number,
    )  # fmt: skip
    if order_id is None:
        return
    order = rows.lock_order(connection, order_id)
    others = connection.execute(
        "select 1 from pw.payment_events where order_number = %s and state = 'held' limit 1", (order.number,)
    ).fetchone()
    is_ours = order.status == "held" and order.paid_at is None and _held_by(connection, order_id) == rows.BY
    if is_ours and others is None:
        orders.release(connection, order_id, by=by, why=text, now=now)


def _held_by(connection: Connection, order_id: int) -> str:
    """Who held the order last."""
    row: Mapping[str, Any] | None = connection.execute(
        "select \"by\" from pw.order_events where order_id = %s and what = 'status' and after = 'held' "
        "order by event_id desc limit 1",
        (order_id,),
    ).fetchone()
    return str(row["by"]) if row else ""


def _close(
    connection: Connection,
    event: EventRow,
    state: str,
    text: str,
    *,
    number: str | None,
    by: str,
    what: str,
    why: str,
    now: datetime,
) -> None:
    before = connection.execute(
        "select outcome from pw.payment_events where event_id = %s", (event.event_id,)
    ).fetchone()
    assert before is not None
    connection.execute(
        "update pw.conversation_flags set closed_at = %s, closed_by = %s where closed_at is null and kind = 'payment' "
        "and text = %s",
        (now, by, f"{event.provider}: {before['outcome']}"),
    )
    rows.close_event(connection, event, state, text, number=number, now=now)
    order = connection.execute("select order_id from pw.orders where number = %s", (number,)).fetchone()
    detail = {"event": event.event_id, "provider": event.provider, "why": why, "was": before["outcome"]}
    connection.execute(
        'insert into pw.staff_actions (at, "by", what, order_id, detail) values (%s, %s, %s, %s, %s)',
        (now, by, what, order["order_id"] if order else None, Jsonb(detail)),
    )
