"""Money that moved, as the providers told us. Amounts are numeric(12,2) in the payment's currency."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.orders import MONEY

PROVIDERS = "provider in ('stripe','paypal','shkeeper','adyen','erpnext')"


class PaymentEvent(Base):
    """The inbox: one verified delivery, its raw bytes as received, before anything was concluded from it.

    dedupe_key: what makes two deliveries the same fact (the event's id, for Adyen code + reference + success).
    state: received until worked; done, ignored (nothing to do, and why), held (a person must look).
    """

    __tablename__ = "payment_events"
    __table_args__ = (
        CheckConstraint(PROVIDERS, name="provider"),
        CheckConstraint("state in ('received','done','ignored','held')", name="state"),
        CheckConstraint("(state = 'received') = (worked_at is null)", name="worked"),
        CheckConstraint("state not in ('ignored','held') or outcome is not null", name="says_why"),
        UniqueConstraint("provider", "dedupe_key"),
        Index("ix_payment_events_waiting", "event_id", postgresql_where=text("state = 'received'")),
        Index("ix_payment_events_order", "order_number"),
        Index("ix_payment_events_held", "provider", "received_at", postgresql_where=text("state = 'held'")),
        {"schema": "pw"},
    )

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    provider: Mapped[str]
    dedupe_key: Mapped[str]
    event_type: Mapped[str]
    order_number: Mapped[str | None]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    received_at: Mapped[datetime]
    deliveries: Mapped[int] = mapped_column(server_default=text("1"))
    last_delivery_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="received")
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    outcome: Mapped[str | None]
    worked_at: Mapped[datetime | None]


class CheckoutSession(Base):
    """One try to pay an order, at one provider. `reference`: the provider's id of it."""

    __tablename__ = "checkout_sessions"
    __table_args__ = (
        CheckConstraint(PROVIDERS, name="provider"),
        CheckConstraint("state in ('asked','open','paid','failed','expired')", name="state"),
        CheckConstraint("amount > 0", name="amount"),
        UniqueConstraint("provider", "reference"),
        Index("ix_checkout_sessions_order", "order_id"),
        {"schema": "pw"},
    )

    session_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"))
    provider: Mapped[str]
    method: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str | None]
    pay_url: Mapped[str | None]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="asked")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Payment(Base):
    """Money that came for an order. At most one payment pays an order; more money is held for a person.

    reference: the provider's id of the money (payment intent, capture, txid, pspReference).
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(PROVIDERS, name="provider"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("state in ('paid','refunded','partly_refunded','disputed','surplus')", name="state"),
        UniqueConstraint("provider", "reference"),
        Index("uq_payments_one_pays", "order_id", unique=True, postgresql_where=text("state <> 'surplus'")),
        {"schema": "pw"},
    )

    payment_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"))
    provider: Mapped[str]
    reference: Mapped[str]
    method: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="paid")
    paid_at: Mapped[datetime]
    event_id: Mapped[int] = mapped_column(ForeignKey("pw.payment_events.event_id"))


class MoneyLedger(Base):
    """Every movement of money, append only, each standing on one event: payments positive, refunds and disputes
    negative (a dispute won back positive again)."""

    __tablename__ = "money_ledger"
    __table_args__ = (
        CheckConstraint("kind in ('payment','refund','dispute','dispute_won')", name="kind"),
        CheckConstraint("amount <> 0 and (amount > 0) = (kind in ('payment','dispute_won'))", name="sign"),
        UniqueConstraint("event_id", "kind"),
        UniqueConstraint("payment_id", "kind", "reference"),
        {"schema": "pw"},
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("pw.payments.payment_id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("pw.payment_events.event_id"))
    kind: Mapped[str]
    reference: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    at: Mapped[datetime]


class IdempotencyKey(Base):
    """The answer given to one POST, so that the same request sent again gets the same answer."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created", "created_at"), {"schema": "pw"})

    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class BookEntry(Base):
    """One document ERPNext must hold for an order: customer, sales order, invoice, payment entry. Made once.

    state: wanted; unknown (asked, answer lost: looked up before it is asked again); done with its name; held.
    """

    __tablename__ = "book_entries"
    __table_args__ = (
        CheckConstraint("kind in ('customer','sales_order','sales_invoice','payment_entry')", name="kind"),
        CheckConstraint("state in ('wanted','unknown','done','held')", name="state"),
        CheckConstraint("(state = 'done') = (name is not null)", name="done"),
        UniqueConstraint("order_id", "kind"),
        Index("ix_book_entries_open", "state", "wanted_at", postgresql_where=text("state <> 'done'")),
        {"schema": "pw"},
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="wanted")
    name: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    wanted_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
