"""Renewals: each entry of the calendar raises one order and one mail, whatever breaks, and none that nobody wants."""

from __future__ import annotations

import multiprocessing
import os
from datetime import date, timedelta
from typing import Any

import pytest

from pw_pipelines import faults
from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.orders import ComplianceDetails, cancel, change, hold, read_by_token
from pw_pipelines.fulfillment import renewals
from pw_pipelines.fulfillment.ground import ground_of
from pw_pipelines.fulfillment.renewals import RenewalReport
from pw_pipelines.fulfillment.stages import deliver
from pw_pipelines.settings import Settings
from tests.after.conftest import AfterHouse
from tests.commerce.making import NOW, pay
from tests.fixtures_sandbox import set_sandbox_day

AHEAD, TOO_EARLY, NEXT_YEAR = date(2027, 1, 4), date(2026, 12, 29), date(2027, 3, 1)
RMD = Basket("compliance", (BasketItem("rmd_filing", frn="0012345678"),))


@pytest.fixture(autouse=True)
def _no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "delivery_letter", lambda *_: None)


def raised(house: AfterHouse, day: date = AHEAD) -> RenewalReport:
    set_sandbox_day(house.ground.settings, day)
    return renewals.raise_due(house.ground, run_id="renewals")


def renewal_order(house: AfterHouse) -> dict[str, Any]:
    [order] = house.rows("select * from pw.orders where utm->>'utm_source' = 'renewal'")
    return order


def mails_about(house: AfterHouse, item_id: int) -> list[Any]:
    return [mail for mail in house.post_office.mails(house.email(item_id)) if "due" in str(mail["Subject"])]


def test_next_years_order_is_raised_once_with_a_mail_that_leads_to_it(house: AfterHouse) -> None:
    item_id = house.done()
    assert raised(house, TOO_EARLY).came_to == {"later": 1}
    assert raised(house).came_to == {"mailed": 1}
    assert raised(house).came_to == {"raised": 1}

    order = renewal_order(house)
    assert order["status"] == "received" and order["paid_at"] is None
    [before] = house.rows("select * from pw.orders where order_id <> %s", order["order_id"])
    assert (order["customer_id"], order["total"]) == (before["customer_id"], before["total"])
    [event] = house.rows("select * from pw.order_events where order_id = %s", order["order_id"])
    assert event["by"] == "renewals"
    [item] = house.rows("select * from pw.order_items where order_id = %s", order["order_id"])
    assert (item["service"], item["frn"], item["details"]["year"]) == ("cpni_certification", "0012345678", "2027")

    (mail,) = mails_about(house, item_id)
    body = mail.get_body(("plain",)).get_content()
    [link] = [word for word in body.split() if "/orders/" in word]
    with house.connect() as connection:
        assert read_by_token(connection, link.rpartition("/")[2]).number == order["number"]
    assert str(order["total"]) in body and "March 1, 2027" in body and "FRN 0012345678" in body
    assert mail["Auto-Submitted"] == "auto-generated"


def test_when_the_renewal_is_delivered_the_entry_is_renewed_and_the_next_year_entered(house: AfterHouse) -> None:
    house.done()
    raised(house)
    order = renewal_order(house)
    with house.connect() as connection:
        pay(connection, order["order_id"], now=house.ground.clock.now())
        from pw_pipelines.fulfillment import items

        [item_id] = items.open_items(connection, now=NOW, order_id=order["order_id"])
    house.filed(item_id)
    assert house.after(item_id) == ["done", "done"]
    entries = [(entry["due_on"], entry["state"]) for entry in house.calendar()]
    assert entries == [(date(2027, 3, 1), "renewed"), (date(2028, 3, 1), "open")]
    assert raised(house).came_to == {"later": 1}


def test_a_renewal_without_a_price_of_its_own_is_a_persons_once(house: AfterHouse) -> None:
    item_id = house.done(RMD)
    for _ in range(2):
        assert raised(house).came_to == {"for_a_person": 1}
    [flag] = house.rows("select * from pw.conversation_flags where kind = 'renewal'")
    assert "no published price" in flag["text"] and "2027-03-01" in flag["text"]
    assert len(house.rows("select * from pw.orders")) == 1 and mails_about(house, item_id) == []


@pytest.mark.parametrize("reason", ["unsubscribed", "complained", "manual"])
def test_who_opted_out_is_left_alone(house: AfterHouse, reason: str) -> None:
    item_id = house.done()
    with house.connect() as connection:
        connection.execute(
            "insert into pw.suppressions (email, reason, since, origin, evidence) values (%s, %s, %s, 'test', '{}')",
            (house.email(item_id), reason, NOW),
        )
    assert raised(house).came_to == {"dropped": 1}
    [entry] = house.calendar()
    assert entry["state"] == "dropped" and "no more mails" in entry["why"]
    assert len(house.rows("select * from pw.orders")) == 1 and mails_about(house, item_id) == []


def test_being_a_customer_is_no_opting_out(house: AfterHouse) -> None:
    item_id = house.done()
    with house.connect() as connection:
        connection.execute(
            "insert into pw.suppressions (email, reason, since, origin, evidence) "
            "values (%s, 'customer', %s, 'test', '{}')",
            (house.email(item_id), NOW),
        )
    assert raised(house).came_to == {"mailed": 1}


def test_a_refunded_order_is_not_renewed(house: AfterHouse) -> None:
    item_id = house.done()
    order_id = house.row(item_id)["order_id"]
    with house.connect() as connection:
        connection.execute("update pw.payments set state = 'refunded' where order_id = %s", (order_id,))
        change(connection, order_id, "held", by="staff", why="money back", now=NOW)
    assert raised(house).came_to == {"waiting": 1}, "a held order waits"
    with house.connect() as connection:
        change(connection, order_id, "refunded", by="staff", why="money back", now=NOW)
    assert raised(house).came_to == {"dropped": 1}
    [entry] = house.calendar()
    assert "refunded" in entry["why"]


def test_a_renewal_that_was_cancelled_is_not_raised_again(house: AfterHouse) -> None:
    house.done()
    raised(house)
    with house.connect() as connection:
        cancel(connection, renewal_order(house)["order_id"], by="customer", why="not wanted", now=NOW)
    assert raised(house).came_to == {"dropped": 1}
    assert raised(house).came_to == {}
    renewal_order(house)


def test_what_the_customer_orders_anew_is_not_sold_a_second_time(house: AfterHouse) -> None:
    item_id = house.done(email="ada@northern.example")
    raised(house)
    first = renewal_order(house)
    [again] = house.ordered(email="ada@northern.example")
    with house.connect() as connection:
        connection.execute(
            'update pw.order_items set details = details || \'{"year": "2027"}\' where item_id = %s', (again,)
        )
    house.filed(again)
    assert house.after(again) == ["done", "done"]
    states = {entry["due_on"]: entry["state"] for entry in house.calendar()}
    assert states == {date(2027, 3, 1): "renewed", date(2028, 3, 1): "open"}
    [order] = house.rows("select status from pw.orders where order_id = %s", first["order_id"])
    assert order["status"] == "cancelled" and len(mails_about(house, item_id)) == 1


def test_while_the_same_is_in_work_no_order_is_raised(house: AfterHouse) -> None:
    house.done(email="ada@northern.example")
    house.ordered(email="ada@northern.example")
    report = raised(house)
    assert report.came_to == {"waiting": 1} and "in work" in next(iter(report.waiting.values()))


def test_a_mail_server_that_is_away_costs_neither_order_nor_mail(house: AfterHouse) -> None:
    item_id = house.done()
    house.post_office.misbehave("status", status=451)
    assert raised(house).came_to == {"waiting": 1}
    assert raised(house).came_to == {"mailed": 1}
    renewal_order(house)
    assert len(mails_about(house, item_id)) == 1


def test_an_address_that_is_refused_is_a_persons(house: AfterHouse) -> None:
    item_id = house.done()
    house.post_office.misbehave("status", status=550)
    assert raised(house).came_to == {"for_a_person": 1}
    assert raised(house).came_to == {"raised": 1}
    [flag] = house.rows("select text from pw.conversation_flags where kind = 'renewal'")
    assert "can't be sent" in flag["text"] and house.email(item_id) not in flag["text"]


def test_a_mail_whose_answer_was_lost_is_not_sent_again(house: AfterHouse) -> None:
    item_id = house.done()
    house.post_office.misbehave("done_but_timeout", seconds=0)
    assert raised(house).came_to == {"mailed": 1}
    assert len(mails_about(house, item_id)) == 1


def test_an_entry_without_a_day_raises_nothing(house: AfterHouse) -> None:
    house.done(Basket("compliance", (BasketItem("cpni_certification", frn="0012345678"),)))
    with house.connect() as connection:
        connection.execute("update pw.compliance_calendar set due_on = null, why = 'not known'")
    assert raised(house).came_to == {"day_unknown": 1}


def _raise(settings: Settings, fault: str) -> None:
    os.environ[faults.VARIABLE] = fault
    renewals.raise_due(ground_of(settings), run_id="killed")


@pytest.mark.parametrize(
    "point",
    ["after.renewals.before_commit", "after.renewals.placed", "effects.renewal_mail.intended", "mail.send.sent",
     "effects.renewal_mail.performed", "after.renewals.mailed"],
)  # fmt: skip
def test_killed_anywhere_there_is_one_order_and_one_mail(house: AfterHouse, point: str) -> None:
    item_id = house.done()
    set_sandbox_day(house.ground.settings, AHEAD)
    child = multiprocessing.get_context("spawn").Process(target=_raise, args=(house.ground.settings, f"{point}:kill"))
    child.start()
    child.join(60)
    child.kill()
    assert child.exitcode == -9, "the fault point was walked"
    for _ in range(10):
        if not raised(house).came_to["waiting"]:
            break
    renewal_order(house)
    assert len(mails_about(house, item_id)) == 1
    [entry] = house.calendar()
    assert entry["reminded_at"] is not None and entry["state"] == "open"


def test_a_clock_that_jumped_a_year_raises_what_is_over_too(house: AfterHouse) -> None:
    item_id = house.done()
    assert raised(house, NEXT_YEAR + timedelta(days=40)).came_to == {"mailed": 1}
    (mail,) = mails_about(house, item_id)
    assert "was due again" in mail.get_body(("plain",)).get_content()


def test_a_held_renewal_order_is_not_mailed(house: AfterHouse) -> None:
    house.done()
    house.post_office.misbehave("status", status=451)
    raised(house)
    with house.connect() as connection:
        hold(connection, renewal_order(house)["order_id"], by="staff", why="a question", now=NOW)
    assert raised(house).came_to == {"raised": 1}


def test_the_agent_of_a_company_is_renewed_for_that_company(house: AfterHouse) -> None:
    agent = Basket("compliance", (BasketItem("registered_agent", for_state="WY"),))
    house.done(agent, ComplianceDetails(carrier_name="Acme LLC"))
    assert raised(house, date(2027, 10, 1)).came_to == {"mailed": 1}
    order = renewal_order(house)
    [item] = house.rows("select * from pw.order_items where order_id = %s", order["order_id"])
    [details] = house.rows("select carrier_name from pw.compliance_orders where order_id = %s", order["order_id"])
    assert (item["for_state"], details["carrier_name"]) == ("WY", "Acme LLC")
