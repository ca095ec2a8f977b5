"""Orders, payments and revenue: our own books as assets, each with the check that proves them."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from pw_pipelines.assets.matches import DAILY_FRESHNESS
from pw_pipelines.assets.tables import APPLICATION, PREVIEW_ROWS, number_of, table_of
from pw_pipelines.assets.verdicts import retry_policy, verdicts
from pw_pipelines.settings import Settings

GROUP, TEAM = "commerce", "team:finance"
ORDERS, PAYMENTS, REVENUE = "orders", "payments", "revenue"
ALL_STAND, LEDGER_AGREES, BOOKS_AGREE = "every_paid_order_stands", "ledger_is_the_events", "books_agree_to_the_cent"
REVENUE_MART = "mart_revenue"
_SHOWN = 20  # differences named in a check


def assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The three assets beside dbt's."""
    return [_orders(), _payments(), _revenue(settings)]


def _orders() -> dg.AssetsDefinition:
    @dg.asset(
        name=ORDERS,
        description="Every order, its bill and where it stands (`pw.orders`). One row is one order.",
        group_name=GROUP,
        owners=[TEAM],
        kinds={"postgres"},
        tags={"pw/layer": GROUP},
        freshness_policy=DAILY_FRESHNESS,
        metadata={"dagster/table_name": "pw.orders"},
        check_specs=[
            dg.AssetCheckSpec(
                ALL_STAND,
                asset=ORDERS,
                description="Paid = delivered + in work + held + refunded, in orders and in money.",
            )
        ],
        required_resource_keys={"settings", "db"},
    )
    def orders(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        from pw_pipelines.commerce.order_states import order_states

        settings: Settings = context.resources.settings
        with verdicts(), context.resources.db.connect(application=APPLICATION) as connection:
            states = order_states(connection)
            by_status = table_of(
                connection,
                ("kind", "status", "currency", "orders", "total"),
                """select kind, status, currency, count(*) as orders, sum(total) as total
                   from pw.orders group by 1, 2, 3 order by 1, 2, 3""",
            )
            newest = table_of(
                connection,
                ("number", "kind", "status", "currency", "total", "method", "placed_at"),
                "select number, kind, status, currency, total, method, placed_at from pw.orders "
                f"order by order_id desc limit {PREVIEW_ROWS}",
            )
            number = number_of(connection, "select count(*) as n from pw.orders")
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": number,
                "as_of": settings.clock.today().isoformat(),
                "by_status": by_status,
                "preview": newest,
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=ALL_STAND,
                    passed=all(one.is_whole for one in states),
                    description="; ".join(one.sentence for one in states) or "No order is paid yet.",
                )
            ],
        )

    return orders


def _payments() -> dg.AssetsDefinition:
    @dg.asset(
        name=PAYMENTS,
        description="Money that came and went (`pw.payments`, `pw.money_ledger`), each movement standing on one event "
        "of a payment provider. One row is one payment.",
        deps=[ORDERS],
        group_name=GROUP,
        owners=[TEAM],
        kinds={"postgres"},
        tags={"pw/layer": GROUP},
        freshness_policy=DAILY_FRESHNESS,
        metadata={"dagster/table_name": "pw.payments"},
        check_specs=[
            dg.AssetCheckSpec(
                LEDGER_AGREES,
                asset=PAYMENTS,
                description="The ledger is what the providers' events say when their raw bytes are read again.",
            )
        ],
        required_resource_keys={"settings", "db"},
    )
    def payments(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        from pw_pipelines.commerce.ledger_agree import compare
        from pw_pipelines.commerce.payments.ground import ground_of

        settings: Settings = context.resources.settings
        with verdicts(), context.resources.db.connect(application=APPLICATION) as connection:
            agreement = compare(connection, ground_of(settings))
            moved = table_of(
                connection,
                ("provider", "kind", "currency", "entries", "amount"),
                """select p.provider, l.kind, l.currency, count(*) as entries, sum(l.amount) as amount
                   from pw.money_ledger l join pw.payments p using (payment_id) group by 1, 2, 3 order by 1, 2, 3""",
            )
            inbox = table_of(
                connection,
                ("provider", "state", "events", "deliveries"),
                """select provider, state, count(*) as events, sum(deliveries) as deliveries
                   from pw.payment_events group by 1, 2 order by 1, 2""",
            )
            newest = table_of(
                connection,
                ("paid_at", "number", "provider", "method", "amount", "currency", "state"),
                """select p.paid_at, o.number, p.provider, p.method, p.amount, p.currency, p.state
                   from pw.payments p join pw.orders o using (order_id) """
                f"order by p.payment_id desc limit {PREVIEW_ROWS}",
            )
            number = number_of(connection, "select count(*) as n from pw.payments")
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": number,
                "as_of": settings.clock.today().isoformat(),
                "moved": moved,
                "inbox": inbox,
                "preview": newest,
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=LEDGER_AGREES,
                    passed=agreement.is_whole,
                    description=_said(
                        f"{agreement.events:,} events worked, {agreement.entries:,} entries{_sums(agreement.amount)}.",
                        agreement.differences,
                    ),
                )
            ],
        )

    return payments


def _revenue(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=REVENUE,
        description="What the orders brought, as ERPNext has it: every sales order, invoice and payment entry of ours "
        "read there again. One row is one document.",
        deps=[PAYMENTS, REVENUE_MART],
        group_name=GROUP,
        owners=[TEAM],
        kinds={"http", "postgres"},
        tags={"pw/layer": GROUP},
        freshness_policy=DAILY_FRESHNESS,
        retry_policy=retry_policy(settings),
        check_specs=[
            dg.AssetCheckSpec(
                BOOKS_AGREE, asset=REVENUE, description="ERPNext's documents and our orders agree to the cent."
            )
        ],
        required_resource_keys={"settings", "db", "erpnext"},
    )
    def revenue(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        from pw_pipelines.commerce.books_agree import compare

        house: Settings = context.resources.settings
        with verdicts(), context.resources.db.connect(application=APPLICATION) as connection:
            agreement = compare(connection, context.resources.erpnext)
            entries = table_of(
                connection,
                ("kind", "state", "entries"),
                "select kind, state, count(*) as entries from pw.book_entries group by 1, 2 order by 1, 2",
            )
            months = table_of(
                connection,
                ("month", "currency", "service", "orders", "amount"),
                f"""select month, currency, service, orders, amount from commerce.{REVENUE_MART}
                    order by month desc, amount desc, service limit {PREVIEW_ROWS}""",
            )
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": agreement.documents,
                "as_of": house.clock.today().isoformat(),
                "invoiced": _sums(agreement.amount).strip(" ,") or "nothing yet",
                "entries": entries,
                "preview": months,
                "books": dg.MetadataValue.url(f"{house.erpnext_url.rstrip('/')}/app"),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=BOOKS_AGREE,
                    passed=agreement.is_whole,
                    description=_said(
                        f"{agreement.documents:,} documents compared, {agreement.waiting:,} waiting, "
                        f"{agreement.held:,} held{_sums(agreement.amount)}.",
                        agreement.differences,
                    ),
                )
            ],
        )

    return revenue


def _sums(amount: dict[str, Any]) -> str:
    return "".join(f", {value:,} {currency}" for currency, value in sorted(amount.items()))


def _said(first: str, differences: Sequence[str]) -> str:
    more = f" And {len(differences) - _SHOWN:,} more." if len(differences) > _SHOWN else ""
    return " ".join([first, *differences[:_SHOWN]]) + more
