"""What each provider's word makes of an order: paid once, or held with the reason, and stopped by refunds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pw_pipelines.commerce import orders
from pw_pipelines.errors import OutsideRefused, OutsideUnavailable
from pw_pipelines.sandbox.payments import messages as say
from tests.payments.conftest import NOW, TOTAL, Till, adyen

PAID = [("paid", Decimal("199.00"))]
Cells = dict[str, Any]


def session(till: Till, kind: str, number: str, cents: int = TOTAL, *, livemode: bool = False, **changed: Any) -> Cells:
    event = say.stripe_event(f"checkout.session.{kind}", say.stripe_session(number, cents, **changed), NOW, livemode=livemode)  # fmt: skip  # noqa: E501
    return till.tell("stripe", event)


# -- paid, by the table of the facts ---------------------------------------------------------------------------------


def test_a_paid_session_pays_the_order_and_asks_for_its_books(till: Till) -> None:
    order = till.order()
    event = session(till, "completed", order.number)
    row = till.row(order)
    assert (event["state"], row["status"], till.payments(order)) == ("done", "processing", PAID)
    assert row["paid_at"] is not None
    assert till.ledger(order) == [("payment", Decimal("199.00"))]
    books = till.rows("select kind, state from pw.book_entries order by entry_id")
    assert [(one["kind"], one["state"]) for one in books] == [("customer", "wanted"), ("sales_order", "wanted")]


def test_a_session_without_money_yet_waits_for_the_bank(till: Till) -> None:
    order = till.order()
    done = say.stripe_session(order.number, TOTAL, payment_status="unpaid")
    till.tell("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    assert (till.status(order), till.payments(order)) == ("received", [])
    later = {**done, "payment_status": "paid"}
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_succeeded", later, NOW))
    assert (till.status(order), till.payments(order)) == ("processing", PAID)


def test_the_unpaid_notice_that_comes_last_undoes_nothing(till: Till) -> None:
    order = till.order()
    done = say.stripe_session(order.number, TOTAL)
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_succeeded", done, NOW))
    till.tell("stripe", say.stripe_event("checkout.session.completed", {**done, "payment_status": "unpaid"}, NOW))
    assert (till.status(order), till.payments(order)) == ("processing", PAID)


def test_the_bank_refusing_leaves_the_order_open_and_tells_a_person(till: Till) -> None:
    order = till.order()
    session(till, "async_payment_failed", order.number, payment_status="unpaid")
    assert till.status(order) == "received"
    assert "Ask for another payment" in till.flags(order)[0]
    session(till, "completed", order.number)
    assert till.payments(order) == PAID


@pytest.mark.parametrize("first", ["intent", "session"])
def test_the_same_money_told_twice_by_stripe_pays_once(till: Till, first: str) -> None:
    order = till.order()
    done = say.stripe_session(order.number, TOTAL)
    intent = {"id": done["payment_intent"], "object": "payment_intent", "amount": TOTAL, "currency": "usd",
              "metadata": {"order_number": order.number}}  # fmt: skip
    told = [say.stripe_event("payment_intent.succeeded", intent, NOW),
            say.stripe_event("checkout.session.completed", done, NOW)]  # fmt: skip
    for event in told if first == "intent" else told[::-1]:
        till.tell("stripe", event)
    till.tell("stripe", say.stripe_event("checkout.session.async_payment_succeeded", done, NOW))
    assert (till.payments(order), till.ledger(order)) == (PAID, [("payment", Decimal("199.00"))])


def test_paypal_is_captured_when_approved_and_paid_when_captured(till: Till) -> None:
    order = till.order()
    approved = say.paypal_order(order.number, TOTAL)
    till.tell("paypal", say.paypal_event("CHECKOUT.ORDER.APPROVED", approved, NOW))
    assert (till.status(order), till.captures.taken) == ("received", [(approved["id"], f"capture-{approved['id']}")])
    capture = say.paypal_capture(order.number, TOTAL)
    till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.PENDING", {**capture, "status": "PENDING"}, NOW))
    assert till.payments(order) == []
    till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.COMPLETED", capture, NOW))
    assert (till.status(order), till.payments(order)) == ("processing", PAID)


@pytest.mark.parametrize("cents", [TOTAL - 1, TOTAL + 1])
def test_a_wrong_amount_is_never_captured(till: Till, cents: int) -> None:
    order = till.order()
    event = till.tell("paypal", say.paypal_event("CHECKOUT.ORDER.APPROVED", say.paypal_order(order.number, cents), NOW))
    assert (event["state"], till.status(order), till.captures.taken) == ("held", "held", [])


def test_an_approval_of_a_paid_order_takes_no_second_money(till: Till) -> None:
    order = till.order()
    session(till, "completed", order.number)
    event = till.tell("paypal", say.paypal_event("CHECKOUT.ORDER.APPROVED", say.paypal_order(order.number, TOTAL), NOW))
    assert (event["state"], till.captures.taken, till.status(order)) == ("ignored", [], "processing")


def test_a_capture_that_paypal_does_not_answer_is_tried_again_and_one_it_refuses_is_shown(till: Till) -> None:
    order = till.order()
    till.captures.problem = OutsideUnavailable("PayPal does not answer.")
    event = till.tell("paypal", say.paypal_event("CHECKOUT.ORDER.APPROVED", say.paypal_order(order.number, TOTAL), NOW))
    assert (event["state"], event["attempts"]) == ("received", 1)
    till.captures.problem = OutsideRefused("INSTRUMENT_DECLINED")
    till.work(now=NOW + timedelta(hours=1))
    assert (till.events()[-1]["state"], "INSTRUMENT_DECLINED" in till.flags(order)[0]) == ("held", True)


def test_crypto_in_two_transactions_pays_when_it_is_whole(till: Till) -> None:
    order = till.order()
    till.tell("shkeeper", {"status": "unconfirmed", "external_id": order.number, "crypto": "BTC", "addr": "x",
                           "txid": "t1", "amount": "0.01"})  # fmt: skip
    till.tell("shkeeper", say.shkeeper_callback(order.number, 10_000, TOTAL, txids=["t1"]))
    assert (till.status(order), till.payments(order)) == ("received", [])
    till.tell("shkeeper", say.shkeeper_callback(order.number, TOTAL, TOTAL, txids=["t1", "t2"]))
    assert (till.status(order), till.payments(order)) == ("processing", PAID)
    till.tell("shkeeper", say.shkeeper_callback(order.number, TOTAL + 500, TOTAL, txids=["t1", "t2", "t3"]))
    assert till.payments(order) == [("paid", Decimal("204.00"))]
    assert [amount for _, amount in till.ledger(order)] == [Decimal("199.00"), Decimal("5.00")]
    assert till.events()[-1]["state"] == "held", "somebody must send the rest back"


def test_crypto_that_shkeeper_calls_paid_though_it_is_short_is_held_unless_the_setting_bears_it(
    open_till: Callable[..., Till],
) -> None:
    till = open_till()
    order = till.order()
    short = say.shkeeper_callback(order.number, TOTAL - 199, TOTAL, txids=["t1"], paid=True, status="PAID")
    till.tell("shkeeper", short)
    assert (till.status(order), till.payments(order)[0][0]) == ("held", "surplus")
    till.tell("shkeeper", say.shkeeper_callback(order.number, TOTAL, TOTAL, txids=["t1", "t2"]))
    assert (till.payments(order), till.row(order)["paid_at"] is not None, till.status(order)) == (PAID, True, "held")
    lenient = open_till(shkeeper_short_percent=Decimal(1))
    other = lenient.order()
    lenient.tell("shkeeper", {**short, "external_id": other.number})
    assert lenient.status(other) == "processing"


def test_adyen_pays_at_once_where_it_captures_by_itself(till: Till) -> None:
    order = till.order("cashapp")
    item = say.adyen_item(order.number, TOTAL)
    till.tell("adyen", adyen(item))
    till.tell("adyen", adyen(say.adyen_item(order.number, TOTAL, "CAPTURE", originalReference=item["pspReference"])))
    assert (till.status(order), till.payments(order), till.captures.taken) == ("processing", PAID, [])


def test_klarna_is_no_cash_before_its_capture(till: Till) -> None:
    order = till.order("klarna")
    item = say.adyen_item(order.number, TOTAL)
    till.tell("adyen", adyen(item))
    assert (till.status(order), till.payments(order)) == ("received", [])
    psp = item["pspReference"]
    assert till.captures.taken == [(f"{psp} {TOTAL} USD {order.number}", f"capture-{psp}")]
    till.tell("adyen", adyen(say.adyen_item(order.number, TOTAL, "CAPTURE", originalReference=psp)))
    assert (till.status(order), till.payments(order)) == ("processing", PAID)


def test_a_refused_card_leaves_the_order_open(till: Till) -> None:
    order = till.order()
    event = till.tell("adyen", adyen(say.adyen_item(order.number, TOTAL, success="false", reason="Refused")))
    assert (event["state"], till.status(order), till.flags(order)) == ("done", "received", [])


def test_the_items_of_one_message_are_events_of_their_own(till: Till) -> None:
    one, other = till.order("cashapp"), till.order("cashapp")
    till.tell("adyen", adyen(say.adyen_item(one.number, TOTAL), say.adyen_item(other.number, TOTAL)))
    assert (till.payments(one), till.payments(other), len(till.events())) == (PAID, PAID, 2)


# -- what does not agree ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"cents": TOTAL - 1}, "198.99 USD came, the order is 199.00 USD"),
        ({"cents": TOTAL + 1}, "199.01 USD came"),
        ({"currency": "cad"}, "the order is in USD"),
        ({"livemode": True}, "Stripe's event is of live mode, ours is test mode"),
        ({"cents": 0, "payment_status": "no_payment_required"}, "0.00 USD came"),
    ],
)
def test_money_that_does_not_agree_holds_the_order_with_the_reason(till: Till, changed: Cells, why: str) -> None:
    order = till.order()
    event = session(till, "completed", order.number, **changed)
    assert (event["state"], till.status(order), till.row(order)["paid_at"]) == ("held", "held", None)
    assert why in event["outcome"]
    assert any(why in flag for flag in till.flags(order))
    assert [state for state, _ in till.payments(order) if state != "surplus"] == []


def test_the_right_money_after_the_wrong_one_pays_and_stays_held_for_a_person(till: Till) -> None:
    order = till.order()
    session(till, "completed", order.number, TOTAL - 1)
    session(till, "completed", order.number)
    row = till.row(order)
    assert (row["status"], row["held_from"], row["paid_at"] is not None) == ("held", "processing", True)
    assert till.payments(order) == [("surplus", Decimal("198.99")), ("paid", Decimal("199.00"))]


@pytest.mark.parametrize("change", [{"live": "true"}, {"account": "SomebodyElse"}])
def test_another_merchant_or_environment_of_adyen_pays_nothing(till: Till, change: Cells) -> None:
    order = till.order("cashapp")
    item = say.adyen_item(order.number, TOTAL, merchantAccountCode=change.get("account", "SandboxMerchant"))
    event = till.tell("adyen", adyen(item, live=change.get("live", "false")))
    assert (event["state"], till.payments(order), till.status(order)) == ("held", [], "held")


def test_money_to_another_paypal_merchant_pays_nothing(till: Till) -> None:
    order = till.order()
    capture = say.paypal_capture(order.number, TOTAL, payee={"merchant_id": "OTHER"})
    event = till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.COMPLETED", capture, NOW))
    assert (event["state"], till.payments(order)) == ("held", [])


def test_money_of_a_try_that_was_begun_for_another_order_pays_neither(till: Till) -> None:
    theirs, ours = till.order(), till.order()
    event = say.stripe_event("checkout.session.completed", say.stripe_session(ours.number, TOTAL), NOW)
    with till.db.connect() as connection:
        connection.execute(
            "insert into pw.checkout_sessions (order_id, provider, method, idempotency_key, reference, state, amount,"
            " currency, created_at) values (%s, 'stripe', 'ach', 'k', %s, 'open', 199, 'USD', %s)",
            (theirs.order_id, event["data"]["object"]["id"], NOW),
        )
    assert till.tell("stripe", event)["state"] == "held"
    assert (till.status(theirs), till.status(ours)) == ("received", "held")
    assert till.payments(theirs) + till.payments(ours) == []


def test_money_for_an_order_nobody_knows_is_shown_to_a_person(till: Till) -> None:
    event = session(till, "completed", "PW-2026-999999")
    assert event["state"] == "held"
    assert "no order of ours" in till.flags(None)[0]


def test_a_second_payment_is_a_surplus_and_the_order_goes_on(till: Till) -> None:
    order = till.order()
    session(till, "completed", order.number)
    event = till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.COMPLETED", say.paypal_capture(order.number, TOTAL), NOW))  # fmt: skip  # noqa: E501
    assert till.payments(order) == [*PAID, ("surplus", Decimal("199.00"))]
    assert (event["state"], till.status(order)) == ("held", "processing")
    assert any("paid already" in flag for flag in till.flags(order))


def test_money_for_a_cancelled_order_is_kept_and_shown(till: Till) -> None:
    order = till.order()
    with till.db.connect() as connection:
        orders.cancel(connection, order.order_id, by="jdoe", why="changed their mind", now=NOW)
    event = session(till, "completed", order.number)
    row = till.row(order)
    assert (event["state"], row["status"], row["paid_at"]) == ("held", "held", None)
    assert till.payments(order) == [("surplus", Decimal("199.00"))]


# -- money that goes back --------------------------------------------------------------------------------------------


def paid_by_stripe(till: Till) -> tuple[Any, str]:
    order = till.order()
    done = say.stripe_session(order.number, TOTAL)
    till.tell("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    return order, str(done["payment_intent"])


def refunded(till: Till, number: str, intent: str, cents: int) -> Cells:
    charge = say.stripe_charge(number, TOTAL, intent, refunded=cents)
    return till.tell("stripe", say.stripe_event("charge.refunded", charge, NOW))


def test_a_whole_refund_ends_the_order(till: Till) -> None:
    order, intent = paid_by_stripe(till)
    refunded(till, order.number, intent, TOTAL)
    assert (till.status(order), till.payments(order)) == ("refunded", [("refunded", Decimal("199.00"))])
    assert sum(amount for _, amount in till.ledger(order)) == 0


def test_partial_refunds_in_any_order_add_up_once_and_stop_the_work(till: Till) -> None:
    order, intent = paid_by_stripe(till)
    refunded(till, order.number, intent, 5_000)
    assert (till.status(order), till.payments(order)[0][0]) == ("held", "partly_refunded")
    refunded(till, order.number, intent, 2_000)  # told late: the 50.00 had this in it
    refunded(till, order.number, intent, 5_000)
    assert sum(amount for _, amount in till.ledger(order)) == Decimal("149.00")
    refunded(till, order.number, intent, TOTAL)
    assert (till.status(order), sum(amount for _, amount in till.ledger(order))) == ("refunded", 0)


def test_a_refund_of_what_is_filed_already_changes_no_filing_but_is_booked(till: Till) -> None:
    order, intent = paid_by_stripe(till)
    with till.db.connect() as connection:
        for status in ("submitted", "filed"):
            orders.change(connection, order.order_id, status, by="test", why="on", now=NOW)  # type: ignore[arg-type]
    refunded(till, order.number, intent, 5_000)
    assert (till.status(order), till.ledger(order)[-1]) == ("filed", ("refund", Decimal("-50.00")))
    assert till.flags(order)


def test_a_refund_told_before_its_payment_waits_and_nothing_is_filed_meanwhile(till: Till) -> None:
    order = till.order()
    done = say.stripe_session(order.number, TOTAL)
    event = refunded(till, order.number, done["payment_intent"], TOTAL)
    assert (event["state"], event["attempts"], till.status(order)) == ("received", 1, "held")
    till.tell("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    till.work(now=NOW + timedelta(hours=1))
    assert (till.status(order), till.payments(order)[0][0]) == ("refunded", "refunded")


def test_a_refund_whose_payment_never_comes_is_held_after_a_day(till: Till) -> None:
    refunded(till, "PW-2026-999999", "pi_nobody", 100)
    for hour in range(0, 60, 2):
        till.work(now=NOW + timedelta(hours=hour))
    assert till.events()[-1]["state"] == "held"
    assert till.flags(None)


def test_a_dispute_stops_the_work_and_a_won_one_leaves_it_to_a_person(till: Till) -> None:
    order, intent = paid_by_stripe(till)
    dispute = say.stripe_dispute(TOTAL, intent)
    till.tell("stripe", say.stripe_event("charge.dispute.created", dispute, NOW))
    assert (till.status(order), till.payments(order)[0][0]) == ("held", "disputed")
    won = {**dispute, "status": "won"}
    till.tell("stripe", say.stripe_event("charge.dispute.closed", won, NOW))
    till.tell("stripe", say.stripe_event("charge.dispute.created", dispute, NOW))
    assert (till.status(order), till.payments(order)[0][0]) == ("held", "paid")
    assert [kind for kind, _ in till.ledger(order)] == ["payment", "dispute", "dispute_won"]


def test_a_question_of_the_bank_only_stops_and_the_withdrawal_after_it_counts_once(till: Till) -> None:
    order, intent = paid_by_stripe(till)
    asks = say.stripe_dispute(TOTAL, intent, status="warning_needs_response")
    till.tell("stripe", say.stripe_event("charge.dispute.created", asks, NOW))
    assert (till.status(order), till.ledger(order)) == ("held", [("payment", Decimal("199.00"))])
    taken = {**asks, "status": "needs_response"}
    for kind in ("funds_withdrawn", "created"):
        till.tell("stripe", say.stripe_event(f"charge.dispute.{kind}", taken, NOW))
    assert (till.payments(order)[0][0], sum(amount for _, amount in till.ledger(order))) == ("disputed", 0)


def test_a_dispute_told_after_it_was_won_counts_once(till: Till) -> None:
    order, intent = paid_by_stripe(till)
    dispute = say.stripe_dispute(TOTAL, intent)
    till.tell("stripe", say.stripe_event("charge.dispute.closed", {**dispute, "status": "won"}, NOW))
    till.tell("stripe", say.stripe_event("charge.dispute.created", dispute, NOW))
    assert sum(amount for _, amount in till.ledger(order)) == Decimal("199.00")
    assert till.payments(order) == PAID


def test_refunds_and_chargebacks_of_adyen_and_paypal_find_their_payment(till: Till) -> None:
    one, other = till.order("cashapp"), till.order()
    item = say.adyen_item(one.number, TOTAL)
    capture = say.paypal_capture(other.number, TOTAL)
    till.tell("adyen", adyen(item))
    till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.COMPLETED", capture, NOW))
    psp = item["pspReference"]
    till.tell("adyen", adyen(say.adyen_item(one.number, 900, "REFUND", originalReference=psp)))
    till.tell("adyen", adyen(say.adyen_item(one.number, 100, "REFUND", originalReference=psp)))
    till.tell("paypal", say.paypal_event("PAYMENT.CAPTURE.REFUNDED", say.paypal_refund(other.number, TOTAL, capture["id"]), NOW))  # fmt: skip  # noqa: E501
    assert sum(amount for _, amount in till.ledger(one)) == Decimal("189.00")
    assert (till.status(one), till.status(other)) == ("held", "refunded")
    till.tell("adyen", adyen(say.adyen_item(one.number, TOTAL, "CHARGEBACK", originalReference=psp)))
    assert till.payments(one)[0][0] == "disputed"


def test_more_than_came_cannot_go_back(till: Till) -> None:
    order = till.order("cashapp")
    item = say.adyen_item(order.number, TOTAL)
    till.tell("adyen", adyen(item))
    more = say.adyen_item(order.number, TOTAL + 1, "REFUND", originalReference=item["pspReference"])
    event = till.tell("adyen", adyen(more))
    assert (event["state"], till.status(order), till.ledger(order)) == ("held", "held", [("payment", Decimal("199.00"))])  # fmt: skip  # noqa: E501


def test_one_event_that_breaks_holds_up_no_other(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = till.order(), till.order()
    honest = orders.change

    def breaks(connection: Any, order_id: int, *rest: Any, **more: Any) -> None:
        if order_id == one.order_id:
            raise ZeroDivisionError("a mistake of ours")
        honest(connection, order_id, *rest, **more)

    monkeypatch.setattr(orders, "change", breaks)
    for order in (one, other):
        done = say.stripe_session(order.number, TOTAL)
        till.deliver("stripe", say.stripe_event("checkout.session.completed", done, NOW))
    tally = till.work()
    assert (till.payments(one), till.payments(other)) == ([], PAID)
    assert [type(error) for error in (tally.failures or {}).values()] == [ZeroDivisionError]
    monkeypatch.undo()
    till.work(now=NOW + timedelta(hours=1))
    assert till.payments(one) == PAID
