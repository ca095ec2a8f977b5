"""Mails about an order as a whole: a receipt, what we need to know, reminders, a refund; each once, whatever breaks."""

from __future__ import annotations

import multiprocessing
import os
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from pw_pipelines import faults
from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.orders import change, hold, read_by_token
from pw_pipelines.fulfillment import effects, items, mails, order_mails
from pw_pipelines.fulfillment.ground import ground_of
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.settings import Settings
from tests.after.conftest import AfterHouse
from tests.commerce.making import NOW
from tests.fixtures_sandbox import SANDBOX_DAY, set_sandbox_day

TWO = Basket(
    "compliance", (BasketItem("cpni_certification", frn="0012345678"), BasketItem("form_499a", frn="0012345678"))
)


def waits(house: AfterHouse, item_id: int, *missing: str) -> None:
    """The item at gate `details`, with these facts missing."""
    with house.connect() as connection:
        items.wait_at(
            connection, item_id, Gate("details", "Details are missing.", detail={"missing": list(missing)}), by="run",
            run_id=None, now=house.ground.clock.now(),
        )  # fmt: skip


def written(house: AfterHouse) -> dict[str, int]:
    return dict(order_mails.write(house.ground, run_id="mails").came_to)


def later(house: AfterHouse, days: int) -> None:
    """In the afternoon, so many days after the house began at noon."""
    set_sandbox_day(house.ground.settings, SANDBOX_DAY + timedelta(days=days))
    house.ground.clock.set_offset(house.ground.clock.offset() + timedelta(hours=2 if days else 1))


def bodies(house: AfterHouse, item_id: int) -> list[tuple[str, str]]:
    mails = house.post_office.mails(house.email(item_id))
    return [(str(mail["Subject"]), mail.get_body(("plain",)).get_content()) for mail in mails]  # type: ignore[union-attr]


def link_of(body: str) -> str:
    [link] = [word for word in body.split() if "/orders/" in word]
    return link


@pytest.fixture
def house(house: AfterHouse, monkeypatch: pytest.MonkeyPatch) -> AfterHouse:
    """Orders are placed and paid at the house's own moment."""
    monkeypatch.setattr("tests.after.conftest.NOW", house.ground.clock.now())
    return house


def test_a_receipt_says_what_was_paid_and_asks_for_what_is_missing_in_one_mail_per_order(house: AfterHouse) -> None:
    first, second = house.ordered(TWO)
    assert written(house) == {}, "what the items will ask for is not known yet"
    waits(house, first, "cpni_procedures", "carrier_phone")
    assert written(house) == {}
    waits(house, second, "carrier_phone")
    assert written(house) == {"receipt_mail": 1}
    assert written(house) == {}

    [(subject, body)] = bodies(house, first)
    [order] = house.rows("select * from pw.orders")
    assert order["number"] in subject and f"{order['total']:,} USD" in body
    for line in house.rows("select text, amount from pw.order_lines"):
        assert line["text"] in body and f"{line['amount']:,}" in body
    assert body.count("Telephone number of the carrier") == 1 and "How your procedures protect CPNI" in body
    with house.connect() as connection:
        assert read_by_token(connection, link_of(body).rpartition("/")[2]).number == order["number"]


def test_what_is_first_missing_after_the_receipt_is_asked_for_in_a_mail_of_its_own(house: AfterHouse) -> None:
    first, second = house.ordered(TWO)
    for item_id in (first, second):
        with house.connect() as connection:
            items.wait_at(connection, item_id, Gate("review", "x"), by="run", run_id=None, now=house.ground.clock.now())
    assert written(house) == {"receipt_mail": 1}
    waits(house, second, "carrier_phone")
    assert written(house) == {"details_request_mail": 1}
    waits(house, first, "carrier_phone", "cpni_procedures")
    assert written(house) == {"details_request_mail": 1}
    waits(house, first, "cpni_procedures")
    assert written(house) == {}, "it was asked for"

    receipt, ask, again = [body for _, body in bodies(house, first)]
    assert "You need not do anything now" in receipt
    assert "Telephone number" in ask and "499" in ask and "CPNI certification" not in ask
    assert "How your procedures protect CPNI" in again
    assert len({link_of(one) for one in (receipt, ask, again)}) == 3, "every mail has a link of its own"


def test_missing_details_are_reminded_of_three_times_and_never_again(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    waits(house, item_id, "carrier_phone")
    came = []
    for day in range(40):
        later(house, day)
        if done := written(house):
            came.append((day, *done))
        assert written(house) == {}
    assert came == [
        (0, "receipt_mail"), (2, "details_reminder_mail"), (5, "details_reminder_mail"), (10, "details_reminder_mail"),
    ]  # fmt: skip
    assert [subject.split(":")[0] for subject, _ in bodies(house, item_id)][1:] == [
        "Reminder", "Reminder", "Last reminder",
    ]  # fmt: skip


def test_of_reminders_that_were_missed_only_the_last_is_sent(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    waits(house, item_id, "carrier_phone")
    assert written(house) == {"receipt_mail": 1}
    later(house, 7)
    assert (written(house), written(house)) == ({"details_reminder_mail": 1}, {})


def test_nobody_is_reminded_once_the_details_are_there_or_the_order_ended(house: AfterHouse) -> None:
    [given], [ended] = house.ordered(), house.ordered()
    for item_id in (given, ended):
        waits(house, item_id, "carrier_phone")
    assert written(house) == {"receipt_mail": 2}
    later(house, 6)
    now = house.ground.clock.now()
    with house.connect() as connection:
        items.wait_at(connection, given, Gate("signature", "x"), by="run", run_id=None, now=now)
        [order] = connection.execute("select order_id from pw.item_work where item_id = %s", (ended,)).fetchall()
        change(connection, order["order_id"], "refunded", by="staff", why="not wanted", now=now)
        items.follow_orders(connection, now=now)
    assert (written(house), written(house)) == ({"refunded_mail": 1}, {})
    subject, body = bodies(house, ended)[-1]
    assert subject.startswith("Refunded") and "five to ten business days" in body
    assert "Filed before that" not in body
    assert len(bodies(house, given)) == 1


def test_an_order_held_after_payment_gets_its_receipt_and_hears_that_a_person_looks(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    with house.connect() as connection:
        now = house.ground.clock.now()
        items.wait_at(connection, item_id, Gate("order", "x"), by="run", run_id=None, now=now)
        [order] = connection.execute("select order_id from pw.orders").fetchall()
        hold(connection, order["order_id"], by="staff", why="a question", now=now)
    assert written(house) == {"receipt_mail": 1}
    [(_, body)] = bodies(house, item_id)
    assert "a person of ours looks at your order" in body


def test_orders_of_long_ago_get_no_receipt(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    later(house, 15)
    with house.connect() as connection:
        items.wait_at(connection, item_id, Gate("review", "x"), by="run", run_id=None, now=house.ground.clock.now())
    assert written(house) == {}


def test_a_mail_never_takes_an_item_from_the_run_that_is_to_work_it(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    waits(house, item_id, "carrier_phone")
    with house.working(item_id):
        assert written(house) == {"waiting": 1}
    assert written(house) == {"receipt_mail": 1}
    row = house.row(item_id)
    assert (row["lease_owner"], row["state"], row["gate"]) == (None, "waiting", "details")


def test_an_address_refused_for_good_is_a_persons_once_and_tried_again_when_they_are_done(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    waits(house, item_id, "carrier_phone")
    house.post_office.misbehave("status", status=550)
    assert (written(house), written(house)) == ({"for_a_person": 1}, {})
    [flag] = house.rows("select * from pw.conversation_flags where kind = 'mail'")
    assert "@" not in flag["text"]
    house.post_office.book.clear()
    later(house, 1)
    assert written(house) == {}
    with house.connect() as connection:
        connection.execute("update pw.conversation_flags set closed_at = now(), closed_by = 'ann'")
    assert written(house) == {"receipt_mail": 1}


def _write(settings: Settings, fault: str) -> None:
    os.environ[faults.VARIABLE] = fault
    order_mails.write(ground_of(settings), run_id="killed")


@pytest.mark.parametrize("point", ["effects.receipt_mail.intended", "mail.send.sent", "effects.receipt_mail.performed"])
def test_killed_anywhere_there_is_one_mail(house: AfterHouse, point: str) -> None:
    [item_id] = house.ordered()
    waits(house, item_id, "carrier_phone")
    child = multiprocessing.get_context("spawn").Process(target=_write, args=(house.ground.settings, f"{point}:kill"))
    child.start()
    child.join(60)
    child.kill()
    assert child.exitcode == -9, "the fault point was walked"
    assert written(house) == {}, "it rests a while after a try"
    later(house, 0)
    for _ in range(5):
        written(house)
    assert len(bodies(house, item_id)) == 1
    [effect] = house.rows("select state from pw.effects where kind = 'receipt_mail'")
    assert effect["state"] == "done"


def test_what_nobody_can_tell_is_settled_by_a_person_and_not_sent_again(
    house: AfterHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    [item_id] = house.ordered()
    waits(house, item_id, "carrier_phone")
    house.post_office.misbehave("done_but_timeout")
    monkeypatch.setattr(type(house.ground.mail), "was_sent", _cannot_tell)
    assert written(house) == {"waiting": 1}
    house.post_office.book.clear()
    later(house, 1)
    assert written(house) == {}, "it waits for a person"
    [effect] = house.rows("select effect_id from pw.effects where kind = 'receipt_mail' and state = 'unknown'")
    with house.connect() as connection:
        effects.settle_by_person(
            connection, effect["effect_id"], happened=True, by="ann", note="in the thread", reference="x", now=NOW
        )
    assert written(house) == {}
    assert len(bodies(house, item_id)) == 1


def _cannot_tell(_mail: Any, _message_id: str) -> Any:
    from pw_pipelines.resources.mail import MailSeen

    return MailSeen(None, "The archive can't be read.")


def test_the_moment_decides_and_not_the_order_of_the_rows(house: AfterHouse) -> None:
    now: datetime = house.ground.clock.now()
    house.ordered()
    with house.connect() as connection:
        assert order_mails.due(connection, now=now) == []
        assert len(order_mails.due(connection, now=now + order_mails.SETTLED_AFTER)) == 1, "a run may be long in coming"


def test_the_link_is_a_button_and_stands_below_it_as_text(house: AfterHouse) -> None:
    [item_id] = house.ordered()
    waits(house, item_id, "carrier_phone")
    written(house)
    [mail] = house.post_office.mails(house.email(item_id))
    plain, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    link = link_of(plain)
    assert page.count(f'href="{link}"') == 2 and f">{link}</a>" in page
    assert re.search(r"<td bgcolor=[^>]*><a [^>]*>Give the details</a></td>", page)
    assert page.index("We need some details from you before") < page.index("Performance West</div>"), "the preheader"
    assert "Preheader" not in plain + page and "Button:" not in plain + page


def test_the_signature_mails_have_their_button_and_preheader_in_every_wording() -> None:
    for name in ("signature_request", "signature_reminder"):
        for again, perjury, company in ((True, True, None), (False, False, "Acme LLC")):
            text = mails.text_of(
                name,
                {"service": "CPNI certification", "order_number": "PW-2026-000001", "company": company, "name": "Ada",
                 "titles": ["Certificate"], "until": "December 1", "link": "https://example.com/sign/x",
                 "again": again, "perjury": perjury},
            )  # fmt: skip
            assert text.button == "Read and sign" and "December 1" in text.preheader
            assert text.text.startswith("Dear Ada") and "\n\nhttps://example.com/sign/x\n\n" in text.text
