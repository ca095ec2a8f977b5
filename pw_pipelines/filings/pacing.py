"""One filing at a time per portal, and a pause between two: an advisory lock, and a row with the next time allowed.

The lock is the database's and ends with its connection, so a killed run holds up nobody. Neither keeps a filing from
being made twice: that is the ledger of effects' alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from pw_pipelines.filings.portal import Portal
from pw_pipelines.settings import Settings

Connection = psycopg.Connection[dict[str, Any]]
WAIT_SECONDS = 10.0  # for another filing at the portal, which takes seconds
_random = random.SystemRandom()


@contextmanager
def alone_at(database_url: str, portal: str, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[bool]:
    """Whether we are the one who files at `portal` now; nobody else is until the block ends. Waits a little for whoever
    is at it."""
    with psycopg.connect(database_url, autocommit=True, application_name="pw-filing") as connection:
        connection.execute("select set_config('lock_timeout', %s, false)", (f"{round(wait_seconds * 1000)}ms",))
        try:
            connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (f"filing:{portal}",))
        except psycopg.errors.LockNotAvailable:
            yield False
            return
        yield True


def row_of(connection: Connection, portal: str, *, lock: bool = False) -> dict[str, Any]:
    """The portal's row, made when there is none; `lock`: until the transaction ends."""
    connection.execute("insert into pw.filing_portals (portal) values (%s) on conflict do nothing", (portal,))
    row = connection.execute(
        f"select * from pw.filing_portals where portal = %s{' for update' if lock else ''}", (portal,)
    ).fetchone()
    assert row is not None
    return row


def allowed_at(connection: Connection, portal: str, *, now: datetime) -> datetime | None:
    """When the portal's pause is over; None when it is."""
    later: datetime | None = row_of(connection, portal)["next_allowed_at"]
    return later if later is not None and later > now else None


def reserve(connection: Connection, portal: Portal, settings: Settings, *, now: datetime) -> bool:
    """Takes the next turn at the portal; False while it pauses. A turn that is taken counts, filed or not."""
    row = row_of(connection, portal.portal, lock=True)
    if row["next_allowed_at"] is not None and row["next_allowed_at"] > now:
        return False
    shortest, longest = _pace(portal, settings)
    connection.execute(
        "update pw.filing_portals set next_allowed_at = %s, last_filed_at = %s where portal = %s",
        (now + timedelta(minutes=_random.uniform(shortest, longest)), now, portal.portal),
    )
    return True


def _pace(portal: Portal, settings: Settings) -> tuple[float, float]:
    """Shortest and longest pause in minutes; the stand-ins bear the setting's."""
    if portal.pace_minutes is None or settings.is_sandbox:
        return settings.filing_pace_minutes
    return portal.pace_minutes
