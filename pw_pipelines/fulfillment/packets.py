"""What a person files by hand: the packet prepared for it, and the booking of what was filed.

A filing by hand is an effect like any other: one per item, never booked twice, with the portal's own number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from pw_pipelines.fulfillment.model import Connection, FulfillmentError

KIND = "filing_by_hand"
_REFERENCE = re.compile(r"[^\x00-\x1f\x7f]{2,120}")


@dataclass(frozen=True)
class FilingByHand:
    """What the person says: the filing's number, and the confirmation's bytes by digest and kind."""

    reference: str
    confirmation_digest: str
    media_type: str
    note: str = ""


def key_of(item_id: int) -> str:
    """The effect's key."""
    return f"{KIND}:{item_id}"


def filed_reference(connection: Connection, item_id: int) -> str | None:
    """The number under which a person filed the item, None when nobody did yet. For the stage `file`."""
    row = connection.execute(
        "select reference from pw.effects where key = %s and state = 'done'", (key_of(item_id),)
    ).fetchone()
    return None if row is None else str(row["reference"])


def record_filing(connection: Connection, item_id: int, filing: FilingByHand, *, by: str, now: datetime) -> int:
    """Books the filing as done, with its confirmation as evidence; returns the effect.

    Raises FulfillmentError when the item does not wait for it, was booked before, or the number is none.
    """
    row = connection.execute(
        "select state, gate, stage from pw.item_work where item_id = %s for update", (item_id,)
    ).fetchone()
    if row is None:
        raise FulfillmentError(f"There is no work for an item {item_id}.")
    if row["state"] != "waiting" or row["gate"] != "packet":
        raise FulfillmentError(f"Item {item_id} does not wait to be filed by hand (any more).")
    reference = filing.reference.strip()
    if not _REFERENCE.fullmatch(reference):
        raise FulfillmentError("Give the filing's number as the portal shows it, 2 to 120 characters.")
    effect = connection.execute(
        """insert into pw.effects (key, item_id, kind, payload_digest, state, attempts, intended_at, deadline_at,
             done_at, reference, detail)
           values (%(key)s, %(item)s, %(kind)s, %(digest)s, 'done', 1, %(now)s, %(now)s, %(now)s, %(reference)s,
             %(detail)s)
           on conflict (key) do nothing returning effect_id""",
        {
            "key": key_of(item_id), "item": item_id, "kind": KIND, "digest": filing.confirmation_digest, "now": now,
            "reference": reference, "detail": Jsonb({"filed_by": by, "note": filing.note[:500]}),
        },
    ).fetchone()  # fmt: skip
    if effect is None:
        raise FulfillmentError(f"Item {item_id} was booked as filed before; it is not filed twice.")
    effect_id = int(effect["effect_id"])
    connection.execute(
        'insert into pw.effect_events (effect_id, at, state, "by", text, detail) values (%s, %s, %s, %s, %s, %s)',
        (effect_id, now, "done", by, "Filed by hand.", Jsonb({})),
    )
    connection.execute(
        """insert into pw.evidence (item_id, effect_id, stage, kind, title, media_type, digest, at)
           values (%s, %s, %s, 'confirmation', 'Confirmation of the filing by hand', %s, %s, %s)""",
        (item_id, effect_id, row["stage"], filing.media_type, filing.confirmation_digest, now),
    )
    return effect_id
