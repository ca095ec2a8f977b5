"""Held payments at the desk: shown to all, settled by those who may, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pw_pipelines.sandbox.payments import messages as say
from tests.commerce.making import NOW
from tests.portal.desk_making import Desk, desk, words
from tests.portal.test_browser import held_up, page, shot
from tests.portal.test_desk_browser import log_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["desk", "page"]


def held_event(desk: Desk) -> str:
    """A payment of 199 dollars for a number nobody has, held; its page."""
    session = say.stripe_session("PW-2020-000001", 19_900)
    event = say.stripe_event("checkout.session.completed", session, NOW)
    raw = say.encoded({**event, "livemode": desk.settings.stripe_live})
    row = desk.row(
        """insert into pw.payment_events (provider, dedupe_key, event_type, order_number, raw, received_at,
             last_delivery_at, state, outcome, worked_at)
           values ('stripe', 'k', 'checkout.session.completed', 'PW-2020-000001', %s, %s, %s, 'held',
             '199.00 USD came for PW-2020-000001, which is no order of ours.', %s) returning event_id""",
        raw, NOW, NOW, NOW,
    )  # fmt: skip
    return f"/desk/payments/{row['event_id']}"


def test_the_desk_settles_what_is_held_by_a_form_of_its_own_for_those_who_may(desk: Desk) -> None:
    path = held_event(desk)
    ops, analyst = desk.person("ops", "omar"), desk.person("analyst")
    assert path in ops.get("/desk/payments").text
    text = ops.get(path).text
    assert ">It pays this order</button>" in text and ">Ignore it</button>" in text and "199.00 USD" in words(text)
    assert "<button" not in analyst.get(path).text.split('id="main"')[1]
    deed = {"do": "ignore", "why": "A test of the provider's."}
    assert analyst.post(path, deed).status_code == 403
    assert ops.post(path, {**deed, "csrf": "x"}).status_code == 403
    refused = ops.post(path, {"do": "pays", "number": "PW-2020-000009", "why": "Their reference."})
    assert refused.status_code == 409 and "Their reference." in words(refused.text)
    assert desk.row("select state from pw.payment_events")["state"] == "held"
    assert ops.post(path, deed).headers["location"] == f"{path}?said=settled"
    after = ops.get(path).text
    assert "omar: payment ignored: A test of the provider's." in words(after) and "Ignore it" not in after
    stranger = desk.browser().post(path, data=deed)
    assert stranger.status_code in (303, 401, 403) and "settled" not in stranger.headers.get("location", "")


def test_the_pages_of_held_payments_hold_up(page: Page, desk: Desk, tmp_path: Path) -> None:
    path = held_event(desk)
    log_in(page, desk)
    for address, name in (("/desk/payments", "payments"), (path, "payment")):
        page.goto(f"{desk.web.url}{address}")
        held_up(page)
        shot(page, tmp_path, name)
    assert page.get_by_role("button", name="It pays this order").is_visible()
