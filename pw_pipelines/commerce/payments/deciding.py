"""What one event means for its order and our books: the table of the providers' facts, and what agrees with the order.

When in doubt: nothing is paid, the order is held, and a person is shown why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

import psycopg

from pw_pipelines.commerce import books, orders
from pw_pipelines.commerce.payments import returns, rows, under_way
from pw_pipelines.commerce.payments.reading import Ground, Said
from pw_pipelines.commerce.payments.reading.said import Amount
from pw_pipelines.commerce.payments.returns import NotYet, Verdict
from pw_pipelines.commerce.payments.rows import BY, EventRow, OrderRow, PaymentRow
from pw_pipelines.errors import OutsideRefused
from pw_pipelines.faults import point

__all__ = ["Captures", "Decision", "NotYet", "Verdict"]

Connection = psycopg.Connection[dict[str, Any]]


class Captures(Protocol):
    """Takes money that was promised. The same key never takes it twice. Raises OutsideUnavailable: try again;
    OutsideRefused: it will not be had."""

    def paypal(self, paypal_order: str, *, key: str) -> None: ...

    def adyen(self, psp_reference: str, *, minor: int, currency: str, order_number: str, key: str) -> None: ...


@dataclass
class Decision:
    """One event with its order, both locked, and what follows."""

    connection: Connection
    event: EventRow
    said: Said
    ground: Ground
    captures: Captures
    now: datetime
    order: OrderRow | None = None

    @property
    def order_number(self) -> str | None:
        """The order's number, once it was found."""
        return self.order.number if self.order else None

    def decide(self) -> Verdict:
        """Does what follows from the event. Raises NotYet when it waits for another one."""
        said = self.said
        if said.kind == "nothing":
            return Verdict("ignored", said.words)
        order_id = rows.order_id_of(
            self.connection,
            self.event.provider,
            reference=said.reference,
            session=said.session,
            number=said.order_number or self.event.order_number,
        )
        if order_id is not None:
            self.order = rows.lock_order(self.connection, order_id)
            if rows.session_of_another(self.connection, self.event.provider, said.session, order_id):
                return self._doubt(f"the try to pay {said.session} was begun for another order")
        if said.doubts:
            return self._doubt("; ".join(said.doubts))
        steps: dict[str, Callable[[], Verdict]] = {
            "paid": self._paid,
            "authorised": self._authorised,
            "approved": self._approved,
            "wait": self._wait,
            "failed": self._failed,
            "expired": self._expired,
            "person": lambda: self._for_a_person(said.words),
        }
        if said.kind in steps:
            return steps[said.kind]()
        return returns.work(self.connection, self.event, said, self.order, self.now)

    # -- money that comes ----------------------------------------------------------------------------------------

    def _paid(self) -> Verdict:  # noqa: PLR0911  # one answer per way of not agreeing
        said, order = self.said, self.order
        money = said.money
        if money is None or said.reference is None:
            return self._for_a_person(f"{said.words} The event names no amount or no payment.")
        if order is None:
            return self._for_a_person(f"{money} came for {self._named()}, which is no order of ours.")
        known = rows.payment_of(self.connection, self.event.provider, said.reference)
        if known is not None:
            return self._again(order, known, money)
        if money.currency != order.currency:
            return self._doubt(f"{money} came, the order is in {order.currency}")
        if order.paid_at is not None:
            self._keep(order, money, "surplus")
            return self._for_a_person(f"{order.number} is paid already; another {money} came and must go back.")
        if "cancelled" in {order.status, order.held_from}:
            self._keep(order, money, "surplus")
            return self._doubt(f"{money} came for an order that was cancelled")
        if not self._enough(order, money):
            self._keep(order, money, "surplus")
            return self._doubt(f"{money} came, the order is {order.total} {order.currency}")
        self._keep(order, money, "paid")
        return self._pay(order, money)

    def _pay(self, order: OrderRow, money: Amount) -> Verdict:
        """The order is paid: from here on it may be worked. One that was held is paid and held again."""
        point("payments.work.midway")
        why = f"Paid: {money} through {self.event.provider} ({self.said.reference})."
        orders.change(self.connection, order.order_id, "processing", by=BY, why=why, now=self.now)
        books.want(self.connection, order.order_id, "sales_order", now=self.now)
        rows.set_session(self.connection, self.event.provider, self.said.session, "paid")
        rows.wake_waiting(self.connection, order)
        under_way.heard(self.connection, order.order_id, order.number, by=BY, now=self.now)
        if money.value > order.total:
            more = money.value - order.total
            rows.flag(self.connection, order.order_id, f"{more} {money.currency} more than the total came.", self.now)
        if order.status == "held":
            still = "Paid while it was held; look, and let it go on."
            orders.hold(self.connection, order.order_id, by=BY, why=still, now=self.now, flag="payment")
            return Verdict("done", f"{why} The order stays held.")
        return Verdict("done", why)

    def _again(self, order: OrderRow, known: PaymentRow, money: Amount) -> Verdict:
        """The same money told again; only SHKeeper's balance may have grown meanwhile."""
        if money.currency != known.currency or known.order_id != order.order_id:
            return self._for_a_person(f"{self.said.reference} is known with another currency or order.")
        if money.value == known.amount or (self.event.provider == "shkeeper" and money.value < known.amount):
            return Verdict("done", f"Counted already: {money} ({self.said.reference}).")
        if self.event.provider != "shkeeper":
            return self._for_a_person(f"{self.said.reference} is known with {known.amount}, and now says {money}.")
        more = Amount(money.value - known.amount, money.currency)
        reference = f"{self.said.reference}:{money.value}"
        rows.add_entry(
            self.connection, self.event, known.payment_id, "payment", reference=reference, money=more, now=self.now
        )
        if known.state == "surplus" and order.paid_at is None and self._enough(order, money):
            rows.grow_payment(self.connection, known.payment_id, money.value, pays=True)
            return self._pay(order, money)
        rows.grow_payment(self.connection, known.payment_id, money.value, pays=False)
        return self._for_a_person(f"Another {more} came for {order.number}: {money} in all, of {order.total}.")

    def _keep(self, order: OrderRow, money: Amount, state: Literal["paid", "surplus"]) -> None:
        if money.value <= 0:
            return
        reference = self.said.reference or self.event.dedupe_key
        rows.add_payment(
            self.connection, self.event, order, reference=reference, money=money, state=state, now=self.now
        )

    def _enough(self, order: OrderRow, money: Amount) -> bool:
        """The exact amount; crypto may exceed it, and stay below as far as the setting allows."""
        if self.event.provider != "shkeeper":
            return money.value == order.total
        least = order.total * (1 - self.ground.short_percent / Decimal(100))
        return money.value >= least

    # -- money that is promised ----------------------------------------------------------------------------------

    def _authorised(self) -> Verdict:
        """Adyen: money at once where it captures by itself; else it is captured now, and pays when that is told."""
        order, money, reference = self.order, self.said.money, self.said.reference
        manual = self.ground.manual_capture
        if order is None or money is None or reference is None:
            return self._paid()
        if "all" not in manual and order.method not in manual:
            return self._paid()
        if (refusal := self._not_to_be_captured(order, money)) is not None:
            return refusal
        try:
            self.captures.adyen(
                reference,
                minor=int(money.value * 100),
                currency=money.currency,
                order_number=order.number,
                key=f"capture-{reference}",
            )
        except OutsideRefused as error:
            return self._for_a_person(f"{money} was promised and could not be captured: {error}")
        point("payments.work.captured")
        return Verdict("done", f"{self.said.words} {money} is being captured; not paid yet.")

    def _approved(self) -> Verdict:
        """PayPal: the money is taken now, and pays when that is told."""
        order, money, session = self.order, self.said.money, self.said.session
        if order is None or money is None or session is None:
            return self._for_a_person(f"{money} was approved for {self._named()}, which is no order of ours.")
        if (refusal := self._not_to_be_captured(order, money)) is not None:
            return refusal
        try:
            self.captures.paypal(session, key=f"capture-{session}")
        except OutsideRefused as error:
            return self._for_a_person(f"{money} was approved and could not be captured: {error}")
        point("payments.work.captured")
        return Verdict("done", f"{self.said.words} {money} is being captured.")

    def _not_to_be_captured(self, order: OrderRow, money: Amount) -> Verdict | None:
        """Money we would only have to give back is not taken."""
        if order.paid_at is not None:
            return Verdict("ignored", f"{order.number} is paid already; {money} was not captured.")
        if order.status != "received":
            return self._for_a_person(f"{money} was not captured: {order.number} is {order.status}.")
        if money.currency != order.currency or money.value != order.total:
            return self._doubt(f"{money} was promised and not captured, the order is {order.total} {order.currency}")
        return None

    # -- tries that came to nothing ------------------------------------------------------------------------------

    def _wait(self) -> Verdict:
        if self.order is None:
            return self._for_a_person(f"{self.said.words} It is for {self._named()}, which is no order of ours.")
        if self.said.money is not None and self.order.paid_at is None:
            rows.flag(self.connection, self.order.order_id, self.said.words, self.now)
        return Verdict("done", self.said.words)

    def _failed(self) -> Verdict:
        rows.set_session(self.connection, self.event.provider, self.said.session, "failed")
        order = self.order
        if order is None:
            return Verdict("ignored", f"{self.said.words} It is for {self._named()}, which is no order of ours.")
        if rows.payment_of(self.connection, self.event.provider, self.said.reference) is not None:
            return self._for_a_person(f"{self.said.words} But the same payment was told as paid.")
        orders.note(self.connection, order.order_id, by=BY, why=self.said.words, now=self.now, what="money")
        under_way.heard(self.connection, order.order_id, order.number, by=BY, now=self.now)
        if self.event.provider != "adyen":  # there the customer sees the refusal at once
            rows.flag(self.connection, order.order_id, f"{self.said.words} Ask for another payment.", self.now)
        return Verdict("done", self.said.words)

    def _expired(self) -> Verdict:
        rows.set_session(self.connection, self.event.provider, self.said.session, "expired")
        return Verdict("done", self.said.words)

    # -- doubts --------------------------------------------------------------------------------------------------

    def _doubt(self, why: str) -> Verdict:
        """Held for a person, and so is an order that is not paid: its money is doubtful."""
        order = self.order
        if order is not None and order.paid_at is None and order.status in {"received", "cancelled"}:
            orders.hold(self.connection, order.order_id, by=BY, why=f"Payment: {why}.", now=self.now)
        return self._for_a_person(f"{self._named()}: {why}.")

    def _for_a_person(self, why: str) -> Verdict:
        order_id = self.order.order_id if self.order else None
        rows.flag(self.connection, order_id, f"{self.event.provider}: {why}", self.now)
        return Verdict("held", why)

    def _named(self) -> str:
        if self.order is not None:
            return self.order.number
        return self.said.order_number or self.event.order_number or "an unnamed order"
