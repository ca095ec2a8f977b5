"""A customer with a real browser, from the finding to the paid order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pw_pipelines.commerce.orders import change
from pw_pipelines.portal.order_page import LOOKS
from pw_pipelines.settings import Settings
from tests.commerce.making import pay
from tests.portal import given
from tests.portal.checkout_form import CHECK, Browser, filled, orders, till, worked
from tests.portal.conftest import Web
from tests.portal.test_browser import held_up, page, shot

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

__all__ = ["page", "till"]


def test_a_customer_fixes_the_issues_and_pays(page: Page, till: tuple[Web, Settings], tmp_path: Path) -> None:
    web, settings = till
    ids = given.fresh_books(web.db)
    given.carrier(web.db, name="Blue Mesa <Communications> & Söhne, LLC")
    given.finding(web.db, "CPNI_MISSING", [ids["fcc_cpni"]])
    given.finding(web.db, "RMD_NOT_RECERTIFIED", [ids["fcc_rmd"]])
    page.goto(f"{web.url}{CHECK}")
    page.get_by_role("link", name="Fix these issues").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Your order"
    held_up(page)
    shot(page, tmp_path, "checkout")
    page.get_by_role("button", name="Place the order and pay").click()
    assert page.get_by_role("alert").is_visible()
    held_up(page)
    shot(page, tmp_path, "checkout-faults")
    page.get_by_label("Your name").fill("Ada Example")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Card").check()
    page.get_by_label("I may order for this company").check()
    page.get_by_role("button", name="Update the total").click()
    assert page.get_by_text("Card: 3 % surcharge").is_visible()
    held_up(page)
    shot(page, tmp_path, "checkout-filled")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        """The page goes on by itself after a second: not before it was seen."""
        asked.append(route)

    page.route("**/stripe/pay/**", hold)
    page.get_by_role("button", name="Place the order and pay").click()
    page.wait_for_url("**/orders/**")
    path = page.url.split("?")[0]
    assert page.get_by_role("heading", level=1).inner_text() == "Waiting for payment"
    held_up(page)
    shot(page, tmp_path, "order-received")
    while not asked:
        page.wait_for_timeout(50)
    asked[0].continue_()
    page.wait_for_url("**/stripe/pay/**")
    pay_url = page.url
    httpx.post(pay_url, data={"outcome": "paid"})
    worked(web, settings, 2)
    page.goto(path)
    assert page.get_by_role("heading", level=1).inner_text() == "Paid, being worked on"
    assert page.get_by_text("204.97 USD on Nov 22, 2026").is_visible()
    held_up(page)
    shot(page, tmp_path, "order-paid")
    assert [order["status"] for order in orders(web)] == ["processing"]


@pytest.mark.parametrize("way", [("submitted", "filed", "delivered"), ("held",), ("refunded",)])
def test_every_state_of_an_order_has_a_page_that_holds_up(
    page: Page, till: tuple[Web, Settings], tmp_path: Path, way: tuple[Any, ...]
) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    with web.db.connect() as connection:
        order_id = orders(web)[0]["order_id"]
        pay(connection, order_id, now=given.NOW)
        for status in way:
            change(connection, order_id, status, by="test", why="an inner reason", now=given.NOW)
    page.goto(f"{web.url}{path}")
    assert "inner reason" not in page.content()
    held_up(page)
    shot(page, tmp_path, f"order-{way[-1]}")


def test_the_page_that_waits_holds_up(page: Page, till: tuple[Web, Settings], tmp_path: Path) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    for look, name in ((0, "order-waiting"), (len(LOOKS), "order-not-heard")):
        page.goto(f"{web.url}{path}?pay=done&look={look}")
        held_up(page)
        shot(page, tmp_path, name)
