"""Backups: the sets that were made, the drills that restored them, and the journal of what may not wait for a dump.

Times named `machine_*` and `journal.at` are of the machine's own clock (RPO and RTO are real durations); the others
are of the project's clock, which the sandbox moves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.fulfillment import DIGEST
from pw_pipelines.db.tables.orders import _one_of

SUBJECTS = ("postgres", "mariadb", "objects", "forgejo")
SET_STATES = ("making", "complete", "failed", "expired")

# What the journal carries (migration 0006 puts a trigger on each). The rule: a row belongs here when its loss would
# lose a paid order, money, or the knowledge of something done to the outside world that must not be done twice, and
# nobody else could tell us again; with it the rows it stands on by foreign key, so that a replay stands by itself.
#   orders and what they consist of    what was bought, by whom, for whom
#   payment_events … money_ledger      what was paid; checkout_sessions say which order a provider's reference is of
#   book_entries, commission_*         documents made in ERPNext and money paid out: not to be made or paid twice
#   item_*, approvals, signature_*     what was given, drawn up, approved and signed (private_values: ciphertext)
#   effects, effect_events, evidence   what was filed and what shows it
#   compliance_calendar, cures         made once at an item's end; nobody makes them again
#   suppressions                       who must never be written to again
# Not here: snapshots and everything derived (fetched or built again), logs of reading (checks, private_access,
# staff_actions), and what settles itself (warm-up, portals' pace, sessions). Four dumps a day are enough for those.
JOURNALED = (
    "customers", "sales_agents", "orders", "order_items", "order_lines", "order_events", "order_links",
    "compliance_orders", "formation_orders", "canada_crtc_orders", "bundle_orders",
    "payment_events", "checkout_sessions", "payments", "money_ledger",
    "book_entries", "commission_ledger", "commission_batches",
    "item_work", "item_events", "item_answers", "item_documents", "private_values", "approvals",
    "signature_requests", "signature_events",
    "effects", "effect_events", "evidence",
    "compliance_calendar", "cures", "suppressions",
)  # fmt: skip


class BackupSet(Base):
    """One backup of one subject: a folder `<subject>/<set_id>/` of sealed archives and their manifest.

    state: making (nobody may count on it), complete (whole, sealed, on this machine), failed (`error` says why;
    nothing is left on disk), expired (decided to be removed; `removed_at` when it was). captured_at: the moment the
    data is of. digests: archive name -> SHA-256 of the sealed bytes. confirmed_at: the off-site copy was read back
    and is the same; verified_at: every archive was last read through and stood; damage: what verifying found wrong.
    A set is good when it is complete, confirmed, verified and without damage. tiers: for what retention keeps it.
    """

    __tablename__ = "backup_sets"
    __table_args__ = (
        CheckConstraint(_one_of("subject", SUBJECTS), name="subject"),
        CheckConstraint(_one_of("state", SET_STATES), name="state"),
        CheckConstraint(
            "state not in ('complete','expired') or (captured_at is not null and manifest_digest is not null)",
            name="complete",
        ),
        CheckConstraint("(state = 'making') = (finished_at is null)", name="finished"),
        CheckConstraint("state <> 'failed' or error is not null", name="failed_says_why"),
        CheckConstraint("confirmed_at is null or state in ('complete','expired')", name="confirmed"),
        CheckConstraint("verified_at is null or damage is null", name="verified_or_damaged"),
        CheckConstraint(f"manifest_digest {DIGEST}", name="manifest_digest"),
        Index("ix_backup_sets_subject", "subject", "captured_at"),
        {"schema": "pw"},
    )

    set_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="making")
    started_at: Mapped[datetime]
    captured_at: Mapped[datetime | None]
    machine_captured_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    maker: Mapped[str]  # host, pid and start of the process that makes it: a dead maker's set is failed
    run_id: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    manifest_digest: Mapped[str | None]
    digests: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))
    confirmed_at: Mapped[datetime | None]
    offsite_error: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    damage: Mapped[str | None]
    error: Mapped[str | None]
    tiers: Mapped[list[str]] = mapped_column(server_default=sql_text("'{}'"))
    expired_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class BackupObject(Base):
    """One object of the object store in the backup's pool: its own digest and that of its sealed copy."""

    __tablename__ = "backup_objects"
    __table_args__ = (
        CheckConstraint(f"digest {DIGEST} and sealed_digest {DIGEST}", name="digests"),
        {"schema": "pw"},
    )

    digest: Mapped[str] = mapped_column(primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    sealed_digest: Mapped[str]
    sealed_bytes: Mapped[int] = mapped_column(BigInteger)
    sealed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class BackupDrill(Base):
    """One restore from the off-site copy, and what it proved. finished_at NULL: it is under way and reads its sets.

    checks: one object per business fact with its name, whether it held, what was expected and found.
    report_digest: the HTML report in the object store.
    """

    __tablename__ = "backup_drills"
    __table_args__ = (
        CheckConstraint("(finished_at is null) = (ok is null)", name="finished"),
        CheckConstraint("rpo_seconds >= 0 and rto_seconds >= 0", name="seconds"),
        CheckConstraint(f"report_digest {DIGEST}", name="report_digest"),
        Index("ix_backup_drills_started", "started_at"),
        {"schema": "pw"},
    )

    drill_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    machine_started_at: Mapped[datetime]
    ok: Mapped[bool | None]
    rpo_seconds: Mapped[float | None]
    rto_seconds: Mapped[float | None]
    checks: Mapped[list[dict[str, Any]]] = mapped_column(server_default=sql_text("'[]'"))
    set_ids: Mapped[list[str]] = mapped_column(server_default=sql_text("'{}'"))
    report_digest: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))
    error: Mapped[str | None]
    run_id: Mapped[str | None]


class JournalShipment(Base):
    """One bundle of journal rows that left: a sealed object in the object store, and off-site once confirmed."""

    __tablename__ = "journal_shipments"
    __table_args__ = (
        CheckConstraint(f"digest {DIGEST} and sealed_digest {DIGEST}", name="digests"),
        CheckConstraint("rows > 0 and first_seq <= last_seq", name="rows"),
        Index("ix_journal_shipments_unconfirmed", "shipment_id", postgresql_where=sql_text("confirmed_at is null")),
        {"schema": "pw"},
    )

    shipment_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    first_seq: Mapped[int] = mapped_column(BigInteger)
    last_seq: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int]
    oldest_at: Mapped[datetime]
    newest_at: Mapped[datetime]
    digest: Mapped[str]
    sealed_digest: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    shipped_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=sql_text("0"))
    last_error: Mapped[str | None]


class JournalLine(Base):
    """A line of the journal that a person began, because this database had been put back to an older state in its own
    place: it goes on from `known_shipment`, and the old line's shipments up to `ahead_shipment` it never heard of.

    mark: what tells the line's name from the one before. Times of the machine's clock.
    """

    __tablename__ = "journal_lines"
    __table_args__ = (
        CheckConstraint("mark ~ '^[0-9]{8}T[0-9]{6}Z$'", name="mark"),
        CheckConstraint("known_shipment < ahead_shipment", name="ahead"),
        UniqueConstraint("mark"),
        {"schema": "pw"},
    )

    line_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    mark: Mapped[str]
    begun_at: Mapped[datetime]
    begun_by: Mapped[str]
    reason: Mapped[str]
    known_shipment: Mapped[int] = mapped_column(BigInteger)
    ahead_shipment: Mapped[int] = mapped_column(BigInteger)


class JournalRow(Base):
    """One change of a table in JOURNALED, written by its trigger in the same transaction. Only ever shipped or pruned.

    xact: pg_current_xact_id() as a number. key: the primary key; row: the whole row afterwards (bytea as `\\x…`),
    NULL for a deletion. Numbers are given out before the commit: a smaller seq may become visible later.
    """

    __tablename__ = "journal"
    __table_args__ = (
        CheckConstraint("op in ('insert','update','delete')", name="op"),
        CheckConstraint("(op = 'delete') = (row is null)", name="row"),
        Index("ix_journal_unshipped", "seq", postgresql_where=sql_text("shipped_in is null")),
        Index("ix_journal_shipped_in", "shipped_in"),
        {"schema": "pw"},
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    xact: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(server_default=sql_text("clock_timestamp()"))
    table_name: Mapped[str]
    op: Mapped[str]
    key: Mapped[dict[str, Any]]
    row: Mapped[dict[str, Any] | None]
    shipped_in: Mapped[int | None] = mapped_column(ForeignKey("pw.journal_shipments.shipment_id"))
