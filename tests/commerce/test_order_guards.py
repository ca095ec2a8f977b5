"""A wrong order is impossible, by SQL too."""

from __future__ import annotations

import psycopg
import pytest

from pw_pipelines.commerce.order_life import STATUSES, followers
from pw_pipelines.commerce.orders import hold
from pw_pipelines.db.connection import Database
from tests.commerce.making import NOW, ordered, pay, walk

WAYS = {
    "received": (),
    "processing": ("processing",),
    "submitted": ("processing", "submitted"),
    "filed": ("processing", "submitted", "filed"),
    "delivered": ("processing", "submitted", "filed", "delivered"),
    "refunded": ("processing", "refunded"),
    "cancelled": ("cancelled",),
}  # fmt: skip
STATES = [*((status, None) for status in WAYS), *(("held", status) for status in WAYS)]
PAST_PAYMENT = {"processing", "submitted", "filed", "delivered", "refunded"}


def at(db: Database, status: str, held_from: str | None) -> int:
    """An order that came to this state by its proper way."""
    with db.connect() as connection:
        order_id = ordered(connection).order_id
        for step in WAYS[held_from or status]:
            if step == "processing":
                pay(connection, order_id)
            else:
                walk(connection, order_id, step)
        if status == "held":
            hold(connection, order_id, by="test", why="doubt", now=NOW)
    return order_id


def by_sql(db: Database, order_id: int, before: str, after: str) -> bool:
    """Whether plain SQL, that records the change, can make it; what it did is undone."""
    try:
        with db.connect() as connection:
            connection.execute(
                "update pw.orders set status = %(to)s, held_from = case when %(to)s = 'held' then status end, "
                "delivered_at = case when %(to)s = 'delivered' then now() else delivered_at end "
                "where order_id = %(order)s",
                {"to": after, "order": order_id},
            )
            connection.execute(
                'insert into pw.order_events (order_id, at, what, before, after, "by", why) '
                "values (%s, now(), 'status', %s, %s, 'sql', 'test')",
                (order_id, before, after),
            )
            connection.execute("set constraints all immediate")
            connection.rollback()
    except psycopg.errors.CheckViolation:
        return False
    return True


@pytest.mark.parametrize(("status", "held_from"), STATES, ids=str)
def test_the_database_lets_an_order_go_where_its_life_goes_and_nowhere_else(
    db: Database, status: str, held_from: str | None
) -> None:
    order_id = at(db, status, held_from)
    is_paid = (held_from or status) in PAST_PAYMENT
    for after in STATUSES:
        # What is paid is never cancelled; what is not, never worked.
        fits = after != "cancelled" if is_paid else after not in PAST_PAYMENT
        expected = fits and after in followers(status, held_from)
        if after != status:
            assert by_sql(db, order_id, status, after) == expected, after


COPY = """
insert into pw.orders (number, kind, status, customer_id, method, subtotal, total, token_hash, placed_at, paid_at,
    delivered_at)
select 'PW-2026-000099', kind, '{status}', customer_id, method, subtotal, total, repeat('0', 64), placed_at, {paid_at},
    {paid_at}
from pw.orders"""
WRONG = {
    "a total that is not the sum of its parts": "update pw.orders set total = total + 1",
    "a discount above fifteen percent": "update pw.orders set discount = 29.86, total = total - 29.86",
    "a negative fee": "update pw.orders set fees = -1, total = total - 1",
    "a total that the lines do not give": "update pw.orders set total = total + 1, fees = fees + 1",
    "an order without a bill or a beginning": COPY.format(status="received", paid_at="null"),
    "an order that begins as delivered": COPY.format(status="delivered", paid_at="now()"),
    "an order that begins as paid": COPY.format(status="received", paid_at="now()"),
    "an unknown status": "update pw.orders set status = 'lost'",
    "an unknown kind": "update pw.orders set kind = 'gift'",
    "an unknown currency": "update pw.orders set currency = 'EUR'",
    "held from nowhere": "update pw.orders set status = 'held'",
    "work without payment": "update pw.orders set status = 'processing'",
    "a change of its number": "update pw.orders set number = 'PW-2026-999999'",
    "a change of its customer's order date": "update pw.orders set placed_at = placed_at + interval '1 day'",
    "a token in the clear": "update pw.orders set token_hash = 'secret'",
    "payment without money": "update pw.orders set paid_at = now()",
    "a change nobody recorded": "update pw.orders set status = 'cancelled'",
    "a line that does not belong": "insert into pw.order_lines select order_id, 9, 'fee', 'x', 1, null from pw.orders",
    "a line that is gone": "delete from pw.order_lines",
    "a positive discount": "insert into pw.order_lines select order_id, 9, 'discount', 'x', 1, null from pw.orders",
    "history rewritten": "update pw.order_events set why = 'other'",
    "history deleted": "delete from pw.order_events",
    "an item of nothing": "update pw.order_items set quantity = 0",
    "an item below nothing": "update pw.order_items set unit_price = -1",
    "an FRN of letters": "update pw.order_items set frn = 'ABCDEFGHIJ'",
    "the order of an unknown customer": "update pw.orders set customer_id = 0",
    "an address in capitals": "update pw.customers set email = 'ADA@EXAMPLE.COM'",
}


@pytest.mark.parametrize("statement", WRONG.values(), ids=WRONG)
def test_plain_sql_is_refused(db: Database, statement: str) -> None:
    with db.connect() as connection:
        ordered(connection)
    refused = (psycopg.errors.IntegrityError, psycopg.errors.RaiseException)
    with pytest.raises(refused), db.connect() as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "change", ["total = total + 1, fees = fees + 1", "currency = 'CAD'", "paid_at = null", "paid_at = now()"]
)
def test_the_money_of_a_paid_order_never_changes(db: Database, change: str) -> None:
    with db.connect() as connection:
        pay(connection, ordered(connection).order_id)
    with pytest.raises(psycopg.errors.CheckViolation), db.connect() as connection:
        connection.execute(f"update pw.orders set {change}")


def test_two_payments_never_pay_one_order(db: Database) -> None:
    with db.connect() as connection:
        pay(connection, ordered(connection).order_id)
    with pytest.raises(psycopg.errors.UniqueViolation), db.connect() as connection:
        connection.execute(
            "insert into pw.payments (order_id, provider, reference, method, amount, currency, paid_at, event_id) "
            "select order_id, provider, 'second', method, amount, currency, paid_at, event_id from pw.payments"
        )
