"""What is counted at the end of `pw bench chaos`, each from the outside world's own books: the portals', the inboxes,
ERPNext's; and ours beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from pw_pipelines.bench.chaos_orders import Wanted
from pw_pipelines.bench.chaos_people import message_id_in
from pw_pipelines.commerce import books_agree, ledger_agree
from pw_pipelines.commerce.books_documents import DOCUMENTS
from pw_pipelines.commerce.order_states import order_states
from pw_pipelines.commerce.payments.ground import ground_of
from pw_pipelines.db.connection import Database
from pw_pipelines.fulfillment.mails import message_id_of
from pw_pipelines.fulfillment.model import CLOCK_GATES, Connection
from pw_pipelines.resources.erpnext import CANCELLED, Erpnext
from pw_pipelines.resources.mail import Mail
from pw_pipelines.sandbox.mail import drop_of
from pw_pipelines.settings import Settings

ZERO = Decimal(0)
ONE_MAIL = ("signature_request_mail", "signed_copy_mail", "delivery_mail")  # of each of these an item gets one


@dataclass
class Count:
    """The figures; `said`: a sentence on each thing that is wrong."""

    filings: int = 0
    filings_twice: int = 0
    filings_unlike_the_ledger: int = 0
    mails: int = 0
    mails_twice: int = 0
    books: int = 0
    books_twice: int = 0
    cents_off: int = 0
    books_unlike: int = 0
    orders_lost: int = 0
    orders_delivered: int = 0
    effects_left: int = 0
    gates: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)


def counted(settings: Settings, orders: Sequence[Wanted]) -> Count:
    """Counts everything. Raises OutsideUnavailable and psycopg.Error when the house is not there to be asked."""
    count = Count()
    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value())
    with database.connect(application="chaos count") as connection:
        _filings(count, connection, settings)
        _mails(count, connection, settings)
        _effects(count, connection)
        _orders(count, connection, orders)
        with Erpnext(settings) as erpnext:
            _books(count, connection, erpnext)
            _money(count, connection, settings, erpnext)
    return count


def _filings(count: Count, connection: Connection, settings: Settings) -> None:
    """Each submission the portals took, against the ledger's effects."""
    reply = httpx.get(f"{settings.sandbox_url}/_control/filings", timeout=60)
    filed: list[Mapping[str, Any]] = reply.raise_for_status().json()["filings"]
    count.filings = len(filed)
    times = Counter((one["portal"], one["form"], one["subject"]) for one in filed)
    count.filings_twice = _more_than_once(count, times, "filed")
    ledger = Counter(
        str(row["reference"])
        for row in connection.execute("select reference from pw.effects where kind = 'filing' and state = 'done'")
    )
    there = Counter(str(one["confirmation"]) for one in filed)
    for reference, n in (ledger - there).items():
        count.said.append(f"The ledger has filing {reference} {n} times more than the portals.")
    for reference, n in (there - ledger).items():
        count.said.append(f"The portals have filing {reference} {n} times more than the ledger.")
    count.filings_unlike_the_ledger = (ledger - there).total() + (there - ledger).total()


def _mails(count: Count, connection: Connection, settings: Settings) -> None:
    """Each mail in each inbox: its Message-ID once, what it is for once, and meant by the ledger."""
    domain = Mail(settings).domain
    meant = {
        message_id_of(row["key"], domain): row
        for row in connection.execute("select key, kind, item_id, state from pw.effects where key like 'mail:%'")
    }
    came: Counter[tuple[str, ...]] = Counter()
    for address, path in drop_of(settings.home, settings.mail_archive).mails():
        message_id = message_id_in(path)
        count.mails += 1
        came["mail", address, message_id] += 1
        row = meant.get(message_id)
        if row is None or row["state"] != "done":
            count.said.append(f"The ledger does not say that mail {message_id} went out.")
            count.mails_twice += 1
        elif row["kind"] in ONE_MAIL:
            came["purpose", str(row["item_id"]), row["kind"]] += 1
        meant.pop(message_id, None)
    for message_id, row in meant.items():
        if row["state"] == "done":
            count.said.append(f"The ledger says that {row['key']} ({message_id}) went out, and it lies in no inbox.")
            count.mails_twice += 1
    count.mails_twice += _more_than_once(count, came, "in an inbox")


def _books(count: Count, connection: Connection, erpnext: Erpnext) -> None:
    """Invoices, payments and sales orders as ERPNext has them, by our keys."""
    for kind, column in (("sales_order", "custom_order_id"), ("sales_invoice", "custom_order_id"),
                         ("payment_entry", "custom_payment_ref")):  # fmt: skip
        found = erpnext.find(DOCUMENTS[kind].doctype, [["docstatus", "!=", CANCELLED]], ["docstatus", column])
        count.books += len(found)
        count.books_twice += _more_than_once(count, Counter((kind, str(one[column])) for one in found), "in ERPNext")


def _money(count: Count, connection: Connection, settings: Settings, erpnext: Erpnext) -> None:
    """Orders, payments, ledger and ERPNext's invoices, to the cent."""
    agreement = books_agree.compare(connection, erpnext)
    ledger = ledger_agree.compare(connection, ground_of(settings))
    states = order_states(connection)
    count.said += [*agreement.differences, *ledger.differences]
    count.said += [one.sentence for one in states if not one.is_whole]
    count.books_unlike = len(agreement.differences) + len(ledger.differences) + agreement.waiting + agreement.held
    if agreement.waiting or agreement.held:
        count.said.append(f"{agreement.waiting} documents of the books are not made, {agreement.held} are held.")
    paid = connection.execute(
        """select coalesce(sum(o.total) filter (where o.paid_at is not null), 0) as orders,
                  coalesce(sum(o.total) filter (where exists (
                    select from pw.book_entries e where e.order_id = o.order_id and e.kind = 'sales_invoice'
                      and e.state = 'done')), 0) as invoiced
           from pw.orders o"""
    ).fetchone()
    assert paid is not None
    sums = {
        "orders and payments": (paid["orders"], sum((one.paid_amount for one in states), ZERO)),
        "orders and ledger": (paid["orders"], sum(ledger.amount.values(), ZERO)),
        "orders and invoices": (paid["invoiced"], sum(agreement.amount.values(), ZERO)),
    }
    for what, (ours, theirs) in sums.items():
        if ours != theirs:
            count.said.append(f"{what} differ: {ours} and {theirs}.")
        count.cents_off += int(abs(ours - theirs) * 100)


def _effects(count: Count, connection: Connection) -> None:
    """What is neither known to have happened nor asked of a person."""
    rows = connection.execute(
        """select e.key, e.state, w.state as item, w.gate from pw.effects e join pw.item_work w using (item_id)
           where e.state in ('intended', 'unknown')
             and (w.state <> 'waiting' or w.gate not in ('unknown_effect', 'settling', 'held'))"""
    ).fetchall()
    count.effects_left = len(rows)
    count.said += [f"{row['key']} is {row['state']} while its item is {row['gate'] or row['item']}." for row in rows]


def _orders(count: Count, connection: Connection, orders: Sequence[Wanted]) -> None:
    """Each paid order is delivered, or an item of it waits at a gate that has a name."""
    rows = {row["item_id"]: row for row in states_of(connection, [wanted.order.item_id for wanted in orders])}
    for wanted in orders:
        row = rows.get(wanted.order.item_id)
        if row is not None and row["state"] == "done" and row["status"] == "delivered":
            count.orders_delivered += 1
            count.gates["delivered"] += 1
        elif row is not None and row["gate"] is not None and row["gate"] not in CLOCK_GATES:
            count.gates[row["gate"]] += 1
            count.said += [f"{wanted.order.number} ({wanted.service}) waits at {row['gate']}: {row['gate_why']}"]
        else:
            count.orders_lost += 1
            stands = (
                "has no work" if row is None else f"is {row['status']}, {row['stage']}, {row['gate'] or row['state']}"
            )
            count.gates["lost"] += 1
            count.said.append(f"{wanted.order.number} ({wanted.service}) {stands}.")


def states_of(connection: Connection, items: Collection[int]) -> Iterable[Mapping[str, Any]]:
    """Where these items stand, with the status of their orders."""
    return connection.execute(
        "select w.item_id, w.stage, w.state, w.gate, w.gate_why, o.status from pw.item_work w "
        "join pw.orders o using (order_id) where w.item_id = any(%s)",
        (list(items),),
    ).fetchall()


def _more_than_once(count: Count, times: Counter[Any], what: str) -> int:
    for key, n in times.items():
        if n > 1:
            count.said.append(f"{' '.join(map(str, key))}: {n} times {what}.")
    return sum(n - 1 for n in times.values())


def tell(count: Count, say: Callable[[str], None]) -> None:
    """Where the orders stand, and each thing that is wrong."""
    say(", ".join(f"{n} {gate}" for gate, n in count.gates.most_common()))
    for sentence in count.said:
        say(sentence)
