"""Lines of the journal that a person began because the database had been put back to an older state in its own place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_lines",
        sa.Column("line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("known_shipment", sa.BigInteger(), nullable=False),
        sa.Column("ahead_shipment", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mark ~ '^[0-9]{8}T[0-9]{6}Z$'", name=op.f("ck_journal_lines_mark")),
        sa.CheckConstraint("known_shipment < ahead_shipment", name=op.f("ck_journal_lines_ahead")),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_journal_lines")),
        sa.UniqueConstraint("mark", name=op.f("uq_journal_lines_mark")),
        schema="pw",
    )


def downgrade() -> None:
    op.drop_table("journal_lines", schema="pw")
