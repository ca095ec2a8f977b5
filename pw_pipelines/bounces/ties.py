"""Whether a report is about a mail of ours: its ids are looked up, never believed.

A mail of fulfilment is tied by its Message-ID (or the tag of its bounce address, the same 32 digits) to its effect,
and only for the recipient it went to: the effect's digest says who that was. A campaign's mail is tied by Listmonk's
subscriber, whose own address is the one acted on: whoever holds a mail of ours can forge a report about himself alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from pw_pipelines.bounces.delivery_status import readings
from pw_pipelines.bounces.model import Ids, Result

Connection = psycopg.Connection[dict[str, Any]]
# subscriber uuid -> address, or None where Listmonk knows no such person. Raises OutsideError when it can't be asked.
WhoIs = Callable[[str], str | None]


@dataclass(frozen=True)
class Tie:
    """How a result is tied to a mail of ours. mail: which one, for counting; email: the address of ours."""

    tie: str
    email: str | None = None
    mail: str | None = None
    effect_id: int | None = None
    item_id: int | None = None
    order_id: int | None = None


NONE = Tie("none")


def tie_of(connection: Connection, result: Result, ids: Ids, *, alone: bool, who_is: WhoIs) -> Tie:
    """alone: the report has no other recipient, so a forwarded mail's failure is the subscriber's."""
    for how, local in [*(("message_id", _local(each)) for each in ids.message_ids), *(("verp", t) for t in ids.tags)]:
        if found := _effect(connection, how, local, result, ids):
            return found
    if ids.subscriber and ids.campaign:
        email = who_is(ids.subscriber)
        candidates = {reading for address in result.addresses for reading in readings(address)}
        if email and (email in candidates or alone):
            return Tie("listmonk", email, f"campaign:{ids.campaign}")
    return NONE


def _local(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def _effect(connection: Connection, how: str, local: str, result: Result, ids: Ids) -> Tie | None:
    row = connection.execute(
        """select e.effect_id, e.item_id, e.payload_digest, e.reference, e.detail, i.order_id
           from pw.effects e join pw.order_items i using (item_id)
           where e.key like 'mail:%%' and (starts_with(e.reference, %s)
              or (e.state <> 'done' and left(encode(sha256(convert_to(e.key, 'UTF8')), 'hex'), 32) = %s)) limit 1""",
        (f"<{local}@", local),
    ).fetchone()
    if row is None:
        return None
    contents = row["detail"].get("attachments") or {}
    candidates = [reading for address in (*result.addresses, *ids.to) for reading in readings(address)]
    for address in dict.fromkeys(candidates):
        digest = hashlib.sha256(json.dumps([address, dict(contents)], sort_keys=True).encode()).hexdigest()
        if digest == row["payload_digest"]:
            return Tie(how, address, f"mail:{local}", row["effect_id"], row["item_id"], row["order_id"])
    return None
