"""The free compliance check's log, and the history of findings it can answer the past from."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base


class FindingHistory(Base):
    """When a finding was first and last in force. Written after each rebuild of the marts; never deleted."""

    __tablename__ = "finding_history"
    __table_args__ = (
        Index("ix_finding_history_frn", "frn"),
        Index("uq_finding_history_open", "frn", "code", unique=True, postgresql_where=text("closed_at is null")),
        CheckConstraint("(closed_at is null) = (closed_reason is null)", name="closed"),
        {"schema": "pw"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    frn: Mapped[str]
    code: Mapped[str]
    severity: Mapped[str]
    certainty: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    snapshot_ids: Mapped[list[str]]
    opened_as_of: Mapped[date]
    opened_at: Mapped[datetime]
    last_seen_as_of: Mapped[date]
    closed_as_of: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str | None]  # cured | recalled


class MartBuild(Base):
    """One rebuild of the marts: as of which day, on which snapshots. A check as of a day needs one."""

    __tablename__ = "mart_builds"
    __table_args__ = (Index("ix_mart_builds_as_of", "as_of"), {"schema": "pw"})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    as_of: Mapped[date]
    built_at: Mapped[datetime]
    snapshot_ids: Mapped[list[str]]


class ComplianceCheckLog(Base):
    """One free compliance check: who was asked about, through which door, and what was answered."""

    __tablename__ = "compliance_check_log"
    __table_args__ = (
        Index("ix_compliance_check_log_frn", "frn"),
        Index("ix_compliance_check_log_checked_at", "checked_at"),
        CheckConstraint("channel in ('page','api','cli')", name="channel"),
        {"schema": "pw"},
    )

    check_id: Mapped[UUID] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    channel: Mapped[str]
    asked: Mapped[str]  # as typed, cut to 100 characters
    frn: Mapped[str | None]
    as_of: Mapped[date]
    answer: Mapped[str]
    codes: Mapped[list[str]]
    live_sources: Mapped[list[str]]
    utm: Mapped[dict[str, Any]]
    duration_ms: Mapped[float]
