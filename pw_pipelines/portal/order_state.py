"""An order in the customer's words: where it stands, what was paid, what happens next.

Only what concerns the customer: who changed what and why inside the firm stays inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

from psycopg import Connection

from pw_pipelines.commerce import expiry
from pw_pipelines.commerce.order_view import OrderView
from pw_pipelines.commerce.payment_methods import payment_methods
from pw_pipelines.commerce.payments.payable import payable
from pw_pipelines.commerce.payments.under_way import Kind, UnderWay
from pw_pipelines.portal.order_summary import Stand, summary_of

WAY = ("received", "processing", "submitted", "filed", "delivered")
TITLE = {
    "received": "Order received",
    "processing": "Paid, work begun",
    "submitted": "Handed in",
    "filed": "Filed",
    "delivered": "Delivered",
}
NAMES = "/tools/name-search"  # where a formation begins
EXPIRED = (
    "Expired, nothing was charged",
    "It was not paid in time, so it ended by itself. Prices may have changed since: order again to see today’s.",
)
WORDS = {
    "received": "Waiting for payment",
    "processing": "Paid, being worked on",
    "submitted": "Handed in, waiting for the filing to be confirmed",
    "filed": "Filed, papers on their way to you",
    "delivered": "Delivered",
    "cancelled": "Cancelled, nothing was charged",
    "refunded": "Refunded",
    "held": "A person is looking at it",
}
NEXT = {
    "received": "Pay to begin. Nothing is done, and nothing is charged, before that.",
    "processing": "We draw up the documents and write to you when something needs your signature.",
    "submitted": "We wait for the confirmation and file the proof of it with your order.",
    "filed": "We send you the confirmation and the filed documents.",
    "delivered": "Everything ordered is done. We write to you before it falls due again.",
    "cancelled": "Nothing more happens. Order again whenever you wish.",
    "refunded": "Nothing more happens. A refund reaches your account in five to ten business days.",
    "held": "Nothing goes on until a person of ours has looked at it. You need not do anything; we will write to you.",
}
# Money that may be on its way: the headline, and what happens next. Nothing more is to be paid meanwhile.
UNDER_WAY: Mapping[Kind, tuple[str, str]] = {
    "transfer": (
        "Your payment is under way",
        "You have done your part: nothing more is to be paid. {whose} We begin when the money is here; should it fail, "
        "you can pay again on this page.",
    ),
    "part": (
        "A part of the amount came",
        "{money} came so far. Please send nothing more now: a person of ours writes to you about the rest.",
    ),
    "taking": (
        "Your payment is being taken",
        "You have done your part: nothing more is to be paid. We begin when the money is here; should it fail, you can "
        "pay again on this page.",
    ),
}
WHOSE = {
    "stripe": "A bank transfer takes up to four business days.",
    "paypal": "PayPal looks at it before it lets it through.",
    "shkeeper": "It was seen, and waits for the network to confirm it.",
}


@dataclass(frozen=True)
class Step:
    """One step of the way. at: when it was reached last, UTC; None: not yet."""

    status: str
    title: str
    at: datetime | None
    is_now: bool


@dataclass(frozen=True)
class Money:
    """A payment of the order. state: paid, partly_refunded, refunded, disputed, surplus (money that pays nothing)."""

    amount: Decimal
    currency: str
    method: str
    state: str
    at: datetime
    returned: Decimal


@dataclass(frozen=True)
class OrderState:
    """What a customer is told of an order.

    services      how many of several services stand where
    is_begun      a payment was begun at a provider and has not come yet
    under_way     money may be on its way (transfer, part, taking): nothing else is to be paid; empty: none
    again         where the same can be ordered anew; empty while this one stands
    last_try      what became of the last try to pay: open, failed, expired; empty: none was begun
    """

    words: str
    next: str
    steps: Sequence[Step]
    payments: Sequence[Money]
    can_be_paid: bool
    is_begun: bool
    method: str
    services: str = ""
    last_try: str = ""
    under_way: Kind | Literal[""] = ""
    again: str = ""


def order_state(connection: Connection[Any], order: OrderView, stands: Iterable[Stand] = ()) -> OrderState:
    """The state of one order, read now. stands: where its items stand, of one that is in work."""
    payments = [
        Money(row["amount"], row["currency"], row["method"], row["state"], row["paid_at"], row["returned"])
        for row in connection.execute(
            "select p.amount, p.currency, p.method, p.state, p.paid_at, "
            "coalesce(-(select sum(l.amount) from pw.money_ledger l where l.payment_id = p.payment_id "
            "and l.kind <> 'payment'), 0.00) as returned "
            "from pw.payments p where p.order_id = %s order by p.payment_id",
            (order.order_id,),
        ).fetchall()
    ]
    tries = connection.execute(
        "select state from pw.checkout_sessions where order_id = %s and state <> 'asked' order by session_id desc",
        (order.order_id,),
    ).fetchall()
    summary = summary_of(order.status, stands)
    takes = payable(connection, number=order.number, status=order.status, paid_at=order.paid_at)
    words, following = WORDS[order.status], NEXT[order.status]
    if has_expired(order):
        words, following = EXPIRED
    elif takes.coming:
        words, following = _under_way(takes.coming)
    elif summary:
        words, following = summary.words, summary.next
    return OrderState(
        words=words,
        next=following,
        services=summary.services if summary else "",
        steps=_steps(order),
        payments=payments,
        can_be_paid=takes.can_be_paid,
        is_begun=any(one["state"] == "open" for one in tries),
        again=again_link(order) if order.status == "cancelled" else "",
        last_try=str(tries[0]["state"]) if tries else "",
        under_way=takes.coming.kind if takes.coming else "",
        method=title_of(order.method),
    )


def _under_way(coming: UnderWay) -> tuple[str, str]:
    words, following = UNDER_WAY[coming.kind]
    return words, following.format(whose=WHOSE.get(coming.provider, ""), money=coming.money).replace("  ", " ")


def has_expired(order: OrderView) -> bool:
    """Whether the order ended because nobody paid it."""
    if order.status != "cancelled":
        return False
    return next((event.by == expiry.BY for event in reversed(order.events) if event.after == "cancelled"), False)


def again_link(order: OrderView) -> str:
    """The checkout with the same services; for what is not sold there, the page where it begins."""
    if order.kind == "formation":
        return NAMES
    frn = next((item.frn for item in order.items if item.frn), None) or order.details.get("frn")
    services = dict.fromkeys(str(item.details.get("sold_as") or item.service) for item in order.items)
    asked = {**({"frn": str(frn)} if frn else {}), "services": ",".join(services)}
    return f"/checkout?{urlencode(asked)}"


def title_of(method: str) -> str:
    """A way to pay in words; one that is no longer in the file by its code."""
    known = payment_methods().get(method)
    return known.title if known else method


def _steps(order: OrderView) -> list[Step]:
    """The way, each step with its day. A step sent back to (a filing returned) makes the later ones open again."""
    stands = order.held_from if order.status == "held" else order.status
    reached = {event.after: event.at for event in order.events if event.what == "status" and event.after in WAY}
    if stands in WAY:
        last = WAY.index(stands)
        shown = [(status, reached.get(status) if place <= last else None) for place, status in enumerate(WAY)]
    else:
        shown = [(status, reached[status]) for status in WAY if status in reached]
    steps = [Step(status, TITLE[status], at, is_now=status == order.status) for status, at in shown]
    if order.status in {"cancelled", "refunded"}:
        title = "Expired" if has_expired(order) else order.status.capitalize()
        steps.append(Step(order.status, title, order.closed_at, is_now=True))
    return steps
