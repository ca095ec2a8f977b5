"""The rows of money: payments, the ledger, tries to pay, flags for people. All in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from pw_pipelines.commerce.payments.reading.said import Amount

Connection = psycopg.Connection[dict[str, Any]]
BY = "payments"


@dataclass(frozen=True)
class OrderRow:
    """An order, locked until the transaction ends."""

    order_id: int
    number: str
    status: str
    method: str
    currency: str
    total: Decimal
    paid_at: datetime | None
    held_from: str | None


@dataclass(frozen=True)
class PaymentRow:
    """A payment that is in our books."""

    payment_id: int
    order_id: int
    amount: Decimal
    currency: str
    state: str


@dataclass(frozen=True)
class EventRow:
    """One event of the inbox, locked."""

    event_id: int
    provider: str
    dedupe_key: str
    event_type: str
    order_number: str | None
    raw: bytes
    attempts: int


def take_event(connection: Connection, event_id: int) -> EventRow | None:
    """The event, if it still waits and nobody else holds it."""
    row = connection.execute(
        "select event_id, provider, dedupe_key, event_type, order_number, raw, attempts from pw.payment_events"
        " where event_id = %s and state = 'received' for update skip locked",
        (event_id,),
    ).fetchone()
    return EventRow(**{**row, "raw": bytes(row["raw"])}) if row else None


def order_id_of(
    connection: Connection, provider: str, *, reference: str | None, session: str | None, number: str | None
) -> int | None:
    """The order that some money is of: by the payment we know, the order it names, the try to pay it came from."""
    row = connection.execute(
        "select coalesce("
        " (select order_id from pw.payments where provider = %(provider)s and reference = %(reference)s),"
        " (select order_id from pw.orders where number = %(number)s),"
        " (select order_id from pw.checkout_sessions where provider = %(provider)s and reference = %(session)s)"
        ") as order_id",
        {"provider": provider, "reference": reference, "session": session, "number": number},
    ).fetchone()
    return row["order_id"] if row else None


def session_of_another(connection: Connection, provider: str, session: str | None, order_id: int) -> bool:
    """Whether we began this try to pay for another order than this one."""
    found = connection.execute(
        "select from pw.checkout_sessions where provider = %s and reference = %s and order_id <> %s",
        (provider, session, order_id),
    )
    return found.rowcount > 0


def lock_order(connection: Connection, order_id: int) -> OrderRow:
    """The order, held against everybody else until the transaction ends."""
    row = connection.execute(
        "select order_id, number, status, method, currency, total, paid_at, held_from from pw.orders"
        " where order_id = %s for update",
        (order_id,),
    ).fetchone()
    assert row is not None, "a foreign key leads here"
    return OrderRow(**row)


def payment_of(connection: Connection, provider: str, reference: str | None) -> PaymentRow | None:
    """The payment with the provider's id."""
    row = connection.execute(
        "select payment_id, order_id, amount, currency, state from pw.payments where provider = %s and reference = %s",
        (provider, reference),
    ).fetchone()
    return PaymentRow(**row) if row else None


def add_payment(
    connection: Connection,
    event: EventRow,
    order: OrderRow,
    *,
    reference: str,
    money: Amount,
    state: str,
    now: datetime,
) -> None:
    """Money that came, in the books and in the ledger. state: paid or surplus."""
    row = connection.execute(
        "insert into pw.payments (order_id, provider, reference, method, amount, currency, state, paid_at, event_id)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning payment_id",
        (order.order_id, event.provider, reference, order.method, money.value, money.currency, state, now,
         event.event_id),
    ).fetchone()  # fmt: skip
    assert row is not None
    add_entry(connection, event, row["payment_id"], "payment", reference=reference, money=money, now=now)


def add_entry(
    connection: Connection,
    event: EventRow,
    payment_id: int,
    kind: str,
    *,
    reference: str,
    money: Amount,
    now: datetime,
) -> bool:
    """One movement in the ledger, `money` with its sign; False when this movement is in it already."""
    done = connection.execute(
        "insert into pw.money_ledger (payment_id, event_id, kind, reference, amount, currency, at)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict (payment_id, kind, reference) do nothing",
        (payment_id, event.event_id, kind, reference, money.value, money.currency, now),
    )
    return done.rowcount == 1


def gone_back(connection: Connection, payment_id: int) -> Decimal:
    """What was refunded of a payment so far, positive."""
    row = connection.execute(
        "select coalesce(-sum(amount), 0) as gone from pw.money_ledger where payment_id = %s and kind = 'refund'",
        (payment_id,),
    ).fetchone()
    assert row is not None
    return Decimal(row["gone"])


def set_state(connection: Connection, payment_id: int, state: str) -> None:
    """What became of a payment; a surplus stays one."""
    connection.execute(
        "update pw.payments set state = %s where payment_id = %s and state <> 'surplus'", (state, payment_id)
    )


def grow_payment(connection: Connection, payment_id: int, amount: Decimal, *, pays: bool) -> None:
    """More came of the same money: `amount` in all. `pays`: it was too little, and is enough now."""
    connection.execute(
        "update pw.payments set amount = %s, state = case when %s then 'paid' else state end where payment_id = %s",
        (amount, pays, payment_id),
    )


def wake_waiting(connection: Connection, order: OrderRow) -> None:
    """Events that waited for this order's money are due at once."""
    connection.execute(
        # Not one that somebody works at this moment: that one waits for the order, and we would wait for it.
        "update pw.payment_events set attempts = 0 where event_id in (select event_id from pw.payment_events"
        " where state = 'received' and attempts > 0 and order_number = %s for update skip locked)",
        (order.number,),
    )


def set_session(connection: Connection, provider: str, session: str | None, state: str) -> None:
    """What became of a try to pay; one that paid stays so."""
    if session is not None:
        connection.execute(
            "update pw.checkout_sessions set state = %s where provider = %s and reference = %s and state <> 'paid'",
            (state, provider, session),
        )


def flag(connection: Connection, order_id: int | None, text: str, now: datetime) -> None:
    """Something a person must read; said once while it is open."""
    connection.execute(
        "insert into pw.conversation_flags (order_id, kind, text, raised_at, raised_by)"
        " select %(order)s, 'payment', %(text)s, %(now)s, %(by)s where not exists"
        " (select from pw.conversation_flags where closed_at is null and kind = 'payment' and text = %(text)s"
        "  and order_id is not distinct from %(order)s)",
        {"order": order_id, "text": text, "now": now, "by": BY},
    )


def close_event(
    connection: Connection, event: EventRow, state: str, outcome: str, *, number: str | None, now: datetime
) -> None:
    """The event is worked: done, ignored or held, and why."""
    connection.execute(
        "update pw.payment_events set state = %s, outcome = %s, worked_at = %s, last_error = null,"
        " order_number = coalesce(order_number, %s) where event_id = %s",
        (state, outcome, now, number, event.event_id),
    )


def postpone_event(connection: Connection, event_id: int, error: str) -> None:
    """The event waits for another try."""
    connection.execute(
        "update pw.payment_events set attempts = attempts + 1, last_error = %s where event_id = %s",
        (error[:2_000], event_id),
    )
