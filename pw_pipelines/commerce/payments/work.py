"""Works the inbox: what a provider said becomes a payment, a line of the ledger and a step of the order's life.

One event, one transaction: all of it or nothing. Events may come twice, late and in any order; the order's row is
locked while one is worked, and each movement of money has a unique key, so money is counted once. What does not agree
with the order is held for a person, and what waits for another event is tried again for about a day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from pw_pipelines.commerce.payments import rows
from pw_pipelines.commerce.payments.deciding import Captures, Decision, NotYet, Verdict
from pw_pipelines.commerce.payments.reading import READERS, Ground, read
from pw_pipelines.commerce.payments.rows import EventRow
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.faults import point

Connection = psycopg.Connection[dict[str, Any]]
MOST_ATTEMPTS = 14  # the pauses double from 5 s: about 23 hours in all
AT_ONCE = 200

_DUE = """
    select event_id from pw.payment_events
    where state = 'received' and provider = any(%s)
      and (attempts = 0 or received_at + interval '5 seconds' * (power(2, attempts) - 1) <= %s)
    order by event_id limit %s
"""


@dataclass
class Tally:
    """What one round did. `failures`: event id -> what broke while it was worked, for whoever runs the round."""

    done: int = 0
    ignored: int = 0
    held: int = 0
    waiting: int = 0
    failures: dict[int, Exception] | None = None


def work_one(
    connection: Connection, event_id: int, *, ground: Ground, captures: Captures, now: datetime
) -> Verdict | None:
    """Works one event in the caller's transaction. None: it is worked already, or somebody else is at it."""
    event = rows.take_event(connection, event_id)
    if event is None:
        return None
    point("payments.work.taken")
    said = read(event.provider, event.raw, event.dedupe_key, ground)
    decision = Decision(connection, event, said, ground=ground, captures=captures, now=now)
    try:
        verdict = decision.decide()
    except NotYet as wait:
        return _wait(connection, event, str(wait), decision.order_number, now)
    except OutsideUnavailable as away:
        return _wait(connection, event, str(away), decision.order_number, now)
    rows.close_event(connection, event, verdict.state, verdict.why, number=decision.order_number, now=now)
    return verdict


def _wait(connection: Connection, event: EventRow, why: str, number: str | None, now: datetime) -> Verdict:
    if event.attempts + 1 >= MOST_ATTEMPTS:
        rows.flag(connection, None, f"{event.provider} event {event.event_id}: {why}", now)
        rows.close_event(connection, event, "held", why, number=number, now=now)
        return Verdict("held", why)
    rows.postpone_event(connection, event.event_id, why)
    return Verdict("waiting", why)


def due(db: Database, now: datetime, *, most: int = AT_ONCE) -> list[int]:
    """Events that wait to be worked and whose pause is over, oldest first."""
    with db.connect(application="pw-payments") as connection:
        rows = connection.execute(_DUE, (list(READERS), now, most)).fetchall()
    return [int(str(row["event_id"])) for row in rows]


def work_due(db: Database, *, ground: Ground, captures: Captures, now: Callable[[], datetime]) -> Tally:
    """Works everything that is due, one event and one transaction at a time, until nothing is.

    What breaks on one event is written on it and the rest goes on; the failures are handed back to be told.
    """
    tally = Tally(failures={})
    seen: set[int] = set()
    with db.connect(application="pw-payments") as connection:
        connection.autocommit = True
        while todo := [event_id for event_id in due(db, now()) if event_id not in seen]:
            for event_id in todo:
                seen.add(event_id)
                _work_alone(connection, event_id, tally, ground=ground, captures=captures, now=now())
    return tally


def _work_alone(
    connection: Connection, event_id: int, tally: Tally, *, ground: Ground, captures: Captures, now: datetime
) -> None:
    try:
        with connection.transaction():
            verdict = work_one(connection, event_id, ground=ground, captures=captures, now=now)
            point("payments.work.before_commit")
    except Exception as error:  # one event that breaks must not stop the others; it is told at the end
        if connection.broken:
            raise  # the database is away: the round ends, and what is not committed still waits
        assert tally.failures is not None
        tally.failures[event_id] = error
        _note_failure(connection, event_id, error, now)
        return
    if verdict is not None:
        setattr(tally, verdict.state, getattr(tally, verdict.state) + 1)
    point("payments.work.after_commit")


def _note_failure(connection: Connection, event_id: int, error: Exception, now: datetime) -> None:
    with connection.transaction():
        event = rows.take_event(connection, event_id)
        if event is not None:
            _wait(connection, event, f"{type(error).__name__}: {error}", None, now)
