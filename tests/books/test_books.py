"""What is wanted for a paid order is made once, of the right amounts, and its names are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from pw_pipelines.commerce.books import look_again, make_books, waiting_orders, want
from pw_pipelines.commerce.books_documents import DOCUMENTS
from pw_pipelines.commerce.quote import Discount
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.resources.erpnext import Erpnext, ErpnextForbidden, ErpnextUnavailable
from pw_pipelines.sandbox.faults import Fault
from pw_pipelines.settings import Settings
from tests.books.making import BIG, LATER, entries, paid_order, row, states, total
from tests.commerce.making import NOW
from tests.fixtures_erpnext import Books

KINDS = ["customer", "sales_order", "sales_invoice", "payment_entry"]
DOCTYPES = ["Customer", "Sales Order", "Sales Invoice", "Payment Entry"]
SUBMITTABLE = ("Sales Order", "Sales Invoice", "Payment Entry")


def whole_and_once(books: Books, amount: Decimal) -> None:
    """One submitted document of each type, all of the same amount, nothing outstanding."""
    for doctype in DOCTYPES:
        found = books.all_of(doctype)
        assert len(found) == 1, doctype
        if doctype in SUBMITTABLE:
            assert found[0]["docstatus"] == 1
            assert Decimal(str(found[0].get("grand_total", found[0].get("paid_amount")))) == amount
    assert books.all_of("Sales Invoice")[0]["outstanding_amount"] == 0


def test_wanting_a_document_wants_those_it_stands_on_and_wanting_again_changes_nothing(db: Database) -> None:
    order_id = paid_order(db, wanted="sales_order")
    assert states(db, order_id) == {"customer": "wanted", "sales_order": "wanted"}
    with db.connect() as connection:
        want(connection, order_id, "payment_entry", now=LATER)
        want(connection, order_id, "customer", now=LATER)
        with pytest.raises(UsageError, match="no document of the books"):
            want(connection, order_id, "delivery_note", now=NOW)
    found = entries(db, order_id)
    assert list(found) == KINDS
    assert (found["customer"]["wanted_at"], found["payment_entry"]["wanted_at"]) == (NOW, LATER)


def test_a_paid_order_becomes_customer_order_invoice_and_payment_to_the_cent(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    with db.connect() as connection:
        connection.execute(
            "insert into pw.discount_codes (code, kind, amount, created_at, created_by) "
            "values ('TEN', 'percent', 10, %s, 'jdoe')",
            (NOW,),
        )
    discount = Discount("TEN", "percent", Decimal(10))
    order_id = paid_order(db, basket=BIG, discount=discount)

    report = make_books(db, erpnext, order_id, LATER)

    assert (list(report.made), report.held) == (KINDS, None)
    whole_and_once(books, total(db, order_id))
    stored = row(db, "select * from pw.compliance_orders where order_id = %s", order_id)
    assert [stored[f"erpnext_{kind}"] for kind in KINDS] == [report.made[kind] for kind in KINDS]
    assert stored["erpnext_synced_at"] == LATER
    assert row(db, "select erpnext_customer from pw.customers")["erpnext_customer"] == report.made["customer"]
    invoice = books.one("Sales Invoice", report.made["sales_invoice"])
    # of the day it was paid (New York), though it was made three days later
    assert (invoice["posting_date"], invoice["due_date"], invoice["status"]) == ("2026-11-22", "2026-11-22", "Paid")
    assert Decimal(str(invoice["discount_amount"])) == -sum(
        Decimal(line["amount"])
        for line in [row(db, "select sum(amount) as amount from pw.order_lines where amount < 0")]
    )
    payment = books.one("Payment Entry", report.made["payment_entry"])
    reference = row(db, "select reference from pw.payments")["reference"]
    assert (payment["reference_no"], payment["custom_payment_ref"]) == (reference, f"stripe:{reference}")
    assert payment["references"][0]["reference_name"] == report.made["sales_invoice"]


def test_walking_again_asks_for_nothing_more(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db)
    make_books(db, erpnext, order_id, NOW)
    before = books.writes()
    assert make_books(db, erpnext, order_id, LATER).made == {}
    assert books.writes() == before
    with db.connect() as connection:
        assert waiting_orders(connection) == []


def test_two_orders_of_one_customer_share_the_customer_and_two_namesakes_do_not(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    first, second, other = paid_order(db), paid_order(db), paid_order(db, email="ada@elsewhere.example")
    names = [make_books(db, erpnext, one, NOW).made["customer"] for one in (first, second, other)]
    assert names == ["Ada", "Ada", "Ada - 1"]
    assert len(books.all_of("Customer")) == 2


def test_the_invoice_waits_until_it_is_told(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db, wanted="sales_order")
    make_books(db, erpnext, order_id, NOW)
    assert books.all_of("Sales Invoice") == []
    with db.connect() as connection:
        want(connection, order_id, "payment_entry", now=NOW)
        assert waiting_orders(connection) == [order_id]
    make_books(db, erpnext, order_id, NOW)
    whole_and_once(books, total(db, order_id))


@pytest.mark.parametrize("old", [False, True], ids=["UniqueValidationError 417", "DuplicateEntryError 409"])
@pytest.mark.parametrize("doctype", DOCTYPES)
def test_an_answer_lost_after_the_deed_is_found_and_not_asked_for_again(
    db: Database, books: Books, settings: Settings, doctype: str, old: bool
) -> None:
    books.behave(old_duplicates=old)
    order_id = paid_order(db)
    key_field = DOCUMENTS[KINDS[DOCTYPES.index(doctype)]].key_field
    with Erpnext(books.settings(settings), sleep=lambda _: None) as erpnext:
        erpnext.demand_unique(doctype, key_field)
        lost = lose_next_creation(books, doctype)
        report = make_books(db, erpnext, order_id, NOW)
    assert (len(lost), list(report.made)) == (1, KINDS)
    assert books.writes()[f"create {doctype}"] == 1
    whole_and_once(books, total(db, order_id))


def lose_next_creation(books: Books, doctype: str) -> list[str]:
    """The next POST to the type is done and its answer lost (searches carry a query). What was hit is listed."""
    take, path = books.faults.take, f"/erpnext/api/resource/{doctype}?"
    hit: list[str] = []

    def only_creations(system: str, address: str) -> Fault | None:
        if address == path and not hit:
            hit.append(address)
            return Fault(system="erpnext", fault="done_but_timeout", seconds=0.0)
        return take(system, address)

    books.faults.take = only_creations  # type: ignore[method-assign]
    return hit


def test_the_answer_to_a_submit_may_be_lost_too(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db)
    books.misbehave("done_but_timeout", match="SAL-ORD", seconds=0.0)
    make_books(db, erpnext, order_id, NOW)
    whole_and_once(books, total(db, order_id))
    assert books.writes()["submit Sales Order"] == 1


@pytest.mark.parametrize("fault", ["status", "html", "cut"])
def test_an_outage_leaves_the_entry_waiting_and_the_next_run_ends_it(
    db: Database, books: Books, erpnext: Erpnext, fault: str
) -> None:
    order_id = paid_order(db)
    books.misbehave(fault, times=None, status=503) if fault == "status" else books.misbehave(fault, times=None)
    with pytest.raises(ErpnextUnavailable):
        make_books(db, erpnext, order_id, NOW)
    assert "held" not in states(db, order_id).values()
    assert entries(db, order_id)["customer"]["last_error"]
    books.faults.clear()
    make_books(db, erpnext, order_id, NOW)
    whole_and_once(books, total(db, order_id))


def test_a_draft_that_somebody_left_is_submitted_not_made_anew(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db, wanted="sales_order")
    books.misbehave("status", match="SAL-ORD", status=503, times=None)  # it is made and cannot be submitted
    with pytest.raises(ErpnextUnavailable):
        make_books(db, erpnext, order_id, NOW)
    assert states(db, order_id)["sales_order"] == "unknown"
    books.faults.clear()
    report = make_books(db, erpnext, order_id, NOW)
    assert [*report.made] == ["sales_order"]
    assert report.made["sales_order"].endswith("-00001")
    assert books.writes()["create Sales Order"] == 1


@pytest.mark.parametrize(
    ("how", "said"),
    [({"tax_percent": 7.25}, "Mend taxes"), ({"bank_currency": "CAD"}, "book it by hand"),
     ({"has_bank_account": False}, "PW_ERPNEXT_BANK_ACCOUNTS")],
)  # fmt: skip
def test_what_does_not_agree_is_held_and_named_and_nothing_of_it_is_submitted(
    db: Database, books: Books, erpnext: Erpnext, how: dict[str, object], said: str
) -> None:
    order_id = paid_order(db)
    books.behave(**how)

    report = make_books(db, erpnext, order_id, NOW)

    assert report.held is not None
    assert said in report.held
    flag = row(db, "select kind, text, order_id from pw.conversation_flags")
    assert (flag["kind"], flag["order_id"], said in flag["text"]) == ("books", order_id, True)
    assert books.all_of("Payment Entry") == []
    with db.connect() as connection:
        assert waiting_orders(connection) == []  # nobody asks until a person has looked


def test_once_mended_it_is_looked_up_and_ended(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db)
    books.behave(tax_percent=7.25)
    make_books(db, erpnext, order_id, NOW)
    books.behave(tax_percent=0.0)
    with db.connect() as connection:
        assert look_again(connection, order_id, by="jdoe", now=LATER) == 1
    make_books(db, erpnext, order_id, LATER)  # the draft is still with tax: held again, for it is never changed by us
    assert states(db, order_id)["sales_order"] == "held"
    name = books.all_of("Sales Order")[0]["name"]
    assert books.api.put(f"/erpnext/api/resource/Sales Order/{name}", json={"po_no": "mended"}).status_code == 200
    with db.connect() as connection:
        look_again(connection, order_id, by="jdoe", now=LATER)
    assert make_books(db, erpnext, order_id, LATER).held is None
    whole_and_once(books, total(db, order_id))
    assert row(db, "select count(*)::int as n from pw.conversation_flags where closed_at is null")["n"] == 0


def test_a_pricing_rule_there_does_not_change_what_the_customer_agreed_to(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    books.behave(pricing_rule_percent=12.5)
    order_id = paid_order(db)
    make_books(db, erpnext, order_id, NOW)
    whole_and_once(books, total(db, order_id))


def test_a_cancelled_document_is_for_a_person(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db, wanted="sales_order")
    make_books(db, erpnext, order_id, NOW)
    name = books.all_of("Sales Order")[0]["name"]
    books.api.put(f"/erpnext/api/resource/Sales Order/{name}", json={"docstatus": 2})
    with db.connect() as connection:
        connection.execute("update pw.book_entries set state = 'unknown', name = null where kind = 'sales_order'")
    report = make_books(db, erpnext, order_id, NOW)
    assert report.held is not None
    assert "was cancelled in ERPNext" in report.held
    assert len(books.all_of("Sales Order")) == 1


def test_money_that_went_back_is_not_booked_as_money_that_came(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db)
    with db.connect() as connection:
        connection.execute("update pw.payments set state = 'refunded'")
    report = make_books(db, erpnext, order_id, NOW)
    assert report.held is not None
    assert "refunded" in report.held
    assert books.all_of("Sales Order") == []


def test_somebody_elses_payment_on_our_invoice_is_seen_before_ours_is_booked(
    db: Database, books: Books, erpnext: Erpnext
) -> None:
    order_id = paid_order(db, wanted="sales_invoice")
    make_books(db, erpnext, order_id, NOW)
    invoice = books.all_of("Sales Invoice")[0]
    entry = {
        "payment_type": "Receive", "party_type": "Customer", "party": invoice["customer"],
        "company": invoice["company"], "paid_from": "Debtors - PW", "paid_to": "Bank - PW",
        "paid_amount": 1.0, "received_amount": 1.0, "reference_no": "cheque", "reference_date": "2026-11-22",
        "references": [
            {"reference_doctype": "Sales Invoice", "reference_name": invoice["name"], "allocated_amount": 1.0}
        ],
    }  # fmt: skip
    made = books.api.post("/erpnext/api/resource/Payment Entry", json=entry).json()["data"]["name"]
    books.api.put(f"/erpnext/api/resource/Payment Entry/{made}", json={"docstatus": 1})
    with db.connect() as connection:
        want(connection, order_id, "payment_entry", now=NOW)
    report = make_books(db, erpnext, order_id, NOW)
    assert report.held is not None
    assert "outstanding" in report.held
    assert len(books.all_of("Payment Entry")) == 1


def test_without_the_unique_field_nothing_is_made(db: Database, books: Books, erpnext: Erpnext) -> None:
    books.behave(unique_fields=False)
    order_id = paid_order(db)
    with pytest.raises(ErpnextForbidden, match="no unique custom field custom_customer_email"):
        make_books(db, erpnext, order_id, NOW)
    assert books.writes() == {}
    assert states(db, order_id)["customer"] == "wanted"


def test_wrong_credentials_change_nothing_and_are_told(db: Database, books: Books, settings: Settings) -> None:
    order_id = paid_order(db)
    wrong = books.settings(settings, erpnext_api_key="nobody")
    with Erpnext(wrong, sleep=lambda _: None) as erpnext, pytest.raises(ErpnextForbidden, match="PW_ERPNEXT_API_KEY"):
        make_books(db, erpnext, order_id, NOW)
    assert states(db, order_id)["customer"] == "wanted"


def test_two_runs_at_once_make_one_of_each(db: Database, books: Books, settings: Settings) -> None:
    ids = [paid_order(db, now=NOW + timedelta(minutes=number)) for number in range(4)]

    def walk(number: int) -> None:
        with Erpnext(books.settings(settings), sleep=lambda _: None) as erpnext:
            make_books(db, erpnext, ids[number % len(ids)], NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(walk, range(12)))
    assert {doctype: len(books.all_of(doctype)) for doctype in DOCTYPES} == {
        "Customer": 1, "Sales Order": 4, "Sales Invoice": 4, "Payment Entry": 4,
    }  # fmt: skip
    assert all(set(states(db, one).values()) == {"done"} for one in ids)
