"""Fulfilment: where every item of a paid order stands, what waits for whom, and what was done to the outside world.

`item_work` is one row per order item, moved on by fulfillment/engine.py alone. `effects` is the ledger of what cannot
be undone; its `key` says what is meant (`filing:cpni:0012345678:2025`), and one key is done once, whoever asks.
`item_events` and `effect_events` are never changed and never deleted: triggers refuse.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from pw_pipelines.db.tables.base import Base
from pw_pipelines.db.tables.orders import _one_of

STAGES = ("prepare", "documents", "signature", "review", "file", "confirm", "deliver", "book")
WORK_STATES = ("ready", "waiting", "done", "stopped")
# What an item can wait for. clock: opens by itself at not_before; the others when somebody or something opens them.
CLOCK_GATES = ("hours", "pacing", "retry", "settling", "cure_window")
PERSON_GATES = (
    "details", "signature", "review", "challenge", "packet", "unknown_effect", "duplicate", "changed_page",
    "portal_closed", "order", "held", "error",
)  # fmt: skip
EFFECT_STATES = ("intended", "unknown", "done", "not_done")
DIGEST = "~ '^[0-9a-f]{64}$'"


class ItemWork(Base):
    """Where one order item stands in its playbook.

    state: ready (a run should work it), waiting (at `gate`, since `gate_since`), done, stopped (its order ended).
    generation: raised whenever it becomes ready again, part of the run key. requested_*: the last run asked for.
    lease_*: who works it now; `lease_token` must still be the worker's own when it begins an effect.
    """

    __tablename__ = "item_work"
    __table_args__ = (
        CheckConstraint(_one_of("stage", (*STAGES, "done")), name="stage"),
        CheckConstraint(_one_of("state", WORK_STATES), name="state"),
        CheckConstraint("(state = 'waiting') = (gate is not null)", name="gate"),
        CheckConstraint(_one_of("gate", CLOCK_GATES + PERSON_GATES), name="gate_kind"),
        CheckConstraint(
            f"not ({_one_of('gate', CLOCK_GATES)}) or not_before is not null", name="clock_gates_have_a_time"
        ),
        CheckConstraint("(state = 'done') = (stage = 'done')", name="done"),
        CheckConstraint("(lease_token is null) = (lease_owner is null)", name="lease"),
        Index("ix_item_work_state", "state", "not_before"),
        {"schema": "pw"},
    )

    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("pw.orders.order_id"), index=True)
    service: Mapped[str]
    stage: Mapped[str] = mapped_column(server_default="prepare")
    state: Mapped[str] = mapped_column(server_default="ready")
    gate: Mapped[str | None]
    gate_why: Mapped[str | None]
    gate_detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))
    gate_since: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(server_default=sql_text("1"))
    requested_generation: Mapped[int | None]
    requested_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=sql_text("0"))
    last_error: Mapped[str | None]
    lease_owner: Mapped[str | None]
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    run_id: Mapped[str | None]
    due_on: Mapped[date | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class ItemEvent(Base):
    """One thing that happened to an item: a stage done, a gate reached or opened, a person's decision."""

    __tablename__ = "item_events"
    __table_args__ = (Index("ix_item_events_item", "item_id", "event_id"), {"schema": "pw"})

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    at: Mapped[datetime]
    stage: Mapped[str]
    what: Mapped[str]  # stage_done | gate | opened | retry | error | decision | note
    gate: Mapped[str | None]
    text: Mapped[str]
    by: Mapped[str]
    run_id: Mapped[str | None]


class ItemAnswer(Base):
    """One value a filing needs and the order does not hold, by its name in facts.yaml. Personal ones are in
    private_values instead."""

    __tablename__ = "item_answers"
    __table_args__ = ({"schema": "pw"},)

    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    source: Mapped[str]  # customer | staff | order | fcc_rmd … : where it comes from
    given_at: Mapped[datetime]
    given_by: Mapped[str]


class ItemDocument(Base):
    """One document drawn up for an item, by digest: what was made, what was signed. A new edition is a new row."""

    __tablename__ = "item_documents"
    __table_args__ = (
        CheckConstraint(f"docx_digest {DIGEST} and pdf_digest {DIGEST}", name="digests"),
        UniqueConstraint("item_id", "template", "edition"),
        {"schema": "pw"},
    )

    document_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    template: Mapped[str]
    title: Mapped[str]
    edition: Mapped[int]
    template_digest: Mapped[str]
    values_digest: Mapped[str]
    docx_digest: Mapped[str]
    pdf_digest: Mapped[str]
    signed_digest: Mapped[str | None]
    is_signed_by_customer: Mapped[bool]
    pages: Mapped[int]
    converted_by: Mapped[str]  # word | libreoffice
    made_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Evidence(Base):
    """One object that shows what happened: a picture, a page's HTML, a trace, a confirmation, a mail."""

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint(f"digest {DIGEST}", name="digest"),
        Index("ix_evidence_item", "item_id", "evidence_id"),
        {"schema": "pw"},
    )

    evidence_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    effect_id: Mapped[int | None] = mapped_column(ForeignKey("pw.effects.effect_id"))
    stage: Mapped[str]
    kind: Mapped[str]  # filled_form | confirmation | page | trace | probe | mail | signed_document | packet
    title: Mapped[str]
    media_type: Mapped[str]
    digest: Mapped[str]
    at: Mapped[datetime]
    run_id: Mapped[str | None]


class Effect(Base):
    """One thing done, or about to be done, to the outside world. See fulfillment/effects.py for its life.

    deadline_at: intended: when its run must have ended; unknown: from when on "not seen" counts as not happened.
    """

    __tablename__ = "effects"
    __table_args__ = (
        CheckConstraint(_one_of("state", EFFECT_STATES), name="state"),
        CheckConstraint(f"payload_digest {DIGEST}", name="payload_digest"),
        CheckConstraint("(state = 'done') = (done_at is not null)", name="done_at"),
        CheckConstraint("state <> 'intended' or owner is not null", name="owner"),
        Index("ix_effects_item", "item_id"),
        Index("ix_effects_open", "state", postgresql_where=sql_text("state in ('intended','unknown')")),
        {"schema": "pw"},
    )

    effect_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    kind: Mapped[str]
    payload_digest: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=sql_text("1"))
    owner: Mapped[str | None]
    intended_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    reference: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))
    last_error: Mapped[str | None]
    run_id: Mapped[str | None]


class EffectEvent(Base):
    """One step of an effect's life, by whom and on what evidence."""

    __tablename__ = "effect_events"
    __table_args__ = (
        CheckConstraint(_one_of("state", EFFECT_STATES), name="state"),
        Index("ix_effect_events_effect", "effect_id", "event_id"),
        {"schema": "pw"},
    )

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    effect_id: Mapped[int] = mapped_column(ForeignKey("pw.effects.effect_id"))
    at: Mapped[datetime]
    state: Mapped[str]
    by: Mapped[str]
    text: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))


class Approval(Base):
    """A reviewer's word on one filled form. It holds for the form with this digest alone."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint(_one_of("decision", ("approved", "returned")), name="decision"),
        CheckConstraint(f"form_digest {DIGEST}", name="form_digest"),
        Index("ix_approvals_item", "item_id", "form_digest"),
        {"schema": "pw"},
    )

    approval_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    form_digest: Mapped[str]
    decision: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    note: Mapped[str | None]


class FilingPortal(Base):
    """What is kept of one portal we file with: its pace, its probe, who closed it (`probe`, or a person) or opened it.

    Only a person opens it; opened_* speak of the last time.
    """

    __tablename__ = "filing_portals"
    __table_args__ = ({"schema": "pw"},)

    portal: Mapped[str] = mapped_column(primary_key=True)
    next_allowed_at: Mapped[datetime | None]
    last_filed_at: Mapped[datetime | None]
    probed_at: Mapped[datetime | None]
    probe_ok: Mapped[bool | None]
    probe_detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))
    closed_at: Mapped[datetime | None]
    closed_why: Mapped[str | None]
    closed_by: Mapped[str | None]
    opened_at: Mapped[datetime | None]
    opened_by: Mapped[str | None]
    opened_why: Mapped[str | None]
    browser_state_digest: Mapped[str | None]


class CalendarEntry(Base):
    """One duty of a customer's that falls due, and the order that renews it.

    due_on NULL: the day is not known; `why` says so in words. `why` also says why an entry was dropped.
    """

    __tablename__ = "compliance_calendar"
    __table_args__ = (
        CheckConstraint(_one_of("state", ("open", "renewed", "dropped")), name="state"),
        CheckConstraint("due_on is not null or why is not null", name="unknown_days_are_explained"),
        UniqueConstraint("customer_id", "service", "subject", "due_on", postgresql_nulls_not_distinct=True),
        Index("ix_compliance_calendar_due", "state", "due_on"),
        {"schema": "pw"},
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("pw.customers.customer_id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("pw.order_items.item_id"))
    service: Mapped[str]
    duty: Mapped[str | None]
    subject: Mapped[str]  # FRN, or state and company: for whom
    title: Mapped[str]
    due_on: Mapped[date | None]
    why: Mapped[str | None]
    citation: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="open")
    renewal_order_id: Mapped[int | None] = mapped_column(ForeignKey("pw.orders.order_id"))
    reminded_at: Mapped[datetime | None]
    made_at: Mapped[datetime]


class Cure(Base):
    """One finding that an item was to mend, until the public record shows that it is mended, or that it is not."""

    __tablename__ = "cures"
    __table_args__ = (
        CheckConstraint(_one_of("state", ("waiting", "cured", "still_there", "not_visible")), name="state"),
        UniqueConstraint("item_id", "code"),
        {"schema": "pw"},
    )

    cure_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("pw.order_items.item_id"))
    frn: Mapped[str]
    code: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    filed_at: Mapped[datetime]
    snapshots_before: Mapped[list[str]] = mapped_column(server_default=sql_text("'{}'"))
    snapshots_after: Mapped[list[str]] = mapped_column(server_default=sql_text("'{}'"))
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=sql_text("'{}'"))
    looked_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
