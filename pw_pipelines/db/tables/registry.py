"""The register of companies: one table of names for all states, partitioned by state, and what happened to it.

A state's partition is built beside the one that serves and swapped in one transaction, so the parent table has no
index of its own: each partition brings its own (`registry.partitions`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, DATE
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base

_KEY = Text(collation="C")


entities = Table(
    "entities",
    Base.metadata,
    Column("state", Text(), nullable=False),
    Column("record_id", _KEY, nullable=False),
    Column("entity_id", _KEY, nullable=False),
    Column("name", Text()),
    Column("name_kind", Text(), nullable=False),
    Column("form", Text()),
    Column("type_code", Text()),
    Column("status", Text()),
    Column("standing", Text(), nullable=False),
    Column("formed_on", DATE()),
    Column("changed_on", DATE()),
    Column("home", Text()),
    Column("place", Text()),
    Column("name_key", _KEY),
    Column("near_key", _KEY),
    Column("snapshot_id", Text(), nullable=False),
    schema="registry",
    postgresql_partition_by="LIST (state)",
)
"""One name in a state's register. Keys: `registry.keys`. `snapshot_id`: the copy the row was last told by."""


class RegistryEvent(Base):
    """What a state says happened to an entity (Florida's corevt), in the state's order."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_name_key", "state", "name_key"), {"schema": "registry"})

    state: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[str] = mapped_column(_KEY, primary_key=True)
    sequence: Mapped[str] = mapped_column(_KEY, primary_key=True)
    code: Mapped[str | None]
    description: Mapped[str | None]
    filed_on: Mapped[date | None]
    effective_on: Mapped[date | None]
    name: Mapped[str | None]
    name_key: Mapped[str | None] = mapped_column(_KEY)
    near_key: Mapped[str | None] = mapped_column(_KEY)
    snapshot_id: Mapped[str]


class RegistryChange(Base):
    """What one copy changed in the register against the one before. The first whole copy of a state logs nothing."""

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint("kind in ('appeared','renamed','status_changed','gone')", name="kind"),
        Index("ix_changes_state_as_of", "state", "as_of"),
        Index("ix_changes_entity", "state", "entity_id"),
        {"schema": "registry"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    state: Mapped[str]
    record_id: Mapped[str]
    entity_id: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str | None]
    before: Mapped[str | None]
    after: Mapped[str | None]
    as_of: Mapped[date]
    snapshot_id: Mapped[str]
    seen_at: Mapped[datetime]


class RegistryCoverage(Base):
    """What stands in the register of one state. `missing_days`: daily files that never came (Florida).

    whole_as_of: day of the last whole copy; increment_as_of: of the last increment after it.
    """

    __tablename__ = "coverage"
    __table_args__ = ({"schema": "registry"},)

    state: Mapped[str] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    unnamed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    whole_snapshot_id: Mapped[str | None]
    whole_as_of: Mapped[date | None]
    increment_snapshot_id: Mapped[str | None]
    increment_as_of: Mapped[date | None]
    missing_days: Mapped[list[Any]] = mapped_column(ARRAY(DATE()), server_default=text("'{}'"))
    loaded_at: Mapped[datetime | None]


class PortalSearch(Base):
    """One search of a state's own portal: what was asked, what came, and the evidence kept under its digest."""

    __tablename__ = "portal_searches"
    __table_args__ = (
        CheckConstraint("outcome in ('found','nothing','person','failed')", name="outcome"),
        Index("ix_portal_searches_asked", "state", "query", "asked_at"),
        {"schema": "registry"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    state: Mapped[str]
    query: Mapped[str]
    asked_at: Mapped[datetime]
    outcome: Mapped[str]
    detail: Mapped[str | None]
    records: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class StateFilingFee(Base):
    """One fee of one jurisdiction: `jurisdictions/data/*.yaml`, row for row. amount NULL: unknown, never guessed."""

    __tablename__ = "state_filing_fees"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("currency in ('USD','CAD')", name="currency"),
        {"schema": "pw"},
    )

    state: Mapped[str] = mapped_column(primary_key=True)
    fee: Mapped[str] = mapped_column(primary_key=True)  # llc_formation | corporation_formation | annual_report | …
    amount: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    currency: Mapped[str]
    words: Mapped[str | None]  # the source's own words where the fee is not one number
    source: Mapped[str]
    confidence: Mapped[str]
    checked_on: Mapped[date | None]
