"""Money that may be on its way to an order: told of by its provider, neither here nor come to nothing.

Nothing is kept of it but the provider's own words in the inbox. They come in any order, and who reads all of them finds
the same whichever came first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg

from pw_pipelines.commerce.payments import rows
from pw_pipelines.commerce.payments.reading import READERS, Ground, Said, read
from pw_pipelines.commerce.payments.reading.said import Amount

Connection = psycopg.Connection[dict[str, Any]]
Kind = Literal[
    "transfer",  # the customer has done theirs; a bank, PayPal or the network has not yet
    "part",  # a part of the amount came
    "taking",  # the customer agreed; we take it, or have not worked yet what came
]
# Longer than this a person looks. A bank transfer takes four business days at most.
SILENCE: Mapping[Kind, timedelta] = {
    "transfer": timedelta(days=10),
    "part": timedelta(days=1),
    "taking": timedelta(days=1),
}
SILENT = "Nothing more was heard of money that may be on its way"  # how the reason of such a hold begins
ONE_BALANCE = "shkeeper"  # all money of an order has one id there, so only what was told later ends what was told
_ALL_OURS = Ground(stripe_live=False, adyen_live=False, adyen_merchant_account=None, paypal_merchant_id=None)
_PROMISED = frozenset({"approved", "authorised"})
_ENDS_WHEN_WORKED = frozenset({"paid", "person", "stop", "refund", "dispute"})
_TOLD = """
    select event_id, provider, dedupe_key, raw, state, outcome, received_at,
           exists (select from pw.money_ledger l where l.event_id = e.event_id and l.kind = 'payment') as is_booked
    from pw.payment_events e where order_number = %s and provider = any(%s) order by event_id
"""
_UNPAID = """
    select o.order_id, o.number from pw.orders o
    where o.status = 'received' and o.paid_at is null
      and exists (select from pw.payment_events e where e.order_number = o.number and e.state = 'done'
                  and e.received_at < %s)
    order by o.order_id for update of o skip locked
"""


@dataclass(frozen=True)
class UnderWay:
    """Money that may still come, as one event told of it. identity: the provider's id of the try to pay, or of the
    money where it names no try."""

    event_id: int
    provider: str
    kind: Kind
    told_at: datetime
    state: str
    identity: str | None
    money: Amount | None


@dataclass(frozen=True)
class _Told:
    row: Mapping[str, Any]
    said: Said

    def is_of(self, other: _Told) -> bool:
        """Whether both speak of the same money, or of the same try to pay."""
        mine, theirs = self.said, other.said
        if self.row["provider"] != other.row["provider"]:
            return False
        return any(
            one is not None and one == another
            for one, another in ((mine.reference, theirs.reference), (mine.session, theirs.session))
        )

    def ends(self, other: _Told) -> bool:
        """Whether what this event says is the end of what `other` told of."""
        state, kind = self.row["state"], self.said.kind
        is_an_end = (
            kind == "failed"
            or self.row["is_booked"]
            or (kind in _ENDS_WHEN_WORKED and state in ("done", "ignored"))
            or (kind in {"wait", *_PROMISED} and state == "ignored")
        )
        is_in_time = self.row["provider"] != ONE_BALANCE or self.row["event_id"] > other.row["event_id"]
        return is_an_end and is_in_time and self.is_of(other)

    def kind(self) -> Kind | None:
        """What is on its way by this event alone; None: nothing."""
        state, kind = self.row["state"], self.said.kind
        is_silent = state == "held" and str(self.row["outcome"]).startswith(SILENT)
        if kind == "wait" and state != "ignored":
            return "transfer" if self.said.money is None else "part"
        if kind in _PROMISED and (state in ("received", "done") or is_silent) and not self.row["is_booked"]:
            return "taking"  # one that is held for another reason was not taken
        return "taking" if kind == "paid" and state == "received" else None


def under_way(connection: Connection, number: str) -> Sequence[UnderWay]:
    """The money that may be on its way to an order that is not paid, oldest word first.

    It ends when the provider says that it came or failed, or when a person settles the event that told of it.
    """
    told = [
        _Told(row, read(row["provider"], bytes(row["raw"]), row["dedupe_key"], _ALL_OURS))
        for row in connection.execute(_TOLD, (number, list(READERS))).fetchall()
    ]
    found = []
    for one in told:
        kind = one.kind()
        if kind is None or any(other.ends(one) for other in told if other is not one):
            continue
        row, said = one.row, one.said
        identity = said.session or said.reference
        found.append(
            UnderWay(row["event_id"], row["provider"], kind, row["received_at"], row["state"], identity, said.money)
        )
    return found


def hold_what_is_silent(connection: Connection, now: datetime) -> list[int]:
    """Puts before a person what was told of long ago and not again; the events. In the caller's transaction.

    Until the person settles it, the order takes no other money.
    """
    held = []
    for order in connection.execute(_UNPAID, (now - min(SILENCE.values()),)).fetchall():
        latest = {(one.provider, one.identity): one for one in under_way(connection, order["number"])}
        for one in latest.values():
            if one.state != "done" or one.told_at + SILENCE[one.kind] > now:
                continue
            why = f"{SILENT} to {order['number']}. Look with the provider: while this is held, nothing else is taken."
            connection.execute(
                "update pw.payment_events set state = 'held', outcome = %s where event_id = %s", (why, one.event_id)
            )
            rows.flag(connection, order["order_id"], f"{one.provider}: {why}", now)
            held.append(one.event_id)
    return held


def heard(connection: Connection, order_id: int, number: str, *, by: str, now: datetime) -> None:
    """The provider spoke again: what a person was to look at for its silence alone is theirs no more."""
    again = connection.execute(
        "update pw.payment_events set state = 'done', outcome = 'It was heard of again.' where order_number = %s"
        " and state = 'held' and starts_with(outcome, %s)",
        (number, SILENT),
    )
    if again.rowcount:
        connection.execute(
            "update pw.conversation_flags set closed_at = %s, closed_by = %s where closed_at is null"
            " and kind = 'payment' and order_id = %s and strpos(text, %s) > 0",
            (now, by, order_id, SILENT),
        )
