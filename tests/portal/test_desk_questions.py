"""Questions at the desk: everything that waits for a person's answer is listed, and closed with what was done."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pw_pipelines.commerce import questions
from pw_pipelines.portal.status_house import house_worries
from tests.commerce.making import NOW
from tests.portal.desk_making import Desk, desk, words
from tests.portal.test_browser import held_up, page, shot
from tests.portal.test_desk_browser import log_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["desk", "page"]
PATH = "/desk/questions"
AGENT = {"name": "Bea <b>Seller</b>", "email": "bea@example.org", "about": "I sell."}


def flag(desk: Desk, kind: str, text: str, *, hours: float = 0, of_item: int | None = None) -> int:
    """A flag raised so many hours before now, of the order of an item if one is given."""
    row = desk.row(
        """insert into pw.conversation_flags (order_id, customer_id, kind, text, raised_at, raised_by)
           select o.order_id, o.customer_id, %(kind)s, %(text)s, %(at)s, 'test'
           from (select 1) as one left join pw.order_items i on i.item_id = %(item)s
           left join pw.orders o using (order_id) returning flag_id""",
        kind=kind, text=text, at=desk.settings.clock.now() - timedelta(hours=hours), item=of_item,
    )  # fmt: skip
    return int(row["flag_id"])


def state(desk: Desk, flag_id: int) -> tuple[bool, str | None]:
    row = desk.row("select closed_at, closed_by from pw.conversation_flags where flag_id = %s", flag_id)
    return row["closed_at"] is not None, row["closed_by"]


def number_of(desk: Desk, item: int) -> str:
    row = desk.row("select number from pw.orders join pw.order_items using (order_id) where item_id = %s", item)
    return str(row["number"])


def held_money(desk: Desk, provider: str, outcome: str) -> int:
    """A held event and the flag that was raised with it; the event's id."""
    row = desk.row(
        """insert into pw.payment_events (provider, dedupe_key, event_type, raw, received_at, last_delivery_at, state,
             outcome, worked_at) values (%s, 'k', 'x', '{}', %s, %s, 'held', %s, %s) returning event_id""",
        provider, NOW, NOW, outcome, NOW,
    )  # fmt: skip
    flag(desk, "payment", outcome if provider == "erpnext" else f"{provider}: {outcome}")
    return int(row["event_id"])


def hold_books(desk: Desk, item: int, why: str = "Order is 204.97 USD and 214.97 USD was paid.") -> str:
    """The books of an item's order, held as make_books holds them; the order's number."""
    with desk.db.connect() as connection:
        connection.execute(
            "insert into pw.book_entries (order_id, kind, wanted_at, state, last_error) "
            "select order_id, 'sales_order', %s, 'held', %s from pw.order_items where item_id = %s",
            (NOW, why, item),
        )
    flag(desk, "books", f"Sales Order: {why}", of_item=item)
    return number_of(desk, item)


def untold(desk: Desk, **later: float) -> list[str]:
    with desk.db.connect() as connection:
        now = desk.settings.clock.now() + timedelta(**later)
        return [notice.text for notice in questions.untold(connection, now, address="/desk/questions")]


def test_every_open_question_is_listed_oldest_first_in_plain_words(desk: Desk) -> None:
    item = desk.item()
    flag(desk, "bundle", "What the bundle starter holds is not on record.", hours=1, of_item=item)
    flag(desk, "agent", json.dumps(AGENT), hours=50)
    flag(desk, "payment", "A chargeback. 199.00 USD was taken back.", hours=5, of_item=item)
    flag(desk, "something_new", "A kind that nobody has words for.", hours=3)
    text = desk.person("ops").get(PATH).text
    seen = words(text)
    titles = ["Wants to become a sales agent", "Money of an order", "Something new", "What a bundle holds"]
    places = [seen.index(title) for title in titles]
    assert places == sorted(places)
    assert f'href="/desk/orders/{number_of(desk, item)}"' in text
    assert "199.00 USD was taken back." in seen and "2 days ago" in seen and "Bea <b>Seller</b>" in seen
    assert "<b>Seller" not in text and 'aria-current="page">Questions' in text


def test_whom_to_answer_is_shown_to_those_who_may_open_documents_and_that_is_logged_once_an_hour(desk: Desk) -> None:
    flag(desk, "quote", json.dumps({"service": "canada_crtc", "owner": "Carl Owner"}), of_item=desk.item())
    flag(desk, "agent", json.dumps(AGENT))
    analyst, ops = desk.person("analyst"), desk.person("ops", "omar")
    hidden = words(analyst.get(PATH).text)
    assert not [one for one in ("ada@example.com", "Carl Owner", "bea@example.org", "Bea") if one in hidden]
    assert "What they wrote is shown to ops, reviewers and admins." in hidden
    for _ in range(2):
        shown = words(ops.get(PATH).text)
    assert not [one for one in ("ada@example.com", "Carl Owner", "bea@example.org") if one not in shown]
    assert [(row["by"], row["detail"]) for row in desk.rows('select "by", detail from pw.staff_actions')] == [
        ("omar", {"page": "questions"})
    ]


def test_a_question_is_closed_once_with_what_was_done_by_those_who_may(desk: Desk) -> None:
    item = desk.item()
    asked = flag(desk, "quote", "A price for Canada.", of_item=item)
    ops, path = desk.person("ops", "omar"), f"{PATH}/{asked}"
    done = {"why": "Wrote to them with the price."}
    assert desk.person("analyst").post(path, done).status_code == 403
    assert desk.person("reviewer").post(path, done).status_code == 403
    assert ops.post(path, {**done, "csrf": "x"}).status_code == 403
    assert desk.browser().post(path, data=done).status_code in (303, 401, 403)
    assert ops.post(path, {"why": " \n"}).status_code == 409
    assert state(desk, asked) == (False, None)

    assert ops.post(path, done).headers["location"] == f"{PATH}?said=settled"
    assert state(desk, asked) == (True, "omar")
    again = desk.person("admin", "ann").post(path, done)
    assert again.status_code == 409 and "omar closed question" in words(again.text)
    [action] = desk.rows("select * from pw.staff_actions where what = 'question_closed'")
    assert (action["by"], action["order_id"] is not None) == ("omar", True)
    assert action["detail"] == {
        "question": asked, "kind": "quote", "order": number_of(desk, item), "why": "Wrote to them with the price.",
    }  # fmt: skip
    seen = words(ops.get(PATH).text)
    assert "Nothing waits for an answer." in seen and "closed: Wrote to them with the price." in seen
    assert ops.post(f"{PATH}/999999", done).status_code == 409


def test_a_question_of_held_money_is_closed_by_settling_the_money_alone(desk: Desk) -> None:
    event = held_money(desk, "stripe", "199.00 USD came for PW-2020-000001, which is no order of ours.")
    [asked] = desk.rows("select flag_id from pw.conversation_flags")
    ops = desk.person("ops")
    text = ops.get(PATH).text
    assert f'href="/desk/payments/{event}"' in text and f'action="{PATH}/' not in text
    refused = ops.post(f"{PATH}/{asked['flag_id']}", {"why": "x"})
    assert refused.status_code == 409 and f"Settle payment event {event}" in words(refused.text)
    assert state(desk, asked["flag_id"]) == (False, None)


def test_closing_the_question_of_money_booked_in_erpnext_by_hand_settles_its_event(desk: Desk) -> None:
    held_money(desk, "erpnext", "ERPNext has booked 199.0 USD as ACC-1, for no order that we know; look.")
    [asked] = desk.rows("select flag_id from pw.conversation_flags")
    ops = desk.person("ops", "omar")
    assert f'href="{PATH}"' in ops.get("/desk/payments").text.split('id="main"')[1]
    assert ops.post(f"{PATH}/{asked['flag_id']}", {"why": "Last year's cheque."}).status_code == 303
    [event] = desk.rows("select state, outcome from pw.payment_events")
    assert event["state"] == "ignored" and event["outcome"].endswith("Closed by omar: Last year's cheque.")


def test_held_books_show_their_reason_and_are_looked_at_again_by_a_button(desk: Desk) -> None:
    number = hold_books(desk, desk.item())
    ops = desk.person("ops", "omar")
    text = ops.get(PATH).text
    assert ">Look again</button>" in text and "204.97 USD and 214.97 USD was paid." in words(text)
    assert "<button" not in desk.person("analyst").get(PATH).text.split('id="main"')[1]
    [asked] = desk.rows("select flag_id from pw.conversation_flags")
    assert ops.post(f"{PATH}/{asked['flag_id']}", {"why": "x"}).status_code == 409
    path, mended = f"{PATH}/books/{number}", {"why": "Made by hand in ERPNext."}
    assert desk.person("reviewer").post(path, mended).status_code == 403
    assert ops.post(path, {"why": ""}).status_code == 409
    assert desk.row("select state from pw.book_entries")["state"] == "held"

    assert ops.post(path, mended).headers["location"] == f"{PATH}?said=retried"
    assert desk.row("select state from pw.book_entries")["state"] == "unknown"
    assert state(desk, asked["flag_id"]) == (True, "omar")
    assert ops.post(path, mended).status_code == 409
    assert ops.post(f"{PATH}/books/PW-2020-000001", mended).status_code == 409
    assert ops.post(f"{PATH}/books/nonsense", mended).status_code == 404
    [action] = desk.rows("select detail from pw.staff_actions where what = 'books_look_again'")
    assert action["detail"] == {"order": number, "documents": ["sales_order"], "why": "Made by hand in ERPNext."}
    assert "looked at again: Made by hand in ERPNext." in words(ops.get(PATH).text)


def test_the_first_page_counts_questions_and_held_books_and_leads_to_them(desk: Desk) -> None:
    item = desk.item()
    flag(desk, "bundle", "Settle its services.", of_item=item)
    hold_books(desk, item)
    held_money(desk, "stripe", "It came twice.")
    address = f"{desk.settings.public_url}{PATH}"
    assert house_worries(desk.db, desk.settings, now=NOW) == [
        f"1 payment event held for a person: {desk.settings.public_url}/desk/payments",
        f"1 question waits for an answer: {address}",
        f"The books of 1 order are held: {address}",
    ]
    flag(desk, "agent", json.dumps(AGENT))
    assert f"2 questions wait for an answer: {address}" in house_worries(desk.db, desk.settings, now=NOW)
    assert f'href="{address}"' in desk.web.get("/").text


def test_a_question_is_told_without_its_text_and_what_is_told_otherwise_is_not_told_twice(desk: Desk) -> None:
    item = desk.item()
    flag(desk, "agent", json.dumps(AGENT))
    flag(desk, "payment", "1.00 USD more than the total came.", of_item=item)
    hold_books(desk, item)
    held_money(desk, "stripe", "It came twice.")
    assert untold(desk) == [
        f"Waits for a person: Money of an order, {number_of(desk, item)}. /desk/questions",
        "Waits for a person: Wants to become a sales agent. /desk/questions",
    ]
    assert untold(desk, days=15) == []  # alerts are kept longer than that, so nothing old is told anew


@pytest.mark.parametrize("many", [30])
def test_many_questions_at_once_are_told_so_many_an_hour(desk: Desk, many: int) -> None:
    for number in range(many):
        flag(desk, "agent", json.dumps({**AGENT, "about": str(number)}))

    def tell(**later: float) -> int:
        with desk.db.connect() as connection:
            now = desk.settings.clock.now() + timedelta(**later)
            notices = questions.untold(connection, now, address="x")
            for one in notices:
                connection.execute(
                    "insert into pw.alerts (key, kind, text, raised_at) values (%s, 'order', %s, %s)",
                    (one.key, one.text, now),
                )
        return len(notices)

    assert [tell(), tell(minutes=1), tell(minutes=62), tell(minutes=200)] == [20, 0, 10, 0]


def test_what_a_program_sent_for_a_person_to_answer_reaches_the_desk(desk: Desk) -> None:
    sent = httpx.post(
        f"{desk.web.url}/api/v1/agents", json=AGENT, headers={"Idempotency-Key": str(uuid.uuid4())}, timeout=30
    )
    assert sent.status_code == 202
    seen = words(desk.person("ops").get(PATH).text)
    assert "Wants to become a sales agent" in seen and "bea@example.org" in seen
    assert untold(desk) == ["Waits for a person: Wants to become a sales agent. /desk/questions"]


def busy(desk: Desk) -> Any:
    """A page with all there is: a price asked for, an agent, money, held money, held books."""
    first, second = desk.item(), desk.item(frn="0000000002", email="somebody.with.a.long.name@bluemesa.example.com")
    wanted = {
        "services": ["form_499_initial", "canada_crtc"],
        "states": {"form_499_initial": None},
        "frn": "0012345678",
    }
    closed = flag(desk, "renewal", "FCC Form 499-A falls due.", hours=90, of_item=first)
    flag(desk, "quote", json.dumps(wanted), hours=70, of_item=second)
    flag(desk, "agent", json.dumps({**AGENT, "about": "I know many carriers. " * 12}), hours=20)
    flag(desk, "payment", "Stripe dispute du_1QwErTyUiOpAsDfGhJkLzXcVbNm: 199.00 USD was taken back.", of_item=first)
    held_money(desk, "stripe", "199.00 USD came for PW-2020-000001, which is no order of ours.")
    hold_books(desk, second)
    desk.person("ops", "omar").post(f"{PATH}/{closed}", {"why": "Told them; they order by themselves."})


def test_the_page_of_questions_holds_up_and_one_is_closed_on_it(page: Page, desk: Desk, tmp_path: Path) -> None:
    busy(desk)
    log_in(page, desk)
    page.goto(f"{desk.web.url}{PATH}")
    held_up(page)
    shot(page, tmp_path, "questions")
    assert page.get_by_role("heading", name="Wants a price").is_visible()
    page.get_by_label("What was done").first.fill("Wrote with a price.")
    page.get_by_role("button", name="Close question").first.click()
    assert page.get_by_role("status").inner_text() == "Settled."
    page.get_by_label("What was mended").fill("Made by hand.")
    page.get_by_role("button", name="Look again").click()
    assert "tried again" in page.get_by_role("status").inner_text()
    assert page.get_by_role("heading", name="Wants a price").count() == 0
    held_up(page)
