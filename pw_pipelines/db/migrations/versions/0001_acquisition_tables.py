"""The acquisition side: snapshots, source rows, findings' history, leads and what was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "name_matches",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("carrier_name", sa.Text(), nullable=False),
        sa.Column("snapshot_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("subject", "subject_id", "frn", name=op.f("pk_name_matches")),
        schema="core",
    )
    op.create_index("ix_name_matches_frn", "name_matches", ["frn"], unique=False, schema="core")
    op.create_table(
        "alerts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('run','check','snapshot','stale')", name=op.f("ck_alerts_kind")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alerts")),
        schema="pw",
    )
    op.create_index(
        "ix_alerts_unsent",
        "alerts",
        ["raised_at"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("sent_at is null"),
    )
    op.create_table(
        "bounces",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("type in ('hard','soft','complaint')", name=op.f("ck_bounces_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounces")),
        schema="pw",
    )
    op.create_index("uq_bounces_event", "bounces", ["email", "type", "source", "bounced_at"], unique=True, schema="pw")
    op.create_table(
        "compliance_check_log",
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("live_sources", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("utm", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("duration_ms", sa.Float(), nullable=False),
        sa.CheckConstraint("channel in ('page','api','cli')", name=op.f("ck_compliance_check_log_channel")),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_compliance_check_log")),
        schema="pw",
    )
    op.create_index(
        "ix_compliance_check_log_checked_at", "compliance_check_log", ["checked_at"], unique=False, schema="pw"
    )
    op.create_index("ix_compliance_check_log_frn", "compliance_check_log", ["frn"], unique=False, schema="pw")
    op.create_table(
        "compliance_rules",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", sa.Integer(), nullable=False),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("price_usd", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("sources", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("detection", sa.Text(), nullable=True),
        sa.Column("due_words", sa.Text(), nullable=False),
        sa.Column("due_duty", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_compliance_rules")),
        schema="pw",
    )
    op.create_table(
        "due_dates",
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("nominal_on", sa.Date(), nullable=False),
        sa.Column("due_on_et", sa.Date(), nullable=False),
        sa.Column("late_after_on_et", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("duty", "year", "nominal_on", name=op.f("pk_due_dates")),
        schema="pw",
    )
    op.create_table(
        "finding_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("frn", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("snapshot_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("opened_as_of", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_as_of", sa.Date(), nullable=False),
        sa.Column("closed_as_of", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(closed_at is null) = (closed_reason is null)", name=op.f("ck_finding_history_closed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_history")),
        schema="pw",
    )
    op.create_index("ix_finding_history_frn", "finding_history", ["frn"], unique=False, schema="pw")
    op.create_index(
        "uq_finding_history_open",
        "finding_history",
        ["frn", "code"],
        unique=True,
        schema="pw",
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "mart_builds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mart_builds")),
        schema="pw",
    )
    op.create_index("ix_mart_builds_as_of", "mart_builds", ["as_of"], unique=False, schema="pw")
    op.create_table(
        "match_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("snapshot_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_runs")),
        schema="pw",
    )
    op.create_table(
        "segments",
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("codes_any", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("codes_all", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("min_codes", sa.Integer(), nullable=True),
        sa.Column("severities", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("min_severity_rank", sa.Integer(), nullable=True),
        sa.Column("comm_types", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("states", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("requires_bdc", sa.Boolean(), nullable=True),
        sa.Column("sure_only", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("segment", name=op.f("pk_segments")),
        schema="pw",
    )
    op.create_table(
        "snapshots",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("vintage", sa.Text(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=True),
        sa.Column("stated_total", sa.BigInteger(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("raw_digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rejected_rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("control_total", sa.BigInteger(), nullable=True),
        sa.Column("control_source", sa.Text(), nullable=True),
        sa.Column("newest_on", sa.Date(), nullable=True),
        sa.Column("grade", sa.Text(), server_default="pending", nullable=False),
        sa.Column("proves_absence", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("checks", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("graded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_by", sa.Text(), nullable=True),
        sa.Column("recall_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(grade = 'recalled') = (recalled_at is not null)", name=op.f("ck_snapshots_recalled")),
        sa.CheckConstraint("grade = 'pending' or graded_at is not null", name=op.f("ck_snapshots_graded")),
        sa.CheckConstraint(
            "grade in ('pending','complete','partial','rejected','recalled')", name=op.f("ck_snapshots_grade")
        ),
        sa.CheckConstraint(
            "loaded_at is null or grade in ('complete','partial','recalled')",
            name=op.f("ck_snapshots_loaded_only_if_good"),
        ),
        sa.CheckConstraint("origin in ('fetched','ingested')", name=op.f("ck_snapshots_origin")),
        sa.CheckConstraint("raw_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_snapshots_raw_digest")),
        sa.CheckConstraint("pruned_at is null or loaded_at is null", name=op.f("ck_snapshots_pruned_is_not_loaded")),
        sa.CheckConstraint(
            "stated_total is null or stated_by is not null", name=op.f("ck_snapshots_stated_by_someone")
        ),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_snapshots")),
        sa.UniqueConstraint(
            "source", "as_of", "raw_digest", "subject", name=op.f("uq_snapshots_source_as_of_raw_digest_subject")
        ),
        schema="pw",
    )
    op.create_index("ix_snapshots_current", "snapshots", ["source", "as_of", "fetched_at"], unique=False, schema="pw")
    op.create_table(
        "sources",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("absence_sightings", sa.Integer(), nullable=True),
        sa.Column("absence_distinct_bytes", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_sources")),
        schema="pw",
    )
    op.create_table(
        "subscribers",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("listmonk_id", sa.BigInteger(), nullable=True),
        sa.Column("attribs", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("snapshot_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("admitted_on", sa.Date(), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state <> 'synced' or listmonk_id is not null", name=op.f("ck_subscribers_synced_has_id")),
        sa.CheckConstraint("state in ('queued','synced','withdrawn','held')", name=op.f("ck_subscribers_state")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_subscribers_email_lower")),
        sa.PrimaryKeyConstraint("email", name=op.f("pk_subscribers")),
        schema="pw",
    )
    op.create_index("ix_subscribers_frn", "subscribers", ["frn"], unique=False, schema="pw")
    op.create_index("ix_subscribers_state", "subscribers", ["state"], unique=False, schema="pw")
    op.create_table(
        "suppressions",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "reason in ('bounced','complained','unsubscribed','blocklisted','disabled','customer','manual')",
            name=op.f("ck_suppressions_reason"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_suppressions_email_lower")),
        sa.PrimaryKeyConstraint("email", "reason", name=op.f("pk_suppressions")),
        schema="pw",
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
        schema="pw",
    )
    op.create_table(
        "warmup_admissions",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("email", name=op.f("pk_warmup_admissions")),
        schema="pw",
    )
    op.create_index("ix_warmup_admissions_day", "warmup_admissions", ["day"], unique=False, schema="pw")
    op.create_table(
        "fcc_bdc_providers",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("holding_company", sa.Text(), nullable=True),
        sa.Column("holding_company_key", sa.Text(), nullable=False),
        sa.Column("provider_name", sa.Text(), nullable=True),
        sa.Column("operation_type", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["pw.snapshots.snapshot_id"],
            name=op.f("fk_fcc_bdc_providers_snapshot_id_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "frn", "provider_id", name=op.f("pk_fcc_bdc_providers")),
        schema="core",
    )
    op.create_index("ix_fcc_bdc_providers_frn", "fcc_bdc_providers", ["frn"], unique=False, schema="core")
    op.create_table(
        "fcc_cores_registrations",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=False),
        sa.Column("is_found", sa.Boolean(), nullable=False),
        sa.Column("entity_name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=True),
        sa.Column("registered_at_et", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at_et", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_organization", sa.Text(), nullable=True),
        sa.Column("contact_position", sa.Text(), nullable=True),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("contact_address", sa.Text(), nullable=True),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.Column("contact_phone", sa.Text(), nullable=True),
        sa.Column("contact_fax", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["pw.snapshots.snapshot_id"],
            name=op.f("fk_fcc_cores_registrations_snapshot_id_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "frn", name=op.f("pk_fcc_cores_registrations")),
        schema="core",
    )
    op.create_index("ix_fcc_cores_registrations_frn", "fcc_cores_registrations", ["frn"], unique=False, schema="core")
    op.create_table(
        "fcc_cpni_filings",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("id_submission", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_on_et", sa.Date(), nullable=False),
        sa.Column("filer_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("filer_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("document_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("submission_type", sa.Text(), nullable=True),
        sa.Column("filing_status", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["pw.snapshots.snapshot_id"],
            name=op.f("fk_fcc_cpni_filings_snapshot_id_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "id_submission", name=op.f("pk_fcc_cpni_filings")),
        schema="core",
    )
    op.create_index("ix_fcc_cpni_filings_received", "fcc_cpni_filings", ["received_on_et"], unique=False, schema="core")
    op.create_table(
        "fcc_form499_filers",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("filer_id", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=True),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("doing_business_as", sa.Text(), nullable=True),
        sa.Column("other_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("other_name_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("holding_company", sa.Text(), nullable=True),
        sa.Column("holding_company_key", sa.Text(), nullable=False),
        sa.Column("management_company", sa.Text(), nullable=True),
        sa.Column("comm_type", sa.Text(), nullable=True),
        sa.Column("comm_type_text", sa.Text(), nullable=True),
        sa.Column("registration_current_as_of", sa.Date(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_usf_contributor", sa.Boolean(), nullable=True),
        sa.Column("replaced_by_filer_id", sa.Text(), nullable=True),
        sa.Column("is_consolidated", sa.Boolean(), nullable=False),
        sa.Column("hq_address", sa.Text(), nullable=True),
        sa.Column("hq_city", sa.Text(), nullable=True),
        sa.Column("hq_state", sa.Text(), nullable=True),
        sa.Column("hq_zip", sa.Text(), nullable=True),
        sa.Column("customer_inquiries_phone", sa.Text(), nullable=True),
        sa.Column("dc_agent", sa.Text(), nullable=True),
        sa.Column("dc_agent_email", sa.Text(), nullable=True),
        sa.Column("dc_agent_phone", sa.Text(), nullable=True),
        sa.Column("dc_agent_city", sa.Text(), nullable=True),
        sa.Column("dc_agent_state", sa.Text(), nullable=True),
        sa.Column("alternate_agent_email", sa.Text(), nullable=True),
        sa.Column("jurisdictions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("notes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["pw.snapshots.snapshot_id"],
            name=op.f("fk_fcc_form499_filers_snapshot_id_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "filer_id", name=op.f("pk_fcc_form499_filers")),
        schema="core",
    )
    op.create_index("ix_fcc_form499_filers_frn", "fcc_form499_filers", ["frn"], unique=False, schema="core")
    op.create_table(
        "fcc_rmd_filings",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=True),
        sa.Column("business_name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("business_address", sa.Text(), nullable=True),
        sa.Column("is_foreign", sa.Boolean(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("other_frns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("other_frns_text", sa.Text(), nullable=True),
        sa.Column("other_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("other_name_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("contact_title", sa.Text(), nullable=True),
        sa.Column("contact_department", sa.Text(), nullable=True),
        sa.Column("contact_address", sa.Text(), nullable=True),
        sa.Column("contact_country", sa.Text(), nullable=True),
        sa.Column("contact_phone", sa.Text(), nullable=True),
        sa.Column("contact_extension", sa.Text(), nullable=True),
        sa.Column("implementation", sa.Text(), nullable=True),
        sa.Column("implementation_text", sa.Text(), nullable=True),
        sa.Column("is_voice", sa.Boolean(), nullable=False),
        sa.Column("is_gateway", sa.Boolean(), nullable=False),
        sa.Column("is_intermediate", sa.Boolean(), nullable=False),
        sa.Column("last_updated_on", sa.Date(), nullable=True),
        sa.Column("last_recertified_on", sa.Date(), nullable=True),
        sa.Column("filing_url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["pw.snapshots.snapshot_id"],
            name=op.f("fk_fcc_rmd_filings_snapshot_id_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "number", name=op.f("pk_fcc_rmd_filings")),
        schema="core",
    )
    op.create_index("ix_fcc_rmd_filings_frn", "fcc_rmd_filings", ["frn"], unique=False, schema="core")
    op.create_table(
        "fcc_rmd_presence",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=True),
        sa.Column("business_name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["pw.snapshots.snapshot_id"],
            name=op.f("fk_fcc_rmd_presence_snapshot_id_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "number", name=op.f("pk_fcc_rmd_presence")),
        schema="core",
    )
    op.create_index("ix_fcc_rmd_presence_frn", "fcc_rmd_presence", ["frn"], unique=False, schema="core")
    op.create_index("ix_fcc_rmd_presence_number", "fcc_rmd_presence", ["number"], unique=False, schema="core")
    op.create_table(
        "snapshot_rejects",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["pw.snapshots.snapshot_id"], name=op.f("fk_snapshot_rejects_snapshot_id_snapshots")
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "seq", name=op.f("pk_snapshot_rejects")),
        schema="pw",
    )


def downgrade() -> None:
    op.drop_table("snapshot_rejects", schema="pw")
    op.drop_index("ix_fcc_rmd_presence_number", table_name="fcc_rmd_presence", schema="core")
    op.drop_index("ix_fcc_rmd_presence_frn", table_name="fcc_rmd_presence", schema="core")
    op.drop_table("fcc_rmd_presence", schema="core")
    op.drop_index("ix_fcc_rmd_filings_frn", table_name="fcc_rmd_filings", schema="core")
    op.drop_table("fcc_rmd_filings", schema="core")
    op.drop_index("ix_fcc_form499_filers_frn", table_name="fcc_form499_filers", schema="core")
    op.drop_table("fcc_form499_filers", schema="core")
    op.drop_index("ix_fcc_cpni_filings_received", table_name="fcc_cpni_filings", schema="core")
    op.drop_table("fcc_cpni_filings", schema="core")
    op.drop_index("ix_fcc_cores_registrations_frn", table_name="fcc_cores_registrations", schema="core")
    op.drop_table("fcc_cores_registrations", schema="core")
    op.drop_index("ix_fcc_bdc_providers_frn", table_name="fcc_bdc_providers", schema="core")
    op.drop_table("fcc_bdc_providers", schema="core")
    op.drop_index("ix_warmup_admissions_day", table_name="warmup_admissions", schema="pw")
    op.drop_table("warmup_admissions", schema="pw")
    op.drop_table("sync_runs", schema="pw")
    op.drop_table("suppressions", schema="pw")
    op.drop_index("ix_subscribers_state", table_name="subscribers", schema="pw")
    op.drop_index("ix_subscribers_frn", table_name="subscribers", schema="pw")
    op.drop_table("subscribers", schema="pw")
    op.drop_table("sources", schema="pw")
    op.drop_index("ix_snapshots_current", table_name="snapshots", schema="pw")
    op.drop_table("snapshots", schema="pw")
    op.drop_table("segments", schema="pw")
    op.drop_table("match_runs", schema="pw")
    op.drop_index("ix_mart_builds_as_of", table_name="mart_builds", schema="pw")
    op.drop_table("mart_builds", schema="pw")
    op.drop_index(
        "uq_finding_history_open",
        table_name="finding_history",
        schema="pw",
        postgresql_where=sa.text("closed_at is null"),
    )
    op.drop_index("ix_finding_history_frn", table_name="finding_history", schema="pw")
    op.drop_table("finding_history", schema="pw")
    op.drop_table("due_dates", schema="pw")
    op.drop_table("compliance_rules", schema="pw")
    op.drop_index("ix_compliance_check_log_frn", table_name="compliance_check_log", schema="pw")
    op.drop_index("ix_compliance_check_log_checked_at", table_name="compliance_check_log", schema="pw")
    op.drop_table("compliance_check_log", schema="pw")
    op.drop_index("uq_bounces_event", table_name="bounces", schema="pw")
    op.drop_table("bounces", schema="pw")
    op.drop_index("ix_alerts_unsent", table_name="alerts", schema="pw", postgresql_where=sa.text("sent_at is null"))
    op.drop_table("alerts", schema="pw")
    op.drop_index("ix_name_matches_frn", table_name="name_matches", schema="core")
    op.drop_table("name_matches", schema="core")
