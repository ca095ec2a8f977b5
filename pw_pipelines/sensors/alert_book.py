"""Telling ops: written into `pw.alerts` first, then sent; what could not be is sent later. No import of Dagster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pw_pipelines.errors import OutsideError

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.resources.telegram import Telegram

MOST_IN_ONE_MESSAGE = 30  # a backlog becomes one message, not a hundred
_MESSAGE_CHARACTERS = 3_900  # Telegram takes 4,096
_CUT = 600


@dataclass(frozen=True)
class Alert:
    """`key`: what happened, once; `kind`: as pw.alerts has them; `text`: for a phone, no personal data."""

    key: str
    kind: str
    text: str


@dataclass(frozen=True)
class Delivery:
    """How a round of sending went. `error`: why what is waiting still waits."""

    sent: int
    waiting: int
    error: str | None = None


def unknown(db: Database, keys: Iterable[str]) -> set[str]:
    """Those of `keys` that nobody has been told of."""
    asked = list(keys)
    with db.connect(application="pw alerts") as connection:
        rows = connection.execute("select key from pw.alerts where key = any(%s)", (asked,)).fetchall()
    return set(asked) - {str(row["key"]) for row in rows}


def write(db: Database, alerts: Iterable[Alert], now: datetime) -> int:
    """Writes those whose key is new; returns how many were."""
    written = 0
    with db.connect(application="pw alerts") as connection:
        for alert in alerts:
            written += connection.execute(
                "insert into pw.alerts (key, kind, text, raised_at) values (%s, %s, %s, %s) on conflict do nothing",
                (alert.key, alert.kind, alert.text[:_CUT], now),
            ).rowcount
    return written


def deliver(db: Database, telegram: Telegram, now: datetime) -> Delivery:
    """Sends what waits as one message, oldest first. An outage is told in the result and loses nothing.

    The rows are locked while Telegram is told, so two senders never send the same.
    """
    with db.connect(application="pw alerts") as connection:
        rows = connection.execute(
            """select key, text from pw.alerts where sent_at is null order by raised_at, key
               limit %s for update skip locked""",
            (MOST_IN_ONE_MESSAGE,),
        ).fetchall()
        fitting = _fitting([(str(row["key"]), str(row["text"])) for row in rows])
        keys = [key for key, _ in fitting]
        error: str | None = None
        if fitting:
            try:
                telegram.send("\n\n".join(text for _, text in fitting))
            except OutsideError as refused:
                error = str(refused)
                connection.execute(
                    "update pw.alerts set attempts = attempts + 1, last_error = %s where key = any(%s)", (error, keys)
                )
            else:
                connection.execute(
                    "update pw.alerts set sent_at = %s, attempts = attempts + 1, last_error = null where key = any(%s)",
                    (now, keys),
                )
        row = connection.execute("select count(*)::int as n from pw.alerts where sent_at is null").fetchone()
    waiting = int(str(row["n"])) if row else 0
    return Delivery(0 if error else len(fitting), waiting, error)


def _fitting(alerts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many as one message holds."""
    taken: list[tuple[str, str]] = []
    length = 0
    for key, text in alerts:
        length += len(text) + 2
        if length > _MESSAGE_CHARACTERS:
            break
        taken.append((key, text))
    return taken
