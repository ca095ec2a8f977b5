"""After the delivery: days that are not known and why entries end, and further links to an order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ONCE = "uq_compliance_calendar_customer_id_service_subject_due_on"


def upgrade() -> None:
    op.add_column("compliance_calendar", sa.Column("why", sa.Text(), nullable=True), schema="pw")
    op.alter_column("compliance_calendar", "due_on", nullable=True, schema="pw")
    op.create_check_constraint(
        op.f("ck_compliance_calendar_unknown_days_are_explained"),
        "compliance_calendar",
        "due_on is not null or why is not null",
        schema="pw",
    )
    op.drop_constraint(op.f(_ONCE), "compliance_calendar", schema="pw")
    op.create_unique_constraint(
        op.f(_ONCE),
        "compliance_calendar",
        ["customer_id", "service", "subject", "due_on"],
        schema="pw",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "order_links",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint("token_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_order_links_token_hash")),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_order_links_order_id_orders")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_order_links")),
        schema="pw",
    )
    op.create_index(op.f("ix_pw_order_links_order_id"), "order_links", ["order_id"], unique=False, schema="pw")


def downgrade() -> None:
    op.drop_index(op.f("ix_pw_order_links_order_id"), table_name="order_links", schema="pw")
    op.drop_table("order_links", schema="pw")
    op.drop_constraint(op.f(_ONCE), "compliance_calendar", schema="pw")
    op.execute("delete from pw.compliance_calendar where due_on is null")
    op.drop_constraint(op.f("ck_compliance_calendar_unknown_days_are_explained"), "compliance_calendar", schema="pw")
    op.create_unique_constraint(
        op.f(_ONCE), "compliance_calendar", ["customer_id", "service", "subject", "due_on"], schema="pw"
    )
    op.alter_column("compliance_calendar", "due_on", nullable=False, schema="pw")
    op.drop_column("compliance_calendar", "why", schema="pw")
