"""Whether the money ledger says what the providers said: every event kept is read again and compared, to the cent.

This goes from the raw bytes to the sums without looking at how the events were worked, so a mistake in the work shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg

from pw_pipelines.commerce.payments.reading import READERS, Ground, read
from pw_pipelines.commerce.payments.reading.said import Said

Connection = psycopg.Connection[dict[str, Any]]
Key = tuple[str, str, str]  # provider, reference of the money, currency

ZERO = Decimal(0)


@dataclass
class _Told:
    """What the events said of one payment. done: by events that were worked to the end; any: by any that was looked
    at; a total that runs is the highest told, single movements are counted once each."""

    paid_done: Decimal = ZERO
    paid_any: set[Decimal] = field(default_factory=set)
    refund_total: Decimal = ZERO
    refunds: dict[str, Decimal] = field(default_factory=dict)
    disputes: dict[str, Decimal] = field(default_factory=dict)
    won: dict[str, Decimal] = field(default_factory=dict)

    @property
    def refunded(self) -> Decimal:
        return max(self.refund_total, sum(self.refunds.values(), ZERO))

    @property
    def disputed(self) -> Decimal:
        """A dispute that was won was one, whether or not it was told."""
        return sum({**self.won, **self.disputes}.values(), ZERO)


@dataclass(frozen=True)
class LedgerAgreement:
    """events: worked; entries: of the ledger; amount: currency -> what the ledger adds up to; differences: sentences.
    Nothing agrees while there is one."""

    events: int
    entries: int
    amount: dict[str, Decimal]
    differences: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not self.differences


def compare(connection: Connection, ground: Ground) -> LedgerAgreement:
    """The ledger against the inbox. `ground`: what is ours, as the work itself uses it."""
    events, told = _told(connection, ground)
    rows = connection.execute(
        """select p.provider, p.reference, l.currency, l.kind, sum(l.amount) as amount, count(*)::int as n
           from pw.money_ledger l join pw.payments p using (payment_id) group by 1, 2, 3, 4"""
    ).fetchall()
    ledger: defaultdict[Key, dict[str, Decimal]] = defaultdict(dict)
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        ledger[(row["provider"], row["reference"], row["currency"])][row["kind"]] = row["amount"]
        total[row["currency"]] += row["amount"]
    keys = sorted({*told, *ledger})
    differences = [text for key in keys for text in _differences(key, told.get(key, _Told()), ledger.get(key, {}))]
    return LedgerAgreement(
        events=events,
        entries=sum(row["n"] for row in rows),
        amount=dict(total),
        differences=(*differences, *_unlike_their_payment(connection)),
    )


def _told(connection: Connection, ground: Ground) -> tuple[int, dict[Key, _Told]]:
    told: defaultdict[Key, _Told] = defaultdict(_Told)
    events = 0
    with connection.cursor(name="worked_events") as cursor:
        cursor.execute(
            """select provider, dedupe_key, raw, state from pw.payment_events
               where state in ('done','held') and provider = any(%s)""",
            (list(READERS),),
        )
        for row in cursor:
            events += 1
            said = read(row["provider"], bytes(row["raw"]), row["dedupe_key"], ground)
            if said.reference and said.money and not said.doubts:
                _add(told[(row["provider"], said.reference, said.money.currency)], said, is_done=row["state"] == "done")
    return events, dict(told)


def _add(told: _Told, said: Said, *, is_done: bool) -> None:
    assert said.money is not None  # only what names money is added
    amount, movement = said.money.value, said.movement or ""
    if said.kind in ("paid", "authorised"):
        told.paid_any.add(amount)
        if said.kind == "paid" and is_done:
            told.paid_done = max(told.paid_done, amount)
    elif is_done and said.kind == "refund" and said.is_running_total:
        told.refund_total = max(told.refund_total, amount)
    elif is_done and said.kind == "refund":
        told.refunds[movement] = amount
    elif is_done and said.kind == "dispute":
        told.disputes[movement] = amount
    elif is_done and said.kind == "dispute_won":
        told.won[movement] = amount


def _differences(key: Key, told: _Told, ledger: dict[str, Decimal]) -> Iterator[str]:
    provider, reference, currency = key
    what = f"{provider} {reference}"
    came = ledger.get("payment", ZERO)
    if came < told.paid_done:
        yield f"{what}: {told.paid_done} {currency} came and the ledger has {came}."
    elif came and came not in told.paid_any:
        yield f"{what}: the ledger has {came} {currency} and no event says so."
    for kind, amount in (
        ("refund", -told.refunded),
        ("dispute", -told.disputed),
        ("dispute_won", sum(told.won.values(), ZERO)),
    ):
        if ledger.get(kind, ZERO) != amount:
            yield f"{what}: the events say {amount} {currency} of {kind}, the ledger {ledger.get(kind, ZERO)}."


def _unlike_their_payment(connection: Connection) -> list[str]:
    """Payments whose entries do not add up to them."""
    rows = connection.execute(
        """select p.provider, p.reference, p.amount, p.currency,
                  coalesce(sum(l.amount) filter (where l.kind = 'payment'), 0) as entered
           from pw.payments p left join pw.money_ledger l using (payment_id)
           group by p.payment_id
           having p.amount <> coalesce(sum(l.amount) filter (where l.kind = 'payment'), 0)
           order by p.payment_id"""
    ).fetchall()
    return [
        f"{row['provider']} {row['reference']}: the payment is {row['amount']} {row['currency']}, its entries "
        f"{row['entered']}."
        for row in rows
    ]
