"""From "Fix these issues" to a paid order: the form over HTTP, and a customer with a real browser."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from pw_pipelines.commerce.agents import register
from pw_pipelines.commerce.expiry import expire_unpaid
from pw_pipelines.commerce.orders import change
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.commerce.payments.work import work_due
from pw_pipelines.portal.order_page import LOOKS
from pw_pipelines.sandbox.payments.mounts import payment_apps
from pw_pipelines.settings import Settings, with_sandbox_addresses
from tests.commerce.making import pay
from tests.payments.conftest import FakeCaptures
from tests.portal import given
from tests.portal.conftest import Web
from tests.portal.test_browser import held_up, page, shot
from tests.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

__all__ = ["page"]

CHECK = "/tools/fcc-compliance-check?frn=0012345678&utm_source=mail&utm_campaign=cpni_missing"
CARD = {"name": "Ada Example", "email": "ada@example.com", "company": "Blue Mesa LLC", "phone": "202-555-0100"}


class Browser:
    """Sends the form as a browser does: every field that stands on the page, changed as told."""

    def __init__(self, web: Web) -> None:
        self.client = httpx.Client(base_url=web.url, timeout=30)

    def open(self, services: str = "cpni_certification", **query: str) -> dict[str, Any]:
        reply = self.client.get("/checkout", params={"frn": "0012345678", "services": services, **query})
        assert reply.status_code == 200
        return fields_of(reply.text)

    def send(self, fields: dict[str, Any], do: str = "order", **headers: str) -> httpx.Response:
        return self.client.post("/checkout", data={**fields, "do": do}, headers=headers)


def fields_of(text: str) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", text):
        said = {name: html.unescape(value) for name, value in re.findall(r'([a-z]+)="([^"]*)"', tag)}
        if said.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        if said["name"] in {"offered", "service"}:
            found.setdefault(said["name"], []).append(said["value"])
        else:
            found[said["name"]] = said.get("value", "")
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        found[name] = chosen[0] if chosen else ""
    return found


def filled(fields: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**fields, **CARD, "method": "card", "consent": "yes", **changed}


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def orders(web: Web) -> list[dict[str, Any]]:
    with web.db.connect() as connection:
        return list(connection.execute("select * from pw.orders order by order_id").fetchall())


@pytest.fixture
def till(start: Callable[..., Web], web_settings: Settings) -> Iterator[tuple[Web, Settings]]:
    """The web app with the providers' stand-ins before it, whose webhooks come to it."""
    apps = payment_apps(web_settings)
    with served(Starlette(routes=[Mount(path, app) for path, app in apps.items()])) as base:
        known = with_sandbox_addresses(web_settings.model_copy(update={"sandbox_url": base}))
        providers = ("stripe_", "paypal_", "shkeeper_", "adyen_")
        web = start(**{name: getattr(known, name) for name in Settings.model_fields if name.startswith(providers)})
        for provider in ("stripe", "paypal", "adyen"):
            httpx.post(f"{base}/{provider}/_sandbox/webhook", json={"url": f"{web.url}/webhooks/{provider}"})
        yield web, known


def worked(web: Web, settings: Settings, count: int) -> None:
    """Waits for `count` events in the inbox and works them, as the job does."""
    for _ in range(100):
        with web.db.connect() as connection:
            row = connection.execute("select count(*)::int as n from pw.payment_events").fetchone()
        if row is not None and int(str(row["n"])) >= count:
            break
        time.sleep(0.1)
    tally = work_due(web.db, ground=ground_of(settings), captures=FakeCaptures(), now=settings.clock.now)
    assert tally.failures == {}


def test_the_link_of_the_check_opens_a_form_with_the_right_basket(deficient: Web) -> None:
    link = re.findall(r'class="button" href="(/checkout[^"]+)"', deficient.get(CHECK).text)[0]
    text = deficient.get(html.unescape(link)).text
    fields = fields_of(text)
    assert fields["service"] == ["form_499a", "cpni_certification", "rmd_recertification", "cores_registration"]
    assert (fields["frn"], fields["utm_campaign"]) == ("0012345678", "cpni_missing")
    seen = words(text)
    assert "By quote" in seen
    for method, total in (("ach", "698.00"), ("card", "718.94"), ("klarna", "732.90")):
        assert f"{method}={total}" in fields["seen"]
        assert f"${total}" in seen, "each total stands beside its way to pay"
    assert "3 % surcharge, $20.94" in seen


def test_an_order_is_placed_and_the_customer_led_to_pay(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    reply = browser.send(filled(browser.open(utm_source="mail")))
    assert reply.status_code == 303, words(reply.text)
    target = reply.headers["location"]
    assert re.fullmatch(r"/orders/[A-Za-z0-9_-]{43}\?pay=now", target)
    (order,) = orders(web)
    assert (order["status"], str(order["total"]), order["method"]) == ("received", "204.97", "card")
    assert order["utm"] == {"utm_source": "mail"}
    shown = web.get(target).text
    assert re.search(r'http-equiv="refresh" content="1; url=http://127\.0\.0\.1:\d+/stripe/pay/cs_test_', shown)
    assert "refresh" not in web.get(target.split("?")[0]).text


def test_an_order_keeps_the_check_that_led_to_it_and_no_other(deficient: Web) -> None:
    browser = Browser(deficient)
    check = browser.client.get(CHECK).text
    link = html.unescape(re.findall(r'href="(/checkout[?][^"]*check=[^"]*)"', check)[0])
    browser.send(filled(fields_of(browser.client.get(link).text)))
    elsewhere = fields_of(browser.client.get(link.replace("frn=0012345678", "frn=0012345679")).text)
    browser.send(filled(elsewhere, email="other@example.com"))
    browser.send(filled(browser.open(check="no id at all"), email="third@example.com"))
    with deficient.db.connect() as connection:
        rows = connection.execute(
            "select o.frn, l.frn as checked from pw.compliance_orders o "
            "left join pw.compliance_check_log l using (check_id) order by order_id"
        ).fetchall()
    assert [(row["frn"], row["checked"]) for row in rows] == [
        ("0012345678", "0012345678"), ("0012345679", None), ("0012345678", None),
    ]  # fmt: skip


def test_a_form_sent_twice_makes_one_order(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    fields = filled(browser.open())
    first, again = browser.send(fields), browser.send(fields)
    assert first.headers["location"] == again.headers["location"]
    assert len(orders(web)) == 1


def test_a_form_changed_and_sent_again_asks_before_it_makes_a_second_order(till: tuple[Web, Settings]) -> None:
    web, _ = till
    browser = Browser(web)
    fields = filled(browser.open())
    browser.send(fields)
    reply = browser.send({**fields, "method": "ach"})
    assert "placed from this page before" in words(reply.text)
    assert len(orders(web)) == 1
    assert browser.send(filled(fields_of(reply.text), method="ach")).status_code == 303
    assert len(orders(web)) == 2


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"name": ""}, "name", "Enter your name"),
        ({"email": "ada"}, "email", "name@company.com"),
        ({"phone": "call me"}, "phone", "202-555-0100"),
        ({"frn": "seven"}, "frn", "ten digits"),
        ({"method": ""}, "method", "Choose how to pay"),
        ({"method": "barter"}, "method", "Choose one of the ways"),
        ({"consent": ""}, "consent", "Tick the box"),
        ({"quantity_cpni_certification": "99"}, "quantity_cpni_certification", "from 1 to 10"),
        ({"quantity_cpni_certification": "many"}, "quantity_cpni_certification", "from 1 to 10"),
        ({"discount_code": "NOPE"}, "discount_code", "another one"),
        ({"referral_code": "REF-NOONE"}, "referral_code", "leave it out"),
        ({"service": []}, "items", "at least one service"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy_and_what_was_typed_stays(
    web: Web, changed: dict[str, Any], field: str, says: str
) -> None:
    browser = Browser(web)
    sent = filled(browser.open(), **changed)
    reply = browser.send(sent)
    assert reply.status_code == 400
    assert says in words(reply.text)
    assert f'href="#{field}"' in reply.text
    assert f'id="{field}"' in reply.text
    kept = fields_of(reply.text)
    for name in ("name", "email", "company", "phone", "frn", "discount_code", "quantity_cpni_certification"):
        assert kept[name] == sent[name], name
    assert orders(web) == []


def test_what_is_typed_is_shown_as_text(web: Web) -> None:
    browser = Browser(web)
    evil = '"><script>alert(1)</script>'
    changed = dict.fromkeys(("name", "email", "company", "frn", "discount_code", "utm_source"), evil)
    reply = browser.send(filled(browser.open(utm_source=evil), **changed))
    assert reply.status_code == 400
    assert "<script" not in reply.text


def test_a_service_per_state_asks_for_the_state(web: Web) -> None:
    browser = Browser(web)
    fields = browser.open("registered_agent")
    reply = browser.send(filled(fields))
    assert "choose the state" in words(reply.text)
    again = browser.send(filled(fields_of(reply.text), state_registered_agent="WY"), do="update")
    assert "ach=49.00" in fields_of(again.text)["seen"]


def test_a_total_that_was_not_shown_is_shown_before_it_is_due(web: Web) -> None:
    browser = Browser(web)
    fields = filled(browser.open(), quantity_cpni_certification="2")
    reply = browser.send(fields)
    assert "The total has changed" in words(reply.text)
    assert orders(web) == []
    assert browser.send(fields_of(reply.text)).status_code == 303
    assert str(orders(web)[0]["total"]) == "409.94"


def test_codes_are_taken_off_before_the_order_is_placed(web: Web) -> None:
    with web.db.connect() as connection:
        code = register(connection, name="Bo", email="bo@example.com", now=given.NOW).referral_code
        connection.execute(
            "insert into pw.discount_codes (code, kind, amount, created_at, created_by) "
            "values ('TENTH', 'percent', 10, now(), 'test')"
        )
    browser = Browser(web)
    reply = browser.send(filled(browser.open(), discount_code="tenth", referral_code=code, method="ach"), do="update")
    assert "Discount TENTH −19.90" in words(reply.text)
    assert browser.send(fields_of(reply.text)).status_code == 303
    assert str(orders(web)[0]["total"]) == "169.15"
    assert orders(web)[0]["agent_id"] is not None


def test_a_form_from_elsewhere_places_nothing(web: Web) -> None:
    browser = Browser(web)
    fields = filled(browser.open())
    cross = browser.send(fields, **{"Sec-Fetch-Site": "cross-site"})
    foreign = browser.send(fields, Origin="https://evil.example")
    unproved = browser.send({**fields, "proof": "0" * 64})
    without = httpx.post(f"{web.url}/checkout", data={**fields, "do": "order"})
    assert [one.status_code for one in (cross, foreign, unproved, without)] == [403] * 4
    assert 'value="ada@example.com"' in without.text
    assert orders(web) == []
    assert browser.send(fields, **{"Sec-Fetch-Site": "same-origin"}).status_code == 303


@pytest.mark.parametrize("proof", ["é", "\ud800", "\x00", "0" * 5_000])
def test_a_proof_of_odd_signs_is_none(web: Web, proof: str) -> None:
    browser = Browser(web)
    body = urlencode({**filled(browser.open()), "do": "order", "proof": proof}, doseq=True, errors="surrogatepass")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.client.post("/checkout", content=body, headers=headers).status_code == 403
    assert orders(web) == []


def test_what_has_no_price_goes_to_a_person_and_is_not_charged(web: Web) -> None:
    browser = Browser(web)
    reply = browser.send(filled(browser.open("cpni_certification,rmd_recertification"), method="ach"))
    assert reply.status_code == 303
    assert str(orders(web)[0]["total"]) == "199.00"
    only = browser.send(filled(browser.open("rmd_recertification")))
    assert only.headers["location"] == "/checkout/received"
    assert "We have your request" in words(web.get("/checkout/received").text)
    assert len(orders(web)) == 1
    with web.db.connect() as connection:
        rows = connection.execute("select text from pw.conversation_flags where kind = 'quote'").fetchall()
    assert len(rows) == 2
    assert all("rmd_recertification" in str(row["text"]) for row in rows)


def test_the_same_filing_twice_is_refused_with_words(web: Web) -> None:
    browser = Browser(web)
    text = browser.client.get("/checkout?services=fcc_carrier_registration,rmd_filing").text
    assert "it would be filed twice" in words(text)
    reply = browser.send(filled(fields_of(text)))
    assert reply.status_code == 400
    assert orders(web) == []


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


def test_the_page_that_waits_holds_up(page: Page, till: tuple[Web, Settings], tmp_path: Path) -> None:
    web, _ = till
    browser = Browser(web)
    path = browser.send(filled(browser.open())).headers["location"].split("?")[0]
    for look, name in ((0, "order-waiting"), (len(LOOKS), "order-not-heard")):
        page.goto(f"{web.url}{path}?pay=done&look={look}")
        held_up(page)
        shot(page, tmp_path, name)


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
