"""Events for the analytics server, and where visitors came from. No personal data in either."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.orders import _one_of

EVENTS = ("check-started", "check-answered", "checkout-started", "order-placed", "payment-complete")
EVENT_STATES = ("waiting", "sending", "sent", "unknown", "dropped")


class AnalyticsEvent(Base):
    """The outbox: one thing that happened on the site, written in the transaction of the deed itself.

    subject: of what (a check's id, a hashed order number …); one name and subject is told once. visitor: a hash that
    joins one visit's events. url: the path with the landing's campaign parameters, which is all Umami attributes by.
    state: waiting; sending while the server is asked; sent; unknown (asked, answer lost: never asked again, because
    Umami counts a repeated event twice); dropped (older than Umami is worth telling, or refused for what it says).
    """

    __tablename__ = "analytics_events"
    __table_args__ = (
        CheckConstraint(_one_of("name", EVENTS), name="name"),
        CheckConstraint(_one_of("state", EVENT_STATES), name="state"),
        CheckConstraint("(state = 'sent') = (sent_at is not null)", name="sent"),
        CheckConstraint("visitor ~ '^[0-9a-f]{32}$'", name="visitor"),
        UniqueConstraint("name", "subject"),
        Index("ix_analytics_events_open", "event_id", postgresql_where=text("state in ('waiting','sending')")),
        Index("ix_analytics_events_happened_at", "happened_at"),
        {"schema": "pw"},
    )

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str]
    subject: Mapped[str]
    visitor: Mapped[str]
    url: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    happened_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    not_before: Mapped[datetime | None]
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]


class VisitTouch(Base):
    """The links that brought the visitor of one check or order: the visit's first, and the last before the deed.

    Each an object of known campaign parameters (utm_*, click ids) without the others. No row: nobody's link brought
    them, or their browser asked not to be tracked.
    """

    __tablename__ = "visit_touches"
    __table_args__ = (
        CheckConstraint("num_nonnulls(check_id, order_id) = 1", name="of_one_thing"),
        UniqueConstraint("check_id"),
        UniqueConstraint("order_id"),
        {"schema": "pw"},
    )

    touch_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    check_id: Mapped[UUID | None]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("pw.orders.order_id"))
    first_touch: Mapped[dict[str, Any]]
    last_touch: Mapped[dict[str, Any]]
    at: Mapped[datetime]
