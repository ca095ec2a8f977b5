"""What ERPNext tells by webhook: our own documents are known; money that somebody booked by hand is for a person."""

from __future__ import annotations

from typing import Any

import pytest

from pw_pipelines.commerce.books import make_books
from pw_pipelines.commerce.books_events import work_events
from pw_pipelines.commerce.payments.events import VerifiedEvent
from pw_pipelines.commerce.payments.inbox import store
from pw_pipelines.commerce.payments.verify import frappe
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.erpnext import Erpnext, ErpnextUnavailable
from pw_pipelines.sandbox.erpnext.webhooks import body_of, signed
from tests.books.making import paid_order, row, states
from tests.commerce.making import NOW
from tests.fixtures_erpnext import Books


def tell(db: Database, books: Books, doctype: str, name: str) -> None:
    """The webhook ERPNext sends of a document, taken into the inbox as the web app does."""
    with books.site.store.transaction() as session:
        body = body_of(session, session.get(doctype, name))
    assert body is not None
    raw, headers = signed(body, "shared")
    with db.connect() as connection:
        store(connection, frappe.verify(raw, headers, secrets=("shared",)), NOW)


def by_hand(books: Books, **fields: Any) -> str:
    """Money that the accountant books in ERPNext."""
    entry = {
        "payment_type": "Receive", "party_type": "Customer", "party": "Ada", "company": "Performance West",
        "paid_from": "Debtors - PW", "paid_to": "Bank - PW", "paid_amount": 199.0, "received_amount": 199.0,
        "paid_from_account_currency": "USD", "reference_no": "cheque 1", "reference_date": "2026-11-22",
        "references": [], **fields,
    }  # fmt: skip
    name = str(books.api.post("/erpnext/api/resource/Payment Entry", json=entry).json()["data"]["name"])
    assert books.api.put(f"/erpnext/api/resource/Payment Entry/{name}", json={"docstatus": 1}).status_code == 200
    return name


def event(db: Database) -> dict[str, Any]:
    return row(db, "select state, outcome from pw.payment_events where provider = 'erpnext'")


def test_our_own_documents_are_known_and_nothing_is_paid_twice(db: Database, books: Books, erpnext: Erpnext) -> None:
    made = make_books(db, erpnext, paid_order(db), NOW).made
    tell(db, books, "Sales Order", made["sales_order"])
    tell(db, books, "Payment Entry", made["payment_entry"])
    tell(db, books, "Payment Entry", made["payment_entry"])  # Frappe repeats itself
    assert work_events(db, erpnext, NOW) == {"ignored": 2}
    assert work_events(db, erpnext, NOW) == {}
    assert row(db, "select count(*)::int as n from pw.payments")["n"] == 1
    assert row(db, "select count(*)::int as n from pw.conversation_flags")["n"] == 0


def test_money_booked_by_hand_pays_no_order_and_is_shown_to_a_person(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    order_id = paid_order(db, wanted=None)
    number = row(db, "select number from pw.orders")["number"]
    name = by_hand(books, custom_order_id=number)
    tell(db, books, "Payment Entry", name)
    assert work_events(db, erpnext, NOW) == {"held": 1}
    flag = row(db, "select order_id, kind, text from pw.conversation_flags")
    assert (flag["order_id"], flag["kind"]) == (order_id, "payment")
    assert f"199.0 USD as {name} for order {number}" in flag["text"]
    assert row(db, "select count(*)::int as n from pw.payments")["n"] == 1


def test_a_replayed_webhook_of_a_cancelled_or_deleted_document_means_nothing(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    cancelled, deleted = by_hand(books), by_hand(books)
    for name in (cancelled, deleted):
        tell(db, books, "Payment Entry", name)
        books.api.put(f"/erpnext/api/resource/Payment Entry/{name}", json={"docstatus": 2})
    books.api.delete(f"/erpnext/api/resource/Payment Entry/{deleted}")
    assert work_events(db, erpnext, NOW) == {"ignored": 2}


def test_an_order_made_in_erpnext_alone_is_none_of_ours(db: Database, books: Books, erpnext: Erpnext) -> None:
    erpnext.create("Customer", {"customer_name": "Ada"})
    order = {"customer": "Ada", "company": "Performance West", "delivery_date": "2099-01-01",
             "items": [{"item_code": "PW-SERVICE", "qty": 1, "rate": 10}]}  # fmt: skip
    alone = erpnext.create("Sales Order", order)["name"]
    strange = erpnext.create("Sales Order", {**order, "custom_order_id": "PW-1999-000001"})["name"]
    for name in (alone, strange):
        tell(db, books, "Sales Order", name)
    assert work_events(db, erpnext, NOW) == {"ignored": 1, "held": 1}


def test_what_is_signed_and_nested_without_end_holds_up_no_other(db: Database, erpnext: Erpnext) -> None:
    with db.connect() as connection:
        store(connection, VerifiedEvent("erpnext", "deep", "order.created", None, b"[" * 100_000), NOW)
    assert work_events(db, erpnext, NOW) == {"ignored": 1}


def test_while_erpnext_is_away_the_event_waits(db: Database, books: Books, erpnext: Erpnext) -> None:
    tell(db, books, "Payment Entry", by_hand(books))
    books.misbehave("status", status=503, times=None)
    with pytest.raises(ErpnextUnavailable):
        work_events(db, erpnext, NOW)
    assert event(db) == {"state": "received", "outcome": None}
    books.faults.clear()
    assert work_events(db, erpnext, NOW) == {"held": 1}


def test_a_payment_that_was_booked_there_first_is_not_booked_again(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    order_id = paid_order(db, wanted="sales_invoice")
    invoice = make_books(db, erpnext, order_id, NOW).made["sales_invoice"]
    entry = by_hand(books, references=[
        {"reference_doctype": "Sales Invoice", "reference_name": invoice, "allocated_amount": 199.0}])  # fmt: skip
    with db.connect() as connection:
        connection.execute("update pw.payments set provider = 'erpnext', reference = %s", (entry,))
        connection.execute(
            "insert into pw.book_entries (order_id, kind, wanted_at) values (%s, 'payment_entry', %s)", (order_id, NOW)
        )
    assert make_books(db, erpnext, order_id, NOW).made == {"payment_entry": entry}
    assert set(states(db, order_id).values()) == {"done"}
    assert len(books.all_of("Payment Entry")) == 1
