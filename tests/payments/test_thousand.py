"""A thousand deliveries, eight at a time: twice, shuffled, replayed, forged, with wrong amounts, in wrong states."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.sandbox.payments import messages as say
from tests.payments.conftest import NOW, TOTAL, Till, adyen

CLIENTS = 8
ORDERS = 240
DELIVERIES = 1_000
Cells = dict[str, Any]


@dataclass
class Plan:
    """Deliveries with the code each must be answered with, and what must be true in the end."""

    deliveries: list[tuple[str, bytes, dict[str, str], int]] = field(default_factory=list)
    paid: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    untouched: set[int] = field(default_factory=set)


GOOD = {"stripe": 200, "paypal": 200, "shkeeper": 202, "adyen": 202}


def truly_paid(provider: str, number: str) -> list[Cells]:
    """What a provider tells of one whole payment."""
    if provider == "stripe":
        done = say.stripe_session(number, TOTAL)
        intent = {"id": done["payment_intent"], "metadata": {"order_number": number}, "amount": TOTAL}
        waiting = {**done, "payment_status": "unpaid"}
        return [
            say.stripe_event("checkout.session.completed", waiting, NOW),
            say.stripe_event("payment_intent.succeeded", intent, NOW),
            say.stripe_event("checkout.session.async_payment_succeeded", done, NOW),
        ]
    if provider == "paypal":
        capture = say.paypal_capture(number, TOTAL)
        return [
            say.paypal_event("CHECKOUT.ORDER.APPROVED", say.paypal_order(number, TOTAL), NOW),
            say.paypal_event("PAYMENT.CAPTURE.PENDING", capture, NOW),
            say.paypal_event("PAYMENT.CAPTURE.COMPLETED", capture, NOW),
        ]
    if provider == "shkeeper":
        return [
            {"status": "unconfirmed", "external_id": number, "crypto": "BTC", "txid": f"{number}a", "amount": "1"},
            say.shkeeper_callback(number, 9_900, TOTAL, txids=[f"{number}a"]),
            say.shkeeper_callback(number, TOTAL, TOTAL, txids=[f"{number}a", f"{number}b"]),
        ]
    item = say.adyen_item(number, TOTAL)
    capture = say.adyen_item(number, TOTAL, "CAPTURE", originalReference=item["pspReference"])
    refused = say.adyen_item(number, TOTAL, success="false")
    return [adyen(refused), adyen(item), adyen(capture)]


def wrong_amount(provider: str, number: str) -> list[Cells]:
    cents = TOTAL - 1_000
    if provider == "stripe":
        return [say.stripe_event("checkout.session.completed", say.stripe_session(number, cents), NOW)]
    if provider == "paypal":
        return [say.paypal_event("PAYMENT.CAPTURE.COMPLETED", say.paypal_capture(number, cents), NOW)]
    if provider == "shkeeper":
        callback = say.shkeeper_callback(number, cents, TOTAL, txids=[f"{number}w"], paid=True, status="PAID")
        return [callback]
    return [adyen(say.adyen_item(number, cents))]


def wrong_state(provider: str, number: str) -> list[Cells]:
    """Everything that looks like money and is none."""
    if provider == "stripe":
        done = say.stripe_session(number, TOTAL, payment_status="unpaid")
        return [say.stripe_event("checkout.session.completed", done, NOW),
                say.stripe_event("payment_intent.processing", {"id": done["payment_intent"]}, NOW),
                say.stripe_event("checkout.session.expired", done, NOW)]  # fmt: skip
    if provider == "paypal":
        capture = say.paypal_capture(number, TOTAL)
        return [say.paypal_event("PAYMENT.CAPTURE.PENDING", capture, NOW),
                say.paypal_event("PAYMENT.CAPTURE.DENIED", capture, NOW)]  # fmt: skip
    if provider == "shkeeper":
        return [say.shkeeper_callback(number, 9_900, TOTAL, txids=[f"{number}p"])]
    return [adyen(say.adyen_item(number, TOTAL, success="false"), say.adyen_item(number, TOTAL, "OFFER_CLOSED"))]


def make_plan(till: Till, orders: list[PlacedOrder], dice: random.Random) -> Plan:
    plan = Plan()

    def say_it(provider: str, body: Cells, code: int | None = None, **signing: Any) -> None:
        raw, headers = till.signed(provider, body, **signing)
        plan.deliveries.append((provider, raw, headers, code or GOOD[provider]))

    kinds = {truly_paid: plan.paid, wrong_amount: plan.doubtful, wrong_state: plan.untouched}
    for position, order in enumerate(orders):
        provider = dice.choice(list(GOOD))
        make = truly_paid if position % 2 else dice.choice([wrong_amount, wrong_state])
        kinds[make].add(order.order_id)
        for body in make(provider, order.number):
            for _ in range(dice.choice([1, 1, 1, 2])):  # sent again, signed anew
                say_it(provider, body)
    honest = list(plan.deliveries)
    for _ in range(60):
        plan.deliveries.append(dice.choice(honest))  # replayed, byte for byte
    victims = [order.number for order in orders if order.order_id in plan.untouched]
    for position in range(90):
        provider = dice.choice(list(GOOD))
        body = truly_paid(provider, dice.choice(victims))[-1]
        raw, headers = till.signed(provider, body)
        if provider in ("stripe", "shkeeper") and position % 3 == 0:  # real, but of yesterday
            say_it(provider, body, 400, at=NOW - timedelta(minutes=6))
        elif position % 2:  # a byte changed on the way
            at = raw.rindex(b"9900") if b"9900" in raw else raw.rindex(b"99.00")
            plan.deliveries.append((provider, raw[:at] + b"8" + raw[at + 1 :], headers, 400))
        else:  # no signature at all
            bare = {name: value for name, value in headers.items() if name == "Content-Type"}
            unsigned = raw.replace(b"hmacSignature", b"hmacSignatur_")
            plan.deliveries.append((provider, unsigned, bare, 400))
    while len(plan.deliveries) < DELIVERIES:
        provider = dice.choice(list(GOOD))
        say_it(provider, truly_paid(provider, f"PW-1999-{len(plan.deliveries):06d}")[-1])
    dice.shuffle(plan.deliveries)
    return plan


def test_every_truly_paid_order_is_paid_once_and_nothing_else_is(till: Till) -> None:
    dice = random.Random(4)
    orders = [till.order("cashapp") for _ in range(ORDERS)]
    plan = make_plan(till, orders, dice)
    assert len(plan.deliveries) >= DELIVERIES
    stop = threading.Event()

    def keep_working() -> None:
        while not stop.is_set():
            assert not till.work().failures

    with ThreadPoolExecutor(CLIENTS + 2) as people:
        workers = [people.submit(keep_working) for _ in range(2)]  # two at once, as two runs might be
        codes = list(people.map(lambda one: till.post(*one[:3]), plan.deliveries))
        stop.set()
        for worker in workers:
            worker.result()
    assert not till.work().failures

    wrong = [(one[0], one[3], code) for one, code in zip(plan.deliveries, codes, strict=True) if one[3] != code]
    assert wrong == [], "every reply code is right"
    rows = {row["order_id"]: row for row in till.rows("select * from pw.orders")}
    paying = till.rows("select order_id, count(*) as n, sum(amount) as total from pw.payments where state <> 'surplus' group by 1")  # fmt: skip  # noqa: E501
    assert {row["order_id"]: (row["n"], row["total"]) for row in paying} == {
        order_id: (1, Decimal("199.00")) for order_id in plan.paid
    }
    assert {order_id for order_id, row in rows.items() if row["paid_at"] is not None} == plan.paid
    assert {rows[order_id]["status"] for order_id in plan.paid} == {"processing"}
    assert {rows[order_id]["status"] for order_id in plan.doubtful} == {"held"}
    assert {rows[order_id]["status"] for order_id in plan.untouched} == {"received"}
    [books] = till.rows("select sum(amount) as money, count(distinct payment_id) as n from pw.money_ledger")
    [kept] = till.rows("select sum(amount) as money, count(*) as n from pw.payments")
    assert books == kept, "the ledger is what came"
    [waiting] = till.rows("select count(*) as n from pw.payment_events where state = 'received'")
    assert waiting["n"] == 0
    [stored] = till.rows("select sum(deliveries) as n from pw.payment_events")
    acknowledged = sum(
        2 if one[0] == "adyen" and b"OFFER_CLOSED" in one[1] else 1
        for one, code in zip(plan.deliveries, codes, strict=True)
        if code < 300
    )
    assert stored["n"] == acknowledged, "nothing acknowledged is missing"
