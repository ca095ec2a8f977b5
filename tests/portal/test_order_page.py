"""An order's page: paying once, waiting, expiry, and who may see it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from pw_pipelines.commerce.expiry import expire_unpaid
from pw_pipelines.commerce.orders import hold
from pw_pipelines.commerce.payments import settling
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.portal.order_page import LOOKS
from pw_pipelines.sandbox.payments import messages, signing
from pw_pipelines.settings import Settings
from tests.commerce.making import NOW, pay
from tests.desk.making import paid_order
from tests.portal import given
from tests.portal.checkout_form import Browser, filled, orders, till, words, worked
from tests.portal.conftest import Web
from tests.portal.desk_making import Desk, desk
from tests.portal.test_browser import held_up, page, shot

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["desk", "page", "till"]
KEY = {"Idempotency-Key": "another-key-of-twenty-or-so"}


def test_without_a_provider_the_order_stands_and_can_be_paid_later(start: Callable[..., Web]) -> None:
    web = start(stripe_url="http://127.0.0.1:9/stripe")
    browser = Browser(web)
    reply = browser.send(filled(browser.open()))
    assert reply.headers["location"].endswith("?pay=later")
    shown = words(web.get(reply.headers["location"]).text)
    assert "the payment provider does not answer" in shown
    assert "Nothing was charged" in shown
    assert len(orders(web)) == 1


def test_the_order_page_is_for_whoever_has_the_link_and_for_no_index(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    reply = web.get(path)
    assert (reply.headers["cache-control"], reply.headers["x-robots-tag"][:7]) == ("no-store", "noindex")
    assert '<meta name="robots" content="noindex' in reply.text
    assert "ada@example.com" not in reply.text
    number = orders(web)[0]["number"]
    for wrong in (f"/orders/{number}", "/orders/x", path[:-1], "/orders/%00"):
        assert web.get(wrong).status_code == 404, wrong
    assert httpx.post(f"{web.url}/orders/x/pay").status_code == 404
    refused = httpx.post(f"{web.url}{path}/pay", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403


def test_paying_is_begun_once_however_often_it_is_asked_for(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    for _ in range(3):
        assert httpx.post(f"{web.url}{path}/pay").headers["location"] == f"{path}?pay=now"
    key = {"Idempotency-Key": "a key of twenty or so".replace(" ", "-")}
    urls = [httpx.post(f"{web.url}/api/v1{path}/payments", headers=key).json()["pay_url"] for _ in range(2)]
    assert urls[0] == urls[1]
    with web.db.connect() as connection:
        rows = connection.execute("select state, pay_url from pw.checkout_sessions").fetchall()
    assert rows == [{"state": "open", "pay_url": urls[0]}]


def test_who_has_just_paid_waits_for_the_word_and_is_not_asked_to_pay_again_at_once(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    address, seconds = f"{path}?pay=done", 0
    for _ in LOOKS:
        text = web.get(address).text
        assert "We’re waiting for the provider’s word" in words(text)
        assert 'class="button" href="http' not in text and "<form" not in text, "nothing to pay with"
        [(pause, following)] = re.findall(r'http-equiv="refresh" content="([0-9]+); url=([^"]+)"', text)
        address, seconds = html.unescape(following), seconds + int(pause)
    assert 120 < seconds < 600
    text = web.get(address).text
    assert "http-equiv" not in text and "Pay $" in words(text)
    assert "We have not heard from the payment provider yet" in words(text)
    for state, said in (("failed", "The payment did not come through, and nothing was charged"), ("paid", None)):
        with web.db.connect() as connection:
            connection.execute("update pw.checkout_sessions set state = %s", (state,))
            if state == "paid":
                pay(connection, orders(web)[0]["order_id"], now=given.NOW)
        text = web.get(f"{path}?pay=done").text
        assert "http-equiv" not in text and ("Pay $" in words(text)) == (said is not None)
        assert said is None or said in words(text)


@pytest.mark.parametrize("look", ["-1", "9999", "x", "12", "٣"])
def test_an_odd_count_of_looks_never_makes_a_page_that_looks_for_ever(till: tuple[Web, Settings], look: str) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    text = web.get(f"{path}?pay=done&look={look}").text
    assert ("http-equiv" in text) == (look in {"-1", "x", "9999", "٣"}) and f"look={look}" not in text


def test_an_order_that_expired_says_so_and_leads_to_the_same_services(
    page: Page, till: tuple[Web, Settings], tmp_path: Path
) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    with web.db.connect() as connection:
        connection.execute("update pw.checkout_sessions set state = 'expired'")
        assert expire_unpaid(connection, days=30, now=given.NOW + timedelta(days=31))
    page.goto(f"{web.url}{path}")
    assert page.get_by_role("heading", level=1).inner_text() == "Expired, nothing was charged"
    assert page.get_by_role("button", name="Pay").count() == 0
    held_up(page)
    shot(page, tmp_path, "order-expired")
    page.get_by_role("link", name="Order again").click()
    assert page.get_by_label("FCC Registration Number").input_value() == "0012345678"
    assert page.get_by_role("checkbox", name="Annual CPNI certification").is_checked()


def test_crypto_is_paid_to_an_address_that_stands_on_the_page(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    target = browser.send(filled(browser.open(), method="crypto")).headers["location"]
    text = web.get(target).text
    assert "Send the exact amount to this address" in words(text)
    assert "refresh" not in text


def at_stripe(web: Web, settings: Settings, outcome: str) -> None:
    """What a customer does on the provider's page, and what its bank says days later."""
    with web.db.connect() as connection:
        [row] = connection.execute("select reference from pw.checkout_sessions").fetchall()
    address = f"{settings.sandbox_url}/stripe/_sandbox/pay/{row['reference']}"
    httpx.post(address, json={"outcome": outcome}, timeout=10).raise_for_status()


def test_a_transfer_under_way_is_not_paid_a_second_time_until_it_failed(
    page: Page, till: tuple[Web, Settings], tmp_path: Path
) -> None:
    web, settings = till
    browser = Browser(web)
    path = browser.send(filled(browser.open(), method="ach")).headers["location"].split("?")[0]
    at_stripe(web, settings, "later")
    worked(web, settings, 1)
    with web.db.connect() as connection:  # a day later Stripe's page is gone, and the transfer still under way
        connection.execute("update pw.checkout_sessions set expires_at = expires_at - interval '25 hours'")
    for query in ("", "?pay=done", "?pay=later", "?pay=now"):
        text = web.get(path + query).text
        assert "Your payment is under way" in words(text), query
        assert "nothing more is to be paid" in words(text) and "four business days" in words(text)
        assert "Pay $" not in words(text) and "<form" not in text and "http-equiv" not in text
    told = web.get(f"/api/v1{path}").json()
    assert (told["can_be_paid"], told["status_words"]) == (False, "Your payment is under way")
    refused = httpx.post(f"{web.url}/api/v1{path}/payments", headers=KEY)
    assert (refused.status_code // 100, "is under way; a second one is not taken" in refused.text) == (4, True)
    assert httpx.post(f"{web.url}{path}/pay").headers["location"] == path
    with web.db.connect() as connection:
        assert len(connection.execute("select from pw.checkout_sessions").fetchall()) == 1
    page.goto(f"{web.url}{path}")
    assert page.get_by_role("heading", level=1).inner_text() == "Your payment is under way"
    assert page.get_by_role("button", name="Pay").count() == page.get_by_role("link", name="Pay").count() == 0
    held_up(page)
    shot(page, tmp_path, "order-under-way")
    at_stripe(web, settings, "bounced")
    worked(web, settings, 2)
    assert web.get(f"/api/v1{path}").json()["can_be_paid"] is True
    page.reload()
    page.get_by_role("button", name="Pay").click()
    with web.db.connect() as connection:
        rows = connection.execute("select state from pw.checkout_sessions order by session_id").fetchall()
    assert [row["state"] for row in rows] == ["failed", "open"]


def test_who_paid_and_whose_money_is_not_worked_yet_is_asked_to_wait(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    done = messages.stripe_session(orders(web)[0]["number"], int(orders(web)[0]["total"] * 100))
    told(web, done)
    text = web.get(f"{path}?pay=done").text
    assert "We’re waiting for the provider’s word" in words(text) and "http-equiv" in text
    text = web.get(path).text
    assert "Your payment is being taken" in words(text) and "Pay $" not in words(text)


def told(web: Web, session: dict[str, object]) -> None:
    """Stripe says that the session is completed."""
    raw = messages.encoded(messages.stripe_event("checkout.session.completed", session, given.NOW))
    headers = signing.stripe(raw, "whsec_sandbox", given.NOW)
    assert httpx.post(f"{web.url}/webhooks/stripe", content=raw, headers=headers).status_code == 200


def test_too_little_that_was_refunded_by_hand_leaves_the_order_to_be_paid(till: tuple[Web, Settings]) -> None:
    web, settings = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    told(web, messages.stripe_session(orders(web)[0]["number"], 100))
    worked(web, settings, 1)
    text = web.get(path).text
    assert "1.00 USD" in words(text) and "not what was due: a person of ours looks at it" in words(text)
    assert "Pay $" not in words(text) and web.get(f"/api/v1{path}").json()["can_be_paid"] is False
    with web.db.connect() as connection:
        [event] = connection.execute("select event_id from pw.payment_events").fetchall()
        settling.refunded_by_hand(
            connection, int(str(event["event_id"])), reference="re_1", why="too little", by="ann",
            ground=ground_of(settings), now=given.NOW,
        )  # fmt: skip
    text = web.get(path).text
    assert "Waiting for payment" in words(text) and "Pay $" in words(text)
    assert "more than was due" not in words(text) and "not the amount that was due" in words(text)
    assert web.get(f"/api/v1{path}").json()["can_be_paid"] is True
    assert httpx.post(f"{web.url}/api/v1{path}/payments", headers=KEY).json()["pay_url"]


def test_pressing_pay_on_a_paid_order_shows_that_it_is_paid(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    with web.db.connect() as connection:
        pay(connection, orders(web)[0]["order_id"], now=given.NOW)
    assert httpx.post(f"{web.url}{path}/pay").headers["location"] == path
    assert "Nothing was charged" not in words(web.get(path).text)


@pytest.mark.parametrize("gate", ["details", "signature"])
def test_the_page_of_a_held_order_asks_nothing_of_the_customer(desk: Desk, gate: str) -> None:
    with desk.db.connect() as connection:
        order, (item,) = paid_order(connection, "cpni_certification")
    desk.waits(item, gate, missing=["carrier_phone"])
    client, step = desk.browser(), {"details": "Give the details", "signature": "Send the signature link again"}[gate]
    assert step in client.get(f"/orders/{order.token}").text
    with desk.db.connect() as connection:
        hold(connection, order.order_id, by="payments", why="Disputed.", now=NOW)
    seen = words(client.get(f"/orders/{order.token}").text)
    assert "A person is looking at it" in seen and "You need not do anything" in seen
    for said in (step, "Your next step", "We need some details", "wait for their signature"):
        assert said not in seen, said
