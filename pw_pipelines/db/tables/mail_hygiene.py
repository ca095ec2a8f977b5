"""Mail hygiene: reports that came back, what each says of each recipient, and stops that a person lifts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.fulfillment import DIGEST
from pw_pipelines.db.tables.orders import _one_of

BOUNCE_CLASSES = (
    "hard", "disabled", "full", "soft", "policy", "delayed", "delivered", "unknown", "auto_reply", "complaint",
    "not_a_report",
)  # fmt: skip


class BounceMessage(Base):
    """One mail of the bounce mailbox, by the SHA-256 of its bytes, which the object store keeps. Worked once.

    kind: delivery_status, feedback, plain_text, auto_reply, other. kept: false where it was too large to keep.
    """

    __tablename__ = "bounce_messages"
    __table_args__ = (CheckConstraint(f"digest {DIGEST}", name="digest"), {"schema": "pw"})

    digest: Mapped[str] = mapped_column(primary_key=True)
    mailbox: Mapped[str]  # maildir | imap | file
    kind: Mapped[str]
    size_bytes: Mapped[int]
    kept: Mapped[bool]
    worked_at: Mapped[datetime]
    reporting_mta: Mapped[str | None]


class BounceResult(Base):
    """What one report says of one recipient, and what we did about it.

    email: the address of ours it is about; NULL where it ties to none (forged, or not about our mail).
    tie: how it was tied to a mail of ours: message_id, verp, listmonk, none. mail: which mail, so that two reports of
    one mail count once. told_at: when Listmonk was told; due while told_as is set and told_at is NULL.
    """

    __tablename__ = "bounce_results"
    __table_args__ = (
        CheckConstraint(_one_of("class", BOUNCE_CLASSES), name="class"),
        CheckConstraint(_one_of("tie", ("message_id", "verp", "listmonk", "none")), name="tie"),
        CheckConstraint("(tie = 'none') = (email is null)", name="tied"),
        CheckConstraint(_one_of("told_as", ("hard", "soft", "complaint")), name="told_as"),
        Index("uq_bounce_results_place", "digest", "position", unique=True),
        Index("ix_bounce_results_email", "email", "class"),
        Index("ix_bounce_results_at", "at"),
        Index(
            "ix_bounce_results_untold", "result_id", postgresql_where=text("told_as is not null and told_at is null")
        ),
        {"schema": "pw"},
    )

    result_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("pw.bounce_messages.digest"))
    position: Mapped[int]
    at: Mapped[datetime]
    day: Mapped[date]  # America/New_York
    recipient: Mapped[str | None]
    email: Mapped[str | None]
    class_: Mapped[str] = mapped_column("class")
    rule: Mapped[str]
    action: Mapped[str | None]
    status: Mapped[str | None]
    remote_mta: Mapped[str | None]
    evidence: Mapped[list[str]]
    tie: Mapped[str]
    mail: Mapped[str | None]
    effect_id: Mapped[int | None] = mapped_column(ForeignKey("pw.effects.effect_id"))
    campaign_uuid: Mapped[str | None]
    subscriber_uuid: Mapped[str | None]
    segment: Mapped[str | None]
    deed: Mapped[str]
    told_as: Mapped[str | None]
    told_at: Mapped[datetime | None]
    told_error: Mapped[str | None]
    told_tries: Mapped[int] = mapped_column(server_default=text("0"))


class SendingStop(Base):
    """Sending that is stopped until a person lifts it: all of it (the breaker), or a segment (a complaint)."""

    __tablename__ = "sending_stops"
    __table_args__ = (
        CheckConstraint(_one_of("scope", ("all", "segment")), name="scope"),
        CheckConstraint("(scope = 'segment') = (segment is not null)", name="segment"),
        CheckConstraint("(lifted_at is null) = (lifted_by is null)", name="lifted"),
        Index(
            "uq_sending_stops_open", "scope", "segment", unique=True, postgresql_nulls_not_distinct=True,
            postgresql_where=text("lifted_at is null"),
        ),
        {"schema": "pw"},
    )  # fmt: skip

    stop_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    scope: Mapped[str]
    segment: Mapped[str | None]
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    raised_at: Mapped[datetime]
    raised_by: Mapped[str]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lift_reason: Mapped[str | None]


class MailDay(Base):
    """How many mails went out on a day (America/New_York): campaigns by Listmonk's count, and our own."""

    __tablename__ = "mail_days"
    __table_args__ = ({"schema": "pw"},)

    day: Mapped[date] = mapped_column(primary_key=True)
    campaign_mails: Mapped[int]
    own_mails: Mapped[int]
    counted_at: Mapped[datetime]
