"""What a customer is written about an order as a whole: the receipt, the details we lack, reminders, the refund.

One mail per order and moment, however many items it has; each an effect of the order's first item, so that it is sent
once whatever breaks. Written beside the items' runs and never instead of one: the first item is only borrowed while no
run is to work it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pw_pipelines.clock import eastern_day
from pw_pipelines.commerce import orders
from pw_pipelines.commerce.payment_methods import payment_methods
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment import items, mails
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import Connection, FulfillmentError, Gate, LeaseLost, NotDone
from pw_pipelines.fulfillment.owner import leave, new_owner
from pw_pipelines.fulfillment.work import Work

BY, FLAG = "order mails", "mail"
RECEIPT, DETAILS, REMINDER, REFUND = "receipt_mail", "details_request_mail", "details_reminder_mail", "refunded_mail"
KINDS = (RECEIPT, DETAILS, REMINDER, REFUND)
REMIND_AFTER = (timedelta(days=2), timedelta(days=5), timedelta(days=10))
LOOK_BACK = timedelta(days=14)  # what is older was told otherwise, or is no news any more
SETTLED_AFTER = timedelta(minutes=2)  # by then items that still wait for a run hold up no mail
# Orders with something to be written now, or soon. `first`: the item that carries the order's mails. What was tried
# rests a while, longer after each try; what nobody can tell waits for a person, like every unknown effect.
_CANDIDATES = """
    with mine as (
        select w.order_id, min(w.item_id) as first, bool_or(w.state = 'waiting' and w.gate = 'details') as asks
        from pw.item_work w group by w.order_id
    ),
    sent as (
        select m.order_id,
               coalesce(bool_or(e.kind = %(receipt)s and e.state = 'done'), false) as receipt,
               coalesce(bool_or(e.kind = %(refund)s and e.state = 'done'), false) as refund,
               max(v.at + least(15 * power(2, e.attempts), 3600) * interval '1 second') filter (where e.state <> 'done')
                 as again_at,
               coalesce(bool_or(e.state = 'unknown' and v.by = 'probe'), false) as is_a_persons
        from mine m join pw.effects e on e.item_id = m.first and e.kind = any(%(kinds)s)
        left join lateral (select at, "by" from pw.effect_events where effect_id = e.effect_id
                           order by event_id desc limit 1) v on true
        group by m.order_id
    )
    select m.order_id, m.first from mine m join pw.orders o using (order_id) left join sent s using (order_id)
    where (m.asks or (o.paid_at >= %(since)s and s.receipt is not true)
           or (o.status = 'refunded' and o.closed_at >= %(since)s and s.refund is not true))
      and (s.again_at is null or s.again_at <= %(now)s) and s.is_a_persons is not true
      and not exists (select from pw.conversation_flags f where f.order_id = m.order_id and f.kind = %(flag)s
                      and f.raised_by = %(by)s and f.closed_at is null)
    order by m.order_id
"""
_ORDER = """
    select o.order_id, o.number, o.status, o.currency, o.total, o.method, o.paid_at, o.closed_at, c.name, c.email,
           coalesce(f.company_name, ca.company_name, b.company_name, co.carrier_name, c.company) as company
    from pw.orders o join pw.customers c using (customer_id)
    left join pw.compliance_orders co using (order_id) left join pw.formation_orders f using (order_id)
    left join pw.canada_crtc_orders ca using (order_id) left join pw.bundle_orders b using (order_id)
    where o.order_id = %s
"""


@dataclass(frozen=True)
class Moment:
    """One mail that is due. purpose: once per order. asked: `item:fact` of each detail it asks for."""

    kind: str
    purpose: str
    asked: tuple[str, ...] = ()
    is_last: bool = False


@dataclass
class MailReport:
    """What one round did. waiting: why a mail that is due was not sent yet, by order."""

    came_to: Counter[str] = field(default_factory=Counter)
    waiting: dict[int, str] = field(default_factory=dict)


def candidates(connection: Connection, *, now: datetime) -> list[tuple[int, int]]:
    """Orders that a mail may be due for, each with the item that carries it."""
    rows = connection.execute(
        _CANDIDATES,
        {
            "receipt": RECEIPT, "refund": REFUND, "kinds": list(KINDS), "since": now - LOOK_BACK,
            "now": now, "flag": FLAG, "by": BY,
        },
    ).fetchall()  # fmt: skip
    return [(int(row["order_id"]), int(row["first"])) for row in rows]


def due(connection: Connection, *, now: datetime) -> list[tuple[int, int]]:
    """Of the candidates, those with a mail to be sent at this moment."""
    return [one for one in candidates(connection, now=now) if moment_of(connection, *one, now=now) is not None]


def moment_of(connection: Connection, order_id: int, first: int, *, now: datetime) -> Moment | None:
    """The next mail of an order, if one is due now. Of several reminders that were missed only the last is sent."""
    order = _order(connection, order_id)
    sent = connection.execute(
        "select effect_id, kind, key, done_at, detail from pw.effects "
        "where item_id = %s and kind = any(%s) and state = 'done' order by done_at, effect_id",
        (first, list(KINDS)),
    ).fetchall()
    kinds = {row["kind"] for row in sent}
    if order["status"] in items.ENDED:
        is_news = order["status"] == "refunded" and order["closed_at"] >= now - LOOK_BACK and REFUND not in kinds
        return Moment(REFUND, "refunded") if is_news else None
    work = connection.execute(
        "select item_id, state, gate, gate_detail, changed_at from pw.item_work where order_id = %s order by item_id",
        (order_id,),
    ).fetchall()
    if any(row["state"] == "ready" and now < row["changed_at"] + SETTLED_AFTER for row in work):
        return None  # what it will ask for is not known yet, and one mail is better than two
    lacking = tuple(
        f"{row['item_id']}:{name}"
        for row in work
        if row["state"] == "waiting" and row["gate"] == "details"
        for name in row["gate_detail"].get("missing", ())
    )
    if RECEIPT not in kinds and order["paid_at"] >= now - LOOK_BACK:
        return Moment(RECEIPT, "receipt", lacking)
    # Of a mail that a person says went out it is not on record what it asked for: no more than is missing now.
    asked = [(row, row["detail"].get("asked", lacking)) for row in sent if row["kind"] in (RECEIPT, DETAILS)]
    asks = [row for row, names in asked if names]
    if set(lacking) - {name for _, names in asked for name in names}:
        return Moment(DETAILS, f"details:{len(asks) + 1}", lacking)
    return _reminder(asks[-1], sent, lacking, now) if lacking and asks else None


def _reminder(
    ask: Mapping[str, Any], sent: Sequence[Mapping[str, Any]], lacking: tuple[str, ...], now: datetime
) -> Moment | None:
    """The reminder that is due since the details were asked for last."""
    number = sum(now >= ask["done_at"] + after for after in REMIND_AFTER)
    before = f":details:{ask['effect_id']}:reminder:"
    told = max((int(row["key"].rpartition(":")[2]) for row in sent if before in row["key"]), default=0)
    if number <= told:
        return None
    purpose = f"details:{ask['effect_id']}:reminder:{number}"
    return Moment(REMINDER, purpose, lacking, is_last=number == len(REMIND_AFTER))


def write(ground: Ground, *, run_id: str, log: Callable[[str], None] = lambda _: None) -> MailReport:
    """Sends every mail that is due, each once. May be killed anywhere and asked again at any time; an order whose mail
    can't be sent now holds up no other."""
    report = MailReport()
    with ground.db.connect(application="pw-order-mails") as connection:
        wanted = due(connection, now=ground.clock.now())
    for order_id, first in wanted:
        came = _write(ground, order_id, first, run_id=run_id, log=log)
        if came.startswith("waits: "):
            report.waiting[order_id] = came.removeprefix("waits: ")
            came = "waiting"
        report.came_to[came] += 1
    return report


def _write(ground: Ground, order_id: int, first: int, *, run_id: str, log: Callable[[str], None]) -> str:
    owner = new_owner()
    try:
        with ground.db.connect(application="pw-order-mails") as connection:
            # An item that is ready belongs to the run that was, or is to be, started for it.
            row = connection.execute(
                "select state, run_id from pw.item_work where item_id = %s for update skip locked", (first,)
            ).fetchone()
            if row is None or row["state"] == "ready":
                return "waits: its first item is being worked."
            lease = leases.take(
                connection, first, owner=owner, run_id=str(row["run_id"] or run_id),
                seconds=ground.settings.lease_seconds,
            )  # fmt: skip
            if lease is None:
                return "waits: its first item is being worked."
            work = Work(ground, items.read_item(connection, first), lease, run_id, log)
        try:
            return _sent(work, order_id)
        finally:
            with work.connect(patiently=True) as connection:
                leases.give_back(connection, lease)
    finally:
        leave(owner)


def _sent(work: Work, order_id: int) -> str:
    with work.connect() as connection:
        moment = moment_of(connection, order_id, work.item.item_id, now=work.now())
        order = _order(connection, order_id)
    if moment is None:
        return "settled"
    try:
        mails.send_once(
            work, moment.kind, order["email"], _text(work, order, moment, link="").subject,
            _draw(work, order, moment), purpose=moment.purpose, detail={"asked": list(moment.asked)},
        )  # fmt: skip
    except (NotDone, LeaseLost, FulfillmentError) as away:
        return f"waits: {away}"
    except (Gate, UsageError) as why:
        if isinstance(why, Gate) and why.kind != "error":
            return f"waits: {why.why}"
        _tell_person(work, order_id, moment)
        return "for_a_person"
    work.log(f"order {order['number']}: {moment.kind}")
    return moment.kind


def _draw(work: Work, order: Mapping[str, Any], moment: Moment) -> Callable[[], mails.Text]:
    """The words as the mail is sent: with a link of its own, for the token of the placed order is kept nowhere. What is
    not due any more (the order ended, the details came) is not written."""

    def draw() -> mails.Text:
        with work.connect() as connection:
            now_due = moment_of(connection, order["order_id"], work.item.item_id, now=work.now())
            if now_due is None or now_due.purpose != moment.purpose:
                raise NotDone("It is not due any more.")
            token = orders.new_link(connection, order["order_id"], why=moment.kind.replace("_", " "), now=work.now())
        return _text(work, order, moment, link=mails.order_link(work.settings, token))

    return draw


def _text(work: Work, order: Mapping[str, Any], moment: Moment, *, link: str) -> mails.Text:
    with work.connect() as connection:
        values = _values(connection, order, moment)
    return mails.text_of(moment.kind.removesuffix("_mail"), {**values, "link": link})


def _values(connection: Connection, order: Mapping[str, Any], moment: Moment) -> dict[str, Any]:
    def rows(query: str) -> list[dict[str, Any]]:
        return list(connection.execute(query.encode(), (order["order_id"],)).fetchall())

    [money] = rows(
        "select coalesce(sum(l.amount) filter (where l.kind = 'payment'), 0) as paid, "
        "coalesce(-sum(l.amount) filter (where l.kind = 'refund'), 0) as returned "
        "from pw.money_ledger l join pw.payments p using (payment_id) where p.order_id = %s and p.state <> 'surplus'"
    )
    asked_of = {int(one.partition(":")[0]) for one in moment.asked}
    named = rows("select item_id, title from pw.order_items where order_id = %s order by position")
    filed = rows(
        "select distinct i.position, i.title from pw.effects e join pw.order_items i using (item_id) "
        "where i.order_id = %s and e.kind in ('filing', 'filing_by_hand') and e.state = 'done' order by i.position"
    )
    method = payment_methods().get(order["method"])
    paid_on = eastern_day(order["paid_at"])
    return {
        "number": order["number"], "name": order["name"], "company": order["company"], "total": order["total"],
        "currency": order["currency"], "method": method.title if method else order["method"],
        "paid": money["paid"] or order["total"], "returned": money["returned"] or order["total"],
        "paid_on": f"{paid_on:%B} {paid_on.day}, {paid_on.year}", "is_held": order["status"] == "held",
        "lines": rows("select text, amount from pw.order_lines where order_id = %s order by position"),
        "titles": [one["title"] for one in named if one["item_id"] in asked_of], "is_last": moment.is_last,
        "filed": [one["title"] for one in filed], "questions": questions_of(moment.asked),
    }  # fmt: skip


def questions_of(asked: tuple[str, ...]) -> list[str]:
    """The questions behind `item:fact` names, each once."""
    names = dict.fromkeys(one.partition(":")[2] for one in asked)
    return [facts()[name].ask if name in facts() else name.replace("_", " ") for name in names]


def _order(connection: Connection, order_id: int) -> dict[str, Any]:
    row = connection.execute(_ORDER, (order_id,)).fetchone()
    assert row is not None, "its items have a foreign key to it"
    return row


def _tell_person(work: Work, order_id: int, moment: Moment) -> None:
    """Once: while the flag is open nothing is tried. The reason stands with the effect; it may quote an address."""
    what = moment.kind.removesuffix("_mail").replace("_", " ")
    words = (
        f"The customer could not be written to ({what}): the mail server refuses it for good, or the address is none. "
        "Mend the address and close this flag; then it is tried again."
    )
    with work.connect() as connection:
        connection.execute(
            "insert into pw.conversation_flags (order_id, customer_id, kind, text, raised_at, raised_by) "
            "select order_id, customer_id, %s, %s, %s, %s from pw.orders where order_id = %s",
            (FLAG, words, work.now(), BY, order_id),
        )
