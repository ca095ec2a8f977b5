"""Monitoring: events for the analytics server, and where visitors came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "analytics_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'sent') = (sent_at is not null)", name=op.f("ck_analytics_events_sent")),
        sa.CheckConstraint(
            "name in ('check-started', 'check-answered', 'checkout-started', 'order-placed', 'payment-complete')",
            name=op.f("ck_analytics_events_name"),
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'sending', 'sent', 'unknown', 'dropped')", name=op.f("ck_analytics_events_state")
        ),
        sa.CheckConstraint("visitor ~ '^[0-9a-f]{32}$'", name=op.f("ck_analytics_events_visitor")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_analytics_events")),
        sa.UniqueConstraint("name", "subject", name=op.f("uq_analytics_events_name_subject")),
        schema="pw",
    )
    op.create_index("ix_analytics_events_happened_at", "analytics_events", ["happened_at"], unique=False, schema="pw")
    op.create_index(
        "ix_analytics_events_open",
        "analytics_events",
        ["event_id"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("state in ('waiting','sending')"),
    )
    op.create_table(
        "visit_touches",
        sa.Column("touch_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("check_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("first_touch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("last_touch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(check_id, order_id) = 1", name=op.f("ck_visit_touches_of_one_thing")),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_visit_touches_order_id_orders")),
        sa.PrimaryKeyConstraint("touch_id", name=op.f("pk_visit_touches")),
        sa.UniqueConstraint("check_id", name=op.f("uq_visit_touches_check_id")),
        sa.UniqueConstraint("order_id", name=op.f("uq_visit_touches_order_id")),
        schema="pw",
    )
    # What waits is counted every few seconds: never by reading everything that is done.
    op.create_index(
        "ix_payment_events_held",
        "payment_events",
        ["provider", "received_at"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "ix_book_entries_open",
        "book_entries",
        ["state", "wanted_at"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("state <> 'done'"),
    )


def downgrade() -> None:
    op.drop_index("ix_book_entries_open", table_name="book_entries", schema="pw")
    op.drop_index("ix_payment_events_held", table_name="payment_events", schema="pw")
    op.drop_table("visit_touches", schema="pw")
    op.drop_index("ix_analytics_events_open", table_name="analytics_events", schema="pw")
    op.drop_index("ix_analytics_events_happened_at", table_name="analytics_events", schema="pw")
    op.drop_table("analytics_events", schema="pw")
