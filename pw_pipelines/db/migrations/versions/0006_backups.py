"""Backups: sets, restore drills, the journal of what may not wait for the next dump; and the kinds of alerts they need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KIND = "ck_alerts_kind"
_BEFORE = "kind in ('run','check','snapshot','stale','order')"
_NOW = "kind in ('run','check','snapshot','stale','order','gate','backup','probe','mail','service')"

# table -> its primary key. Why these: db/tables/backups.py, JOURNALED.
JOURNALED = {
    "customers": ("customer_id",),
    "sales_agents": ("agent_id",),
    "orders": ("order_id",),
    "order_items": ("item_id",),
    "order_lines": (
        "order_id",
        "position",
    ),
    "order_events": ("event_id",),
    "order_links": ("token_hash",),
    "compliance_orders": ("order_id",),
    "formation_orders": ("order_id",),
    "canada_crtc_orders": ("order_id",),
    "bundle_orders": ("order_id",),
    "payment_events": ("event_id",),
    "checkout_sessions": ("session_id",),
    "payments": ("payment_id",),
    "money_ledger": ("entry_id",),
    "book_entries": ("entry_id",),
    "commission_ledger": ("entry_id",),
    "commission_batches": ("batch_id",),
    "item_work": ("item_id",),
    "item_events": ("event_id",),
    "item_answers": (
        "item_id",
        "name",
    ),
    "item_documents": ("document_id",),
    "private_values": ("value_id",),
    "approvals": ("approval_id",),
    "signature_requests": ("request_id",),
    "signature_events": ("event_id",),
    "effects": ("effect_id",),
    "effect_events": ("event_id",),
    "evidence": ("evidence_id",),
    "compliance_calendar": ("entry_id",),
    "cures": ("cure_id",),
    "suppressions": (
        "email",
        "reason",
    ),
}
# An item's lease is renewed every few seconds and nobody needs it after a restore.
_WHEN = {
    "item_work": "(to_jsonb(old) - '{lease_owner,lease_token,lease_until,requested_generation,requested_at,run_id}'::text[])"
    " is distinct from"
    " (to_jsonb(new) - '{lease_owner,lease_token,lease_until,requested_generation,requested_at,run_id}'::text[])"
}
# Arguments of the trigger: the columns of the primary key.
_ROW = """
create function pw.journal_row() returns trigger language plpgsql as $$
declare
    whole jsonb;
    primary_key jsonb;
begin
    if tg_op = 'DELETE' then whole := to_jsonb(old); else whole := to_jsonb(new); end if;
    select jsonb_object_agg(name, whole -> name) into strict primary_key from unnest(tg_argv) as name;
    insert into pw.journal (xact, table_name, op, key, "row")
    values (pg_current_xact_id()::text::bigint, tg_table_name, lower(tg_op), primary_key,
            case when tg_op = 'DELETE' then null else whole end);
    return null;
end $$"""
_GUARD = """
create function pw.journal_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.shipped_in is null then
            raise exception 'journal row %: what has not been shipped is not removed', old.seq
                using errcode = 'check_violation';
        end if;
        return old;
    end if;
    if (new.seq, new.xact, new.at, new.table_name, new.op, new.key, new."row") is distinct from
       (old.seq, old.xact, old.at, old.table_name, old.op, old.key, old."row") then
        raise exception 'journal row %: what happened never changes', old.seq using errcode = 'check_violation';
    end if;
    return new;
end $$"""


def _triggers() -> list[str]:
    made = [
        _ROW,
        _GUARD,
        "create trigger journal_guard before update or delete on pw.journal"
        " for each row execute function pw.journal_guard()",
    ]
    for table, keys in JOURNALED.items():
        arguments = ", ".join(f"'{key}'" for key in keys)
        made += [
            f"create trigger zz_journal_{table} after insert or delete on pw.{table}"
            f" for each row execute function pw.journal_row({arguments})",
            f"create trigger zz_journal_{table}_changed after update on pw.{table}"
            f" for each row when ({_WHEN.get(table, 'old.* is distinct from new.*')})"
            f" execute function pw.journal_row({arguments})",
        ]
    return made


def upgrade() -> None:
    op.drop_constraint(op.f(_KIND), "alerts", schema="pw")
    op.create_check_constraint(op.f(_KIND), "alerts", _NOW, schema="pw")
    op.create_table(
        "backup_drills",
        sa.Column("drill_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("machine_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("rpo_seconds", sa.Float(), nullable=True),
        sa.Column("rto_seconds", sa.Float(), nullable=True),
        sa.Column("checks", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("set_ids", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("report_digest", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.CheckConstraint("report_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_backup_drills_report_digest")),
        sa.CheckConstraint("(finished_at is null) = (ok is null)", name=op.f("ck_backup_drills_finished")),
        sa.CheckConstraint("rpo_seconds >= 0 and rto_seconds >= 0", name=op.f("ck_backup_drills_seconds")),
        sa.PrimaryKeyConstraint("drill_id", name=op.f("pk_backup_drills")),
        schema="pw",
    )
    op.create_index("ix_backup_drills_started", "backup_drills", ["started_at"], unique=False, schema="pw")
    op.create_table(
        "backup_objects",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed_digest", sa.Text(), nullable=False),
        sa.Column("sealed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "digest ~ '^[0-9a-f]{64}$' and sealed_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_backup_objects_digests")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_backup_objects")),
        schema="pw",
    )
    op.create_table(
        "backup_sets",
        sa.Column("set_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="making", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("machine_captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("manifest_digest", sa.Text(), nullable=True),
        sa.Column("digests", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offsite_error", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("damage", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tiers", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'making') = (finished_at is null)", name=op.f("ck_backup_sets_finished")),
        sa.CheckConstraint(
            "confirmed_at is null or state in ('complete','expired')", name=op.f("ck_backup_sets_confirmed")
        ),
        sa.CheckConstraint("manifest_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_backup_sets_manifest_digest")),
        sa.CheckConstraint("state <> 'failed' or error is not null", name=op.f("ck_backup_sets_failed_says_why")),
        sa.CheckConstraint("state in ('making', 'complete', 'failed', 'expired')", name=op.f("ck_backup_sets_state")),
        sa.CheckConstraint(
            "state not in ('complete','expired') or (captured_at is not null and manifest_digest is not null)",
            name=op.f("ck_backup_sets_complete"),
        ),
        sa.CheckConstraint(
            "subject in ('postgres', 'mariadb', 'objects', 'forgejo')", name=op.f("ck_backup_sets_subject")
        ),
        sa.CheckConstraint("verified_at is null or damage is null", name=op.f("ck_backup_sets_verified_or_damaged")),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_backup_sets")),
        schema="pw",
    )
    op.create_index("ix_backup_sets_subject", "backup_sets", ["subject", "captured_at"], unique=False, schema="pw")
    op.create_table(
        "journal_shipments",
        sa.Column("shipment_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("oldest_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("newest_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sealed_digest", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "digest ~ '^[0-9a-f]{64}$' and sealed_digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_journal_shipments_digests")
        ),
        sa.CheckConstraint("rows > 0 and first_seq <= last_seq", name=op.f("ck_journal_shipments_rows")),
        sa.PrimaryKeyConstraint("shipment_id", name=op.f("pk_journal_shipments")),
        schema="pw",
    )
    op.create_index(
        "ix_journal_shipments_unconfirmed",
        "journal_shipments",
        ["shipment_id"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("confirmed_at is null"),
    )
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("key", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shipped_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(op = 'delete') = (row is null)", name=op.f("ck_journal_row")),
        sa.CheckConstraint("op in ('insert','update','delete')", name=op.f("ck_journal_op")),
        sa.ForeignKeyConstraint(
            ["shipped_in"], ["pw.journal_shipments.shipment_id"], name=op.f("fk_journal_shipped_in_journal_shipments")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
        schema="pw",
    )
    op.create_index("ix_journal_shipped_in", "journal", ["shipped_in"], unique=False, schema="pw")
    op.create_index(
        "ix_journal_unshipped",
        "journal",
        ["seq"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("shipped_in is null"),
    )
    for statement in _triggers():
        op.execute(statement)


def downgrade() -> None:
    for table in JOURNALED:
        op.execute(f"drop trigger zz_journal_{table} on pw.{table}")
        op.execute(f"drop trigger zz_journal_{table}_changed on pw.{table}")
    op.drop_index(
        "ix_journal_unshipped", table_name="journal", schema="pw", postgresql_where=sa.text("shipped_in is null")
    )
    op.drop_index("ix_journal_shipped_in", table_name="journal", schema="pw")
    op.drop_table("journal", schema="pw")
    op.drop_index(
        "ix_journal_shipments_unconfirmed",
        table_name="journal_shipments",
        schema="pw",
        postgresql_where=sa.text("confirmed_at is null"),
    )
    op.drop_table("journal_shipments", schema="pw")
    op.drop_index("ix_backup_sets_subject", table_name="backup_sets", schema="pw")
    op.drop_table("backup_sets", schema="pw")
    op.drop_table("backup_objects", schema="pw")
    op.drop_index("ix_backup_drills_started", table_name="backup_drills", schema="pw")
    op.drop_table("backup_drills", schema="pw")
    op.execute("drop function pw.journal_row()")
    op.execute("drop function pw.journal_guard()")
    op.execute("delete from pw.alerts where kind in ('gate','backup','probe','mail','service')")
    op.drop_constraint(op.f(_KIND), "alerts", schema="pw")
    op.create_check_constraint(op.f(_KIND), "alerts", _BEFORE, schema="pw")
