"""Fulfilment: item work, the effects ledger, documents, signatures, the desk, personal data, calendar and cures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "filing_portals",
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("next_allowed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_ok", sa.Boolean(), nullable=True),
        sa.Column(
            "probe_detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.Column("browser_state_digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("portal", name=op.f("pk_filing_portals")),
        schema="pw",
    )
    op.create_table(
        "private_access",
        sa.Column("access_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("access_id", name=op.f("pk_private_access")),
        schema="pw",
    )
    op.create_index("ix_private_access_item", "private_access", ["item_id"], unique=False, schema="pw")
    op.create_table(
        "staff_users",
        sa.Column("user_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("failed_logins", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role in ('analyst', 'ops', 'reviewer', 'admin')", name=op.f("ck_staff_users_role")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_staff_users")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_users_name")),
        schema="pw",
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("token_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_staff_sessions_token_hash")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["pw.staff_users.user_id"], name=op.f("fk_staff_sessions_user_id_staff_users")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_sessions")),
        schema="pw",
    )
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("form_digest", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("decision in ('approved', 'returned')", name=op.f("ck_approvals_decision")),
        sa.CheckConstraint("form_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_approvals_form_digest")),
        sa.ForeignKeyConstraint(["item_id"], ["pw.order_items.item_id"], name=op.f("fk_approvals_item_id_order_items")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approvals")),
        schema="pw",
    )
    op.create_index("ix_approvals_item", "approvals", ["item_id", "form_digest"], unique=False, schema="pw")
    op.create_table(
        "compliance_calendar",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("renewal_order_id", sa.BigInteger(), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('open', 'renewed', 'dropped')", name=op.f("ck_compliance_calendar_state")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["pw.customers.customer_id"], name=op.f("fk_compliance_calendar_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_compliance_calendar_item_id_order_items")
        ),
        sa.ForeignKeyConstraint(
            ["renewal_order_id"], ["pw.orders.order_id"], name=op.f("fk_compliance_calendar_renewal_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_compliance_calendar")),
        sa.UniqueConstraint(
            "customer_id",
            "service",
            "subject",
            "due_on",
            name=op.f("uq_compliance_calendar_customer_id_service_subject_due_on"),
        ),
        schema="pw",
    )
    op.create_index("ix_compliance_calendar_due", "compliance_calendar", ["state", "due_on"], unique=False, schema="pw")
    op.create_table(
        "cures",
        sa.Column("cure_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshots_before", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("snapshots_after", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'cured', 'still_there', 'not_visible')", name=op.f("ck_cures_state")),
        sa.ForeignKeyConstraint(["item_id"], ["pw.order_items.item_id"], name=op.f("fk_cures_item_id_order_items")),
        sa.PrimaryKeyConstraint("cure_id", name=op.f("pk_cures")),
        sa.UniqueConstraint("item_id", "code", name=op.f("uq_cures_item_id_code")),
        schema="pw",
    )
    op.create_table(
        "effects",
        sa.Column("effect_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload_digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'done') = (done_at is not null)", name=op.f("ck_effects_done_at")),
        sa.CheckConstraint("payload_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_effects_payload_digest")),
        sa.CheckConstraint("state <> 'intended' or owner is not null", name=op.f("ck_effects_owner")),
        sa.CheckConstraint("state in ('intended', 'unknown', 'done', 'not_done')", name=op.f("ck_effects_state")),
        sa.ForeignKeyConstraint(["item_id"], ["pw.order_items.item_id"], name=op.f("fk_effects_item_id_order_items")),
        sa.PrimaryKeyConstraint("effect_id", name=op.f("pk_effects")),
        sa.UniqueConstraint("key", name=op.f("uq_effects_key")),
        schema="pw",
    )
    op.create_index("ix_effects_item", "effects", ["item_id"], unique=False, schema="pw")
    op.create_index(
        "ix_effects_open",
        "effects",
        ["state"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("state in ('intended','unknown')"),
    )
    op.create_table(
        "item_answers",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_item_answers_item_id_order_items")
        ),
        sa.PrimaryKeyConstraint("item_id", "name", name=op.f("pk_item_answers")),
        schema="pw",
    )
    op.create_table(
        "item_documents",
        sa.Column("document_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("template_digest", sa.Text(), nullable=False),
        sa.Column("values_digest", sa.Text(), nullable=False),
        sa.Column("docx_digest", sa.Text(), nullable=False),
        sa.Column("pdf_digest", sa.Text(), nullable=False),
        sa.Column("signed_digest", sa.Text(), nullable=True),
        sa.Column("is_signed_by_customer", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("converted_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "docx_digest ~ '^[0-9a-f]{64}$' and pdf_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_item_documents_digests")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_item_documents_item_id_order_items")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_item_documents")),
        sa.UniqueConstraint("item_id", "template", "edition", name=op.f("uq_item_documents_item_id_template_edition")),
        schema="pw",
    )
    op.create_table(
        "item_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_item_events_item_id_order_items")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_item_events")),
        schema="pw",
    )
    op.create_index("ix_item_events_item", "item_events", ["item_id", "event_id"], unique=False, schema="pw")
    op.create_table(
        "item_work",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), server_default="prepare", nullable=False),
        sa.Column("state", sa.Text(), server_default="ready", nullable=False),
        sa.Column("gate", sa.Text(), nullable=True),
        sa.Column("gate_why", sa.Text(), nullable=True),
        sa.Column(
            "gate_detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("gate_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generation", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("requested_generation", sa.Integer(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'done') = (stage = 'done')", name=op.f("ck_item_work_done")),
        sa.CheckConstraint("(state = 'waiting') = (gate is not null)", name=op.f("ck_item_work_gate")),
        sa.CheckConstraint(
            "gate in ('hours', 'pacing', 'retry', 'settling', 'cure_window', 'details', 'signature', 'review', 'challenge', 'packet', 'unknown_effect', 'duplicate', 'changed_page', 'portal_closed', 'order', 'held', 'error')",
            name=op.f("ck_item_work_gate_kind"),
        ),
        sa.CheckConstraint(
            "not (gate in ('hours', 'pacing', 'retry', 'settling', 'cure_window')) or not_before is not null",
            name=op.f("ck_item_work_clock_gates_have_a_time"),
        ),
        sa.CheckConstraint(
            "stage in ('prepare', 'documents', 'signature', 'review', 'file', 'confirm', 'deliver', 'book', 'done')",
            name=op.f("ck_item_work_stage"),
        ),
        sa.CheckConstraint("state in ('ready', 'waiting', 'done', 'stopped')", name=op.f("ck_item_work_state")),
        sa.CheckConstraint("(lease_token is null) = (lease_owner is null)", name=op.f("ck_item_work_lease")),
        sa.ForeignKeyConstraint(["item_id"], ["pw.order_items.item_id"], name=op.f("fk_item_work_item_id_order_items")),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_item_work_order_id_orders")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_work")),
        schema="pw",
    )
    op.create_index("ix_item_work_state", "item_work", ["state", "not_before"], unique=False, schema="pw")
    op.create_index(op.f("ix_pw_item_work_order_id"), "item_work", ["order_id"], unique=False, schema="pw")
    op.create_table(
        "private_values",
        sa.Column("value_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erase_on", sa.Date(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(ciphertext is null) = (erased_at is not null)", name=op.f("ck_private_values_erased")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_private_values_item_id_order_items")
        ),
        sa.PrimaryKeyConstraint("value_id", name=op.f("pk_private_values")),
        sa.UniqueConstraint("item_id", "name", name=op.f("uq_private_values_item_id_name")),
        schema="pw",
    )
    op.create_table(
        "signature_requests",
        sa.Column("request_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("signer_id", sa.Text(), nullable=False),
        sa.Column("jti_hash", sa.Text(), nullable=False),
        sa.Column("documents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("documents_digest", sa.Text(), nullable=False),
        sa.Column("needs_perjury_statement", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("attempts_left", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.Column("reminders_sent", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'signed') = (signed_at is not null)", name=op.f("ck_signature_requests_signed")),
        sa.CheckConstraint(
            "jti_hash ~ '^[0-9a-f]{64}$' and documents_digest ~ '^[0-9a-f]{64}$'",
            name=op.f("ck_signature_requests_digests"),
        ),
        sa.CheckConstraint(
            "state in ('open', 'signed', 'declined', 'revoked', 'expired')", name=op.f("ck_signature_requests_state")
        ),
        sa.CheckConstraint("attempts_left >= 0", name=op.f("ck_signature_requests_attempts_left")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_signature_requests_item_id_order_items")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_signature_requests")),
        sa.UniqueConstraint("jti_hash", name=op.f("uq_signature_requests_jti_hash")),
        schema="pw",
    )
    op.create_index(
        "uq_signature_requests_open",
        "signature_requests",
        ["item_id", "purpose"],
        unique=True,
        schema="pw",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "staff_actions",
        sa.Column("action_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_staff_actions_item_id_order_items")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_staff_actions_order_id_orders")),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_staff_actions")),
        schema="pw",
    )
    op.create_index("ix_staff_actions_item", "staff_actions", ["item_id"], unique=False, schema="pw")
    op.create_table(
        "effect_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("effect_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("state in ('intended', 'unknown', 'done', 'not_done')", name=op.f("ck_effect_events_state")),
        sa.ForeignKeyConstraint(
            ["effect_id"], ["pw.effects.effect_id"], name=op.f("fk_effect_events_effect_id_effects")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_effect_events")),
        schema="pw",
    )
    op.create_index("ix_effect_events_effect", "effect_events", ["effect_id", "event_id"], unique=False, schema="pw")
    op.create_table(
        "evidence",
        sa.Column("evidence_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("effect_id", sa.BigInteger(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_evidence_digest")),
        sa.ForeignKeyConstraint(["effect_id"], ["pw.effects.effect_id"], name=op.f("fk_evidence_effect_id_effects")),
        sa.ForeignKeyConstraint(["item_id"], ["pw.order_items.item_id"], name=op.f("fk_evidence_item_id_order_items")),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence")),
        schema="pw",
    )
    op.create_index("ix_evidence_item", "evidence", ["item_id", "evidence_id"], unique=False, schema="pw")
    op.create_table(
        "signature_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "prev_hash ~ '^[0-9a-f]{64}$' and hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_signature_events_hashes")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["pw.order_items.item_id"], name=op.f("fk_signature_events_item_id_order_items")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["pw.signature_requests.request_id"],
            name=op.f("fk_signature_events_request_id_signature_requests"),
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_signature_events")),
        sa.UniqueConstraint("item_id", "seq", name=op.f("uq_signature_events_item_id_seq")),
        schema="pw",
    )
    for statement in GUARDS:
        op.execute(statement)


# What no check constraint can say: what is kept for ever, and that an effect that was done stays done.
KEPT = ("item_events", "effect_events", "signature_events", "staff_actions", "private_access")
_NEVER = """
create function pw.is_kept() returns trigger language plpgsql as $$
begin
    raise exception '% is never changed, only added to', tg_table_name using errcode = 'check_violation';
end $$"""
_EFFECT = """
create function pw.effect_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'effect %: the ledger of effects is never shortened', old.key using errcode = 'check_violation';
    end if;
    if (new.key, new.item_id, new.kind) is distinct from (old.key, old.item_id, old.kind) then
        raise exception 'effect %: what was meant never changes', old.key using errcode = 'check_violation';
    end if;
    if old.state = 'done' and (new.state, new.payload_digest, new.reference, new.done_at) is distinct from
       (old.state, old.payload_digest, old.reference, old.done_at) then
        raise exception 'effect %: what was done stays done', old.key using errcode = 'check_violation';
    end if;
    if old.state = 'unknown' and new.state = 'intended' then
        raise exception 'effect %: an unknown effect is settled before it is tried again', old.key
            using errcode = 'check_violation';
    end if;
    return new;
end $$"""
GUARDS = (
    _NEVER,
    *(
        f"create trigger {table}_are_kept before update or delete on pw.{table}"
        " for each row execute function pw.is_kept()"
        for table in KEPT
    ),
    _EFFECT,
    "create trigger effects_guard before update or delete on pw.effects"
    " for each row execute function pw.effect_guard()",
)


def downgrade() -> None:
    op.drop_table("signature_events", schema="pw")
    op.drop_index("ix_evidence_item", table_name="evidence", schema="pw")
    op.drop_table("evidence", schema="pw")
    op.drop_index("ix_effect_events_effect", table_name="effect_events", schema="pw")
    op.drop_table("effect_events", schema="pw")
    op.drop_index("ix_staff_actions_item", table_name="staff_actions", schema="pw")
    op.drop_table("staff_actions", schema="pw")
    op.drop_index(
        "uq_signature_requests_open",
        table_name="signature_requests",
        schema="pw",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("signature_requests", schema="pw")
    op.drop_table("private_values", schema="pw")
    op.drop_index(op.f("ix_pw_item_work_order_id"), table_name="item_work", schema="pw")
    op.drop_index("ix_item_work_state", table_name="item_work", schema="pw")
    op.drop_table("item_work", schema="pw")
    op.drop_index("ix_item_events_item", table_name="item_events", schema="pw")
    op.drop_table("item_events", schema="pw")
    op.drop_table("item_documents", schema="pw")
    op.drop_table("item_answers", schema="pw")
    op.drop_index(
        "ix_effects_open",
        table_name="effects",
        schema="pw",
        postgresql_where=sa.text("state in ('intended','unknown')"),
    )
    op.drop_index("ix_effects_item", table_name="effects", schema="pw")
    op.drop_table("effects", schema="pw")
    op.drop_table("cures", schema="pw")
    op.drop_index("ix_compliance_calendar_due", table_name="compliance_calendar", schema="pw")
    op.drop_table("compliance_calendar", schema="pw")
    op.drop_index("ix_approvals_item", table_name="approvals", schema="pw")
    op.drop_table("approvals", schema="pw")
    op.drop_table("staff_sessions", schema="pw")
    op.drop_table("staff_users", schema="pw")
    op.drop_index("ix_private_access_item", table_name="private_access", schema="pw")
    op.drop_table("private_access", schema="pw")
    op.drop_table("filing_portals", schema="pw")
    op.execute("drop function pw.is_kept")
    op.execute("drop function pw.effect_guard")
