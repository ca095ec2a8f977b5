"""What falls due again after a service was done, and when; no day is invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.orders import ComplianceDetails, hold
from pw_pipelines.fulfillment.annual_reports import next_report
from pw_pipelines.fulfillment.calendar import Done, upcoming
from pw_pipelines.fulfillment.model import ItemView
from pw_pipelines.fulfillment.stages import deliver
from pw_pipelines.jurisdictions.book import book
from tests.after.conftest import AfterHouse
from tests.commerce.making import CPNI, NOW

ITEM = ItemView(
    1, 1, "PW-2026-000001", "compliance", "delivered", 1, "ada@example.com", "cpni_certification", "CPNI", 1, None,
    "0012345678", (), {}, "Acme LLC", NOW, "book", "ready", None, {}, 1, None,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "delivery_letter", lambda *_: None)


def due_after(service: str, done_on: date, renews: date | None = None, **values: str) -> Any:
    state = values.pop("for_state", None)
    item = replace(ITEM, service=service, for_state=state, details={"form": values.pop("form", "llc")})
    return upcoming(Done(item, done_on, values, renews))


@pytest.mark.parametrize(
    ("service", "done_on", "values", "renewed_by", "due_on"),
    [
        # late for 2026: the next one is 2027's
        ("cpni_certification", date(2026, 11, 22), {"year": "2026"}, "cpni_certification", date(2027, 3, 1)),
        # early for 2027: the next one is 2028's
        ("cpni_certification", date(2027, 1, 15), {"year": "2027"}, "cpni_certification", date(2028, 3, 1)),
        ("form_499a", date(2027, 3, 20), {"year": "2027"}, "form_499a", date(2028, 4, 3)),
        ("form_499_initial", date(2027, 2, 1), {"year": "2027"}, "form_499a", date(2027, 4, 1)),
        # arrears: never a day that is past already
        ("form_499a", date(2026, 11, 22), {"year": "2024"}, "form_499a", date(2027, 4, 1)),
        # recertification: from 1 February on what is filed counts for the year, before it does not
        ("rmd_filing", date(2026, 11, 22), {"year": "2026"}, "rmd_recertification", date(2027, 3, 1)),
        ("rmd_filing", date(2027, 1, 31), {"year": "2027"}, "rmd_recertification", date(2027, 3, 1)),
        ("rmd_filing", date(2027, 2, 1), {"year": "2027"}, "rmd_recertification", date(2028, 3, 1)),
        ("rmd_recertification", date(2027, 3, 1), {"year": "2027"}, "rmd_recertification", date(2028, 3, 1)),
        ("rmd_recertification", date(2027, 3, 2), {"year": "2027"}, "rmd_recertification", date(2028, 3, 1)),
        ("form_499q", date(2026, 11, 22), {"quarter": "2026Q3"}, "form_499q", date(2027, 2, 1)),
        ("form_499q", date(2027, 1, 20), {"quarter": "2026Q4"}, "form_499q", date(2027, 5, 3)),
        ("bdc_voice", date(2026, 11, 22), {"vintage": "2026-06-30"}, "bdc_voice", date(2027, 3, 1)),
        ("bdc_voice", date(2027, 2, 2), {"vintage": "2026-12-31"}, "bdc_voice", date(2027, 9, 1)),
        ("dc_agent", date(2026, 11, 22), {}, "dc_agent", date(2027, 11, 22)),
        ("registered_agent", date(2028, 2, 29), {"for_state": "WY"}, "registered_agent", date(2029, 2, 28)),
        # Wyoming: the first day of the anniversary month
        ("formation_basic", date(2026, 11, 22), {"for_state": "WY"}, "annual_report", date(2027, 11, 1)),
    ],
)  # fmt: skip
def test_the_next_day_follows_what_was_done(
    service: str, done_on: date, values: dict[str, str], renewed_by: str, due_on: date
) -> None:
    found = due_after(service, done_on, **values)
    assert (found.service, found.due_on, found.why) == (renewed_by, due_on, None)


def test_a_renewal_keeps_the_day_it_renews() -> None:
    found = due_after("registered_agent", date(2027, 10, 1), renews=date(2027, 11, 22), for_state="WY")
    assert found.due_on == date(2028, 11, 22), "paid early, and not the poorer for it"


@pytest.mark.parametrize(
    "service", ["state_puc", "telemarketer_registration", "canada_crtc", "data_broker_registration"]
)
def test_a_day_nobody_has_on_record_is_not_invented(service: str) -> None:
    found = due_after(service, date(2026, 11, 22), for_state="WY")
    assert found.due_on is None and "not known" in found.why


def test_what_is_done_once_falls_due_no_more() -> None:
    assert due_after("operating_agreement", date(2026, 11, 22)) is None
    assert due_after("ein", date(2026, 11, 22)) is None


def test_every_state_either_gives_a_day_none_is_due_or_says_why_not() -> None:
    """All 52, both forms: a day is later than the formation, and a missing one quotes the state."""
    formed, known = date(2026, 11, 22), 0
    for place in book().values():
        for form in ("llc", "corporation"):
            found = next_report(place, form, formed_on=formed, reported_on=None)  # type: ignore[arg-type]
            if found.on is None:
                assert found.why is not None and place.annual_report_due.words in found.why
            else:
                assert formed < found.on < formed + timedelta(days=2 * 366)
                known += 1
    assert known > 30


@pytest.mark.parametrize(
    ("words", "form", "day"),
    [
        ("end of anniversary month", "llc", date(2027, 11, 30)),
        ("anniversary date", "llc", date(2027, 11, 22)),
        ("end of the anniversary quarter", "llc", date(2027, 12, 31)),
        ("1 January-1 May", "llc", date(2027, 5, 1)),
        ("15 February (LLC); 15 May (corp)", "llc", date(2027, 2, 15)),
        ("15 February (LLC); 15 May (corp)", "corporation", date(2027, 5, 15)),
        ("15 November (LLC)", "corporation", None),
        ("1 April of odd years (LLC)", "llc", None),
        ("anniversary month every 2 years", "llc", None),
        ("within 90 days, then every 2 years by end of anniversary month (LLC)", "llc", None),
        ("31 February", "llc", None),
    ],
)
def test_only_plain_words_make_a_day(words: str, form: Any, day: date | None) -> None:
    place = book()["WY"]
    place = place.model_copy(update={"annual_report_due": place.annual_report_due.model_copy(update={"words": words})})
    assert next_report(place, form, formed_on=date(2026, 11, 22), reported_on=None).on == day


def test_words_of_low_confidence_make_no_day() -> None:
    place = book()["WY"]
    unsure = place.annual_report_due.model_copy(update={"confidence": "low"})
    found = next_report(
        place.model_copy(update={"annual_report_due": unsure}), "llc", formed_on=NOW.date(), reported_on=None
    )
    assert found.on is None


# -- the stage --------------------------------------------------------------------------------------------------------


def test_booking_wants_the_invoice_enters_the_calendar_and_begins_the_cures_once(house: AfterHouse) -> None:
    [item_id] = house.ordered(cures=("CPNI_MISSING", "SEC214_INTL"))
    house.filed(item_id)
    assert house.after(item_id) == ["done", "done"]
    assert house.order_status(item_id) == "delivered"
    wanted = house.rows("select kind from pw.book_entries order by kind")
    assert [row["kind"] for row in wanted] == ["customer", "payment_entry", "sales_invoice", "sales_order"]
    [order] = house.rows("select delivered_at from pw.orders")
    assert order["delivered_at"] is not None, "the commission's clock runs"
    [entry] = house.calendar()
    assert (entry["service"], entry["subject"], entry["due_on"]) == (
        "cpni_certification",
        "0012345678",
        date(2027, 3, 1),
    )
    assert entry["citation"] == "47 CFR 64.2009(e)"
    states = {row["code"]: row["state"] for row in house.rows("select * from pw.cures")}
    assert states == {"CPNI_MISSING": "waiting", "SEC214_INTL": "not_visible"}

    with house.connect() as connection:
        connection.execute("update pw.item_work set stage = 'book', state = 'ready', done_at = null")
    assert house.advance(item_id, "book").came == "done"
    assert len(house.calendar()) == 1 and len(house.rows("select * from pw.cures")) == 2


def test_the_invoice_waits_for_the_whole_order(house: AfterHouse) -> None:
    both = Basket(
        "compliance", (BasketItem("cpni_certification", frn="0012345678"), BasketItem("form_499a", frn="0012345678"))
    )
    first, second = house.ordered(both)
    house.filed(first)
    assert house.after(first) == ["done", "done"]
    assert house.rows("select * from pw.book_entries where kind = 'payment_entry'") == []
    house.filed(second)
    assert house.after(second) == ["done", "done"]
    assert len(house.rows("select * from pw.book_entries where kind = 'payment_entry'")) == 1
    assert house.order_status(first) == "delivered"


def test_a_held_order_is_booked_when_it_is_released(house: AfterHouse) -> None:
    from pw_pipelines.commerce.orders import release

    [item_id] = house.ordered()
    house.filed(item_id)
    assert house.advance(item_id, "deliver").came == "done"
    order_id = house.row(item_id)["order_id"]
    with house.connect() as connection:
        hold(connection, order_id, by="staff", why="a question", now=NOW)
    assert house.advance(item_id, "book").came == "gate"
    assert house.calendar() == []
    with house.connect() as connection:
        release(connection, order_id, by="staff", why="answered", now=NOW)
        connection.execute("update pw.item_work set state = 'ready', gate = null")
    assert house.advance(item_id, "book").came == "done"
    assert len(house.calendar()) == 1


def test_the_amount_due_again_is_of_the_right_subject(house: AfterHouse) -> None:
    agent = Basket("compliance", (BasketItem("registered_agent", for_state="WY"),))
    house.done(agent, ComplianceDetails(carrier_name="Acme LLC"))
    [entry] = house.calendar()
    assert (entry["subject"], entry["service"]) == ("WY Acme LLC", "registered_agent")
    assert entry["due_on"] == date(2027, 11, 22) and entry["duty"] is None
    [order] = house.rows("select total from pw.orders")
    assert order["total"] == Decimal("49.00") and CPNI.kind == "compliance"
