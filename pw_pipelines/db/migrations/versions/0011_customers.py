"""The check that led to an order, by its own id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The column held no value ever: nothing wrote it, and the log's ids are no numbers.
    op.drop_column("compliance_orders", "check_id", schema="pw")
    op.add_column("compliance_orders", sa.Column("check_id", sa.Uuid(), nullable=True), schema="pw")
    op.create_foreign_key(
        op.f("fk_compliance_orders_check_id_compliance_check_log"),
        "compliance_orders",
        "compliance_check_log",
        ["check_id"],
        ["check_id"],
        source_schema="pw",
        referent_schema="pw",
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint(
        op.f("fk_compliance_orders_check_id_compliance_check_log"), "compliance_orders", schema="pw", type_="foreignkey"
    )
    op.drop_column("compliance_orders", "check_id", schema="pw")
    op.add_column("compliance_orders", sa.Column("check_id", sa.BigInteger(), nullable=True), schema="pw")
