"""`pw bench chaos`: paid orders in a whole house where everything that can break is broken, counted afterwards.

Never twice, never lost: each filing, mail and invoice is counted in the outside world's own books, and each paid order
is delivered or waits at a gate with a name. What strikes is in chaos_strikes.py, what people do in chaos_people.py,
what is counted in chaos_count.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from pw_pipelines import faults
from pw_pipelines.bench.chaos_count import Count, counted, states_of, tell
from pw_pipelines.bench.chaos_orders import Wanted, pay, place_all
from pw_pipelines.bench.chaos_people import HANDLED, People
from pw_pipelines.bench.chaos_strikes import Disorder, Strikes, second_daemon
from pw_pipelines.bench.measure import Measure, at_most
from pw_pipelines.bench.paid_orders import BenchHouse, bench_house
from pw_pipelines.fulfillment.model import CLOCK_GATES

ORDERS, QUICK_ORDERS = 200, 12
PER_ROUND = 15  # orders to one round of strikes
PAY_EVERY, DISORDER_EVERY = 1.5, 6.0  # seconds
LONGEST_SECONDS, LONGEST_PER_ORDER = 600.0, 30.0
SEED = 5
LOOK_SECONDS = 2.0
QUIET_LOOKS = 3  # so often in a row everything stands before it is believed
NOT_REACHED_PERCENT, NOT_DELIVERED_PERCENT = 10.0, 5.0


def run(home: Path, *, orders: int | None, quick: bool, say: Callable[[str], None]) -> list[Measure]:
    """The bench; `home` is an empty folder."""
    number = orders or (QUICK_ORDERS if quick else ORDERS)
    rounds = max(1, number // PER_ROUND)
    strikes = Strikes(home / "strikes")
    more = {faults.BOOK: str(strikes.folder)}
    begun = time.monotonic()
    with bench_house(home / "house", "warm", more) as house, second_daemon(home / "house", more):
        say(f"{number} orders are placed; a second daemon runs by mistake")
        wanted = place_all(house, number)
        people = People(house.settings, house.web, {one.order.item_id: one for one in wanted})
        disorder = Disorder(house, rounds=rounds, every=DISORDER_EVERY, seed=SEED)
        limit = time.monotonic() + LONGEST_SECONDS + LONGEST_PER_ORDER * number
        people.start()
        disorder.start()
        try:
            _pay_in_rounds(house, wanted, strikes, rounds, say)
            is_quiet = _until_quiet(wanted, people, disorder, limit, say)
        finally:
            disorder.stop()
            people.stop()
        count = counted(house.settings, wanted)
    minutes = (time.monotonic() - begun) / 60
    for done in (disorder.done, disorder.failed, people.did, people.failed):
        say("; ".join(f"{name}: {n}" for name, n in done.most_common()) or "nothing failed")
    if not is_quiet:
        say("The time was over before everything stood.")
    tell(count, say)
    say(f"not reached: {', '.join(strikes.left()) or 'no strike'}")
    return _measures(count, wanted, strikes, disorder, minutes)


def _pay_in_rounds(
    house: BenchHouse, wanted: Sequence[Wanted], strikes: Strikes, rounds: int, say: Callable[[str], None]
) -> None:
    size = -(-len(wanted) // rounds)
    for round_ in range(rounds):
        strikes.arm(round_)
        some = wanted[round_ * size : (round_ + 1) * size]
        pay(house, some, stopping=lambda: False, every=PAY_EVERY)
        say(f"round {round_ + 1} of {rounds}: {len(some)} orders paid, {strikes.planned} strikes armed")


def _until_quiet(
    wanted: Sequence[Wanted], people: People, disorder: Disorder, limit: float, say: Callable[[str], None]
) -> bool:
    """Until every item is done or waits for a person who will not come; False when the time was over before."""
    database = people.database
    items, quiet, told = [one.order.item_id for one in wanted], 0, 0.0
    while time.monotonic() < limit:
        time.sleep(LOOK_SECONDS)
        try:
            with database.connect(application="chaos bench") as connection:
                rows = list(states_of(connection, items))
                row = connection.execute(
                    """select (select count(*) from pw.book_entries where state in ('wanted', 'unknown'))
                            + (select count(*) from pw.payment_events where state = 'received') as n"""
                ).fetchone()
        except psycopg.Error:
            continue  # PostgreSQL is being restarted
        assert row is not None
        standing = [one for one in rows if one["state"] in ("done", "stopped") or _for_nobody(one, people)]
        if time.monotonic() - told > 60:
            told = time.monotonic()
            say(f"{len(standing)} of {len(items)} items stand; {row['n']} documents of the books are to be made")
        quiet = quiet + 1 if len(standing) == len(items) and not row["n"] and disorder.is_over else 0
        if quiet >= QUIET_LOOKS:
            return True
    return False


def _for_nobody(row: Mapping[str, Any], people: People) -> bool:
    """Whether an item waits at a gate that nobody of the bench opens."""
    gate, item_id = row["gate"], row["item_id"]
    if gate is None or gate in CLOCK_GATES:
        return False
    return people.gave_up(item_id) if gate == "error" else gate not in HANDLED


def _measures(
    count: Count, wanted: Sequence[Wanted], strikes: Strikes, disorder: Disorder, minutes: float
) -> list[Measure]:
    left = strikes.left()
    single = sum(one.second_of is None for one in wanted)
    kills = sum(n for name, n in disorder.done.items() if name.endswith("killed"))

    def none(name: str, value: int, what: str) -> Measure:
        return at_most(name, value, "", goal=0, peer=None, peer_is=what)

    return [
        none("filings_twice", count.filings_twice, f"of {count.filings} that the portals took"),
        none("filings_unlike_the_ledger", count.filings_unlike_the_ledger, "in one book and not in the other"),
        none("mails_twice", count.mails_twice, f"of {count.mails} in the inboxes; or unlike the ledger"),
        none("books_twice", count.books_twice, f"of {count.books} documents in ERPNext"),
        none("books_unlike", count.books_unlike, "documents that differ, wait or are held"),
        none("cents_off", count.cents_off, "orders, payments, ledger and invoices"),
        none("orders_lost", count.orders_lost, f"of {len(wanted)} paid, neither delivered nor at a named gate"),
        none("effects_left", count.effects_left, "intended or unknown, and nobody is asked"),
        at_most(
            "orders_not_delivered", 100 * (1 - count.orders_delivered / single), "%", goal=NOT_DELIVERED_PERCENT,
            peer=None, peer_is=f"{count.orders_delivered} of {single} that were not ordered twice",
        ),
        at_most(
            "strikes_not_reached", 100 * len(left) / strikes.planned, "%", goal=NOT_REACHED_PERCENT, peer=None,
            peer_is=f"{len(left)} of {strikes.planned}; and {kills} processes were killed from without",
        ),
        at_most(
            "minutes", minutes, "min", goal=(LONGEST_SECONDS + LONGEST_PER_ORDER * len(wanted)) / 60 + 10, peer=None,
            peer_is=f"{len(wanted)} orders",
        ),
    ]  # fmt: skip
