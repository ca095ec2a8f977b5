"""One order at the desk, whatever became of it: found by its number, shown whole, and its deeds for those who may."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pw_pipelines.commerce import orders
from pw_pipelines.commerce.orders import PlacedOrder
from pw_pipelines.fulfillment import items
from tests.commerce.making import NOW, ordered
from tests.desk.making import paid_order
from tests.portal.desk_making import Desk, desk, words
from tests.portal.test_browser import held_up, page, shot
from tests.portal.test_desk_browser import log_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["desk", "page"]
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def unpaid(desk: Desk) -> PlacedOrder:
    with desk.db.connect() as connection:
        order = ordered(connection)
        connection.execute("update pw.customers set phone = '+1 303 555 0100'")
    return order


def seen_on(text: str) -> str:
    """What a form of the page says was looked at."""
    return text.split('name="seen" value="')[1].split('"', maxsplit=1)[0]


def held(desk: Desk, why: str = "Stripe: refunded. 50.00 of 199.00 USD went back.") -> PlacedOrder:
    with desk.db.connect() as connection:
        order, _ = paid_order(connection)
        connection.execute("update pw.payments set state = 'partly_refunded'")
        orders.hold(connection, order.order_id, by="payments", why=why, now=NOW)
    return order


def test_find_leads_to_an_order_in_any_state_and_says_so_when_there_is_none(desk: Desk) -> None:
    analyst = desk.person("analyst")
    for order in (unpaid(desk), held(desk)):
        found = analyst.get("/desk", params={"number": f" {order.number.lower()} "})
        assert found.headers["location"] == f"/desk/orders/{order.number}"
        assert analyst.get(f"/desk/orders/{order.number.lower()}").status_code == 200
    for nobody in ("PW-2026-999999", EVIL):
        text = analyst.get("/desk", params={"number": nobody}).text
        assert "There is no order of that number." in text and "<script>alert" not in text
    assert analyst.get("/desk/orders/PW-2026-999999").status_code == 404


def test_an_unpaid_order_shows_its_bill_its_history_and_to_those_who_may_whom_to_ring_back(desk: Desk) -> None:
    order = unpaid(desk)
    with desk.db.connect() as connection:
        connection.execute(
            "insert into pw.checkout_sessions (order_id, provider, method, idempotency_key, amount, currency, state, "
            "created_at) values (%s, 'stripe', 'ach', 'k', 199, 'USD', 'open', %s)",
            (order.order_id, NOW),
        )
    path = f"/desk/orders/{order.number}"
    seen = words(desk.person("ops", "omar").get(path).text)
    for said in ("Received, not paid", "199.00 USD by ach", "ada@example.com", "+1 303 555 0100", "Tries to pay",
                 "new → received", "the payment"):  # fmt: skip
        assert said in seen, said
    assert desk.row("select count(*)::int as n from pw.staff_actions where what = 'opened'")["n"] == 1
    hidden = desk.person("analyst").get(path).text
    assert "ada@example.com" not in hidden and "+1 303" not in hidden and "<button" not in hidden.split('id="main"')[1]
    assert desk.row("select count(*)::int as n from pw.staff_actions where what = 'opened'")["n"] == 1


def test_a_held_order_is_released_from_its_page_with_a_reason_once(desk: Desk) -> None:
    order = held(desk)
    path, omar = f"/desk/orders/{order.number}", desk.person("ops", "omar")
    text = omar.get(path).text
    seen = words(text)
    assert "Held, was processing, paid" in seen and "50.00 of 199.00 USD went back." in seen
    assert "whether what is left pays for the work" in seen and "made on the provider’s own page" in seen
    form = {"do": "release", "why": "Goodwill; go on.", "seen": seen_on(text)}
    for _ in range(2):
        assert omar.post(path, form).headers["location"] == f"{path}?said=order_released"
    assert "Released." in omar.get(f"{path}?said=order_released").text
    assert "omar: held → processing: Goodwill; go on." in words(omar.get(path).text)
    assert desk.row("select count(*)::int as n from pw.staff_actions where what = 'order_released'")["n"] == 1
    with desk.db.connect() as connection:
        orders.hold(connection, order.order_id, by="payments", why="Another doubt.", now=NOW)
    late = omar.post(path, {**form, "why": "Again."})
    assert late.status_code == 409 and "changed since you looked" in late.text and "Again." in late.text


def test_a_paid_order_offers_no_cancelling_but_says_how_it_is_refunded_and_refuses_the_forged_form(desk: Desk) -> None:
    with desk.db.connect() as connection:
        order, (item,) = paid_order(connection)
    desk.effect(item, "filing:1", state="done")
    path, omar = f"/desk/orders/{order.number}", desk.person("ops", "omar")
    text = omar.get(path).text
    assert 'value="cancel"' not in text and "refund it at the provider first; the refund then ends the order" in text
    assert "Filed, and stays filed" in text and "2026112200001" in text and f"/desk/items/{item}" in text
    forged = omar.post(path, {"do": "cancel", "why": "x", "seen": "1"})
    assert forged.status_code == 409 and "refund it at the provider first" in forged.text
    assert desk.row("select status from pw.orders")["status"] == "processing"


@pytest.mark.parametrize("role", ["analyst", "reviewer", "ops", "admin"])
def test_an_unpaid_order_is_cancelled_by_those_who_may_and_by_a_form_of_their_own(desk: Desk, role: str) -> None:
    order = unpaid(desk)
    path, person = f"/desk/orders/{order.number}", desk.person(role)
    text = person.get(path).text
    seen = seen_on(text) if 'name="seen"' in text else "1"
    form = {"do": "cancel", "why": EVIL, "seen": seen}
    assert person.post(path, {**form, "csrf": "x"}).status_code == 403
    assert (person.post(path, form).status_code == 303) == (role in {"ops", "admin"})
    status = "cancelled" if role in {"ops", "admin"} else "received"
    assert desk.row("select status from pw.orders")["status"] == status
    assert "<script>alert" not in person.get(path).text


def test_an_item_that_waits_for_its_order_leads_to_it_and_goes_on_once_it_is_released(desk: Desk) -> None:
    with desk.db.connect() as connection:
        order, (item,) = paid_order(connection)
        orders.hold(connection, order.order_id, by="payments", why="A doubt.", now=NOW)
    desk.waits(item, "order", f"Order {order.number} is held.")
    path, omar = f"/desk/orders/{order.number}", desk.person("ops", "omar")
    assert f'class="button" href="{path}"' in omar.get(f"/desk/items/{item}").text
    assert omar.post(path, {"do": "release", "why": "Go on.", "seen": seen_on(omar.get(path).text)}).status_code == 303
    with desk.db.connect() as connection:
        items.open_items(connection, now=NOW)  # as the sensor does
    assert desk.row("select state from pw.item_work")["state"] == "ready"


def test_an_order_held_for_its_payment_says_what_must_be_settled_first(desk: Desk) -> None:
    order = unpaid(desk)
    with desk.db.connect() as connection:
        orders.hold(connection, order.order_id, by="payments", why="Payment: 198.00 USD came.", now=NOW)
        row = connection.execute(
            """insert into pw.payment_events (provider, dedupe_key, event_type, order_number, raw, received_at,
                 last_delivery_at, state, worked_at, outcome)
               values ('stripe', 'k', 'paid', %s, '', %s, %s, 'held', %s, 'Another amount.') returning event_id""",
            (order.number, NOW, NOW, NOW),
        ).fetchone()
    assert row is not None
    text = desk.person("ops").get(f"/desk/orders/{order.number}").text
    assert f'href="/desk/payments/{row["event_id"]}"' in text and "settle it first" in text
    assert "Not released now" in text and "Not cancelled now" in text and 'name="do"' not in text


def test_what_is_pressed_without_a_reason_or_without_a_button_does_nothing(desk: Desk) -> None:
    order = unpaid(desk)
    path, omar = f"/desk/orders/{order.number}", desk.person("ops", "omar")
    for form in ({"do": "cancel", "why": " "}, {"do": "refund", "why": "x"}, {"why": "x"},
                 {"do": "cancel", "why": "x", "seen": "9" * 30}):  # fmt: skip
        assert omar.post(path, form).status_code == 409, form
    assert omar.post("/desk/orders/PW-2026-999999", {"do": "cancel", "why": "x"}).status_code == 409
    assert omar.post("/desk/orders/nothing", {"do": "cancel", "why": "x"}).status_code == 404
    assert desk.row("select status from pw.orders")["status"] == "received"


def test_the_page_of_an_order_holds_up(page: Page, desk: Desk, tmp_path: Path) -> None:
    paths = [(unpaid(desk).number, "unpaid"), (held(desk).number, "held")]
    log_in(page, desk)
    for number, name in paths:
        page.goto(f"{desk.web.url}/desk/orders/{number}")
        held_up(page)
        shot(page, tmp_path, f"order_{name}")
    page.get_by_label("Why").first.fill("Ada rang up: go on.")
    page.get_by_role("button", name="Release it").click()
    assert page.get_by_role("status").inner_text().startswith("Released.")
