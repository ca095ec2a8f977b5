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
from pw_pipelines.portal.order_page import LOOKS
from pw_pipelines.settings import Settings
from tests.commerce.making import pay
from tests.portal import given
from tests.portal.checkout_form import Browser, filled, orders, till, words
from tests.portal.conftest import Web
from tests.portal.test_browser import held_up, page, shot

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page", "till"]


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
