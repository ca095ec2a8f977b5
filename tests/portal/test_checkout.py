"""From "Fix these issues" to an order: the form over HTTP."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest

from pw_pipelines.commerce.agents import register
from pw_pipelines.settings import Settings
from tests.commerce.making import pay
from tests.portal import given
from tests.portal.checkout_form import CHECK, Browser, fields_of, filled, orders, till, words
from tests.portal.conftest import Web

if TYPE_CHECKING:
    pass

__all__ = ["till"]


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
    browser.send(filled(elsewhere, email="other@example.com", frn_is_confirmed="yes"))
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
        ({"name": "A" * 230}, "name", "at most 200 characters"),
        ({"email": "ada"}, "email", "name@company.com"),
        ({"phone": "call me"}, "phone", "202-555-0100"),
        ({"frn": "seven"}, "frn", "ten digits"),
        ({"frn": "0000000000"}, "frn", "ten digits"),
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


def test_what_is_paid_and_in_work_is_ordered_again_only_with_a_tick(web: Web) -> None:
    browser = Browser(web)
    browser.send(filled(browser.open()))
    with web.db.connect() as connection:
        pay(connection, orders(web)[0]["order_id"], now=given.NOW)
    fields = filled(browser.open(), email="another@example.com")
    assert "is_another" not in fields
    reply = browser.send(fields)
    assert reply.status_code == 400
    assert "point to such a filing that is made, or on its way, already" in words(reply.text)
    assert 'href="#is_another"' in reply.text
    assert 'id="is_another"' in reply.text
    assert len(orders(web)) == 1
    assert browser.send({**fields_of(reply.text), "is_another": "yes"}).status_code == 303
    assert len(orders(web)) == 2


def test_an_frn_that_no_source_here_knows_is_asked_about_before_the_order(deficient: Web) -> None:
    browser = Browser(deficient)
    reply = browser.send(filled(browser.open(frn="9999999999")))
    assert reply.status_code == 400
    assert "No list of the FCC’s that we hold shows this number" in words(reply.text)
    assert 'id="frn_is_confirmed"' in reply.text
    assert orders(deficient) == []
    assert browser.send({**fields_of(reply.text), "frn_is_confirmed": "yes"}).status_code == 303
    assert len(orders(deficient)) == 1
