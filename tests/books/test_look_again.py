"""Books that are held, and the way out: mended in ERPNext, then looked at again by a person's word."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pw_pipelines.commerce import questions
from pw_pipelines.commerce.books import make_books, waiting_orders
from pw_pipelines.commerce.books_agree import compare
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.resources.erpnext import Erpnext
from tests.books.making import LATER, paid_order, row, states, total
from tests.commerce.making import NOW
from tests.fixtures_erpnext import Books

NUMBER = "PW-2026-000001"


def look_again(db: Database, why: str = "Made by hand.") -> None:
    with db.connect() as connection:
        questions.look_again(connection, NUMBER, why=why, by="omar", now=LATER)


def test_an_order_that_was_paid_more_than_its_total_is_listed_until_its_sales_order_was_made_by_hand(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    order_id = paid_order(db, wanted="sales_order")
    with db.connect() as connection:
        connection.execute("update pw.payments set amount = amount + 10")
    make_books(db, erpnext, order_id, NOW)
    with db.connect() as connection:
        [held] = questions.held_books(connection)
        assert (questions.counts(connection).books, questions.open_questions(connection)) == (1, [])
    assert (held.number, held.document, held.since) == (NUMBER, "sales_order", NOW)
    assert held.why == f"Order {NUMBER} is 199.00 USD and 209.00 USD was paid."

    look_again(db, "I only looked.")
    assert make_books(db, erpnext, order_id, LATER).held == held.why, "nothing was mended: held again"
    made = {
        "customer": books.all_of("Customer")[0]["name"], "company": "Performance West", "currency": "USD",
        "transaction_date": "2026-11-22", "delivery_date": "2026-11-22", "custom_order_id": NUMBER,
        "items": [{"item_code": "PW-SERVICE", "qty": 1, "rate": str(total(db, order_id))}],
    }  # fmt: skip
    assert books.api.post("/erpnext/api/resource/Sales Order", json=made).status_code == 200
    look_again(db)
    assert make_books(db, erpnext, order_id, LATER).held is None
    assert set(states(db, order_id).values()) == {"done"}
    with db.connect() as connection:
        assert (questions.held_books(connection), questions.open_questions(connection)) == ([], [])
        assert compare(connection, erpnext).is_whole
    assert len(books.all_of("Sales Order")) == 1 and total(db, order_id) == Decimal("199.00")


def test_what_is_not_held_is_not_looked_at_again(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db)
    make_books(db, erpnext, order_id, NOW)
    with pytest.raises(UsageError, match="No books of PW-2026-000001 are held"):
        look_again(db)
    with db.connect() as connection:
        assert waiting_orders(connection) == []
    assert row(db, "select count(*)::int as n from pw.staff_actions")["n"] == 0
