"""Books that are held, and the way out: mended in ERPNext, then looked at again by a person's word."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pw_pipelines.commerce import questions
from pw_pipelines.commerce.books import make_books, waiting_orders, want
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
    assert (held.number, held.document, held.since, held.key_field, held.key) == (
        NUMBER, "sales_order", NOW, "custom_order_id", NUMBER,
    )  # fmt: skip
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


def entry_by_hand(db: Database, books: Books, amount: float) -> str:
    """The payment entry of the one payment there is, booked by an accountant."""
    paid = row(db, "select provider || ':' || reference as key from pw.payments")["key"]
    entry = {
        "payment_type": "Receive", "party_type": "Customer", "party": books.all_of("Customer")[0]["name"],
        "company": "Performance West", "paid_from": "Debtors - PW", "paid_to": "Bank - PW", "paid_amount": amount,
        "received_amount": amount, "paid_from_account_currency": "USD", "reference_no": "by hand",
        "reference_date": "2026-11-22", "references": [], "custom_payment_ref": paid,
    }  # fmt: skip
    return str(books.api.post("/erpnext/api/resource/Payment Entry", json=entry).json()["data"]["name"])


def submit(books: Books, doctype: str, name: str) -> None:
    assert books.api.put(f"/erpnext/api/resource/{doctype}/{name}", json={"docstatus": 1}).status_code == 200


@pytest.mark.parametrize("change", ["amount = amount + 10", "state = 'partly_refunded'"])
def test_a_payment_that_no_run_may_book_is_booked_by_hand_and_found_once_it_is_submitted(
    db: Database, books: Books, erpnext: Erpnext, change: str
) -> None:
    order_id = paid_order(db, wanted="sales_invoice")
    make_books(db, erpnext, order_id, NOW)
    with db.connect() as connection:
        connection.execute(f"update pw.payments set {change}".encode())
        want(connection, order_id, "payment_entry", now=NOW)
    why = make_books(db, erpnext, order_id, NOW).held
    with db.connect() as connection:
        [held] = questions.held_books(connection)
    key = row(db, "select provider || ':' || reference as key from pw.payments")["key"]
    assert (held.document, held.why, held.key_field, held.key) == ("payment_entry", why, "custom_payment_ref", key)

    name = entry_by_hand(db, books, 199.0)
    look_again(db)
    assert make_books(db, erpnext, order_id, LATER).held == why, "a draft is nobody's word yet, and is not submitted"
    submit(books, "Payment Entry", name)
    look_again(db)
    report = make_books(db, erpnext, order_id, LATER)
    assert (report.held, report.made) == (None, {"payment_entry": name})
    with db.connect() as connection:
        assert questions.held_books(connection) == [] and compare(connection, erpnext).is_whole


def test_what_is_not_held_is_not_looked_at_again(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db)
    make_books(db, erpnext, order_id, NOW)
    with pytest.raises(UsageError, match="No books of PW-2026-000001 are held"):
        look_again(db)
    with db.connect() as connection:
        assert waiting_orders(connection) == []
    assert row(db, "select count(*)::int as n from pw.staff_actions")["n"] == 0
