"""The compliance calendar: what falls due again for a customer after a service was done, and when.

A day comes from the duty (compliance/calendar.py, after the period that was filed), from the day a service began, or
from the state's own words. Where none of them says, the entry has no day and says why: no day is invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pw_pipelines.clock import eastern_day
from pw_pipelines.commerce import orders
from pw_pipelines.commerce.catalogue import Renewal, catalogue
from pw_pipelines.compliance.calendar import RECERTIFICATION_OPENS, Duty, due_in, next_due
from pw_pipelines.compliance.rules import rules
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.annual_reports import Due, Form, next_report
from pw_pipelines.fulfillment.facts import known_values
from pw_pipelines.fulfillment.model import Connection, ItemView
from pw_pipelines.jurisdictions.book import book

ON_THE_DAY_IT_BEGAN = "each year on the day it began"
FORMATIONS = ("formation_basic", "formation_complete")
BY = "calendar"
NOTHING_MORE = "nothing falls due again"  # as the stage `book` says it


@dataclass(frozen=True)
class Upcoming:
    """What falls due next. service: what renews it (the service itself where nothing is on sale for it)."""

    service: str
    title: str
    duty: str | None
    due_on: date | None
    why: str | None
    citation: str | None


@dataclass(frozen=True)
class Done:
    """A service that was done: on which day, for which period (facts `year`, `quarter`, `vintage`), and the day of the
    calendar it renews, where it was ordered for that."""

    item: ItemView
    done_on: date
    values: Mapping[str, str]
    renews: date | None = None


def upcoming(done: Done) -> Upcoming | None:
    """The entry that follows; None where nothing falls due again. Pure."""
    renewal = catalogue()[done.item.service].renewal
    if renewal is None:
        return None
    service = renewal.service or done.item.service
    title, citation = catalogue()[service].title, None
    why: str | None = None
    if renewal.duty is not None:
        due_on: date | None = _duty_due(done, renewal, renewal.duty)
        citation = next((rule.citation for rule in rules().values() if rule.due.duty == renewal.duty), None)
    elif renewal.words == ON_THE_DAY_IT_BEGAN:
        due_on = _year_after(done.renews or done.done_on)
    elif service == "annual_report" and done.item.for_state in book():
        found = _report(done)
        if found.is_none:
            return None
        due_on, why = found.on, found.why
        stated = book()[done.item.for_state].annual_report_due
        citation = f"{stated.words} ({book()[done.item.for_state].sources[stated.source]})"
    else:
        due_on, why = None, f"The day is not known: {renewal.words}. A person finds it out."
    return Upcoming(service, title, renewal.duty, due_on, why, citation)


def _duty_due(done: Done, renewal: Renewal, duty: Duty) -> date:
    """After the period that was filed, and never a day that was past already when it was done."""
    earliest = next_due(duty, done.done_on).due_on
    if duty == "rmd_recertification":  # what is filed from 1 February on counts for the year, whatever was filed
        opens = date(done.done_on.year, *RECERTIFICATION_OPENS)
        is_in_window = opens <= done.done_on <= earliest and earliest.year == done.done_on.year
        return next_due(duty, earliest + timedelta(days=1)).due_on if is_in_window else earliest
    if renewal.service != done.item.service:  # a first filing, followed by the yearly one
        return earliest
    return max(earliest, _after_period(done, duty))


def _after_period(done: Done, duty: Duty) -> date:
    """The due date that follows the one of the filed period."""
    filed = _period_due(done, duty)
    return next_due(duty, filed + timedelta(days=1)).due_on if filed else date.min


def _period_due(done: Done, duty: Duty) -> date | None:
    """The due date of the period that was filed; None where the period is not known."""
    if duty == "form499q":
        quarter = done.values.get("quarter", "")
        if len(quarter) == len("2026Q4") and quarter[:4].isdecimal() and quarter[5] in "1234":
            year, number = int(quarter[:4]), int(quarter[5])
            return next_due(duty, date(year + number // 4, (number * 3) % 12 + 2, 1)).due_on
        return None
    if duty == "bdc":
        try:
            as_of = date.fromisoformat(done.values.get("vintage", ""))
        except ValueError:
            return None
        return next_due(duty, as_of).due_on
    year_filed = done.values.get("year", "")
    due = due_in(duty, int(year_filed)) if year_filed.isdecimal() else ()
    return due[-1].due_on if due else None


def _report(done: Done) -> Due:
    form: Form = "corporation" if done.item.details.get("form") == "corporation" else "llc"
    is_formation = done.item.service in FORMATIONS
    assert done.item.for_state is not None
    found = next_report(
        book()[done.item.for_state], form, formed_on=done.done_on if is_formation else None,
        reported_on=None if is_formation else done.done_on,
    )  # fmt: skip
    if found.on is None and not found.is_none and done.renews is not None:
        return Due(_year_after(done.renews))
    return found


def _year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return date(day.year + 1, 2, 28)


def done_at(connection: Connection, item_id: int) -> datetime | None:
    """When the item's service was done: filed, else handed over or delivered; None: not yet."""
    row = connection.execute(
        """select coalesce(
             (select max(done_at) from pw.effects where item_id = %(item)s and kind = 'filing' and state = 'done'),
             (select min(at) from pw.item_events where item_id = %(item)s and what = 'stage_done'
                and stage = (case when exists (select from pw.item_events where item_id = %(item)s
                  and stage = 'file' and gate = 'packet') then 'file' else 'deliver' end)),
             (select min(at) from pw.item_events where item_id = %(item)s and what = 'stage_done'
                and stage = 'deliver')) as at""",
        {"item": item_id},
    ).fetchone()
    assert row is not None
    at: datetime | None = row["at"]
    return at


def enter(connection: Connection, item: ItemView, *, now: datetime) -> Upcoming | None:
    """Books what falls due after this item, and calls renewed what it renewed. Asking again changes nothing."""
    when = done_at(connection, item.item_id) or now
    renews = connection.execute(
        "select due_on from pw.compliance_calendar where renewal_order_id = %s and service = %s and due_on is not null "
        "order by due_on limit 1",
        (item.order_id, item.service),
    ).fetchone()
    values = {name: str(value) for name, value in item.details.items() if name in ("year", "quarter", "vintage")}
    values = known_values(connection, item.item_id) | values
    done = Done(item, eastern_day(when), values, renews["due_on"] if renews else None)
    following = upcoming(done)
    _call_renewed(connection, item, following, now=now)
    if following is None:
        return None
    connection.execute(
        """insert into pw.compliance_calendar as c
             (customer_id, item_id, service, duty, subject, title, due_on, why, citation, made_at)
           values (%(customer)s, %(item)s, %(service)s, %(duty)s, %(subject)s, %(title)s, %(due)s, %(why)s,
             %(citation)s, %(now)s)
           on conflict (customer_id, service, subject, due_on) do update
             set state = 'open', item_id = excluded.item_id, why = excluded.why, renewal_order_id = null,
                 reminded_at = null, made_at = excluded.made_at
             where c.state = 'dropped' and c.item_id <> excluded.item_id""",
        {
            "customer": item.customer_id, "item": item.item_id, "service": following.service, "duty": following.duty,
            "subject": item.subject, "title": following.title, "due": following.due_on, "why": following.why,
            "citation": following.citation, "now": now,
        },
    )  # fmt: skip
    return following


def _call_renewed(connection: Connection, item: ItemView, following: Upcoming | None, *, now: datetime) -> None:
    """The entries this item met: those it was ordered for, and earlier days of the same duty. An order that was raised
    for one of them and that nobody paid is cancelled: it would have the same done twice."""
    before = following.due_on if following and following.service == item.service else None
    rows = connection.execute(
        """update pw.compliance_calendar set state = 'renewed'
           where customer_id = %(customer)s and service = %(service)s and state = 'open' and item_id <> %(item)s
             and (renewal_order_id = %(order)s
                  or (subject = %(subject)s and %(before)s::date is not null and due_on < %(before)s))
           returning renewal_order_id""",
        {
            "customer": item.customer_id, "service": item.service, "item": item.item_id, "order": item.order_id,
            "subject": item.subject, "before": before,
        },
    ).fetchall()  # fmt: skip
    for row in rows:
        other = row["renewal_order_id"]
        if other is not None and other != item.order_id:
            cancel_unpaid(connection, other, why=f"The same was done by order {item.order_number}.", now=now)


def cancel_unpaid(connection: Connection, order_id: int, *, why: str, now: datetime) -> bool:
    """Cancels an order nobody paid; leaves any other as it is."""
    row = connection.execute(
        "select status, paid_at from pw.orders where order_id = %s for update", (order_id,)
    ).fetchone()
    if row is None or row["status"] != "received" or row["paid_at"] is not None:
        return False
    orders.cancel(connection, order_id, by=BY, why=why, now=now)
    return True


def drop(connection: Connection, entry_id: int, *, why: str, item_id: int | None, now: datetime) -> None:
    """Ends an entry that is not to be renewed, with the reason; its unpaid order is cancelled."""
    row = connection.execute(
        "update pw.compliance_calendar set state = 'dropped', why = %s where entry_id = %s and state = 'open' "
        "returning renewal_order_id",
        (why, entry_id),
    ).fetchone()
    if row is None:
        return
    if row["renewal_order_id"] is not None:
        cancel_unpaid(connection, row["renewal_order_id"], why=why, now=now)
    if item_id is not None:
        items.record(connection, item_id, now, stage="done", what="note", text=f"Not renewed: {why}", by=BY)


def not_entered(connection: Connection) -> list[int]:
    """Items that are done and fall due again by the catalogue, without an entry: there should be none."""
    renewing = {one.code: one.renewal.service or one.code for one in catalogue().values() if one.renewal}
    rows = connection.execute(
        """select w.item_id from pw.item_work w join pw.orders o using (order_id)
           join unnest(%s::text[], %s::text[]) as r(service, renewed_by) using (service)
           where w.state = 'done'
             and not exists (select from pw.compliance_calendar e
                             where e.customer_id = o.customer_id and e.service = r.renewed_by
                               and (e.item_id = w.item_id or e.made_at >= w.created_at))
             and not exists (select from pw.item_events v where v.item_id = w.item_id and v.stage = 'book'
                               and v.what = 'stage_done' and v.text like %s)
           order by w.item_id""",
        (list(renewing), list(renewing.values()), f"%{NOTHING_MORE}%"),
    ).fetchall()
    return [int(row["item_id"]) for row in rows]
