"""What needs a person besides Dagster and the public record: portals, backups, drills, stopped mail, unknown effects,
held payments, questions, held books. Each is a sentence of the staff's first page and says where to go."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from psycopg import Connection

from pw_pipelines.backups.drill_book import troubles
from pw_pipelines.backups.status import standings
from pw_pipelines.commerce import questions
from pw_pipelines.db.connection import Database
from pw_pipelines.portal.words import age
from pw_pipelines.settings import Settings

_COUNTS = """
    select (select count(*)::int from pw.effects where state = 'unknown') as effects,
           (select count(*)::int from pw.payment_events where state = 'held') as payments
"""
_STOPS = "select scope, segment, reason from pw.sending_stops where lifted_at is null order by stop_id"


def house_worries(db: Database, settings: Settings, *, now: datetime) -> list[str]:
    """Worst first; empty: nothing."""
    with db.connect(application="pw-status") as opened:
        connection = cast("Connection[dict[str, Any]]", opened)
        found = []
        row = connection.execute(_COUNTS).fetchone()
        assert row is not None  # an aggregate always answers
        if effects := row["effects"]:
            found.append(f"Of {_many(effects, 'effect')} nobody knows whether it happened: {_at(settings, 'effects')}")
        if payments := row["payments"]:
            found.append(f"{_many(payments, 'payment event')} held for a person: {_at(settings, 'payments')}")
        waiting = questions.counts(connection)
        if waiting.questions:
            verb = "waits" if waiting.questions == 1 else "wait"
            found.append(f"{_many(waiting.questions, 'question')} {verb} for an answer: {_at(settings, 'questions')}")
        if waiting.books:
            found.append(f"The books of {_many(waiting.books, 'order')} are held: {_at(settings, 'questions')}")
        found += [trouble.text for trouble in troubles(connection, settings, now=now)]
        found += _backups(connection, settings, now)
        for closed in connection.execute(
            "select portal, closed_at from pw.filing_portals where closed_at is not null order by portal"
        ):
            since = age((now - closed["closed_at"]).total_seconds() / 3600)
            found.append(f"{closed['portal']} was closed for filing {since} ago: {_at(settings, 'portals')}")
        for stop in connection.execute(_STOPS):
            what = "All sending" if stop["scope"] == "all" else f"Sending to the segment {stop['segment']}"
            found.append(f"{what} is stopped: {stop['reason']} (`pw leads resume`)")
        return found


def _backups(connection: Connection[Any], settings: Settings, now: datetime) -> list[str]:
    found = []
    for one in standings(connection, settings, now=now):
        if one.late:
            how = "there is none" if one.age_hours is None else f"the newest good one is {age(one.age_hours)} old"
            why = f" {one.last_error}" if one.last_error else ""
            found.append(f"The backup of {one.subject} is late: {how}.{why}")
        if one.damaged:
            found.append(f"Backup sets of {one.subject} are damaged: {', '.join(one.damaged)}.")
    return found


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _at(settings: Settings, page: str) -> str:
    return f"{settings.public_url.rstrip('/')}/desk/{page}"
