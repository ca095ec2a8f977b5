"""The staff desk: who may work there, what they did, and the personal data that only its pages may open."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.fulfillment import DIGEST
from pw_pipelines.db.tables.orders import _one_of

ROLES = ("analyst", "ops", "reviewer", "admin")


class StaffUser(Base):
    """Somebody of the firm. `password_hash` is scrypt with its parameters; NULL: may not log in."""

    __tablename__ = "staff_users"
    __table_args__ = (CheckConstraint(_one_of("role", ROLES), name="role"), {"schema": "pw"})

    user_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    failed_logins: Mapped[int] = mapped_column(server_default=text("0"))
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class StaffSession(Base):
    """One login. The cookie holds the token, this row its SHA-256; `csrf` is the token its forms carry."""

    __tablename__ = "staff_sessions"
    __table_args__ = (CheckConstraint(f"token_hash {DIGEST}", name="token_hash"), {"schema": "pw"})

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("pw.staff_users.user_id"))
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffAction(Base):
    """One deed of a person of the firm, at the desk or by `pw`. Never changed, never deleted: a trigger refuses."""

    __tablename__ = "staff_actions"
    __table_args__ = (Index("ix_staff_actions_item", "item_id"), {"schema": "pw"})

    action_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]
    what: Mapped[str]
    item_id: Mapped[int | None] = mapped_column(ForeignKey("pw.order_items.item_id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("pw.orders.order_id"))
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class PrivateValue(Base):
    """One personal value of an item (a signer's name and address, an SSN), AES-GCM encrypted under `key_id`.

    `erase_on`: the day the retention job empties it; `ciphertext` is NULL from then on and the row says when.
    """

    __tablename__ = "private_values"
    __table_args__ = (
        CheckConstraint("(ciphertext is null) = (erased_at is not null)", name="erased"),
        UniqueConstraint("item_id", "name"),
        {"schema": "pw"},
    )

    value_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    name: Mapped[str]
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    given_at: Mapped[datetime]
    erase_on: Mapped[date | None]
    erased_at: Mapped[datetime | None]


class PrivateAccess(Base):
    """One reading of a personal value: by whom and why. Never changed, never deleted: a trigger refuses."""

    __tablename__ = "private_access"
    __table_args__ = (Index("ix_private_access_item", "item_id"), {"schema": "pw"})

    access_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int]
    name: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    why: Mapped[str]
