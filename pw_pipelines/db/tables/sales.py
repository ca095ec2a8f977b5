"""Discounts, surcharges, sales agents and their commissions, accounting advisors."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.orders import MONEY


class PaymentSurcharge(Base):
    """What a way to pay costs the customer: `commerce/payment_methods.yaml`, row for row. percent NULL: by setting."""

    __tablename__ = "payment_surcharges"
    __table_args__ = (CheckConstraint("percent between 0 and 100", name="percent"), {"schema": "pw"})

    method: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    provider: Mapped[str]
    percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    is_offered: Mapped[bool]


class DiscountCode(Base):
    """A discount on service fees. `uses` never passes `usage_limit`: it is counted in the order's transaction."""

    __tablename__ = "discount_codes"
    __table_args__ = (
        CheckConstraint("kind in ('percent','fixed')", name="kind"),
        CheckConstraint("amount > 0 and (kind = 'fixed' or amount <= 100)", name="amount"),
        CheckConstraint("usage_limit is null or uses <= usage_limit", name="usage_limit"),
        CheckConstraint("code = upper(code)", name="code"),
        {"schema": "pw"},
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    usage_limit: Mapped[int | None]
    uses: Mapped[int] = mapped_column(server_default=text("0"))
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class SalesAgent(Base):
    """Who brings customers. `referral_code` REF-XXXXX. Bank details stand in the payment provider's books, not here."""

    __tablename__ = "sales_agents"
    __table_args__ = (CheckConstraint("referral_code ~ '^REF-[A-Z0-9]{5}$'", name="referral_code"), {"schema": "pw"})

    agent_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    referral_code: Mapped[str] = mapped_column(unique=True)
    payout_reference: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]


class CommissionLedger(Base):
    """Commissions as a ledger: one `earned` per (order, reason), and at most one `reversal` of it, negative.

    state of an `earned`: pending until 14 days after delivery, then payable, paid with a batch; a refund before that
    makes it `reversed`. Once it is paid a refund adds the `reversal`, payable at once: the next batch takes it off.
    """

    __tablename__ = "commission_ledger"
    __table_args__ = (
        CheckConstraint("state in ('pending','payable','paid','reversed')", name="state"),
        CheckConstraint("reason in ('canada_crtc','formation_basic','bundle')", name="reason"),
        CheckConstraint("(state = 'paid') = (batch_id is not null)", name="paid_by_a_batch"),
        CheckConstraint("state <> 'payable' or payable_from is not null", name="payable"),
        CheckConstraint("kind in ('earned','reversal')", name="kind"),
        CheckConstraint("amount <> 0 and (amount > 0) = (kind = 'earned')", name="sign"),
        CheckConstraint("kind = 'earned' or state in ('payable','paid')", name="reversal"),
        CheckConstraint("(state = 'reversed') = (reversed_at is not null and kind = 'earned')", name="reversed"),
        UniqueConstraint("order_id", "reason", "kind"),
        Index("ix_commission_ledger_agent", "agent_id", "state"),
        {"schema": "pw"},
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("pw.sales_agents.agent_id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"))
    reason: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="earned")
    amount: Mapped[Decimal] = mapped_column(MONEY)
    state: Mapped[str] = mapped_column(server_default="pending")
    earned_at: Mapped[datetime]
    payable_from: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("pw.commission_batches.batch_id"))
    reversed_at: Mapped[datetime | None]
    reversed_why: Mapped[str | None]


class CommissionBatch(Base):
    """One monthly payment of commissions: the file handed to the bank, under its digest in the object store."""

    __tablename__ = "commission_batches"
    __table_args__ = (UniqueConstraint("month"), {"schema": "pw"})

    batch_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    month: Mapped[date]
    total: Mapped[Decimal] = mapped_column(MONEY)
    entries: Mapped[int]
    file_digest: Mapped[str]
    created_at: Mapped[datetime]


class AccountingAdvisor(Base):
    """An accountant customers are handed to."""

    __tablename__ = "accounting_advisors"
    __table_args__ = ({"schema": "pw"},)

    advisor_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    countries: Mapped[list[str]]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))


class AccountingSupportAccount(Base):
    """A customer's account with an advisor, opened by an order."""

    __tablename__ = "accounting_support_accounts"
    __table_args__ = (UniqueConstraint("customer_id", "advisor_id"), {"schema": "pw"})

    account_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("pw.customers.customer_id"))
    advisor_id: Mapped[int] = mapped_column(ForeignKey("pw.accounting_advisors.advisor_id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("pw.orders.order_id"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
