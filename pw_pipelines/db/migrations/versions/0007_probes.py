"""Probes: what each look at a portal's selectors saw, and since when a selector stands as it does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portal_probes",
        sa.Column("probe_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("changes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("change_digest", sa.Text(), nullable=True),
        sa.Column("selectors", sa.Integer(), nullable=False),
        sa.Column("stood", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("shots", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint("kind in ('filing','search')", name=op.f("ck_portal_probes_kind")),
        sa.CheckConstraint("ok = (outcome = 'stands')", name=op.f("ck_portal_probes_ok")),
        sa.CheckConstraint("outcome in ('stands','changed','away','person')", name=op.f("ck_portal_probes_outcome")),
        sa.PrimaryKeyConstraint("probe_id", name=op.f("pk_portal_probes")),
        schema="pw",
    )
    op.create_index("ix_portal_probes_portal", "portal_probes", ["portal", "at"], unique=False, schema="pw")
    op.create_table(
        "portal_selectors",
        sa.Column("selector_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("is_used", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("first_stood_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_stood_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stood_on", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("not_seen", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("selector_id", name=op.f("pk_portal_selectors")),
        sa.UniqueConstraint(
            "portal",
            "form",
            "page",
            "use",
            "expression",
            name=op.f("uq_portal_selectors_portal_form_page_use_expression"),
        ),
        schema="pw",
    )
    op.create_table(
        "selector_spans",
        sa.Column("span_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("selector_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("seen_on", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("changes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("candidate", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("first_probe_id", sa.BigInteger(), nullable=False),
        sa.Column("last_probe_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('stands','missing','many','other')", name=op.f("ck_selector_spans_state")),
        sa.ForeignKeyConstraint(
            ["first_probe_id"],
            ["pw.portal_probes.probe_id"],
            name=op.f("fk_selector_spans_first_probe_id_portal_probes"),
        ),
        sa.ForeignKeyConstraint(
            ["last_probe_id"], ["pw.portal_probes.probe_id"], name=op.f("fk_selector_spans_last_probe_id_portal_probes")
        ),
        sa.ForeignKeyConstraint(
            ["selector_id"],
            ["pw.portal_selectors.selector_id"],
            name=op.f("fk_selector_spans_selector_id_portal_selectors"),
        ),
        sa.PrimaryKeyConstraint("span_id", name=op.f("pk_selector_spans")),
        schema="pw",
    )
    op.create_index(
        "ix_selector_spans_selector", "selector_spans", ["selector_id", "span_id"], unique=False, schema="pw"
    )
    op.add_column("filing_portals", sa.Column("closed_by", sa.Text(), nullable=True), schema="pw")
    op.add_column("filing_portals", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True), schema="pw")
    op.add_column("filing_portals", sa.Column("opened_by", sa.Text(), nullable=True), schema="pw")
    op.add_column("filing_portals", sa.Column("opened_why", sa.Text(), nullable=True), schema="pw")


def downgrade() -> None:
    op.drop_column("filing_portals", "opened_why", schema="pw")
    op.drop_column("filing_portals", "opened_by", schema="pw")
    op.drop_column("filing_portals", "opened_at", schema="pw")
    op.drop_column("filing_portals", "closed_by", schema="pw")
    op.drop_index("ix_selector_spans_selector", table_name="selector_spans", schema="pw")
    op.drop_table("selector_spans", schema="pw")
    op.drop_table("portal_selectors", schema="pw")
    op.drop_index("ix_portal_probes_portal", table_name="portal_probes", schema="pw")
    op.drop_table("portal_probes", schema="pw")
