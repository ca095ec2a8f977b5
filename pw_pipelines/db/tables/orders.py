"""Orders: who bought what, for how much, and where each stands. Amounts are numeric(12,2) in the order's currency.

One row in `orders` per order, whatever its kind; what only one kind has stands in that kind's own table beside it,
with the numbers ERPNext gave its documents.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base

MONEY = Numeric(12, 2)
STATUSES = ("received", "processing", "submitted", "filed", "delivered", "cancelled", "refunded", "held")
KINDS = ("compliance", "formation", "canada_crtc", "bundle")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(value) for value in values)})"


class Customer(Base):
    """Somebody who bought. One per email address (lower case)."""

    __tablename__ = "customers"
    __table_args__ = (
        CheckConstraint("email = lower(email) and position('@' in email) > 1", name="email"),
        {"schema": "pw"},
    )

    customer_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    company: Mapped[str | None]
    phone: Mapped[str | None]
    erpnext_customer: Mapped[str | None]
    created_at: Mapped[datetime]


class Order(Base):
    """One order. `number` is what people say (PW-2026-000123); `token_hash` is of the link that shows it.

    status: received → processing → submitted → filed → delivered; cancelled, refunded, held. `held_from` is the
    status a held order goes back to. Nothing past `received` without money, and no money twice: `paid_at` is set
    once, by one payment. Triggers of migration 0003a let only the changes of commerce/order_life.py through, each with
    the row of order_events that says by whom and why.
    subtotal: service fees before discounts; discount ≥ 0; fees: government and other people's fees at cost.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(_one_of("status", STATUSES), name="status"),
        CheckConstraint(_one_of("kind", KINDS), name="kind"),
        CheckConstraint("currency in ('USD','CAD')", name="currency"),
        CheckConstraint("total = subtotal - discount + fees + surcharge", name="total"),
        CheckConstraint("subtotal >= 0 and discount >= 0 and fees >= 0 and surcharge >= 0", name="amounts"),
        CheckConstraint("discount <= round(subtotal * 0.15, 2)", name="discount"),
        CheckConstraint(
            "paid_at is not null or status in ('received','cancelled','held')", name="nothing_is_worked_unpaid"
        ),
        CheckConstraint("status <> 'cancelled' or paid_at is null", name="paid_is_not_cancelled"),
        CheckConstraint("(status = 'held') = (held_from is not null)", name="held"),
        CheckConstraint("held_from is null or held_from <> 'held'", name="held_from"),
        CheckConstraint("status <> 'delivered' or delivered_at is not null", name="delivered"),
        CheckConstraint("token_hash ~ '^[0-9a-f]{64}$'", name="token_hash"),
        Index("ix_orders_status", "status", "placed_at"),
        Index("ix_orders_customer", "customer_id"),
        {"schema": "pw"},
    )

    order_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="received")
    held_from: Mapped[str | None]
    customer_id: Mapped[int] = mapped_column(ForeignKey("pw.customers.customer_id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("pw.sales_agents.agent_id"))
    currency: Mapped[str] = mapped_column(server_default="USD")
    method: Mapped[str]
    subtotal: Mapped[Decimal] = mapped_column(MONEY)
    discount: Mapped[Decimal] = mapped_column(MONEY, server_default=text("0"))
    fees: Mapped[Decimal] = mapped_column(MONEY, server_default=text("0"))
    surcharge: Mapped[Decimal] = mapped_column(MONEY, server_default=text("0"))
    total: Mapped[Decimal] = mapped_column(MONEY)
    discount_code: Mapped[str | None]
    referral_code: Mapped[str | None]
    utm: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    segment: Mapped[str | None]
    token_hash: Mapped[str] = mapped_column(unique=True)
    placed_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class OrderItem(Base):
    """One service in an order: the unit of fulfilment. `for_state`, `frn`: for whom or where it is done."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint("frn ~ '^[0-9]{10}$'", name="frn"),
        UniqueConstraint("order_id", "position"),
        {"schema": "pw"},
    )

    item_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"))
    position: Mapped[int]
    service: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int] = mapped_column(server_default=text("1"))
    unit_price: Mapped[Decimal] = mapped_column(MONEY)
    for_state: Mapped[str | None]
    frn: Mapped[str | None]
    cures: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class OrderLine(Base):
    """One line of an order's bill, as it was quoted; discounts are negative. The lines add up to the total."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint(_one_of("kind", ("service", "fee", "discount", "referral", "surcharge")), name="kind"),
        CheckConstraint("(amount < 0) = (kind in ('discount','referral')) or amount = 0", name="sign"),
        {"schema": "pw"},
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    text: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    item_position: Mapped[int | None]


class OrderEvent(Base):
    """One change of an order: from what to what, by whom, why. Never changed, never deleted: a trigger refuses."""

    __tablename__ = "order_events"
    __table_args__ = (Index("ix_order_events_order", "order_id", "event_id"), {"schema": "pw"})

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"))
    at: Mapped[datetime]
    what: Mapped[str]  # status | money | note
    before: Mapped[str | None]
    after: Mapped[str | None]
    by: Mapped[str]
    why: Mapped[str]


class _Erpnext:
    """Names of the documents ERPNext made for the order; NULL until made."""

    erpnext_customer: Mapped[str | None]
    erpnext_sales_order: Mapped[str | None]
    erpnext_sales_invoice: Mapped[str | None]
    erpnext_payment_entry: Mapped[str | None]
    erpnext_synced_at: Mapped[datetime | None]


class ComplianceOrder(_Erpnext, Base):
    """What only an order of telecom services has. `findings`: the codes that led to it, `snapshot_ids` their proof."""

    __tablename__ = "compliance_orders"
    __table_args__ = (CheckConstraint("frn ~ '^[0-9]{10}$'", name="frn"), {"schema": "pw"})

    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"), primary_key=True)
    frn: Mapped[str | None]
    carrier_name: Mapped[str | None]
    findings: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    snapshot_ids: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    check_id: Mapped[UUID | None] = mapped_column(ForeignKey("pw.compliance_check_log.check_id", ondelete="SET NULL"))
    batch_key: Mapped[str | None]


class FormationOrder(_Erpnext, Base):
    """What only the formation of a company has. `name_verdict`: what the register said when it was ordered."""

    __tablename__ = "formation_orders"
    __table_args__ = (CheckConstraint("form in ('llc','corporation')", name="form"), {"schema": "pw"})

    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"), primary_key=True)
    state: Mapped[str]
    form: Mapped[str]
    company_name: Mapped[str]
    alternative_names: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    expedite: Mapped[str | None]
    name_verdict: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class CanadaCrtcOrder(_Erpnext, Base):
    """What only the CRTC carrier package has."""

    __tablename__ = "canada_crtc_orders"
    __table_args__ = ({"schema": "pw"},)

    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"), primary_key=True)
    company_name: Mapped[str]
    wants_numbered_company: Mapped[bool]
    director_is_resident: Mapped[bool | None]
    services_offered: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    year_end: Mapped[date | None]


class ServiceBundle(Base):
    """One bundle: `commerce/bundles.yaml`, row for row."""

    __tablename__ = "service_bundles"
    __table_args__ = (CheckConstraint("price >= 0", name="price"), {"schema": "pw"})

    code: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[Decimal] = mapped_column(MONEY)
    services: Mapped[list[str]]
    words: Mapped[str | None]


class BundleOrder(_Erpnext, Base):
    """What only the order of a bundle has; its services are the order's items."""

    __tablename__ = "bundle_orders"
    __table_args__ = ({"schema": "pw"},)

    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"), primary_key=True)
    bundle: Mapped[str] = mapped_column(ForeignKey("pw.service_bundles.code"))
    state: Mapped[str | None]
    company_name: Mapped[str | None]


class NwraWholesalePricing(Base):
    """What the registered-agent wholesaler charges us per state; NULL: unknown."""

    __tablename__ = "nwra_wholesale_pricing"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"), {"schema": "pw"})

    state: Mapped[str] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[Decimal | None] = mapped_column(MONEY)
    currency: Mapped[str] = mapped_column(server_default="USD")
    source: Mapped[str]
    checked_on: Mapped[date | None]


class OrderLink(Base):
    """One more link to an order's page, beside the one of `orders.token_hash`; sent in a mail of ours."""

    __tablename__ = "order_links"
    __table_args__ = (CheckConstraint("token_hash ~ '^[0-9a-f]{64}$'", name="token_hash"), {"schema": "pw"})

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"), index=True)
    made_at: Mapped[datetime]
    why: Mapped[str]


class ConversationFlag(Base):
    """Something about a customer or an order that a person must read before writing to them."""

    __tablename__ = "conversation_flags"
    __table_args__ = (Index("ix_conversation_flags_open", "order_id", "closed_at"), {"schema": "pw"})

    flag_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("pw.orders.order_id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("pw.customers.customer_id"))
    kind: Mapped[str]
    text: Mapped[str]
    raised_at: Mapped[datetime]
    raised_by: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
