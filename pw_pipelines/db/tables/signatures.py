"""Signatures: who was asked to sign what, and the chain of events that shows how it was signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.fulfillment import DIGEST
from pw_pipelines.db.tables.orders import _one_of

REQUEST_STATES = ("open", "signed", "declined", "revoked", "expired")


class SignatureRequest(Base):
    """One signer asked for one signature on one set of documents, by one link. Re-issued: a new row, the old revoked.

    `jti_hash` SHA-256 of the link's id: the link itself is known to the signer's mailbox alone. `documents` the
    documents by id, title and PDF digest, in the order shown; `documents_digest` over them. The signer's name and
    address are in private_values (`signer_name`, `signer_email`) of the item.
    """

    __tablename__ = "signature_requests"
    __table_args__ = (
        CheckConstraint(_one_of("state", REQUEST_STATES), name="state"),
        CheckConstraint(f"jti_hash {DIGEST} and documents_digest {DIGEST}", name="digests"),
        CheckConstraint("(state = 'signed') = (signed_at is not null)", name="signed"),
        CheckConstraint("attempts_left >= 0", name="attempts_left"),
        Index("uq_signature_requests_open", "item_id", "purpose", unique=True, postgresql_where=text("state = 'open'")),
        {"schema": "pw"},
    )

    request_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    purpose: Mapped[str]
    signer_id: Mapped[str]
    jti_hash: Mapped[str] = mapped_column(unique=True)
    documents: Mapped[list[dict[str, Any]]]
    documents_digest: Mapped[str]
    needs_perjury_statement: Mapped[bool]
    state: Mapped[str] = mapped_column(server_default="open")
    attempts_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    closed_why: Mapped[str | None]
    reminders_sent: Mapped[int] = mapped_column(server_default=text("0"))
    reminded_at: Mapped[datetime | None]


class SignatureEvent(Base):
    """One event of an item's signature, chained: `hash` is SHA-256 over `prev_hash` and the row's canonical JSON.

    Never changed, never deleted: a trigger refuses. Addresses and names are not in `data`, only their digests.
    """

    __tablename__ = "signature_events"
    __table_args__ = (
        UniqueConstraint("item_id", "seq"),
        CheckConstraint(f"prev_hash {DIGEST} and hash {DIGEST}", name="hashes"),
        {"schema": "pw"},
    )

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("pw.signature_requests.request_id"))
    seq: Mapped[int]
    at: Mapped[datetime]
    type: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    prev_hash: Mapped[str]
    hash: Mapped[str]
