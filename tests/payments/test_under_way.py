"""While money may be on its way to an order, nothing else is taken for it, and it does not expire."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pw_pipelines.commerce.expiry import expire_unpaid
from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.commerce.payments import settling
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.commerce.payments.payable import payable
from pw_pipelines.commerce.payments.sessions import begin
from pw_pipelines.commerce.payments.under_way import SILENCE, hold_what_is_silent, under_way
from pw_pipelines.errors import OutsideRefused, OutsideUnavailable, UsageError
from pw_pipelines.resources.payment_calls import Asked, Opened
from pw_pipelines.sandbox.payments import messages as say
from tests.payments.conftest import NOW, TOTAL, Till, adyen

Cells = dict[str, Any]
MONTHS = timedelta(days=60)


class Counter:
    """Opens tries to pay, and counts them."""

    def __init__(self) -> None:
        self.opened = 0

    def open(self, provider: str, asked: Asked) -> Opened:
        self.opened += 1
        return Opened(f"try-{asked.key}", "https://pay.example/", None)


def takes(till: Till, order: PlacedOrder) -> bool:
    """Whether the order can be paid by its own word; a try to pay it must say the same."""
    row, counter = till.row(order), Counter()
    with till.db.connect() as connection:
        found = payable(connection, number=order.number, status=row["status"], paid_at=row["paid_at"])
    try:
        begin(till.db, order.order_id, clients=counter, return_url="x", cancel_url="y", now=lambda: NOW)
    except UsageError:
        assert counter.opened == 0
        assert not found.can_be_paid
    else:
        assert found.can_be_paid
    return found.can_be_paid


def kinds(till: Till, order: PlacedOrder) -> list[str]:
    with till.db.connect() as connection:
        return [one.kind for one in under_way(connection, order.number)]


def expired(till: Till, now: datetime) -> list[int]:
    with till.db.connect() as connection:
        return expire_unpaid(connection, days=30, now=now)


def looked_over(till: Till, now: datetime) -> list[int]:
    with till.db.connect() as connection:
        return hold_what_is_silent(connection, now)


def settled(till: Till, deed: str, event_id: int) -> None:
    common: Cells = {"why": "seen there", "by": "ann", "ground": ground_of(till.settings), "now": NOW}
    with till.db.connect() as connection:
        if deed == "ignored":
            settling.ignore(connection, event_id, **common)
        else:
            settling.refunded_by_hand(connection, event_id, reference="re_1", **common)


def transfer(till: Till, order: PlacedOrder) -> Cells:
    """The customer went through Stripe's page; the bank has not paid yet."""
    done = say.stripe_session(order.number, TOTAL, payment_status="unpaid")
    till.tell("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    return done


def begun(till: Till, order: PlacedOrder, done: Cells) -> None:
    """The try to pay that the session is of, as `begin` keeps it."""
    with till.db.connect() as connection:
        connection.execute(
            "insert into pw.checkout_sessions (order_id, provider, method, idempotency_key, reference, pay_url, state,"
            " amount, currency, created_at, expires_at) values (%s, 'stripe', 'ach', %s, %s, 'https://pay.example/',"
            " 'open', 199, 'USD', %s, %s)",
            (order.order_id, f"{order.number}-1", done["id"], NOW, NOW + timedelta(hours=24)),
        )


# -- Stripe ----------------------------------------------------------------------------------------------------------


def test_a_transfer_under_way_is_not_paid_a_second_time(till: Till) -> None:
    order = till.order()
    assert takes(till, order)
    done = transfer(till, order)
    assert (kinds(till, order), takes(till, order)) == (["transfer"], False)
    later = {**done, "payment_status": "paid"}
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_succeeded", later, NOW))
    assert (kinds(till, order), till.payments(order)) == ([], [("paid", Decimal("199.00"))])


@pytest.mark.parametrize("order_of_words", [(0, 1), (1, 0)])
def test_a_transfer_that_failed_leaves_the_order_to_be_paid_whichever_word_comes_first(
    till: Till, order_of_words: tuple[int, int]
) -> None:
    order = till.order()
    done = say.stripe_session(order.number, TOTAL, payment_status="unpaid")
    begun(till, order, done)
    told = [
        say.stripe_event("checkout.session.completed", done, NOW),
        say.stripe_event("checkout.session.async_payment_failed", done, NOW),
    ]
    for place in order_of_words:
        till.tell("stripe", told[place])
    assert (kinds(till, order), takes(till, order)) == ([], True)
    states = [row["state"] for row in till.rows("select state from pw.checkout_sessions order by session_id")]
    assert states == ["failed", "open"], "the next try is another one"


def test_a_failed_try_is_not_the_end_of_another_one(till: Till) -> None:
    order = till.order()
    transfer(till, order)
    other = say.stripe_session(order.number, TOTAL, payment_status="unpaid")
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_failed", other, NOW))
    assert not takes(till, order)


def test_what_was_told_and_is_not_worked_yet_counts_already(till: Till) -> None:
    order = till.order()
    till.deliver("stripe", say.stripe_event("checkout.session.completed", say.stripe_session(order.number, TOTAL), NOW))
    assert (kinds(till, order), takes(till, order)) == (["taking"], False)


# -- the other providers ---------------------------------------------------------------------------------------------


def test_paypal_is_under_way_from_the_approval_to_the_end_of_its_capture(till: Till) -> None:
    order = till.order("paypal")
    approved = say.paypal_order(order.number, TOTAL)
    capture = say.paypal_capture(order.number, TOTAL, supplementary_data={"related_ids": {"order_id": approved["id"]}})
    till.tell("paypal", say.paypal_event("CHECKOUT.ORDER.APPROVED", approved, NOW))
    assert (kinds(till, order), takes(till, order)) == (["taking"], False)
    till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.PENDING", {**capture, "status": "PENDING"}, NOW))
    assert (kinds(till, order), takes(till, order)) == (["taking", "transfer"], False)
    till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.DENIED", {**capture, "status": "DENIED"}, NOW))
    assert (kinds(till, order), takes(till, order)) == ([], True)


def test_paypal_that_does_not_answer_may_take_the_money_yet_and_what_it_refused_is_not_taken(till: Till) -> None:
    order = till.order("paypal")
    till.captures.problem = OutsideUnavailable("PayPal does not answer.")
    till.tell("paypal", say.paypal_event("CHECKOUT.ORDER.APPROVED", say.paypal_order(order.number, TOTAL), NOW))
    assert not takes(till, order)
    till.captures.problem = OutsideRefused("INSTRUMENT_DECLINED")
    till.work(now=NOW + timedelta(hours=1))
    assert takes(till, order)


def test_crypto_that_is_seen_or_came_in_part_takes_no_second_payment(till: Till) -> None:
    order = till.order("crypto")
    till.tell("shkeeper", {"status": "unconfirmed", "external_id": order.number, "crypto": "BTC", "addr": "x",
                           "txid": "t1", "amount": "0.01"})  # fmt: skip
    assert (kinds(till, order), takes(till, order)) == (["transfer"], False)
    till.tell("shkeeper", say.shkeeper_callback(order.number, 10_000, TOTAL, txids=["t1"]))
    assert (kinds(till, order)[-1], takes(till, order)) == ("part", False)
    till.tell("shkeeper", say.shkeeper_callback(order.number, TOTAL, TOTAL, txids=["t1", "t2"]))
    assert (kinds(till, order), till.payments(order)) == ([], [("paid", Decimal("199.00"))])


def test_new_crypto_after_what_a_person_settled_is_under_way_again(till: Till) -> None:
    order = till.order("crypto")
    short = say.shkeeper_callback(order.number, 100, TOTAL, txids=["t1"], paid=True, status="PAID")
    event = till.tell("shkeeper", short)
    settled(till, "refunded", event["event_id"])
    assert (till.status(order), takes(till, order)) == ("received", True)
    till.tell("shkeeper", {"status": "unconfirmed", "external_id": order.number, "crypto": "BTC", "addr": "x",
                           "txid": "t2", "amount": "0.01"})  # fmt: skip
    assert not takes(till, order)


def test_what_adyen_promised_is_under_way_until_its_capture_or_its_end(till: Till) -> None:
    order, other = till.order("klarna"), till.order("klarna")
    till.tell("adyen", adyen(say.adyen_item(order.number, TOTAL)))
    assert (kinds(till, order), takes(till, order), takes(till, other)) == (["taking"], False, True)
    refused = say.adyen_item(other.number, TOTAL, success="false", reason="Refused")
    till.tell("adyen", adyen(refused))
    assert takes(till, other)
    gone = till.order("klarna")
    item = say.adyen_item(gone.number, TOTAL)
    till.tell("adyen", adyen(item))
    till.tell(
        "adyen", adyen(say.adyen_item(gone.number, TOTAL, "CANCELLATION", originalReference=item["pspReference"]))
    )
    assert kinds(till, gone) == []


# -- how long --------------------------------------------------------------------------------------------------------


def test_an_order_whose_transfer_is_under_way_does_not_expire_while_it_is(till: Till) -> None:
    order, other = till.order(), till.order()
    done = transfer(till, order)
    assert expired(till, NOW + MONTHS) == [other.order_id]
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_failed", done, NOW))
    assert expired(till, NOW + MONTHS) == [order.order_id]


def test_a_transfer_of_which_nothing_is_heard_is_put_before_a_person_who_makes_the_order_payable_again(
    till: Till,
) -> None:
    order = till.order()
    begun(till, order, transfer(till, order))
    assert looked_over(till, NOW + SILENCE["transfer"] - timedelta(hours=1)) == []
    [event] = looked_over(till, NOW + SILENCE["transfer"] + timedelta(hours=1))
    assert looked_over(till, NOW + MONTHS) == [], "once"
    assert (till.events()[-1]["state"], till.status(order), takes(till, order)) == ("held", "received", False)
    assert any("Nothing more was heard" in flag for flag in till.flags(order))
    settled(till, "ignored", event)
    assert takes(till, order)
    states = [row["state"] for row in till.rows("select state from pw.checkout_sessions order by session_id")]
    assert states == ["failed", "open"], "nobody is sent to a page they are through with"
    assert till.rows("select from pw.conversation_flags where closed_at is null") == []


def test_a_provider_that_speaks_again_takes_it_off_the_persons_list(till: Till) -> None:
    order = till.order()
    done = transfer(till, order)
    looked_over(till, NOW + MONTHS)
    later = {**done, "payment_status": "paid"}
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_succeeded", later, NOW))
    assert till.status(order) == "processing"
    assert {event["state"] for event in till.events()} == {"done"}
    assert till.rows("select from pw.conversation_flags where closed_at is null") == []


def test_a_promise_that_fell_silent_is_still_a_promise_until_a_person_says_otherwise(till: Till) -> None:
    order = till.order("klarna")
    till.tell("adyen", adyen(say.adyen_item(order.number, TOTAL)))
    [event] = looked_over(till, NOW + timedelta(days=2))
    assert not takes(till, order)
    settled(till, "refunded", event)
    assert takes(till, order)


# -- too little came -------------------------------------------------------------------------------------------------


def test_an_order_whose_wrong_money_was_refunded_by_hand_can_be_paid_again(till: Till) -> None:
    order = till.order()
    wrong = say.stripe_session(order.number, 100)
    event = till.tell("stripe", say.stripe_event("checkout.session.completed", wrong, NOW))
    assert (till.status(order), takes(till, order)) == ("held", False)
    settled(till, "refunded", event["event_id"])
    assert (till.status(order), till.payments(order), takes(till, order)) == (
        "received", [("surplus", Decimal("1.00"))], True,
    )  # fmt: skip
