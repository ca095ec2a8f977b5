"""Data that people of the trade maintain, loaded from validated files so that SQL can join it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Identity, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base


class ComplianceRule(Base):
    """One deficiency rule: `pw_pipelines/compliance/rules.yaml`, row for row."""

    __tablename__ = "compliance_rules"
    __table_args__ = ({"schema": "pw"},)

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # finding | question
    title: Mapped[str]
    severity: Mapped[str]  # critical | high | medium | low | information
    severity_rank: Mapped[int]  # 1 critical … 5 information
    certainty: Mapped[str]  # sure | probable | ask
    scope: Mapped[str]
    citation: Mapped[str]
    explanation: Mapped[str]
    remedy: Mapped[str]
    service: Mapped[str | None]  # service code that cures it
    price_usd: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    sources: Mapped[list[str]]
    question: Mapped[str | None]  # what the carrier is asked (questions only)
    detection: Mapped[str | None]  # why public data cannot decide it, or what the judgement leans on
    due_words: Mapped[str]
    due_duty: Mapped[str | None]  # key of pw.due_dates
    due_on: Mapped[date | None]  # where it is one fixed day
    position: Mapped[int]  # order of the file
    is_enabled: Mapped[bool]


class DueDate(Base):
    """When a duty of a period fell due: nominal day, and the day after the business-day shift (47 CFR 1.4(j))."""

    __tablename__ = "due_dates"
    __table_args__ = ({"schema": "pw"},)

    duty: Mapped[str] = mapped_column(primary_key=True)  # rmd_recertification | cpni | form499a | form499q | bdc
    year: Mapped[int] = mapped_column(primary_key=True)
    nominal_on: Mapped[date] = mapped_column(primary_key=True)
    due_on_et: Mapped[date]
    late_after_on_et: Mapped[date]  # filings up to and including this day are not called late


class SourceReference(Base):
    """What the contract of a source says about absence (`sources/contracts/*.yaml`), so that SQL can obey it.

    absence_sightings: in how many copies of different days "not listed" must be seen; NULL: it proves nothing.
    """

    __tablename__ = "sources"
    __table_args__ = ({"schema": "pw"},)

    source: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    absence_sightings: Mapped[int | None]
    absence_distinct_bytes: Mapped[bool | None]


class MatchRun(Base):
    """One run of the name matching: on which copies. Nobody is judged by matches of other copies."""

    __tablename__ = "match_runs"
    __table_args__ = ({"schema": "pw"},)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    matched_at: Mapped[datetime]
    as_of: Mapped[date]
    snapshot_ids: Mapped[list[str]]
