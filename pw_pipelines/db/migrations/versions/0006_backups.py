"""Backups: sets, restore drills, the journal of what may not wait for the next dump; and the kinds of alerts they need."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KIND = "ck_alerts_kind"
_BEFORE = "kind in ('run','check','snapshot','stale','order')"
_NOW = "kind in ('run','check','snapshot','stale','order','gate','backup','probe','mail','service')"


def upgrade() -> None:
    op.drop_constraint(op.f(_KIND), "alerts", schema="pw")
    op.create_check_constraint(op.f(_KIND), "alerts", _NOW, schema="pw")


def downgrade() -> None:
    op.execute("delete from pw.alerts where kind in ('gate','backup','probe','mail','service')")
    op.drop_constraint(op.f(_KIND), "alerts", schema="pw")
    op.create_check_constraint(op.f(_KIND), "alerts", _BEFORE, schema="pw")
