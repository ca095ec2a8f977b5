"""The audit trail of an item's signatures: rows that each carry the hash of the one before, only ever added to.

Names, addresses and what a signer wrote are not in it; where they count, their SHA-256 is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from pw_pipelines.documents.signing.canonical import canonical, moment
from pw_pipelines.errors import UsageError

Connection = psycopg.Connection[dict[str, Any]]
BEGINNING = "0" * 64
EventType = Literal[
    "requested", "link_mailed", "reminded", "link_opened", "name_differs", "attempts_used_up", "consented",
    "perjury_declared", "signed", "declined", "revoked", "expired", "sealed", "copy_mailed",
]  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One row of pw.signature_events."""

    item_id: int
    request_id: int | None
    seq: int
    at: datetime
    type: str
    data: Mapping[str, Any]
    prev_hash: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """As it stands in an evidence file: everything that the hash is made of, and the hash."""
        return {**_hashed(self), "prev_hash": self.prev_hash, "hash": self.hash}


def lock_item(connection: Connection, item_id: int) -> None:
    """Locks the item's row for this transaction: whoever adds to its chain or changes its requests takes turns."""
    row = connection.execute("select 1 from pw.item_work where item_id = %s for update", (item_id,)).fetchone()
    if row is None:
        raise UsageError(f"There is no work for an item {item_id}.")


def append(
    connection: Connection,
    item_id: int,
    type: EventType,
    data: Mapping[str, Any],
    *,
    request_id: int | None,
    now: datetime,
) -> Event:
    """Adds an event at the end, in the caller's transaction, under the item's lock."""
    lock_item(connection, item_id)
    last = connection.execute(
        "select seq, hash from pw.signature_events where item_id = %s order by seq desc limit 1", (item_id,)
    ).fetchone()
    seq, prev_hash = (int(last["seq"]) + 1, str(last["hash"])) if last else (1, BEGINNING)
    draft = Event(item_id, request_id, seq, now, type, dict(data), prev_hash, "")
    event = Event(item_id, request_id, seq, now, type, dict(data), prev_hash, hash_of(draft))
    connection.execute(
        """insert into pw.signature_events (item_id, request_id, seq, at, type, data, prev_hash, hash)
           values (%s, %s, %s, %s, %s, %s, %s, %s)""",
        (item_id, request_id, seq, now, type, Jsonb(dict(data)), prev_hash, event.hash),
    )
    return event


def read_chain(connection: Connection, item_id: int) -> list[Event]:
    """The events of an item, first to last."""
    rows = connection.execute(
        "select item_id, request_id, seq, at, type, data, prev_hash, hash from pw.signature_events "
        "where item_id = %s order by seq",
        (item_id,),
    ).fetchall()
    return [Event(**row) for row in rows]


def event_of(row: Mapping[str, Any]) -> Event:
    """An event from an evidence file. Raises KeyError or ValueError for a row that is none."""
    return Event(
        int(row["item_id"]), row["request_id"], int(row["seq"]), datetime.fromisoformat(row["at"]), str(row["type"]),
        row["data"], str(row["prev_hash"]), str(row["hash"]),
    )  # fmt: skip


def hash_of(event: Event) -> str:
    """SHA-256 over the hash before it and the row's canonical JSON."""
    return hashlib.sha256(event.prev_hash.encode() + canonical(_hashed(event))).hexdigest()


def breaks(events: Sequence[Event]) -> list[str]:
    """What is wrong with a chain, in sentences; empty when it is unbroken from its first event on."""
    found = []
    prev_hash = BEGINNING
    for number, event in enumerate(events, 1):
        if event.seq != number:
            found.append(f"Event {number} has the number {event.seq}: one is missing or out of place.")
        if event.prev_hash != prev_hash:
            found.append(f"Event {event.seq} ({event.type}) does not follow the one before it.")
        if hash_of(event) != event.hash:
            found.append(f"Event {event.seq} ({event.type}) is not what it was when it was written.")
        prev_hash = event.hash
    return found


def _hashed(event: Event) -> dict[str, Any]:
    return {
        "item_id": event.item_id, "request_id": event.request_id, "seq": event.seq, "at": moment(event.at),
        "type": event.type, "data": dict(event.data),
    }  # fmt: skip
