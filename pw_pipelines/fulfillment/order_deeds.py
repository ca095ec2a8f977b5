"""What people do to an order as a whole, at the desk and by `pw orders`: release, cancel, end after its refund.

Each deed leaves the order's own event and a row in pw.staff_actions, with the reason. Money is never moved here:
a refund is made at the provider, whose word of it is booked when it comes. What was filed stays filed.
Callers hold the transaction, and have checked that the person may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pw_pipelines.commerce import orders
from pw_pipelines.commerce.order_life import Status
from pw_pipelines.commerce.order_money import OrderMoney, money_of
from pw_pipelines.commerce.order_view import NUMBER
from pw_pipelines.commerce.payments.under_way import under_way
from pw_pipelines.errors import UsageError
from pw_pipelines.fulfillment.deeds import LONGEST_NOTE, record
from pw_pipelines.fulfillment.model import Connection

Deed = Literal["release", "cancel", "end"]
REFUND_FIRST = "refund it at the provider first; the refund then ends the order"
_LOG: dict[Deed, str] = {"release": "order_released", "cancel": "order_cancelled", "end": "order_ended"}


@dataclass(frozen=True)
class Ways:
    """What may be done with an order now. A deed's words say why it may not be done; None: it may.

    filed: its filings that happened or may have happened (item_id, title, state, reference). seen: its last event; a
    form carries it, so that a deed is done to what was looked at.
    """

    release: str | None
    cancel: str | None
    end: str | None
    back_to: str | None
    filed: Sequence[dict[str, Any]]
    seen: int

    def why_not(self, deed: Deed) -> str | None:
        """Why this one may not be done."""
        return {"release": self.release, "cancel": self.cancel, "end": self.end}[deed]


def ways(connection: Connection, order_id: int) -> Ways:
    """Asked for a page, and asked again under the order's lock when something is done."""
    row = connection.execute(
        """select number, status, held_from, paid_at,
             (select max(event_id) from pw.order_events e where e.order_id = o.order_id) as seen
           from pw.orders o where order_id = %s""",
        (order_id,),
    ).fetchone()
    assert row is not None, "the caller read the order"
    money = money_of(connection, order_id)
    filed = connection.execute(
        """select i.item_id, i.title, e.state, e.reference from pw.effects e join pw.order_items i using (item_id)
           where i.order_id = %s and e.kind = 'filing' and e.state <> 'not_done' order by e.effect_id""",
        (order_id,),
    ).fetchall()
    return Ways(
        release=_not_released(row, money), cancel=_not_cancelled(connection, row, money), end=_not_ended(row, money),
        back_to=row["held_from"], filed=filed, seen=int(row["seen"] or 0),
    )  # fmt: skip


def _not_released(order: dict[str, Any], money: OrderMoney) -> str | None:
    number, status = order["number"], order["status"]
    if status != "held":
        return f"{number} is {status}, not held: there is nothing to release."
    if said := _in_doubt(number, money):
        return said
    paying = money.paying
    if order["held_from"] == "refunded" or paying is None:
        return None
    if paying["state"] == "refunded":
        return f"All of the money of {number} went back: it is not worked any more. End it as refunded."
    if paying["state"] == "disputed":
        return f"The money of {number} is disputed. Answer the dispute at the provider; once it is won, release it."
    return None


def _not_cancelled(connection: Connection, order: dict[str, Any], money: OrderMoney) -> str | None:
    number, status = order["number"], order["status"]
    if status in ("cancelled", "refunded"):
        return f"{number} is {status}: it has ended already."
    if order["paid_at"] is not None:
        return f"{number} is paid: {REFUND_FIRST}."
    if said := _in_doubt(number, money):
        return said
    if money.kept > 0:
        return f"{money.kept:,.2f} came for {number} and did not pay it: refund it at the provider first."
    if coming := under_way(connection, number):
        told = coming[-1]
        return (
            f"Money may be on its way to {number} ({told.provider}, payment event {told.event_id}). Wait until it "
            "comes or fails, or end it at the provider: the provider tells of either."
        )
    return None


def _not_ended(order: dict[str, Any], money: OrderMoney) -> str | None:
    number, status = order["number"], order["status"]
    if status in ("cancelled", "refunded"):
        return f"{number} is {status}: it has ended already."
    paying = money.paying
    if order["paid_at"] is None or paying is None:
        return f"{number} is not paid; cancel it instead."
    if paying["state"] != "refunded":
        back = f"{paying['gone']:,.2f} of {paying['amount']:,.2f} {paying['currency']} went back"
        return f"The money of {number} has not been refunded whole ({back}): {REFUND_FIRST}."
    return None


def _in_doubt(number: str, money: OrderMoney) -> str | None:
    if held := money.held_events:
        events = ", ".join(map(str, held))
        return f"Money told of {number} waits for a person's word (payment event {events}): settle it first."
    if waiting := money.unworked_events:
        events = ", ".join(map(str, waiting))
        return f"Money was told of {number} and is not worked yet (payment event {events}): look again in a minute."
    return None


def release(
    connection: Connection, number: str, *, by: str, why: str, now: datetime, seen: int | None = None
) -> Status:
    """Lets a held order go back to what it was; its items go on by themselves. What it is now.

    Raises UsageError without a reason, or when what held it does not allow it (`Ways.release`).
    """
    return _do(connection, "release", number, by=by, why=why, now=now, seen=seen)


def cancel(connection: Connection, number: str, *, by: str, why: str, now: datetime, seen: int | None = None) -> Status:
    """Ends an order nobody paid. Raises UsageError as `release` does (`Ways.cancel`): a paid one is refunded."""
    return _do(connection, "cancel", number, by=by, why=why, now=now, seen=seen)


def end(connection: Connection, number: str, *, by: str, why: str, now: datetime, seen: int | None = None) -> Status:
    """Ends an order whose whole money was refunded and that was not ended by it: something of it was being filed.

    Nothing more of it is worked, its commission is taken back. Raises UsageError as `release` does (`Ways.end`).
    """
    return _do(connection, "end", number, by=by, why=why, now=now, seen=seen)


def _do(
    connection: Connection, deed: Deed, number: str, *, by: str, why: str, now: datetime, seen: int | None
) -> Status:
    """The deed, once: pressed again by the same person with the same words, it is not done again and not refused."""
    reason = "".join(letter for letter in why if letter.isprintable()).strip()[:LONGEST_NOTE]
    if not reason:
        raise UsageError("Say why; the reason is kept with your name.", field="why")
    row = None
    if NUMBER.fullmatch(number.strip().upper()):
        row = connection.execute(
            "select order_id, number, status, held_from from pw.orders where number = %s for update",
            (number.strip().upper(),),
        ).fetchone()
    if row is None:
        raise UsageError(f"There is no order {number.strip()[:40]!r}.", field="number")
    order_id, was = int(row["order_id"]), row["status"]
    now_is = ways(connection, order_id)
    last = connection.execute(
        'select before, after, "by", why from pw.order_events where order_id = %s and event_id = %s',
        (order_id, now_is.seen),
    ).fetchone()
    goal: Status = {"release": row["held_from"] or was, "cancel": "cancelled", "end": "refunded"}[deed]
    is_same = last is not None and (last["after"], last["by"], last["why"]) == (was, by, reason)
    if last is not None and is_same and was == goal and (deed != "release" or last["before"] == "held"):
        return goal  # pressed twice
    if (refusal := now_is.why_not(deed)) is not None:
        raise UsageError(refusal, field="do")
    if seen is not None and seen != now_is.seen:
        raise UsageError(f"{row['number']} changed since you looked at it. Look again before you do this.", field="do")
    if deed == "release":
        orders.release(connection, order_id, by=by, why=reason, now=now)
    elif deed == "cancel":
        orders.cancel(connection, order_id, by=by, why=reason, now=now)
    else:
        orders.change(connection, order_id, "refunded", by=by, why=reason, now=now)
    record(
        connection, by=by, what=_LOG[deed], order_id=order_id, now=now,
        detail={"order": row["number"], "was": was, "is": goal, "why": reason},
    )  # fmt: skip
    return goal
