"""Mail hygiene: bounce reports with their evidence, and sending that was stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bounce_messages",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reporting_mta", sa.Text(), nullable=True),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_bounce_messages_digest")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_bounce_messages")),
        schema="pw",
    )
    op.create_table(
        "mail_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("campaign_mails", sa.Integer(), nullable=False),
        sa.Column("own_mails", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_mail_days")),
        schema="pw",
    )
    op.create_table(
        "sending_stops",
        sa.Column("stop_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(scope = 'segment') = (segment is not null)", name=op.f("ck_sending_stops_segment")),
        sa.CheckConstraint("scope in ('all', 'segment')", name=op.f("ck_sending_stops_scope")),
        sa.CheckConstraint("(lifted_at is null) = (lifted_by is null)", name=op.f("ck_sending_stops_lifted")),
        sa.PrimaryKeyConstraint("stop_id", name=op.f("pk_sending_stops")),
        schema="pw",
    )
    op.create_index(
        "uq_sending_stops_open",
        "sending_stops",
        ["scope", "segment"],
        unique=True,
        schema="pw",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("lifted_at is null"),
    )
    op.create_table(
        "bounce_results",
        sa.Column("result_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("remote_mta", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tie", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("effect_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_uuid", sa.Text(), nullable=True),
        sa.Column("subscriber_uuid", sa.Text(), nullable=True),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("told_as", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_error", sa.Text(), nullable=True),
        sa.Column("told_tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(tie = 'none') = (email is null)", name=op.f("ck_bounce_results_tied")),
        sa.CheckConstraint(
            "class in ('hard', 'disabled', 'full', 'soft', 'policy', 'delayed', 'delivered', 'unknown', 'auto_reply', "
            "'complaint', 'not_a_report')",
            name=op.f("ck_bounce_results_class"),
        ),
        sa.CheckConstraint("tie in ('message_id', 'verp', 'listmonk', 'none')", name=op.f("ck_bounce_results_tie")),
        sa.CheckConstraint("told_as in ('hard', 'soft', 'complaint')", name=op.f("ck_bounce_results_told_as")),
        sa.ForeignKeyConstraint(
            ["digest"], ["pw.bounce_messages.digest"], name=op.f("fk_bounce_results_digest_bounce_messages")
        ),
        sa.ForeignKeyConstraint(
            ["effect_id"], ["pw.effects.effect_id"], name=op.f("fk_bounce_results_effect_id_effects")
        ),
        sa.PrimaryKeyConstraint("result_id", name=op.f("pk_bounce_results")),
        schema="pw",
    )
    op.create_index("ix_bounce_results_at", "bounce_results", ["at"], schema="pw")
    op.create_index("ix_bounce_results_email", "bounce_results", ["email", "class"], schema="pw")
    op.create_index(
        "ix_bounce_results_untold",
        "bounce_results",
        ["result_id"],
        schema="pw",
        postgresql_where=sa.text("told_as is not null and told_at is null"),
    )
    op.create_index("uq_bounce_results_place", "bounce_results", ["digest", "position"], unique=True, schema="pw")


def downgrade() -> None:
    op.drop_table("bounce_results", schema="pw")
    op.drop_table("sending_stops", schema="pw")
    op.drop_table("mail_days", schema="pw")
    op.drop_table("bounce_messages", schema="pw")
