"""Who we may write to, whom never again, and what was handed to Listmonk."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base


class Suppression(Base):
    """An address we never write to again. Never deleted, never overruled by a re-import."""

    __tablename__ = "suppressions"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(
            "reason in ('bounced','complained','unsubscribed','blocklisted','disabled','customer','manual')",
            name="reason",
        ),
        {"schema": "pw"},
    )

    email: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    origin: Mapped[str]  # listmonk | manual | orders | bounces
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class Subscriber(Base):
    """One address handed (or to be handed) to Listmonk's lead list, and what it stands on.

    state: `queued` wanted, waiting for the warm-up quota; `synced` on the list; `withdrawn` taken off because its
    findings were cured or recalled; `held` Listmonk or a suppression says no.
    """

    __tablename__ = "subscribers"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("state in ('queued','synced','withdrawn','held')", name="state"),
        CheckConstraint("state <> 'synced' or listmonk_id is not null", name="synced_has_id"),
        Index("ix_subscribers_frn", "frn"),
        Index("ix_subscribers_state", "state"),
        {"schema": "pw"},
    )

    email: Mapped[str] = mapped_column(primary_key=True)
    frn: Mapped[str]
    provider: Mapped[str]  # mail provider of the address's domain: google | microsoft | yahoo | other
    state: Mapped[str]
    reason: Mapped[str | None]  # why held or withdrawn
    listmonk_id: Mapped[int | None] = mapped_column(BigInteger)
    attribs: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # as last written to Listmonk
    codes: Mapped[list[str]]
    snapshot_ids: Mapped[list[str]]
    queued_at: Mapped[datetime]
    admitted_on: Mapped[date | None]  # America/New_York day it took a place of the quota
    synced_at: Mapped[datetime | None]


class WarmupAdmission(Base):
    """One place of one day's quota, taken before Listmonk is told. Counting rows is the governor's truth."""

    __tablename__ = "warmup_admissions"
    __table_args__ = (Index("ix_warmup_admissions_day", "day"), {"schema": "pw"})

    email: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
    provider: Mapped[str]
    admitted_at: Mapped[datetime]


class Bounce(Base):
    """A bounce or complaint read back. Kept by us because Listmonk forgets them."""

    __tablename__ = "bounces"
    __table_args__ = (
        CheckConstraint("type in ('hard','soft','complaint')", name="type"),
        Index("uq_bounces_event", "email", "type", "source", "bounced_at", unique=True),
        {"schema": "pw"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    email: Mapped[str]
    type: Mapped[str]
    source: Mapped[str]
    provider: Mapped[str]
    bounced_at: Mapped[datetime]
    meta: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class SyncRun(Base):
    """One reconciliation with Listmonk: the counts, as it ended."""

    __tablename__ = "sync_runs"
    __table_args__ = ({"schema": "pw"},)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    error: Mapped[str | None]


class Segment(Base):
    """A named set of leads: `pw_pipelines/leads/segments.yaml`, row for row. A lead belongs if every criterion holds.

    An empty array or a null is no criterion. With `sure_only` the code criteria look at the lead's sure codes
    alone, and a lead without a sure code never belongs.
    """

    __tablename__ = "segments"
    __table_args__ = ({"schema": "pw"},)

    segment: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]  # order of the file, for lists people read
    title: Mapped[str]
    description: Mapped[str]
    codes_any: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # at least one of these
    codes_all: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # every one of these
    min_codes: Mapped[int | None]  # at least so many codes
    severities: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # top severity is one of these
    min_severity_rank: Mapped[int | None]  # severity_rank <= this (1 is critical): at least so severe
    comm_types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    states: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # hq_state, two letters
    requires_bdc: Mapped[bool | None]  # true: only BDC providers; false: only others
    sure_only: Mapped[bool] = mapped_column(server_default=text("false"))
