"""The three proofs: paid orders stand somewhere, the ledger is what the providers said, ERPNext agrees to the cent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pw_pipelines.commerce import books_agree, ledger_agree
from pw_pipelines.commerce.books import make_books
from pw_pipelines.commerce.order_notices import held_books, untold_orders
from pw_pipelines.commerce.order_states import order_states
from pw_pipelines.commerce.orders import PlacedOrder, hold
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.erpnext import Erpnext, ErpnextUnavailable
from pw_pipelines.sandbox.payments import messages as say
from tests.books.making import paid_order
from tests.commerce.making import CPNI, NOW, ordered, walk
from tests.fixtures_erpnext import Books
from tests.payments.conftest import TOTAL, Till


def ledger(till: Till) -> ledger_agree.LedgerAgreement:
    with till.db.connect() as connection:
        return ledger_agree.compare(connection, ground_of(till.settings))


def execute(db: Database, statement: str, *values: Any) -> None:
    with db.connect() as connection:
        connection.execute(statement, values)


def pay_by_stripe(till: Till, order: PlacedOrder) -> str:
    """A whole payment, told by three events and one of them twice; the payment intent."""
    session = say.stripe_session(order.number, TOTAL)
    intent = {"id": session["payment_intent"], "metadata": {"order_number": order.number}, "amount": TOTAL}
    done = say.stripe_event("checkout.session.completed", session, NOW)
    for body in (done, say.stripe_event("payment_intent.succeeded", intent, NOW), done):
        till.tell("stripe", body)
    return str(session["payment_intent"])


def test_the_ledger_is_what_was_said_however_often_and_in_whatever_order(till: Till) -> None:
    stripe, crypto = till.order(), till.order("crypto")
    intent = pay_by_stripe(till, stripe)
    charge = say.stripe_charge(stripe.number, TOTAL, intent, refunded=5_000)
    till.tell("stripe", say.stripe_event("charge.refunded", charge, NOW))
    till.tell("shkeeper", say.shkeeper_callback(crypto.number, 9_900, TOTAL, txids=["a"]))
    till.tell("shkeeper", say.shkeeper_callback(crypto.number, TOTAL, TOTAL, txids=["a", "b"]))
    agreement = ledger(till)
    assert agreement.differences == ()
    assert agreement.amount == {"USD": Decimal("348.00")}
    assert agreement.entries == 3


def test_money_of_a_wrong_amount_is_in_the_ledger_and_still_agrees(till: Till) -> None:
    order = till.order()
    till.tell("stripe", say.stripe_event("checkout.session.completed", say.stripe_session(order.number, 100), NOW))
    assert till.status(order) == "held"
    assert (ledger(till).differences, ledger(till).amount) == ((), {"USD": Decimal("1.00")})


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update pw.money_ledger set amount = amount + 0.01", "no event says so"),
        ("update pw.payments set amount = amount - 0.01", "its entries"),
        ("delete from pw.money_ledger", "came and the ledger has 0"),
    ],
)
def test_a_cent_too_much_too_little_or_missing_is_seen(till: Till, statement: str, said: str) -> None:
    pay_by_stripe(till, till.order())
    execute(till.db, statement)
    assert said in " ".join(ledger(till).differences)


def test_a_refund_that_was_not_entered_is_seen(till: Till) -> None:
    order = till.order()
    charge = say.stripe_charge(order.number, TOTAL, pay_by_stripe(till, order), refunded=TOTAL)
    till.tell("stripe", say.stripe_event("charge.refunded", charge, NOW))
    execute(till.db, "delete from pw.money_ledger where kind = 'refund'")
    assert "of refund, the ledger 0" in " ".join(ledger(till).differences)


def test_every_paid_order_stands_delivered_in_work_held_or_refunded(db: Database) -> None:
    delivered, working, held, refunded = (paid_order(db, wanted=None) for _ in range(4))
    with db.connect() as connection:
        walk(connection, delivered, "submitted", "filed", "delivered")
        walk(connection, refunded, "refunded")
        hold(connection, held, by="test", why="doubt", now=NOW)
        ordered(connection, CPNI)  # unpaid: counts nowhere
    with db.connect() as connection:
        (states,) = order_states(connection)
    assert states.is_whole
    assert (states.paid, states.delivered, states.in_work, states.held, states.refunded) == (4, 1, 1, 1, 1)
    assert states.sentence.startswith("USD: 4 paid (796.00) = 1 delivered + 1 in work + 1 held + 1 refunded")
    execute(db, "update pw.payments set state = 'surplus' where order_id = %s", working)
    with db.connect() as connection:
        assert not order_states(connection)[0].is_whole  # called paid, and nothing pays it


def agreement_of(db: Database, erpnext: Erpnext) -> books_agree.Agreement:
    with db.connect() as connection:
        return books_agree.compare(connection, erpnext)


def test_the_books_agree_to_the_cent(db: Database, books: Books, erpnext: Erpnext) -> None:
    ids = [paid_order(db, now=NOW + timedelta(minutes=number)) for number in range(3)]
    waiting = paid_order(db, wanted="sales_order")
    for one in ids:
        make_books(db, erpnext, one, NOW)
    found = agreement_of(db, erpnext)
    assert (found.is_whole, found.documents, found.waiting, found.held) == (True, 9, 1, 0)
    assert found.amount == {"USD": Decimal("597.00")}
    make_books(db, erpnext, waiting, NOW)
    assert agreement_of(db, erpnext).documents == 10
    assert books.writes()["create Payment Entry"] == 3


def test_a_cent_a_cancellation_a_stranger_and_a_loss_are_named(db: Database, books: Books, erpnext: Erpnext) -> None:
    for number in range(4):
        make_books(db, erpnext, paid_order(db, now=NOW + timedelta(minutes=number)), NOW)
    dearer, cancelled, lost, copied = sorted(one["name"] for one in books.all_of("Sales Order"))
    with books.site.store.transaction() as session:
        stored = session.get("Sales Order", dearer)
        session.update({**stored, "grand_total": stored["grand_total"] + 0.01})
        session.update({**session.get("Sales Order", cancelled), "docstatus": 2})
        session.delete(session.get("Sales Order", lost))
        session.insert({**session.get("Sales Order", copied), "name": "SAL-ORD-TWICE"})
    told = " ".join(agreement_of(db, erpnext).differences)
    assert f"Sales Order {dearer} of PW-2026-000001 is 199.01 USD there and 199.00 USD here." in told
    assert f"{cancelled} of PW-2026-000002 is not submitted" in told
    assert f"{lost} of PW-2026-000003 is not in ERPNext" in told
    assert "SAL-ORD-TWICE has our key PW-2026-000004 and is not in our books." in told


def test_no_answer_is_not_agreement(db: Database, books: Books, erpnext: Erpnext) -> None:
    make_books(db, erpnext, paid_order(db), NOW)
    books.misbehave("status", status=502, times=None)
    with pytest.raises(ErpnextUnavailable):
        agreement_of(db, erpnext)


def test_a_paid_order_is_told_without_anybodys_name(db: Database, books: Books, erpnext: Erpnext) -> None:
    order_id = paid_order(db)
    books.behave(tax_percent=5.0)
    make_books(db, erpnext, order_id, NOW)
    with db.connect() as connection:
        (paid,) = untold_orders(connection, NOW)
        (held,) = held_books(connection)
        assert untold_orders(connection, NOW + timedelta(days=15)) == []
    assert paid.text == "Paid: PW-2026-000001, 199.00 USD by ach: cpni_certification"
    assert (paid.key, held.key) == ("order:PW-2026-000001:paid", "order:PW-2026-000001:books:sales_order:1")
    assert "Ada" not in paid.text + held.text
    assert "@" not in paid.text + held.text
