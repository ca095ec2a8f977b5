"""Orders, payments, discounts, agents and commissions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounting_advisors",
        sa.Column("advisor_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("advisor_id", name=op.f("pk_accounting_advisors")),
        sa.UniqueConstraint("email", name=op.f("uq_accounting_advisors_email")),
        schema="pw",
    )
    op.create_table(
        "commission_batches",
        sa.Column("batch_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("file_digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_commission_batches")),
        sa.UniqueConstraint("month", name=op.f("uq_commission_batches_month")),
        schema="pw",
    )
    op.create_table(
        "customers",
        sa.Column("customer_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("erpnext_customer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email) and position('@' in email) > 1", name=op.f("ck_customers_email")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customers")),
        sa.UniqueConstraint("email", name=op.f("uq_customers_email")),
        schema="pw",
    )
    op.create_table(
        "discount_codes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("usage_limit", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("amount > 0 and (kind = 'fixed' or amount <= 100)", name=op.f("ck_discount_codes_amount")),
        sa.CheckConstraint("kind in ('percent','fixed')", name=op.f("ck_discount_codes_kind")),
        sa.CheckConstraint("code = upper(code)", name=op.f("ck_discount_codes_code")),
        sa.CheckConstraint("usage_limit is null or uses <= usage_limit", name=op.f("ck_discount_codes_usage_limit")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_discount_codes")),
        schema="pw",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "route", name=op.f("pk_idempotency_keys")),
        schema="pw",
    )
    op.create_index("ix_idempotency_keys_created", "idempotency_keys", ["created_at"], unique=False, schema="pw")
    op.create_table(
        "nwra_wholesale_pricing",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), server_default="USD", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_nwra_wholesale_pricing_amount")),
        sa.PrimaryKeyConstraint("state", "service", name=op.f("pk_nwra_wholesale_pricing")),
        schema="pw",
    )
    op.create_table(
        "payment_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliveries", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("last_delivery_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="received", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'received') = (worked_at is null)", name=op.f("ck_payment_events_worked")),
        sa.CheckConstraint(
            "provider in ('stripe','paypal','shkeeper','adyen','erpnext')", name=op.f("ck_payment_events_provider")
        ),
        sa.CheckConstraint("state in ('received','done','ignored','held')", name=op.f("ck_payment_events_state")),
        sa.CheckConstraint(
            "state not in ('ignored','held') or outcome is not null", name=op.f("ck_payment_events_says_why")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_payment_events")),
        sa.UniqueConstraint("provider", "dedupe_key", name=op.f("uq_payment_events_provider_dedupe_key")),
        schema="pw",
    )
    op.create_index("ix_payment_events_order", "payment_events", ["order_number"], unique=False, schema="pw")
    op.create_index(
        "ix_payment_events_waiting",
        "payment_events",
        ["event_id"],
        unique=False,
        schema="pw",
        postgresql_where=sa.text("state = 'received'"),
    )
    op.create_table(
        "payment_surcharges",
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("is_offered", sa.Boolean(), nullable=False),
        sa.CheckConstraint("percent between 0 and 100", name=op.f("ck_payment_surcharges_percent")),
        sa.PrimaryKeyConstraint("method", name=op.f("pk_payment_surcharges")),
        schema="pw",
    )
    op.create_table(
        "sales_agents",
        sa.Column("agent_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("referral_code", sa.Text(), nullable=False),
        sa.Column("payout_reference", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("referral_code ~ '^REF-[A-Z0-9]{5}$'", name=op.f("ck_sales_agents_referral_code")),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_sales_agents")),
        sa.UniqueConstraint("email", name=op.f("uq_sales_agents_email")),
        sa.UniqueConstraint("referral_code", name=op.f("uq_sales_agents_referral_code")),
        schema="pw",
    )
    op.create_table(
        "service_bundles",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.CheckConstraint("price >= 0", name=op.f("ck_service_bundles_price")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_service_bundles")),
        schema="pw",
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="received", nullable=False),
        sa.Column("held_from", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), server_default="USD", nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("subtotal", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("discount", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column("fees", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column("surcharge", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("discount_code", sa.Text(), nullable=True),
        sa.Column("referral_code", sa.Text(), nullable=True),
        sa.Column("utm", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status <> 'cancelled' or paid_at is null", name=op.f("ck_orders_paid_is_not_cancelled")),
        sa.CheckConstraint("(status = 'held') = (held_from is not null)", name=op.f("ck_orders_held")),
        sa.CheckConstraint("currency in ('USD','CAD')", name=op.f("ck_orders_currency")),
        sa.CheckConstraint("held_from is null or held_from <> 'held'", name=op.f("ck_orders_held_from")),
        sa.CheckConstraint("kind in ('compliance', 'formation', 'canada_crtc', 'bundle')", name=op.f("ck_orders_kind")),
        sa.CheckConstraint(
            "paid_at is not null or status in ('received','cancelled','held')",
            name=op.f("ck_orders_nothing_is_worked_unpaid"),
        ),
        sa.CheckConstraint("status <> 'delivered' or delivered_at is not null", name=op.f("ck_orders_delivered")),
        sa.CheckConstraint(
            "status in ('received', 'processing', 'submitted', 'filed', 'delivered', 'cancelled', 'refunded', 'held')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint("token_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_orders_token_hash")),
        sa.CheckConstraint("discount <= round(subtotal * 0.15, 2)", name=op.f("ck_orders_discount")),
        sa.CheckConstraint(
            "subtotal >= 0 and discount >= 0 and fees >= 0 and surcharge >= 0", name=op.f("ck_orders_amounts")
        ),
        sa.CheckConstraint("total = subtotal - discount + fees + surcharge", name=op.f("ck_orders_total")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["pw.sales_agents.agent_id"], name=op.f("fk_orders_agent_id_sales_agents")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["pw.customers.customer_id"], name=op.f("fk_orders_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_orders_token_hash")),
        schema="pw",
    )
    op.create_index("ix_orders_customer", "orders", ["customer_id"], unique=False, schema="pw")
    op.create_index("ix_orders_status", "orders", ["status", "placed_at"], unique=False, schema="pw")
    op.create_table(
        "accounting_support_accounts",
        sa.Column("account_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("advisor_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["advisor_id"],
            ["pw.accounting_advisors.advisor_id"],
            name=op.f("fk_accounting_support_accounts_advisor_id_accounting_advisors"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["pw.customers.customer_id"],
            name=op.f("fk_accounting_support_accounts_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pw.orders.order_id"], name=op.f("fk_accounting_support_accounts_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounting_support_accounts")),
        sa.UniqueConstraint(
            "customer_id", "advisor_id", name=op.f("uq_accounting_support_accounts_customer_id_advisor_id")
        ),
        schema="pw",
    )
    op.create_table(
        "book_entries",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="wanted", nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'done') = (name is not null)", name=op.f("ck_book_entries_done")),
        sa.CheckConstraint(
            "kind in ('customer','sales_order','sales_invoice','payment_entry')", name=op.f("ck_book_entries_kind")
        ),
        sa.CheckConstraint("state in ('wanted','unknown','done','held')", name=op.f("ck_book_entries_state")),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_book_entries_order_id_orders")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_book_entries")),
        sa.UniqueConstraint("order_id", "kind", name=op.f("uq_book_entries_order_id_kind")),
        schema="pw",
    )
    op.create_table(
        "bundle_orders",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("company_name", sa.Text(), nullable=True),
        sa.Column("erpnext_customer", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_order", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_invoice", sa.Text(), nullable=True),
        sa.Column("erpnext_payment_entry", sa.Text(), nullable=True),
        sa.Column("erpnext_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["bundle"], ["pw.service_bundles.code"], name=op.f("fk_bundle_orders_bundle_service_bundles")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_bundle_orders_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_bundle_orders")),
        schema="pw",
    )
    op.create_table(
        "canada_crtc_orders",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("company_name", sa.Text(), nullable=False),
        sa.Column("wants_numbered_company", sa.Boolean(), nullable=False),
        sa.Column("director_is_resident", sa.Boolean(), nullable=True),
        sa.Column("services_offered", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("year_end", sa.Date(), nullable=True),
        sa.Column("erpnext_customer", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_order", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_invoice", sa.Text(), nullable=True),
        sa.Column("erpnext_payment_entry", sa.Text(), nullable=True),
        sa.Column("erpnext_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pw.orders.order_id"], name=op.f("fk_canada_crtc_orders_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_canada_crtc_orders")),
        schema="pw",
    )
    op.create_table(
        "checkout_sessions",
        sa.Column("session_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "provider in ('stripe','paypal','shkeeper','adyen','erpnext')", name=op.f("ck_checkout_sessions_provider")
        ),
        sa.CheckConstraint(
            "state in ('asked','open','paid','failed','expired')", name=op.f("ck_checkout_sessions_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_checkout_sessions_amount")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pw.orders.order_id"], name=op.f("fk_checkout_sessions_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_checkout_sessions")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_checkout_sessions_idempotency_key")),
        sa.UniqueConstraint("provider", "reference", name=op.f("uq_checkout_sessions_provider_reference")),
        schema="pw",
    )
    op.create_index("ix_checkout_sessions_order", "checkout_sessions", ["order_id"], unique=False, schema="pw")
    op.create_table(
        "commission_ledger",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="earned", nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payable_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'paid') = (batch_id is not null)", name=op.f("ck_commission_ledger_paid_by_a_batch")
        ),
        sa.CheckConstraint(
            "reason in ('canada_crtc','formation_basic','bundle')", name=op.f("ck_commission_ledger_reason")
        ),
        sa.CheckConstraint("state <> 'payable' or payable_from is not null", name=op.f("ck_commission_ledger_payable")),
        sa.CheckConstraint("kind in ('earned','reversal')", name=op.f("ck_commission_ledger_kind")),
        sa.CheckConstraint("amount <> 0 and (amount > 0) = (kind = 'earned')", name=op.f("ck_commission_ledger_sign")),
        sa.CheckConstraint(
            "kind = 'earned' or state in ('payable','paid')", name=op.f("ck_commission_ledger_reversal")
        ),
        sa.CheckConstraint(
            "(state = 'reversed') = (reversed_at is not null and kind = 'earned')",
            name=op.f("ck_commission_ledger_reversed"),
        ),
        sa.CheckConstraint("state in ('pending','payable','paid','reversed')", name=op.f("ck_commission_ledger_state")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["pw.sales_agents.agent_id"], name=op.f("fk_commission_ledger_agent_id_sales_agents")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["pw.commission_batches.batch_id"],
            name=op.f("fk_commission_ledger_batch_id_commission_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pw.orders.order_id"], name=op.f("fk_commission_ledger_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_commission_ledger")),
        sa.UniqueConstraint("order_id", "reason", "kind", name=op.f("uq_commission_ledger_order_id_reason_kind")),
        schema="pw",
    )
    op.create_index("ix_commission_ledger_agent", "commission_ledger", ["agent_id", "state"], unique=False, schema="pw")
    op.create_table(
        "compliance_orders",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("frn", sa.Text(), nullable=True),
        sa.Column("carrier_name", sa.Text(), nullable=True),
        sa.Column("findings", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("snapshot_ids", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("check_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_key", sa.Text(), nullable=True),
        sa.Column("erpnext_customer", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_order", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_invoice", sa.Text(), nullable=True),
        sa.Column("erpnext_payment_entry", sa.Text(), nullable=True),
        sa.Column("erpnext_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("frn ~ '^[0-9]{10}$'", name=op.f("ck_compliance_orders_frn")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pw.orders.order_id"], name=op.f("fk_compliance_orders_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_compliance_orders")),
        schema="pw",
    )
    op.create_table(
        "conversation_flags",
        sa.Column("flag_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["pw.customers.customer_id"], name=op.f("fk_conversation_flags_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pw.orders.order_id"], name=op.f("fk_conversation_flags_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("flag_id", name=op.f("pk_conversation_flags")),
        schema="pw",
    )
    op.create_index(
        "ix_conversation_flags_open", "conversation_flags", ["order_id", "closed_at"], unique=False, schema="pw"
    )
    op.create_table(
        "formation_orders",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("company_name", sa.Text(), nullable=False),
        sa.Column("alternative_names", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("expedite", sa.Text(), nullable=True),
        sa.Column(
            "name_verdict", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("erpnext_customer", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_order", sa.Text(), nullable=True),
        sa.Column("erpnext_sales_invoice", sa.Text(), nullable=True),
        sa.Column("erpnext_payment_entry", sa.Text(), nullable=True),
        sa.Column("erpnext_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("form in ('llc','corporation')", name=op.f("ck_formation_orders_form")),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_formation_orders_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_formation_orders")),
        schema="pw",
    )
    op.create_table(
        "order_events",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_order_events_order_id_orders")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_order_events")),
        schema="pw",
    )
    op.create_index("ix_order_events_order", "order_events", ["order_id", "event_id"], unique=False, schema="pw")
    op.create_table(
        "order_items",
        sa.Column("item_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("for_state", sa.Text(), nullable=True),
        sa.Column("frn", sa.Text(), nullable=True),
        sa.Column("cures", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("frn ~ '^[0-9]{10}$'", name=op.f("ck_order_items_frn")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_items_quantity")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_order_items_unit_price")),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_order_items_order_id_orders")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_order_items")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_items_order_id_position")),
        schema="pw",
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("item_position", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(amount < 0) = (kind in ('discount','referral')) or amount = 0", name=op.f("ck_order_lines_sign")
        ),
        sa.CheckConstraint(
            "kind in ('service', 'fee', 'discount', 'referral', 'surcharge')", name=op.f("ck_order_lines_kind")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_order_lines_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_order_lines")),
        schema="pw",
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="paid", nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "provider in ('stripe','paypal','shkeeper','adyen','erpnext')", name=op.f("ck_payments_provider")
        ),
        sa.CheckConstraint(
            "state in ('paid','refunded','partly_refunded','disputed','surplus')", name=op.f("ck_payments_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["pw.payment_events.event_id"], name=op.f("fk_payments_event_id_payment_events")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["pw.orders.order_id"], name=op.f("fk_payments_order_id_orders")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
        sa.UniqueConstraint("provider", "reference", name=op.f("uq_payments_provider_reference")),
        schema="pw",
    )
    op.create_index(
        "uq_payments_one_pays",
        "payments",
        ["order_id"],
        unique=True,
        schema="pw",
        postgresql_where=sa.text("state <> 'surplus'"),
    )
    op.create_table(
        "money_ledger",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount <> 0 and (amount > 0) = (kind in ('payment','dispute_won'))", name=op.f("ck_money_ledger_sign")
        ),
        sa.CheckConstraint("kind in ('payment','refund','dispute','dispute_won')", name=op.f("ck_money_ledger_kind")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["pw.payment_events.event_id"], name=op.f("fk_money_ledger_event_id_payment_events")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["pw.payments.payment_id"], name=op.f("fk_money_ledger_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_money_ledger")),
        sa.UniqueConstraint("event_id", "kind", name=op.f("uq_money_ledger_event_id_kind")),
        sa.UniqueConstraint("payment_id", "kind", "reference", name=op.f("uq_money_ledger_payment_id_kind_reference")),
        schema="pw",
    )
    op.drop_constraint(op.f("ck_alerts_kind"), "alerts", schema="pw", type_="check")
    op.create_check_constraint(
        op.f("ck_alerts_kind"), "alerts", "kind in ('run','check','snapshot','stale','order')", schema="pw"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_alerts_kind"), "alerts", schema="pw", type_="check")
    op.execute("delete from pw.alerts where kind = 'order'")
    op.create_check_constraint(
        op.f("ck_alerts_kind"), "alerts", "kind in ('run','check','snapshot','stale')", schema="pw"
    )
    op.drop_table("money_ledger", schema="pw")
    op.drop_index(
        "uq_payments_one_pays", table_name="payments", schema="pw", postgresql_where=sa.text("state <> 'surplus'")
    )
    op.drop_table("payments", schema="pw")
    op.drop_table("order_lines", schema="pw")
    op.drop_table("order_items", schema="pw")
    op.drop_index("ix_order_events_order", table_name="order_events", schema="pw")
    op.drop_table("order_events", schema="pw")
    op.drop_table("formation_orders", schema="pw")
    op.drop_index("ix_conversation_flags_open", table_name="conversation_flags", schema="pw")
    op.drop_table("conversation_flags", schema="pw")
    op.drop_table("compliance_orders", schema="pw")
    op.drop_index("ix_commission_ledger_agent", table_name="commission_ledger", schema="pw")
    op.drop_table("commission_ledger", schema="pw")
    op.drop_index("ix_checkout_sessions_order", table_name="checkout_sessions", schema="pw")
    op.drop_table("checkout_sessions", schema="pw")
    op.drop_table("canada_crtc_orders", schema="pw")
    op.drop_table("bundle_orders", schema="pw")
    op.drop_table("book_entries", schema="pw")
    op.drop_table("accounting_support_accounts", schema="pw")
    op.drop_index("ix_orders_status", table_name="orders", schema="pw")
    op.drop_index("ix_orders_customer", table_name="orders", schema="pw")
    op.drop_table("orders", schema="pw")
    op.drop_table("service_bundles", schema="pw")
    op.drop_table("sales_agents", schema="pw")
    op.drop_table("payment_surcharges", schema="pw")
    op.drop_index(
        "ix_payment_events_waiting",
        table_name="payment_events",
        schema="pw",
        postgresql_where=sa.text("state = 'received'"),
    )
    op.drop_index("ix_payment_events_order", table_name="payment_events", schema="pw")
    op.drop_table("payment_events", schema="pw")
    op.drop_table("nwra_wholesale_pricing", schema="pw")
    op.drop_index("ix_idempotency_keys_created", table_name="idempotency_keys", schema="pw")
    op.drop_table("idempotency_keys", schema="pw")
    op.drop_table("discount_codes", schema="pw")
    op.drop_table("customers", schema="pw")
    op.drop_table("commission_batches", schema="pw")
    op.drop_table("accounting_advisors", schema="pw")
