"""Money that goes back: refunds, disputes, and whatever must stop the work before more is filed.

A return may be told before its payment: then it waits, and the order is held meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from pw_pipelines.commerce import orders
from pw_pipelines.commerce.payments import rows
from pw_pipelines.commerce.payments.reading.said import Amount, Said
from pw_pipelines.commerce.payments.rows import BY, EventRow, OrderRow, PaymentRow
from pw_pipelines.errors import PwError

Connection = psycopg.Connection[dict[str, Any]]
_NOT_YET_FILED = frozenset({"received", "processing", "submitted"})


@dataclass(frozen=True)
class Verdict:
    """What became of an event, and why, in a sentence."""

    state: Literal["done", "ignored", "held", "waiting"]
    why: str


class NotYet(PwError):
    """The event can only be worked after another one that has not come yet."""


def work(connection: Connection, event: EventRow, said: Said, order: OrderRow | None, now: datetime) -> Verdict:
    """A refund, dispute, won dispute or stop. Raises NotYet when its payment is unknown."""
    payment = rows.payment_of(connection, event.provider, said.reference)
    if payment is None or order is None:
        return _without_payment(connection, said, order, now)
    if said.kind == "stop":
        stop(connection, order, said.words, now)
        rows.flag(connection, order.order_id, said.words, now)
        return Verdict("done", said.words)
    money = said.money
    if money is None or said.movement is None or money.value <= 0 or money.currency != payment.currency:
        stop(connection, order, said.words, now)
        return _for_a_person(connection, event, order, f"{said.words} Its amount does not fit the payment.", now)
    deeds = {"refund": _refund, "dispute": _dispute, "dispute_won": _dispute_won}
    return deeds[said.kind](_Return(connection, event, said, order, payment, money, said.movement, now))


def stop(connection: Connection, order: OrderRow, why: str, now: datetime) -> None:
    """Nothing more is filed of the order until a person has looked; what is filed already is left as it is."""
    if order.status in _NOT_YET_FILED:
        orders.hold(connection, order.order_id, by=BY, why=why, now=now)


def _without_payment(connection: Connection, said: Said, order: OrderRow | None, now: datetime) -> Verdict:
    if order is not None and said.kind == "stop" and order.paid_at is None:
        orders.note(connection, order.order_id, by=BY, why=said.words, now=now, what="money")
        return Verdict("done", f"{said.words} The order is not paid.")
    if order is not None:
        stop(connection, order, f"{said.words} The payment it is of is not in our rows.", now)
    raise NotYet(f"{said.words} The payment {said.reference} it is of is not in our books yet.")


@dataclass(frozen=True)
class _Return:
    connection: Connection
    event: EventRow
    said: Said
    order: OrderRow
    payment: PaymentRow
    money: Amount
    movement: str
    now: datetime

    def entry(self, kind: str, amount: Amount) -> bool:
        return rows.add_entry(
            self.connection, self.event, self.payment.payment_id, kind, reference=self.movement, money=amount,
            now=self.now,
        )  # fmt: skip

    def state(self, state: str) -> None:
        rows.set_state(self.connection, self.payment.payment_id, state)

    def note(self, why: str) -> None:
        orders.note(self.connection, self.order.order_id, by=BY, why=why, now=self.now, what="money")

    def flag(self, why: str) -> None:
        rows.flag(self.connection, self.order.order_id, why, self.now)


def _refund(back: _Return) -> Verdict:
    before = rows.gone_back(back.connection, back.payment.payment_id)
    amount = back.money.value - before if back.said.is_running_total else back.money.value
    if amount <= 0:
        return Verdict("done", f"Counted already: {back.money} refunded in all.")
    if before + amount > back.payment.amount and not _known(back, "refund"):
        stop(back.connection, back.order, back.said.words, back.now)
        return _for_a_person(
            back.connection, back.event, back.order,
            f"{back.said.words} {before + amount} of {back.payment.amount} would be refunded.", back.now,
        )  # fmt: skip
    if not back.entry("refund", Amount(-amount, back.money.currency)):
        return Verdict("done", f"Counted already: refund {back.movement}.")
    whole = before + amount == back.payment.amount
    why = f"{back.said.words} {amount} of {back.payment.amount} {back.money.currency} went back."
    back.note(why)
    if back.payment.state != "disputed":
        back.state("refunded" if whole else "partly_refunded")
    if back.payment.state == "surplus":
        return Verdict("done", f"{why} It had paid nothing.")
    if whole and back.order.status not in {"refunded", "cancelled", "submitted"}:
        orders.change(back.connection, back.order.order_id, "refunded", by=BY, why=why, now=back.now)
    else:
        stop(back.connection, back.order, why, back.now)
        back.flag(why)
    return Verdict("done", why)


def _dispute(back: _Return) -> Verdict:
    if not back.entry("dispute", Amount(-back.money.value, back.money.currency)):
        return Verdict("done", f"Counted already: dispute {back.movement}.")
    back.note(back.said.words)
    back.state("disputed")
    if back.payment.state != "surplus":
        stop(back.connection, back.order, back.said.words, back.now)
    back.flag(f"{back.said.words} {back.money} was taken back.")
    return Verdict("done", back.said.words)


def _dispute_won(back: _Return) -> Verdict:
    """The dispute itself may be told later than its end."""
    back.entry("dispute", Amount(-back.money.value, back.money.currency))
    if not back.entry("dispute_won", back.money):
        return Verdict("done", f"Counted already: dispute {back.movement} won.")
    back.note(back.said.words)
    gone = rows.gone_back(back.connection, back.payment.payment_id)
    back.state("paid" if gone == 0 else "refunded" if gone == back.payment.amount else "partly_refunded")
    back.flag(f"{back.said.words} The order may go on when a person lets it.")
    return Verdict("done", back.said.words)


def _known(back: _Return, kind: str) -> bool:
    row = back.connection.execute(
        "select from pw.money_ledger where payment_id = %s and kind = %s and reference = %s",
        (back.payment.payment_id, kind, back.movement),
    ).fetchone()
    return row is not None


def _for_a_person(connection: Connection, event: EventRow, order: OrderRow, why: str, now: datetime) -> Verdict:
    rows.flag(connection, order.order_id, f"{event.provider}: {why}", now)
    return Verdict("held", why)
