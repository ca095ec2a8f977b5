"""The register of companies of every state, searches of portals, state filing fees."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "state_filing_fees",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fee", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.CheckConstraint("currency in ('USD','CAD')", name=op.f("ck_state_filing_fees_currency")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_state_filing_fees_amount")),
        sa.PrimaryKeyConstraint("state", "fee", name=op.f("pk_state_filing_fees")),
        schema="pw",
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('appeared','renamed','status_changed','gone')", name=op.f("ck_changes_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        schema="registry",
    )
    op.create_index("ix_changes_entity", "changes", ["state", "entity_id"], unique=False, schema="registry")
    op.create_index("ix_changes_state_as_of", "changes", ["state", "as_of"], unique=False, schema="registry")
    op.create_table(
        "coverage",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unnamed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("whole_snapshot_id", sa.Text(), nullable=True),
        sa.Column("whole_as_of", sa.Date(), nullable=True),
        sa.Column("increment_snapshot_id", sa.Text(), nullable=True),
        sa.Column("increment_as_of", sa.Date(), nullable=True),
        sa.Column("missing_days", postgresql.ARRAY(sa.DATE()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_coverage")),
        schema="registry",
    )
    op.create_table(
        "entities",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(collation="C"), nullable=False),
        sa.Column("entity_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_kind", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("type_code", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("formed_on", sa.DATE(), nullable=True),
        sa.Column("changed_on", sa.DATE(), nullable=True),
        sa.Column("home", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(collation="C"), nullable=True),
        sa.Column("near_key", sa.Text(collation="C"), nullable=True),
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        schema="registry",
        postgresql_partition_by="LIST (state)",
    )
    op.create_table(
        "events",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(collation="C"), nullable=True),
        sa.Column("near_key", sa.Text(collation="C"), nullable=True),
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("state", "entity_id", "sequence", name=op.f("pk_events")),
        schema="registry",
    )
    op.create_index("ix_events_name_key", "events", ["state", "name_key"], unique=False, schema="registry")
    op.create_table(
        "portal_searches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("records", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("outcome in ('found','nothing','person','failed')", name=op.f("ck_portal_searches_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_searches")),
        schema="registry",
    )
    op.create_index(
        "ix_portal_searches_asked", "portal_searches", ["state", "query", "asked_at"], unique=False, schema="registry"
    )


def downgrade() -> None:
    op.drop_index("ix_portal_searches_asked", table_name="portal_searches", schema="registry")
    op.drop_table("portal_searches", schema="registry")
    op.drop_index("ix_events_name_key", table_name="events", schema="registry")
    op.drop_table("events", schema="registry")
    op.drop_table("entities", schema="registry")
    op.drop_table("coverage", schema="registry")
    op.drop_index("ix_changes_state_as_of", table_name="changes", schema="registry")
    op.drop_index("ix_changes_entity", table_name="changes", schema="registry")
    op.drop_table("changes", schema="registry")
    op.drop_table("state_filing_fees", schema="pw")
