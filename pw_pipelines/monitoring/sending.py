"""Sends the outbox to Umami: each event once, oldest first.

`sending` is committed before Umami is asked, so that a crash in between is found as `unknown` and never repeated:
Umami counts what comes twice twice, and a payment counted twice is worse than one that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pw_pipelines.resources.umami import UmamiAway, UmamiDropped, UmamiEvent, UmamiRefused, UmamiSilent

if TYPE_CHECKING:
    from pw_pipelines.db.connection import Database
    from pw_pipelines.resources.umami import Umami

MOST_A_ROUND = 50
STALE_SENDING = timedelta(minutes=5)  # far above Umami's time limit: whoever was sending is gone
REST = timedelta(minutes=5)  # after Umami was away
TOO_OLD = timedelta(days=14)  # then nobody reads that day's figures any more
REFUSED_REST = timedelta(hours=1)
APPLICATION = "pw-analytics"


@dataclass(frozen=True)
class Round:
    """What one round did. `refusal`: why Umami takes nothing, for a person; `away`: why it could not be asked."""

    sent: int = 0
    unknown: int = 0
    dropped: int = 0
    waiting: int = 0
    refusal: str | None = None
    away: str | None = None


def send_waiting(db: Database, umami: Umami, clock: Callable[[], datetime], *, most: int = MOST_A_ROUND) -> Round:
    """One round. It stops at the first refusal, and at the first sign that Umami is away."""
    dropped, unknown = _tidy(db, clock())
    sent, refusal, away = 0, None, None
    for _ in range(most):
        row = _take(db, clock())
        if row is None:
            break
        event = UmamiEvent(row["name"], row["url"], row["visitor"], row["happened_at"], row["data"])
        try:
            umami.send(event)
        except UmamiSilent as silent:
            _settle(db, row, "unknown", clock(), error=str(silent))
            unknown += 1
        except UmamiAway as error:
            away = str(error)
            _settle(db, row, "waiting", clock(), error=away, rest=REST)
            break
        except (UmamiRefused, UmamiDropped) as refused:
            refusal = str(refused)
            _settle(db, row, "waiting", clock(), error=refusal, rest=REFUSED_REST)
            break
        else:
            _settle(db, row, "sent", clock())
            sent += 1
    return Round(sent, unknown, dropped, _waiting(db), refusal, away)


def forget_old(db: Database, now: datetime, *, days: int) -> int:
    """Takes out events that are settled and older than so many days. How many were."""
    with db.connect(application=APPLICATION) as connection:
        return connection.execute(
            "delete from pw.analytics_events where happened_at < %s and state in ('sent', 'unknown', 'dropped') "
            "and name <> 'order-placed' or happened_at < %s and state in ('sent', 'unknown', 'dropped')",
            # An order may be paid late, and its payment is told by what its placing said.
            (now - timedelta(days=days), now - timedelta(days=max(days, 365))),
        ).rowcount


def _tidy(db: Database, now: datetime) -> tuple[int, int]:
    """What was left behind: too old to be told, or begun by somebody who is gone."""
    with db.connect(application=APPLICATION) as connection:
        dropped = connection.execute(
            "update pw.analytics_events set state = 'dropped', last_error = coalesce(last_error, 'never sent') "
            "where state = 'waiting' and happened_at < %s",
            (now - TOO_OLD,),
        ).rowcount
        unknown = connection.execute(
            "update pw.analytics_events set state = 'unknown', last_error = 'the sender died while Umami was asked' "
            "where state = 'sending' and not_before < %s",
            (now,),
        ).rowcount
    return dropped, unknown


def _take(db: Database, now: datetime) -> dict[str, Any] | None:
    with db.connect(application=APPLICATION) as connection:
        row = connection.execute(
            """update pw.analytics_events set state = 'sending', attempts = attempts + 1, not_before = %s
               where event_id = (select event_id from pw.analytics_events
                                  where state = 'waiting' and (not_before is null or not_before <= %s)
                                  order by event_id limit 1 for update skip locked)
               returning event_id, attempts, name, url, visitor, happened_at, data""",
            (now + STALE_SENDING, now),
        ).fetchone()
    return dict(row) if row else None


def _settle(
    db: Database,
    row: dict[str, Any],
    state: str,
    now: datetime,
    *,
    error: str | None = None,
    rest: timedelta | None = None,
) -> None:
    """Only its own taking is settled: whoever was thought dead and comes back changes nothing."""
    with db.connect(application=APPLICATION) as connection:
        connection.execute(
            """update pw.analytics_events set state = %s, sent_at = %s, last_error = %s, not_before = %s
               where event_id = %s and state = 'sending' and attempts = %s""",
            (
                state, now if state == "sent" else None, error, now + rest if rest else None, row["event_id"],
                row["attempts"],
            ),
        )  # fmt: skip


def _waiting(db: Database) -> int:
    with db.connect(application=APPLICATION) as connection:
        row = connection.execute("select count(*) as n from pw.analytics_events where state = 'waiting'").fetchone()
    return int(str(row["n"])) if row else 0
