"""The marts of orders and money: whole, to the cent, and built without the leads' marts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from pw_pipelines.commerce import marts
from pw_pipelines.commerce.quote import Discount
from pw_pipelines.compliance.manifest import ensure_manifest
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import PwError
from tests.books.making import BIG, paid_order
from tests.commerce.making import CPNI, NOW, TODAY, agent, ordered, walk
from tests.conftest import TEMPLATE

LATE = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)  # still November in New York
NEXT_MONTH = datetime(2026, 12, 3, 15, 0, tzinfo=UTC)
MAIL = {"utm_source": "Listmonk", "utm_medium": "email", "utm_campaign": "rmd-gap"}


def check(db: Database, frn: str, codes: list[str], utm: dict[str, str]) -> None:
    with db.connect() as connection:
        connection.execute(
            """insert into pw.compliance_check_log (check_id, checked_at, channel, asked, frn, as_of, answer, codes,
                   live_sources, utm, duration_ms)
               values (%s, %s, 'page', %s, %s, %s, 'deficient', %s, '{}', %s, 1)""",
            (uuid4(), NOW, frn, frn, TODAY, codes, Jsonb(utm)),
        )


def came_from(db: Database, order_id: int, utm: dict[str, str]) -> None:
    with db.connect() as connection:
        connection.execute("update pw.orders set utm = %s where order_id = %s", (Jsonb(utm), order_id))


def book_money(db: Database, order_id: int, kind: str, amount: Decimal, at: datetime) -> None:
    """A movement on the order's payment, standing on an event of its own."""
    with db.connect() as connection:
        event = connection.execute(
            """insert into pw.payment_events (provider, dedupe_key, event_type, raw, received_at, last_delivery_at,
                   state, worked_at) values ('stripe', %s, %s, '', %s, %s, 'done', %s) returning event_id""",
            (uuid4().hex, kind, at, at, at),
        ).fetchone()
        assert event is not None
        connection.execute(
            """insert into pw.money_ledger (payment_id, event_id, kind, reference, amount, currency, at)
               select payment_id, %s, %s, %s, %s, currency, %s from pw.payments where order_id = %s""",
            (event["event_id"], kind, uuid4().hex, amount, at, order_id),
        )


def rows(db: Database, query: str) -> list[dict[str, Any]]:
    with db.connect() as connection:
        return [dict(row) for row in connection.execute(query)]


@pytest.fixture(scope="module")
def sold(clone_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Three paid orders in two months, one refund in part, one unpaid order; four checks; built once."""
    db = Database(clone_database(TEMPLATE))
    with db.connect() as connection:
        connection.execute(
            "insert into pw.segments (segment, position, title, description) values ('rmd-gap', 1, 'Gap', 'Gap')"
        )
        connection.execute(
            "insert into pw.discount_codes (code, kind, amount, created_at, created_by) "
            "values ('TEN', 'percent', 10, %s, 'jdoe')",
            (NOW,),
        )
        referral = agent(connection)
    first = paid_order(db, basket=BIG, discount=Discount("TEN", "percent", Decimal("3.33")))
    late = paid_order(db, now=LATE, referral=referral)
    december = paid_order(db, now=NEXT_MONTH)
    with db.connect() as connection:
        unpaid = ordered(connection, CPNI).order_id
    for one, at in ((first, NOW), (late, LATE), (december, NEXT_MONTH)):
        total = rows(db, f"select total from pw.orders where order_id = {one}")[0]["total"]
        book_money(db, one, "payment", total, at)
    book_money(db, first, "refund", Decimal("-50.00"), NEXT_MONTH)
    came_from(db, first, MAIL)
    came_from(db, unpaid, MAIL)
    for frn, codes in (("0000000001", ["RMD_MISSING"]), ("0000000001", []), ("0000000002", ["CPNI_MISSING"])):
        check(db, frn, codes, MAIL)
    check(db, "0000000003", [], {})
    with db.connect() as connection:
        connection.execute(
            "insert into pw.visit_touches (order_id, first_touch, last_touch, at) values (%s, %s, %s, %s)",
            (late, Jsonb(MAIL), Jsonb({"gclid": "abc"}), LATE),
        )
    with db.connect() as connection:
        walk(connection, late, "submitted", "filed", "delivered")
        for order_id, reason, amount, state, gone_at in (
            (first, "formation_basic", 50, "pending", None),
            (late, "canada_crtc", 300, "reversed", NEXT_MONTH),
        ):
            connection.execute(
                """insert into pw.commission_ledger (agent_id, order_id, reason, amount, state, earned_at, reversed_at)
                   select agent_id, %s, %s, %s, %s, %s, %s from pw.sales_agents""",
                (order_id, reason, amount, state, NOW, gone_at),
            )
    marts.build(db, as_of=TODAY, home=tmp_path_factory.mktemp("home"))
    return db


def test_the_funnel_follows_a_campaign_from_check_to_payment(sold: Database) -> None:
    found = {row["utm_source"]: row for row in rows(sold, "select * from commerce.mart_funnel")}
    assert set(found) == {"listmonk", "(none)"}
    mail = found["listmonk"]
    assert (mail["utm_medium"], mail["utm_campaign"], mail["segment"]) == ("email", "rmd-gap", "rmd-gap")
    assert (mail["checks"], mail["carriers_checked"], mail["checks_with_findings"]) == (3, 2, 2)
    assert (mail["orders"], mail["orders_paid"]) == (2, 1)
    assert (mail["orders_per_check"], mail["paid_per_order"]) == (Decimal("0.6667"), Decimal("0.5000"))
    total = rows(sold, "select total from pw.orders order by order_id limit 1")[0]["total"]
    assert mail["paid_usd"] == total
    assert (found["(none)"]["checks"], found["(none)"]["orders_paid"]) == (1, 2)


def test_attribution_follows_the_first_link_and_the_last(sold: Database) -> None:
    found = {(row["touch"], row["source"]): row for row in rows(sold, "select * from commerce.mart_attribution")}
    totals = [row["total"] for row in rows(sold, "select total from pw.orders order by order_id")]
    first, last, ad = found["first", "listmonk"], found["last", "listmonk"], found["last", "google"]

    assert (first["medium"], first["campaign"]) == ("email", "rmd-gap")
    assert (first["checks"], first["orders"], first["orders_paid"]) == (3, 3, 2)
    assert first["paid_usd"] == totals[0] + totals[1]
    assert first["revenue_usd"] == totals[0] + totals[1] - 50  # the refund is taken off
    assert (last["orders"], last["orders_paid"], last["paid_usd"]) == (2, 1, totals[0])
    assert (ad["medium"], ad["campaign"], ad["orders_paid"], ad["paid_usd"]) == ("cpc", "(none)", 1, totals[1])
    assert ("first", "google") not in found


def test_every_cent_is_attributed_once_by_either_touch(sold: Database) -> None:
    told = rows(
        sold, "select touch, sum(paid_usd) as paid, sum(revenue_usd) as kept, sum(checks) as checks, sum(orders) as n "
        "from commerce.mart_attribution group by 1",
    )  # fmt: skip
    (books,) = rows(sold, "select sum(total) as paid, count(*) as n from pw.orders where paid_at is not null")
    (moved,) = rows(sold, "select sum(amount) as amount from pw.money_ledger")

    assert [row["paid"] for row in told] == [books["paid"]] * 2
    assert [row["kept"] for row in told] == [moved["amount"]] * 2
    assert [row["checks"] for row in told] == [4, 4]
    (types,) = rows(sold, "select pg_typeof(paid_usd)::text as paid, pg_typeof(revenue_usd)::text as kept "
                    "from commerce.mart_attribution limit 1")  # fmt: skip
    assert types == {"paid": "numeric", "kept": "numeric"}


def test_revenue_by_service_adds_up_to_the_money_that_moved_month_by_month(sold: Database) -> None:
    told = rows(sold, "select month, sum(amount) as amount from commerce.mart_revenue group by 1 order by 1")
    orders = rows(sold, "select total from pw.orders where paid_at is not null order by order_id")
    first, late, december = (row["total"] for row in orders)
    assert [row["amount"] for row in told] == [first + late, december - 50]  # a payment at 22:00 of the 30th counts
    november = {
        row["service"]: row for row in rows(sold, "select * from commerce.mart_revenue where month < '2026-12-01'")
    }
    assert set(november) == {"cpni_certification", "form_499a"}
    # the discount of 3.33 % is shared over both services and loses no cent
    discounts = rows(sold, "select sum(discount) as n from pw.orders where paid_at < '2026-12-02'")[0]["n"]
    assert sum(row["discount"] for row in november.values()) == discounts > 0
    assert november["cpni_certification"]["orders"] == 2


def test_an_agents_statement_shows_what_was_earned_and_what_became_of_it(sold: Database) -> None:
    (told,) = rows(sold, "select * from commerce.mart_agent_statement")
    assert (told["referral_code"], told["month"].isoformat(), told["orders"]) == ("REF-AB123", "2026-11-01", 2)
    assert (told["earned"], told["taken_back"], told["pending"], told["payable"], told["paid"]) == (350, -300, 50, 0, 0)


def test_a_broken_sum_keeps_the_marts_in_force(sold: Database, tmp_path: Path) -> None:
    before = rows(sold, "select count(*) as n from commerce.mart_revenue")
    with sold.connect() as connection:
        connection.execute("alter table pw.order_lines disable trigger user")
        connection.execute("update pw.order_lines set amount = amount + 1 where order_id = 1 and position = 1")
    try:
        with pytest.raises(PwError, match="services_are_the_whole_bill"):
            marts.build(sold, as_of=TODAY, home=tmp_path)
    finally:
        with sold.connect() as connection:
            connection.execute("update pw.order_lines set amount = amount - 1 where order_id = 1 and position = 1")
            connection.execute("alter table pw.order_lines enable trigger user")
    assert rows(sold, "select count(*) as n from commerce.mart_revenue") == before


def test_every_model_and_column_is_described_tested_and_reads_nothing_of_the_leads(sold: Database) -> None:
    nodes = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    models = {
        node["name"]: node for node in nodes if node["resource_type"] == "model" and "phase_commerce" in node["tags"]
    }
    stored: dict[str, set[str]] = {}
    for row in rows(sold, "select * from information_schema.columns where table_schema = 'commerce'"):
        stored.setdefault(row["table_name"], set()).add(row["column_name"])
    assert set(models) == set(stored)
    tests = [node["depends_on"]["nodes"] for node in nodes if node["resource_type"] == "test"]
    tested = {one.rsplit(".", 1)[1] for read in tests for one in read}
    for name, node in models.items():
        assert len(node["description"]) > 15, name
        assert [column for column, text in node["columns"].items() if not text["description"]] == [], name
        assert set(node["columns"]) == stored[name], name
        assert name in tested, name
        read = {one.rsplit(".", 1)[1] for one in node["depends_on"]["nodes"] if one.startswith("model.")}
        assert read <= set(models), name
