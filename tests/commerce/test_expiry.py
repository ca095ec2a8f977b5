"""Orders nobody paid: they end after their days, give their codes back, and take no money unseen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pw_pipelines.commerce.discounts import find_discount
from pw_pipelines.commerce.expiry import BY, expire_unpaid
from pw_pipelines.commerce.orders import PlacedOrder, hold, read
from pw_pipelines.db.connection import Database
from tests.commerce.making import NOW, ordered, pay

DAYS = 30
LATER = NOW + timedelta(days=DAYS, hours=1)


def expire(db: Database, now: Any = LATER) -> list[int]:
    with db.connect() as connection:
        return expire_unpaid(connection, days=DAYS, now=now)


def status(db: Database, order: PlacedOrder) -> str:
    with db.connect() as connection:
        return read(connection, order.number).status


def test_an_unpaid_order_ends_after_its_days_and_gives_its_code_back(db: Database) -> None:
    with db.connect() as connection:
        connection.execute(
            "insert into pw.discount_codes (code, kind, amount, usage_limit, created_at, created_by) "
            "values ('ONCE', 'percent', 10, 1, %s, 'ann')",
            (NOW,),
        )
        discount = find_discount(connection, "ONCE", now=NOW)
        order = ordered(connection, discount=discount)
        late = ordered(connection, now=NOW + timedelta(days=1))
    assert expire(db, NOW + timedelta(days=DAYS)) == []
    assert expire(db) == [order.order_id]
    assert expire(db) == []
    with db.connect() as connection:
        view = read(connection, order.number)
        used = connection.execute("select uses from pw.discount_codes").fetchone()
        assert find_discount(connection, "ONCE", now=LATER).code == "ONCE"
    assert (view.status, view.closed_at, status(db, late)) == ("cancelled", LATER, "received")
    assert (view.events[-1].by, view.events[-1].why) == (BY, "Not paid within 30 days.")
    assert used == {"uses": 0}


def test_what_is_paid_held_or_being_paid_is_left_alone(db: Database) -> None:
    with db.connect() as connection:
        paid, held, begun, told = [ordered(connection) for _ in range(4)]
        pay(connection, paid.order_id)
        hold(connection, held.order_id, by="ann", why="A question.", now=NOW)
        connection.execute(
            "insert into pw.checkout_sessions (order_id, provider, method, idempotency_key, state, amount, currency, "
            "created_at) values (%s, 'stripe', 'ach', 'k', 'open', 199, 'USD', %s)",
            (begun.order_id, LATER - timedelta(days=2)),
        )
        connection.execute(
            "insert into pw.payment_events (provider, dedupe_key, event_type, order_number, raw, received_at, "
            "last_delivery_at) values ('stripe', 'k', 'paid', %s, '', %s, %s)",
            (told.number, LATER, LATER),
        )
    assert expire(db) == []
    assert expire(db, LATER + timedelta(days=6)) == [begun.order_id]


def test_a_renewal_stays_payable_until_its_day_and_its_days_are_over(db: Database) -> None:
    with db.connect() as connection:
        order = ordered(connection)
        row = connection.execute("select order_id, customer_id from pw.orders").fetchone()
        assert row is not None
        connection.execute(
            "insert into pw.compliance_calendar (customer_id, service, subject, title, due_on, renewal_order_id, "
            "made_at) values (%s, 'cpni_certification', '0012345678', 'CPNI', %s, %s, %s)",
            (row["customer_id"], (NOW + timedelta(days=60)).date(), order.order_id, NOW),
        )
    assert expire(db) == expire(db, NOW + timedelta(days=90)) == []
    assert expire(db, NOW + timedelta(days=92)) == [order.order_id]
