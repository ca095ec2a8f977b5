"""What a person files by hand: the packet prepared for it, and the booking of what was filed.

A filing by hand is an effect like any other: one per item, never booked twice, with the portal's own number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from pw_pipelines.fulfillment.filing import demand_only_one, effect_key
from pw_pipelines.fulfillment.items import read_item
from pw_pipelines.fulfillment.model import Connection, FulfillmentError, Gate
from pw_pipelines.fulfillment.playbook import playbook_of

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


def demand_unfiled(connection: Connection, item_id: int) -> str | None:
    """The ledger's key of what the item files, None where its playbook names none.

    Raises FulfillmentError when that was filed, is being filed, or may have been: then nobody files it once more.
    """
    item = read_item(connection, item_id)
    if playbook_of(item.service, item.for_state).key is None:
        return None
    try:
        key = effect_key(connection, item)
        demand_only_one(connection, item, key)
    except Gate as gate:
        raise FulfillmentError(gate.why) from gate
    row = connection.execute(
        "select effect_id, item_id, state from pw.effects where key = %s for update", (key,)
    ).fetchone()
    if row is not None and (row["state"] != "not_done" or row["item_id"] != item_id):
        raise FulfillmentError(
            f"{key} is {row['state'].replace('_', ' ')} for item {row['item_id']} (effect {row['effect_id']}). "
            "Settle that first; nothing is filed twice."
        )
    return key


def record_filing(connection: Connection, item_id: int, filing: FilingByHand, *, by: str, now: datetime) -> int:
    """Books the filing as done, with its confirmation as evidence; returns the effect.

    What the playbook files is booked under its own key too, so that no run and no other item files the same.

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
    meant = demand_unfiled(connection, item_id)
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
    if meant is not None:
        _book_meant(connection, item_id, meant, filing, reference, now=now)
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


def _book_meant(
    connection: Connection, item_id: int, key: str, filing: FilingByHand, reference: str, *, now: datetime
) -> None:
    row = connection.execute(
        """insert into pw.effects (key, item_id, kind, payload_digest, state, attempts, intended_at, deadline_at,
             done_at, reference, detail)
           values (%(key)s, %(item)s, 'filing', %(digest)s, 'done', 1, %(now)s, %(now)s, %(now)s, %(reference)s,
             %(detail)s)
           on conflict (key) do update set state = 'done', owner = null, done_at = excluded.done_at,
             payload_digest = excluded.payload_digest, reference = excluded.reference, detail = excluded.detail
           returning effect_id""",
        {
            "key": key, "item": item_id, "digest": filing.confirmation_digest, "now": now, "reference": reference,
            "detail": Jsonb({"by_hand": True}),
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    connection.execute(
        'insert into pw.effect_events (effect_id, at, state, "by", text, detail) values (%s, %s, %s, %s, %s, %s)',
        (row["effect_id"], now, "done", "ledger", "A person filed it by hand.", Jsonb({})),
    )
