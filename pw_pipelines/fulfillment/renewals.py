"""Renewals: next year's order, raised ahead of the day it falls due, with a mail that leads to it.

Each entry of the calendar is one renewal: its order is placed in the transaction that notes it on the entry, its mail
is an effect of the item it renews. What has no price of its own, and whatever else can't be ordered, goes to a person.
Nobody is charged: the order waits to be paid like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from pw_pipelines import faults
from pw_pipelines.clock import eastern_day
from pw_pipelines.commerce import orders
from pw_pipelines.commerce.basket import Basket, BasketItem
from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.commerce.fees import FeeBook, Form, fee_book
from pw_pipelines.commerce.orders import ComplianceDetails, NewCustomer, NewOrder
from pw_pipelines.commerce.quote import Quote, quote
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import calendar, items, mails
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.gathering import quarter_reported
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import Connection, FulfillmentError, Gate, LeaseLost, NotDone
from pw_pipelines.fulfillment.owner import leave, new_owner
from pw_pipelines.fulfillment.work import Work

BY, FLAG, KIND = "renewals", "renewal", "renewal_mail"
# Reasons of pw.suppressions that are a person's word, or the end of an address. Being a customer is none.
OPTED_OUT = ("complained", "unsubscribed", "manual", "bounced", "blocklisted")
_ENTRY = """
    select e.entry_id, e.customer_id, e.item_id, e.service, e.duty, e.subject, e.title, e.due_on, e.renewal_order_id,
           e.reminded_at, i.frn as item_frn, i.for_state, i.details, o.order_id, o.number as order_number,
           o.status as order_status, o.method, c.email, c.name, c.company, w.item_id as work_id,
           r.status as renewal_status, r.number as renewal_number,
           exists (select from pw.suppressions s where s.email = lower(c.email) and s.reason = any(%(opted_out)s))
             as has_opted_out
    from pw.compliance_calendar e
    join pw.order_items i using (item_id) join pw.orders o using (order_id)
    join pw.customers c on c.customer_id = e.customer_id
    left join pw.item_work w using (item_id)
    left join pw.orders r on r.order_id = e.renewal_order_id
"""


@dataclass
class RenewalReport:
    """What one run did. waiting: why what is due was not raised or mailed yet, by entry."""

    came_to: Counter[str] = field(default_factory=Counter)
    waiting: dict[int, str] = field(default_factory=dict)


def raise_due(ground: Ground, *, run_id: str, log: Callable[[str], None] = lambda _: None) -> RenewalReport:
    """Raises every renewal that falls due within `renewal_days`, mails its link, and drops what is not wanted any more.

    May be killed anywhere and asked again at any time; two at once do the same once. An entry that can't be worked now
    holds up no other.
    """
    report, fees = RenewalReport(), fee_book(ground.settings.paypal_surcharge_percent)
    until = ground.clock.today() + timedelta(days=ground.settings.renewal_days)
    with ground.db.connect(application="pw-renewals") as connection:
        rows: list[dict[str, Any]] = connection.execute(
            "select entry_id from pw.compliance_calendar where state = 'open' and item_id is not null "
            "order by due_on nulls last, entry_id"
        ).fetchall()
    for entry_id in [int(row["entry_id"]) for row in rows]:
        with ground.db.connect(application="pw-renewals") as connection:
            came = _settle(connection, entry_id, until=until, fees=fees, now=ground.clock.now())
            faults.point("after.renewals.before_commit")
        faults.point("after.renewals.placed")
        if came == "to_mail":
            came = _mail(ground, entry_id, run_id=run_id, log=log)
        if came.startswith("waits: "):
            report.waiting[entry_id] = came.removeprefix("waits: ")
            came = "waiting"
        report.came_to[came] += 1
    return report


def _settle(connection: Connection, entry_id: int, *, until: date, fees: FeeBook, now: datetime) -> str:
    """Brings one entry on, in the caller's transaction; what it came to, `to_mail` where its mail is to be sent."""
    entry = connection.execute(
        f"{_ENTRY} where e.entry_id = %(entry)s and e.state = 'open' for update of e skip locked",
        {"entry": entry_id, "opted_out": list(OPTED_OUT)},
    ).fetchone()
    if entry is None:
        return "settled"
    if why := _why_dropped(entry):
        calendar.drop(connection, entry_id, why=why, item_id=entry["work_id"], now=now)
        return "dropped"
    if came := _standing(entry, until) or _waiting(connection, entry):
        return came
    priced = _priced(entry, fees, today=eastern_day(now))
    if isinstance(priced, str):
        _tell_person(connection, entry, priced, now=now)
        return "for_a_person"
    _place(connection, entry, priced, now=now)
    return "to_mail"


def _standing(entry: Mapping[str, Any], until: date) -> str | None:
    """What an entry came to before; None where its order is to be raised now."""
    if entry["due_on"] is None:
        return "day_unknown"
    if entry["due_on"] > until:
        return "later"
    if entry["renewal_order_id"] is not None:
        return "raised" if entry["reminded_at"] or entry["renewal_status"] != "received" else "to_mail"
    return "for_a_person" if entry["reminded_at"] is not None else None


def _waiting(connection: Connection, entry: Mapping[str, Any]) -> str | None:
    """Why its order is not raised yet."""
    if entry["order_status"] == "held":
        return f"waits: order {entry['order_number']} is held."
    in_work = _in_work(connection, entry)
    return f"waits: the same is in work as item {in_work}." if in_work else None


def _why_dropped(entry: Mapping[str, Any]) -> str | None:
    if entry["order_status"] in ("refunded", "cancelled"):
        return f"Order {entry['order_number']} was {entry['order_status']}."
    if entry["has_opted_out"]:
        return "The customer asked for no more mails, or the address is dead."
    if entry["renewal_status"] in ("refunded", "cancelled"):
        return f"Its order {entry['renewal_number']} was {entry['renewal_status']}."
    return None


def _in_work(connection: Connection, entry: Mapping[str, Any]) -> int | None:
    """Another item by which the customer has the same done just now; when it is done it renews the entry itself."""
    row = connection.execute(
        """select w.item_id from pw.item_work w join pw.order_items i using (item_id)
             join pw.orders o on o.order_id = w.order_id
             left join pw.compliance_orders co on co.order_id = o.order_id
           where o.customer_id = %(customer)s and i.service = %(service)s and w.item_id <> %(item)s
             and w.state in ('ready', 'waiting') and coalesce(i.frn, co.frn) is not distinct from %(frn)s
             and i.for_state is not distinct from %(state)s
           order by w.item_id limit 1""",
        {
            "customer": entry["customer_id"], "service": entry["service"], "item": entry["item_id"],
            "frn": _frn(entry), "state": entry["for_state"],
        },
    ).fetchone()  # fmt: skip
    return int(row["item_id"]) if row else None


def _priced(entry: Mapping[str, Any], fees: FeeBook, *, today: date) -> Quote | str:
    """Today's price; in words, why a person has to name one."""
    service = catalogue()[entry["service"]]
    if service.code not in {one.renewal.service for one in catalogue().values() if one.renewal}:
        return "nothing is on sale that renews it."
    offered = fees.methods.get(entry["method"])
    method = entry["method"] if offered is not None and offered.percent is not None else "card"
    form: Form = "corporation" if entry["details"].get("form") == "corporation" else "llc"
    wanted = BasketItem(
        service.code, for_state=entry["for_state"] if service.per == "state" else None, frn=_frn(entry), form=form
    )
    try:
        priced = quote(
            Basket("compliance", (wanted,)), method=method, discount=None, referral=None, today=today, fees=fees
        )
    except UsageError as error:
        return str(error)
    return priced if priced.can_be_ordered else " ".join(priced.unknown)


def _place(connection: Connection, entry: Mapping[str, Any], priced: Quote, *, now: datetime) -> None:
    view = items.read_item(connection, entry["item_id"]) if entry["work_id"] else None
    carrier = view.company_name if view else entry["company"]
    placed = orders.place(
        connection,
        NewOrder(
            NewCustomer(entry["email"], entry["name"], entry["company"]),
            ComplianceDetails(frn=_frn(entry), carrier_name=carrier),
            utm={"utm_source": "renewal"},
            by=BY,
        ),
        priced,
        now=now,
    )
    period = _period(entry)
    if period:
        connection.execute(
            "update pw.order_items set details = details || %s where order_id = %s", (Jsonb(period), placed.order_id)
        )
    connection.execute(
        "update pw.compliance_calendar set renewal_order_id = %s where entry_id = %s",
        (placed.order_id, entry["entry_id"]),
    )


def _period(entry: Mapping[str, Any]) -> dict[str, str]:
    """Which year, quarter or vintage the renewal is for: its order is worked for that, whenever it is paid."""
    due: date = entry["due_on"]
    if entry["duty"] == "form499q":
        return {"quarter": quarter_reported(due)}
    if entry["duty"] == "bdc":
        return {"vintage": f"{due.year}-06-30" if due.month >= 9 else f"{due.year - 1}-12-31"}
    return {"year": str(due.year)} if entry["duty"] else {}


def _frn(entry: Mapping[str, Any]) -> str | None:
    subject = str(entry["subject"])
    return subject if len(subject) == 10 and subject.isdecimal() else entry["item_frn"]


def _tell_person(connection: Connection, entry: Mapping[str, Any], why: str, *, now: datetime) -> None:
    words = (
        f"{entry['title']} for {entry['subject']} falls due on {entry['due_on']}; no order was raised by itself: {why} "
        "Name a price and place it, or tell the customer."
    )
    connection.execute(
        "insert into pw.conversation_flags (order_id, customer_id, kind, text, raised_at, raised_by) "
        "values (%s, %s, %s, %s, %s, %s)",
        (entry["order_id"], entry["customer_id"], FLAG, words, now, BY),
    )
    connection.execute(
        "update pw.compliance_calendar set reminded_at = %s where entry_id = %s", (now, entry["entry_id"])
    )


# -- the mail ---------------------------------------------------------------------------------------------------------


def _mail(ground: Ground, entry_id: int, *, run_id: str, log: Callable[[str], None]) -> str:
    """Sends the link to the renewal's order, once per entry, and notes that it went out."""
    owner = new_owner()
    try:
        with ground.db.connect(application="pw-renewals") as connection:
            entry: dict[str, Any] | None = connection.execute(
                f"{_ENTRY} where e.entry_id = %(entry)s", {"entry": entry_id, "opted_out": list(OPTED_OUT)}
            ).fetchone()
            assert entry is not None
            lease = leases.take(
                connection, entry["item_id"], owner=owner, run_id=run_id, seconds=ground.settings.lease_seconds
            )
            if lease is None:
                return "waits: the item it renews is being worked."
            work = Work(ground, items.read_item(connection, entry["item_id"]), lease, run_id, log)
        try:
            return _mailed(work, entry)
        finally:
            with work.connect(patiently=True) as connection:
                leases.give_back(connection, lease)
    finally:
        leave(owner)


def _mailed(work: Work, entry: Mapping[str, Any]) -> str:
    try:
        mails.send_once(
            work, KIND, entry["email"], _text(work, entry, link="").subject, _draw(work, entry),
            purpose=f"renewal:{entry['entry_id']}", detail={"renewal_order_id": entry["renewal_order_id"]},
        )  # fmt: skip
    except (NotDone, LeaseLost, FulfillmentError) as away:
        return f"waits: {away}"
    except (Gate, UsageError) as why:
        if isinstance(why, Gate) and why.kind != "error":
            return f"waits: {why.why}"
        with work.connect() as connection:
            _tell_person(connection, entry, f"The mail can't be sent. {why}", now=work.now())
        return "for_a_person"
    faults.point("after.renewals.mailed")
    with work.connect(patiently=True) as connection:
        connection.execute(
            "update pw.compliance_calendar set reminded_at = %s where entry_id = %s and reminded_at is null",
            (work.now(), entry["entry_id"]),
        )
    return "mailed"


def _draw(work: Work, entry: Mapping[str, Any]) -> Callable[[], mails.Text]:
    """The words, with a link made as the mail is sent: that of the placed order is kept nowhere."""

    def draw() -> mails.Text:
        with work.connect() as connection:
            token = orders.new_link(connection, entry["renewal_order_id"], why="renewal mail", now=work.now())
        return _text(work, entry, link=mails.order_link(work.settings, token))

    return draw


def _text(work: Work, entry: Mapping[str, Any], *, link: str) -> mails.Text:
    [bill] = work.rows("select total, currency, method from pw.orders where order_id = %s", entry["renewal_order_id"])
    return mails.text_of(
        "renewal",
        {
            "title": entry["title"], "subject": f"FRN {entry['subject']}" if _frn(entry) else entry["subject"],
            "due_on": f"{entry['due_on']:%B} {entry['due_on'].day}, {entry['due_on'].year}",
            "is_over": entry["due_on"] < work.ground.clock.today(), "number": entry["renewal_number"],
            "total": bill["total"], "currency": bill["currency"], "link": link, "before": entry["order_number"],
        },
    )  # fmt: skip
