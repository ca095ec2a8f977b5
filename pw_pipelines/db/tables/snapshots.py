"""Snapshots: every fetch of every source, its grade and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base


class Snapshot(Base):
    """One dated copy of one source. Raw bytes are kept for ever under `raw_digest`.

    grade: `pending` until graded, then `complete`, `partial`, `rejected`; `recalled` by a person.
    proves_absence: whether "not in this copy" says anything (whole list, floor met by the copy itself).
    file_name: what a hand-saved copy was called. subject: that name again where it is part of what the copy
    says (a CORES page of an unknown FRN is empty: only its name tells whose it is), else ''.
    stated_total, stated_by: how many rows the copy must hold, and who said so; control_total: what the source says.
    loaded_at: its rows stand in `core`. pruned_at: they stood there and were taken out to save room; raw remains,
    and loading again brings them back.
    """

    __tablename__ = "snapshots"
    __table_args__ = (
        UniqueConstraint("source", "as_of", "raw_digest", "subject"),
        CheckConstraint("grade in ('pending','complete','partial','rejected','recalled')", name="grade"),
        CheckConstraint("origin in ('fetched','ingested')", name="origin"),
        CheckConstraint("raw_digest ~ '^[0-9a-f]{64}$'", name="raw_digest"),
        CheckConstraint("grade = 'pending' or graded_at is not null", name="graded"),
        CheckConstraint("loaded_at is null or grade in ('complete','partial','recalled')", name="loaded_only_if_good"),
        CheckConstraint("pruned_at is null or loaded_at is null", name="pruned_is_not_loaded"),
        CheckConstraint("stated_total is null or stated_by is not null", name="stated_by_someone"),
        CheckConstraint("(grade = 'recalled') = (recalled_at is not null)", name="recalled"),
        Index("ix_snapshots_current", "source", "as_of", "fetched_at"),
        {"schema": "pw"},
    )

    snapshot_id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    as_of: Mapped[date]
    vintage: Mapped[str | None]
    fetched_at: Mapped[datetime]
    origin: Mapped[str]
    stated_by: Mapped[str | None]
    stated_total: Mapped[int | None] = mapped_column(BigInteger)
    file_name: Mapped[str | None]
    subject: Mapped[str] = mapped_column(server_default="")
    raw_digest: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    layout: Mapped[str | None]
    rows: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rejected_rows: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    control_total: Mapped[int | None] = mapped_column(BigInteger)
    control_source: Mapped[str | None]
    newest_on: Mapped[date | None]
    grade: Mapped[str] = mapped_column(server_default="pending")
    proves_absence: Mapped[bool] = mapped_column(server_default=text("false"))
    reasons: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    checks: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    graded_at: Mapped[datetime | None]
    loaded_at: Mapped[datetime | None]
    pruned_at: Mapped[datetime | None]
    recalled_at: Mapped[datetime | None]
    recalled_by: Mapped[str | None]
    recall_reason: Mapped[str | None]


class SnapshotReject(Base):
    """A record that could not be read, with its line and the reason."""

    __tablename__ = "snapshot_rejects"
    __table_args__ = ({"schema": "pw"},)

    snapshot_id: Mapped[str] = mapped_column(ForeignKey("pw.snapshots.snapshot_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    excerpt: Mapped[str]
