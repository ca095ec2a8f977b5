"""Whom we never write to again. Rows are only ever added; any reason suffices, whatever a lead says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.leads.addresses import normalise, provider_of
from pw_pipelines.resources.listmonk import BounceRow, Listmonk, Subscriber

Connection = psycopg.Connection[dict[str, Any]]

# Strongest first: under which of its reasons an address is counted. The first four are a person's own word.
REASONS = ("complained", "unsubscribed", "manual", "customer", "bounced", "blocklisted", "disabled")
# Reasons after which Listmonk itself should remember that this person gets no mail of the list. A customer is only
# taken off: other lists of ours may be right for them.
REMEMBERED_THERE = frozenset({"complained", "unsubscribed", "manual", "bounced"})
# Reasons for which we ourselves mark the subscription `unsubscribed`: reading that back tells nothing new.
_WE_UNSUBSCRIBED = frozenset({"complained", "manual", "bounced"})

Suppressed = Mapping[str, frozenset[str]]  # address -> reasons


@dataclass(frozen=True)
class Opinion:
    """One reason against one address."""

    email: str
    reason: str
    since: datetime
    origin: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def strongest(reasons: Collection[str]) -> str:
    """The reason an address is counted under."""
    return min(reasons, key=REASONS.index)


def read_suppressed(connection: Connection) -> dict[str, frozenset[str]]:
    """Every suppressed address with its reasons."""
    return {
        row["email"]: frozenset(row["reasons"])
        for row in connection.execute("select email, array_agg(reason) as reasons from pw.suppressions group by email")
    }


def opinions_read_back(
    people: Iterable[Subscriber], bounces: Iterable[BounceRow], known: Suppressed, now: datetime
) -> list[Opinion]:
    """What Listmonk's state says against addresses, beyond what is known. Soft bounces say nothing.

    A blocklisting that follows from a bounce or complaint is recorded as that, not as a second opinion.
    """
    found: dict[tuple[str, str], Opinion] = {}

    def against(email: str, reason: str, since: datetime, origin: str, **evidence: Any) -> None:
        if reason not in known.get(email, ()):
            found.setdefault((email, reason), Opinion(email, reason, since, origin, evidence))

    bounced: set[str] = set()
    for bounce in bounces:
        if bounce.type in ("hard", "complaint"):
            bounced.add(bounce.email)
            reason = "bounced" if bounce.type == "hard" else "complained"
            against(bounce.email, reason, bounce.bounced_at, "listmonk", source=bounce.source)
    for person in people:
        reasons = known.get(person.email, frozenset())
        if person.status == "blocklisted":
            if person.email not in bounced and not reasons & {"bounced", "complained"}:
                against(person.email, "blocklisted", now, "listmonk", listmonk_id=person.id)
        elif person.status != "enabled":
            against(person.email, "disabled", now, "listmonk", listmonk_id=person.id, status=person.status)
        elif not reasons & _WE_UNSUBSCRIBED:
            left = sorted(number for number, status in person.subscriptions.items() if status == "unsubscribed")
            if left:
                against(person.email, "unsubscribed", now, "listmonk", listmonk_id=person.id, lists=left)
    return list(found.values())


def record(connection: Connection, opinions: Iterable[Opinion]) -> int:
    """Writes opinions down; what is known already stays as it was. Returns how many are new."""
    new = 0
    with connection.cursor() as cursor:
        for opinion in opinions:
            cursor.execute(
                """insert into pw.suppressions (email, reason, since, origin, evidence) values (%s, %s, %s, %s, %s)
                   on conflict (email, reason) do nothing""",
                (opinion.email, opinion.reason, opinion.since, opinion.origin, Jsonb(dict(opinion.evidence))),
            )
            new += cursor.rowcount
    return new


def record_bounces(connection: Connection, bounces: Iterable[BounceRow]) -> int:
    """Keeps bounces for good, because Listmonk forgets them. Returns how many are new."""
    new = 0
    with connection.cursor() as cursor:
        known = {
            (row["email"], row["type"], row["source"], row["bounced_at"])
            for row in cursor.execute("select email, type, source, bounced_at from pw.bounces")
        }
        for bounce in bounces:
            if (bounce.email, bounce.type, bounce.source, bounce.bounced_at) in known:
                continue
            cursor.execute(
                """insert into pw.bounces (email, type, source, provider, bounced_at, meta)
                   values (%s, %s, %s, %s, %s, %s) on conflict (email, type, source, bounced_at) do nothing""",
                (
                    bounce.email,
                    bounce.type,
                    bounce.source,
                    provider_of(bounce.email),
                    bounce.bounced_at,
                    Jsonb(dict(bounce.meta)),
                ),
            )
            new += cursor.rowcount
    return new


def suppress(db: Database, email: str, *, reason: str, origin: str, now: datetime, note: str = "") -> bool:
    """Never write to this address again. True if that is new. UsageError for an unknown reason or no address."""
    address = normalise(email)
    if reason not in REASONS:
        raise UsageError(f"{reason!r} is no reason to suppress. Reasons: {', '.join(REASONS)}.")
    if address.count("@") != 1 or not all(address.partition("@")[::2]) or not address.isprintable():
        raise UsageError(f"{email!r} is not an e-mail address.")
    with db.connect(application="pw-suppress") as connection:
        evidence = {"note": note} if note else {}
        return record(connection, [Opinion(address, reason, now, origin, evidence)]) == 1


def tell(listmonk: Listmonk, email: str, *, reason: str, list_id: int) -> bool:
    """Takes the address off the lead list at once instead of at the next reconciliation; True if it was on it.

    Raises ListmonkUnavailable or ListmonkRefused; the suppression in our books holds all the same.
    """
    try:
        person = listmonk.by_email(email)
    except ValueError:  # an address that may not stand in a query was never sent to Listmonk either
        return False
    if person is None or person.subscriptions.get(list_id, "unsubscribed") == "unsubscribed":
        return False
    if reason in REMEMBERED_THERE:
        listmonk.unsubscribe([person.id], list_id)
    else:
        listmonk.remove_from_list([person.id], list_id)
    return True
